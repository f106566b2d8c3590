//! Vote (52): elections and their soundings (KIP-595, KIP-853, KIP-996).
//!
//! A vote is given at most once per epoch, to a replica whose log is not behind, and not where a leader is known.
//! A pre-vote binds nobody: it is granted by whoever does not hear from a leader. Votes are given to replicas
//! outside the own voter set too, since that set may be the one that is out of date.

use std::time::Duration;

use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};

use crate::{
    QuorumState, Raft, ReplicaKey, Request, Response, Token, VoteRequest, VoteResponse, peers::Asked,
    roles::RoleState, transition::LAST_EPOCH,
};

impl Raft {
    pub(crate) fn on_vote_request(&mut self, now: Duration, token: Token, request: &VoteRequest) {
        let response = match self.check_vote_request(now, request) {
            Err(error) => self.vote_response(error, false),
            Ok(()) => {
                let granted = self.would_grant(request);
                if granted && !request.pre_vote {
                    self.give_vote(now, request.candidate);
                }
                self.vote_response(ErrorCode::None, granted)
            }
        };
        self.respond(token, Response::Vote(response));
    }

    fn check_vote_request(&mut self, now: Duration, request: &VoteRequest) -> Result<(), ErrorCode> {
        let newest = request.log_end.epoch;
        let impossible = if request.pre_vote { newest > request.epoch } else { newest >= request.epoch };
        if impossible || newest < LeaderEpoch(0) || request.log_end.offset < Offset::ZERO {
            return Err(ErrorCode::InvalidRequest);
        }
        self.check_peer_epoch(request.candidate.id, request.epoch)?;
        if request.epoch > self.state.epoch {
            self.become_unattached(now, request.epoch, None);
        }
        self.check_addressee(request.voter)
    }

    /// A request among voters must not come from a former epoch.
    pub(crate) fn check_peer_epoch(&self, peer: NodeId, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        if epoch < self.state.epoch {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        if peer.0 < 0 || epoch == LAST_EPOCH { Err(ErrorCode::InvalidRequest) } else { Ok(()) }
    }

    /// The voter that a request names must be this replica, directory included where it is named.
    pub(crate) fn check_addressee(&self, voter: ReplicaKey) -> Result<(), ErrorCode> {
        let is_this = voter.id == self.options.node_id
            && (!voter.directory.is_known() || voter.directory == self.options.directory_id);
        if voter.id.0 < 0 || is_this { Ok(()) } else { Err(ErrorCode::InvalidVoterKey) }
    }

    fn would_grant(&self, request: &VoteRequest) -> bool {
        #[cfg(any(test, feature = "planted"))]
        if self.fault == Some(crate::PlantedFault::VoteTwice) && !request.pre_vote && !self.is_leader() {
            return request.log_end.is_not_behind(self.log.end());
        }
        let up_to_date = request.log_end.is_not_behind(self.log.end());
        match &self.role {
            RoleState::Leader(_) => false,
            RoleState::Follower(following) => request.pre_vote && up_to_date && !following.has_fetched,
            RoleState::Candidate(_) | RoleState::Resigned(_) => request.pre_vote && up_to_date,
            RoleState::Unattached { .. } | RoleState::Prospective(_) => {
                if request.pre_vote {
                    up_to_date
                } else if let Some(voted) = self.state.voted {
                    is_same_replica(voted, request.candidate)
                } else {
                    self.state.leader.is_none() && up_to_date
                }
            }
        }
    }

    fn give_vote(&mut self, now: Duration, candidate: ReplicaKey) {
        if let RoleState::Unattached { deadline } = &mut self.role {
            *deadline = now + self.rng.spread(self.options.election_timeout);
        }
        self.persist(QuorumState { voted: Some(candidate), ..self.state });
    }

    fn vote_response(&self, error: ErrorCode, granted: bool) -> VoteResponse {
        VoteResponse { error, hint: self.hint(), granted }
    }

    /// Asks every voter that has neither answered nor just failed. A pre-vote that was refused is asked for again: the
    /// voter may not have noticed yet that its leader is gone.
    pub(crate) fn send_votes(&mut self, now: Duration) {
        let (ballot, pre_vote) = match &self.role {
            RoleState::Prospective(ballot) => (ballot, true),
            RoleState::Candidate(ballot) => (ballot, false),
            _ => return,
        };
        let asked: Vec<_> = self
            .voters()
            .iter()
            .filter(|voter| {
                let id = &voter.key.id;
                !ballot.granted.contains(id) && (pre_vote || !ballot.rejected.contains(id))
            })
            .filter(|voter| self.peers.is_ready(now, voter.key.id))
            .filter_map(|voter| Some((voter.key, self.address(voter.key.id, &voter.endpoints)?)))
            .collect();
        for (voter, to) in asked {
            let request = VoteRequest {
                voter,
                epoch: self.state.epoch,
                candidate: self.key(),
                log_end: self.log.end(),
                pre_vote,
            };
            self.send(now, to, Asked::Vote { pre_vote }, Request::Vote(request));
        }
    }

    pub(crate) fn on_vote_response(
        &mut self,
        now: Duration,
        peer: NodeId,
        pre_vote: bool,
        response: VoteResponse,
    ) {
        // A voter that does not know pre-votes would take part in any election.
        let too_old = pre_vote && response.error == ErrorCode::UnsupportedVersion;
        let hint = response.hint;
        if !too_old {
            if response.error != ErrorCode::None {
                self.peers.failed(now, peer);
            }
            if !self.learn(now, hint.epoch, hint.leader, hint.endpoints, hint.leader == Some(peer)) {
                return;
            }
        }
        let ballot = match &mut self.role {
            RoleState::Prospective(ballot) if pre_vote => ballot,
            RoleState::Candidate(ballot) if !pre_vote => ballot,
            _ => return,
        };
        if too_old || (response.granted && response.error == ErrorCode::None) {
            ballot.rejected.remove(&peer);
            ballot.granted.insert(peer);
        } else if response.error == ErrorCode::None {
            ballot.rejected.insert(peer);
            self.peers.failed(now, peer);
        }
    }
}

fn is_same_replica(voted: ReplicaKey, candidate: ReplicaKey) -> bool {
    voted.id == candidate.id
        && (!voted.directory.is_known()
            || !candidate.directory.is_known()
            || voted.directory == candidate.directory)
}
