//! What becomes due by time: elections, repeated requests, check quorum; and the way of answers to who asked.

use std::time::Duration;

use chronik_types::{ErrorCode, NodeId};

use crate::{
    OffsetAndEpoch, Raft, RequestId, ResignReason, Response,
    peers::Asked,
    roles::{Leading, RoleState},
};

impl Raft {
    pub(crate) fn on_response(&mut self, now: Duration, id: RequestId, response: Response) {
        let Some((peer, asked)) = self.peers.answered(id) else { return };
        match (asked, response) {
            (Asked::Vote { pre_vote }, Response::Vote(response)) => {
                self.on_vote_response(now, peer, pre_vote, response);
            }
            (Asked::BeginEpoch, Response::BeginQuorumEpoch(response))
            | (Asked::EndEpoch, Response::EndQuorumEpoch(response)) => {
                self.on_epoch_response(now, peer, asked, response);
            }
            (Asked::UpdateVoter, Response::UpdateVoter(response)) => {
                self.on_update_response(now, peer, response);
            }
            (Asked::Fetch { offset, epoch }, Response::Fetch(response)) => {
                self.on_fetch_response(now, peer, OffsetAndEpoch { offset, epoch }, response);
            }
            (Asked::Snapshot { id, position }, Response::FetchSnapshot(response)) => {
                self.on_snapshot_response(now, peer, (id, position), response);
            }
            (Asked::JoinOrLeave, Response::Ack(ack)) => {
                if ack.error != ErrorCode::None {
                    self.peers.failed(now, peer);
                }
            }
            (Asked::Versions, Response::ApiVersions(response)) => self.on_versions(now, &response),
            (asked, _) => {
                self.suspect(Some(peer), "an answer of another kind than the request");
                self.peers.failed(now, peer);
                self.on_no_answer(now, peer, asked);
            }
        }
    }

    pub(crate) fn on_no_answer(&mut self, now: Duration, peer: NodeId, asked: Asked) {
        match asked {
            Asked::Versions => self.abort_change("the new voter did not answer ApiVersions"),
            Asked::BeginEpoch => {
                if let Some(leading) = self.leading() {
                    leading.begin_due.insert(peer, now);
                }
            }
            _ => {}
        }
    }

    /// Does all that is due, and says when the next thing will be.
    pub(crate) fn settle(&mut self, now: Duration) -> Option<Duration> {
        self.peers.expire(now);
        loop {
            let transitions = self.transitions;
            self.poll(now);
            if self.transitions == transitions {
                break;
            }
        }
        let role = self.role_deadline();
        role.into_iter().chain(self.peers.next_deadline(now)).filter(|at| *at > now).min()
    }

    /// Whether this node may seek to be elected: a voter, or one whose removal is not known to be committed. The
    /// latter may be the only one with the record that the remaining voters need (Ongaro's thesis, 4.2.2); Kafka's
    /// controllers do not stand then, and two of them can wait for each other for ever.
    fn may_stand(&self) -> bool {
        let may_vote = self.options.can_vote && !self.stopping && self.installing.is_none();
        let may_vote = may_vote && self.next_epoch().is_some();
        may_vote && (self.is_voter() || self.log.may_return(self.key(), self.high_watermark))
    }

    fn poll(&mut self, now: Duration) {
        match &self.role {
            RoleState::Unattached { deadline } => {
                if self.may_stand() && self.is_only_voter() {
                    self.become_candidate(now);
                } else if self.may_stand() && *deadline <= now {
                    self.become_prospective(now);
                } else if !self.stopping {
                    self.send_fetch(now);
                }
            }
            RoleState::Prospective(ballot) => {
                if self.may_stand() && ballot.is_won(self.voters()) {
                    self.become_candidate(now);
                } else if ballot.deadline <= now || ballot.is_lost(self.voters()) {
                    self.give_up_standing(now);
                } else {
                    self.send_votes(now);
                }
            }
            RoleState::Candidate(ballot) => {
                if ballot.is_won(self.voters()) {
                    self.become_leader(now);
                } else if ballot.deadline <= now {
                    self.become_prospective(now);
                } else {
                    self.send_votes(now);
                }
            }
            RoleState::Leader(leading) => {
                if self.quorum_needed() > 0 && leading.check_quorum_deadline <= now {
                    self.become_resigned(now, ResignReason::LostQuorum);
                } else {
                    self.expire_change(now);
                    self.complete_parked(now);
                    self.send_begin_epoch(now);
                }
            }
            RoleState::Follower(following) => {
                if self.may_stand() && following.fetch_deadline <= now {
                    self.become_prospective(now);
                } else if !self.stopping {
                    self.send_membership(now);
                    self.send_fetch(now);
                }
            }
            RoleState::Resigned(resigning) => match self.next_epoch() {
                Some(next) if resigning.deadline <= now && !self.stopping => {
                    self.become_unattached(now, next, None);
                }
                _ => self.send_end_epoch(now),
            },
        }
    }

    /// The others would not elect this node: back to the leader that they may still hear, if one is known.
    fn give_up_standing(&mut self, now: Duration) {
        let hint = self.hint();
        match hint.leader {
            Some(leader) if leader != self.options.node_id && !hint.endpoints.is_empty() => {
                self.become_follower(now, hint.epoch, leader, hint.endpoints);
            }
            leader => self.become_unattached(now, hint.epoch, leader),
        }
    }

    fn role_deadline(&self) -> Option<Duration> {
        match &self.role {
            RoleState::Unattached { deadline } => self.may_stand().then_some(*deadline),
            RoleState::Prospective(ballot) | RoleState::Candidate(ballot) => Some(ballot.deadline),
            RoleState::Leader(leading) => self.leader_deadline(leading),
            RoleState::Follower(following) => {
                let fetch = self.may_stand().then_some(following.fetch_deadline);
                let membership = self.membership_request().map(|_| following.membership_deadline);
                fetch.into_iter().chain(membership).min()
            }
            RoleState::Resigned(resigning) => (!self.stopping).then_some(resigning.deadline),
        }
    }

    fn leader_deadline(&self, leading: &Leading) -> Option<Duration> {
        let quorum = (self.quorum_needed() > 0).then_some(leading.check_quorum_deadline);
        let parked = leading.parked.values().map(|parked| parked.deadline);
        let change = leading.change.as_ref().map(|change| change.deadline);
        leading.begin_due.values().copied().chain(parked).chain(quorum).chain(change).min()
    }
}
