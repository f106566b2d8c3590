//! BeginQuorumEpoch (53) and EndQuorumEpoch (54): a leader makes itself known, and says goodbye (KIP-595).
//!
//! BeginQuorumEpoch is repeated to each voter that does not fetch. EndQuorumEpoch lists the voters by how much of
//! the log they have: the first stands for election at once, each later one waits longer.

use std::time::Duration;

use chronik_types::{ErrorCode, LeaderEpoch, NodeId};

use crate::{
    BeginQuorumEpochRequest, EndQuorumEpochRequest, Endpoints, EpochResponse, Raft, ReplicaKey, Request,
    Response, Token, peers::Asked, roles::RoleState,
};

impl Raft {
    pub(crate) fn on_begin_epoch(&mut self, now: Duration, token: Token, request: BeginQuorumEpochRequest) {
        let outcome = self.meet_leader(now, request.leader, request.epoch, request.endpoints);
        let outcome = outcome.and_then(|()| self.check_addressee(request.voter));
        let response = self.epoch_response(outcome.err().unwrap_or(ErrorCode::None));
        self.respond(token, Response::BeginQuorumEpoch(response));
    }

    pub(crate) fn on_end_epoch(&mut self, now: Duration, token: Token, request: EndQuorumEpochRequest) {
        let outcome = self.meet_leader(now, request.leader, request.epoch, request.endpoints);
        let wait = self.succession_wait(&request.preferred);
        if outcome.is_ok()
            && self.state.leader == Some(request.leader)
            && let RoleState::Follower(following) = &mut self.role
        {
            following.fetch_deadline = now + wait;
            // It is going: pre-votes are no longer refused for its sake.
            following.has_fetched = false;
        }
        let response = self.epoch_response(outcome.err().unwrap_or(ErrorCode::None));
        self.respond(token, Response::EndQuorumEpoch(response));
    }

    fn meet_leader(
        &mut self,
        now: Duration,
        leader: NodeId,
        epoch: LeaderEpoch,
        endpoints: Endpoints,
    ) -> Result<(), ErrorCode> {
        self.check_peer_epoch(leader, epoch)?;
        if leader == self.options.node_id {
            // Nobody else may speak for this node, whatever the epoch.
            return Err(ErrorCode::InvalidRequest);
        }
        if self.learn(now, epoch, Some(leader), endpoints, true) {
            Ok(())
        } else {
            Err(ErrorCode::InvalidRequest)
        }
    }

    /// Nothing for the preferred successor, then up to the maximum, doubling from place to place.
    fn succession_wait(&self, preferred: &[ReplicaKey]) -> Duration {
        let most = self.options.election_backoff_max;
        let place = preferred.iter().position(|key| {
            key.id == self.options.node_id
                && (!key.directory.is_known() || key.directory == self.options.directory_id)
        });
        match place {
            Some(0) => Duration::ZERO,
            Some(place) => {
                let halvings = u32::try_from(preferred.len() - 1 - place).unwrap_or(u32::MAX).min(31);
                most / (1 << halvings)
            }
            None => most,
        }
    }

    /// BeginQuorumEpoch to each voter that does not fetch.
    pub(crate) fn send_begin_epoch(&mut self, now: Duration) {
        let period = self.options.fetch_timeout / 2;
        let RoleState::Leader(leading) = &self.role else { return };
        let silent = |key: ReplicaKey| {
            let fetched = leading.replicas.get(&key).and_then(|progress| progress.last_fetch);
            fetched.is_none_or(|at| now >= at + period)
        };
        let due: Vec<_> = self
            .voters()
            .iter()
            .filter(|voter| leading.begin_due.get(&voter.key.id).is_some_and(|at| *at <= now))
            .filter(|voter| self.peers.is_ready(now, voter.key.id))
            .map(|voter| (voter.key, silent(voter.key), self.address(voter.key.id, &voter.endpoints)))
            .collect();
        for (voter, silent, address) in due {
            if let Some(leading) = self.leading() {
                leading.begin_due.insert(voter.id, now + period);
            }
            if let (true, Some(to)) = (silent, address) {
                let request = BeginQuorumEpochRequest {
                    voter,
                    leader: self.options.node_id,
                    epoch: self.state.epoch,
                    endpoints: self.options.endpoints.clone(),
                };
                self.send(now, to, Asked::BeginEpoch, Request::BeginQuorumEpoch(request));
            }
        }
    }

    /// EndQuorumEpoch to each voter that has not acknowledged it.
    pub(crate) fn send_end_epoch(&mut self, now: Duration) {
        let RoleState::Resigned(resigning) = &self.role else { return };
        let preferred = resigning.preferred.clone();
        let due: Vec<_> = resigning
            .unacknowledged
            .iter()
            .filter(|id| self.peers.is_ready(now, **id))
            .filter_map(|id| self.address(*id, &self.voter_endpoints(*id)))
            .collect();
        for to in due {
            let request = EndQuorumEpochRequest {
                leader: self.options.node_id,
                epoch: self.state.epoch,
                preferred: preferred.clone(),
                endpoints: self.options.endpoints.clone(),
            };
            self.send(now, to, Asked::EndEpoch, Request::EndQuorumEpoch(request));
        }
    }

    pub(crate) fn on_epoch_response(
        &mut self,
        now: Duration,
        peer: NodeId,
        asked: Asked,
        response: EpochResponse,
    ) {
        let hint = response.hint;
        let current = self.learn(now, hint.epoch, hint.leader, hint.endpoints, hint.leader == Some(peer));
        if response.error != ErrorCode::None {
            self.peers.failed(now, peer);
            if asked == Asked::BeginEpoch
                && let Some(leading) = self.leading()
            {
                leading.begin_due.insert(peer, now);
            }
        } else if let RoleState::Resigned(resigning) = &mut self.role
            && asked == Asked::EndEpoch
            && current
        {
            resigning.unacknowledged.remove(&peer);
        }
    }
}
