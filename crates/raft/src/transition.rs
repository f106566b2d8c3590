//! Changes of role: the only place where a node becomes something else.
//!
//! Each of them writes `quorum-state` before anything that another node could see, says `Resigned` first if this
//! node led, and forgets all requests in flight. The epoch never goes back; in one epoch a vote once given and a
//! leader once known stay.

use std::{collections::BTreeMap, time::Duration};

use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};

use crate::{
    Action, ControlRecord, Endpoints, LeaderChange, QuorumState, Raft, ReplicaKey, ResignReason, Response,
    roles::{Ballot, Following, Leading, Progress, Resigning, RoleState},
};

/// No epoch could follow this one: a message that names it is not believed, and no node stands for it.
pub(crate) const LAST_EPOCH: LeaderEpoch = LeaderEpoch(i32::MAX);

impl Raft {
    /// The role that the disk calls for.
    pub(crate) fn begin(&mut self, now: Duration) {
        if self.state.epoch < self.log.end().epoch {
            self.persist(QuorumState { epoch: self.log.end().epoch, leader: None, voted: None });
        }
        let deadline = now + self.election_timeout();
        self.role = RoleState::Unattached { deadline };
        match self.state.leader {
            Some(leader) if leader == self.options.node_id && !self.is_only_voter() => {
                let unacknowledged = self.voters().ids().filter(|id| *id != leader).collect();
                let preferred = Vec::new();
                self.role = RoleState::Resigned(Resigning { deadline, preferred, unacknowledged });
            }
            Some(leader) if leader != self.options.node_id && !self.voter_endpoints(leader).is_empty() => {
                self.role = self.following(now);
                self.out.push(Action::BecameFollower { epoch: self.state.epoch, leader });
            }
            _ => {}
        }
    }

    pub(crate) fn next_epoch(&self) -> Option<LeaderEpoch> {
        let next = LeaderEpoch(self.state.epoch.0 + 1);
        (next < LAST_EPOCH).then_some(next)
    }

    pub(crate) fn is_only_voter(&self) -> bool {
        self.options.can_vote && self.voters().is_only(self.key())
    }

    pub(crate) fn election_timeout(&mut self) -> Duration {
        self.rng.spread(self.options.election_timeout)
    }

    /// No leader in that epoch as far as this node knows.
    pub(crate) fn become_unattached(&mut self, now: Duration, epoch: LeaderEpoch, leader: Option<NodeId>) {
        let deadline = match self.role.election_deadline() {
            Some(deadline) if epoch > self.state.epoch && deadline > now => deadline,
            _ => now + self.election_timeout(),
        };
        let voted = if epoch == self.state.epoch { self.state.voted } else { None };
        let state = QuorumState { epoch, leader, voted };
        self.change_role(state, RoleState::Unattached { deadline }, ResignReason::HigherEpoch);
        self.out.push(Action::BecameUnattached { epoch });
    }

    /// Sounds out whether an election would be won; the epoch stays.
    pub(crate) fn become_prospective(&mut self, now: Duration) {
        let deadline = now + self.election_timeout();
        let ballot = Ballot::new(self.options.node_id, deadline);
        self.change_role(self.state, RoleState::Prospective(ballot), ResignReason::HigherEpoch);
        self.out.push(Action::BecameProspective { epoch: self.state.epoch });
    }

    /// Stands for election in the next epoch, with its own vote on disk first.
    pub(crate) fn become_candidate(&mut self, now: Duration) {
        let deadline = now + self.election_timeout();
        let epoch = self.next_epoch().expect("only who may stand becomes a candidate");
        let state = QuorumState { epoch, leader: None, voted: Some(self.key()) };
        let ballot = Ballot::new(self.options.node_id, deadline);
        self.change_role(state, RoleState::Candidate(ballot), ResignReason::HigherEpoch);
        self.out.push(Action::BecameCandidate { epoch });
    }

    /// Leads the epoch that it stood for. The first batch says so to everybody who reads the log.
    pub(crate) fn become_leader(&mut self, now: Duration) {
        let RoleState::Candidate(ballot) = &self.role else { return };
        let granting: Vec<NodeId> = ballot.granted.iter().copied().collect();
        let epoch = self.state.epoch;
        let start_offset = self.log.end().offset;
        let own = self.options.node_id;
        let leading = Leading {
            epoch_start: start_offset,
            replicas: self.voters().iter().map(|voter| (voter.key, Progress::default())).collect(),
            fetched: Default::default(),
            check_quorum_deadline: now + self.check_quorum_timeout(),
            begin_due: self.voters().ids().filter(|id| *id != own).map(|id| (id, now)).collect(),
            parked: BTreeMap::new(),
            change: None,
            told: BTreeMap::new(),
        };
        let state = QuorumState { epoch, leader: Some(own), voted: None };
        self.change_role(state, RoleState::Leader(Box::new(leading)), ResignReason::HigherEpoch);
        self.out.push(Action::BecameLeader { epoch, start_offset });
        let mut records = vec![ControlRecord::LeaderChange(LeaderChange {
            leader: own,
            voters: self.voters().iter().map(|voter| voter.key).collect(),
            granting: granting
                .into_iter()
                .map(|id| self.voters().get(id).map_or(ReplicaKey::without_directory(id), |voter| voter.key))
                .collect(),
        })];
        if let Some((Offset(-1), voters)) = self.log.voters() {
            // The bootstrap snapshot is not replicated: what it says goes into the log.
            records.push(ControlRecord::KRaftVersion(self.kraft_version()));
            records.push(ControlRecord::Voters(voters.clone()));
        }
        self.append_control(now, records);
    }

    /// Follows a leader.
    pub(crate) fn become_follower(
        &mut self,
        now: Duration,
        epoch: LeaderEpoch,
        leader: NodeId,
        endpoints: Endpoints,
    ) {
        let voted = if epoch == self.state.epoch { self.state.voted } else { None };
        let role = self.following(now);
        self.leader_endpoints = endpoints;
        let state = QuorumState { epoch, leader: Some(leader), voted };
        self.change_role(state, role, ResignReason::HigherEpoch);
        self.out.push(Action::BecameFollower { epoch, leader });
    }

    /// Gives up leading, and tells the others so that they need not wait for a time-out.
    pub(crate) fn become_resigned(&mut self, now: Duration, reason: ResignReason) {
        let deadline = now + self.election_timeout();
        let own = self.options.node_id;
        let preferred = self.successors();
        let unacknowledged = self.voters().ids().filter(|id| *id != own).collect();
        let role = RoleState::Resigned(Resigning { deadline, preferred, unacknowledged });
        self.change_role(self.state, role, reason);
    }

    /// Takes up what a message says about who leads. `from_leader`: it comes from the leader itself.
    ///
    /// Returns whether this node is now in the message's epoch.
    pub(crate) fn learn(
        &mut self,
        now: Duration,
        epoch: LeaderEpoch,
        leader: Option<NodeId>,
        endpoints: Endpoints,
        from_leader: bool,
    ) -> bool {
        if epoch < self.state.epoch || epoch == LAST_EPOCH {
            return false;
        }
        let leader = leader.filter(|id| id.0 >= 0);
        let endpoints = match leader {
            Some(leader) if endpoints.is_empty() => self.voter_endpoints(leader),
            _ => endpoints,
        };
        let own = leader == Some(self.options.node_id);
        if epoch > self.state.epoch {
            match leader {
                Some(leader) if !own && !endpoints.is_empty() => {
                    self.become_follower(now, epoch, leader, endpoints);
                }
                // An epoch that this node led and has no memory of: it must not vote in it.
                _ => self.become_unattached(now, epoch, leader),
            }
            return true;
        }
        let Some(leader) = leader.filter(|_| !own && !endpoints.is_empty()) else { return true };
        if self.state.leader.is_some_and(|known| known != leader) {
            self.suspect(Some(leader), "two leaders in one epoch");
            return false;
        }
        let follows = match &self.role {
            RoleState::Follower(_) => {
                // Some messages name only the listener that they came over.
                if endpoints.0.len() > self.leader_endpoints.0.len() {
                    self.leader_endpoints = endpoints.clone();
                }
                false
            }
            RoleState::Leader(_) | RoleState::Resigned(_) => false,
            _ => {
                from_leader
                    || self.state.leader.is_none()
                    || matches!(self.role, RoleState::Unattached { .. })
            }
        };
        if follows {
            self.become_follower(now, epoch, leader, endpoints);
        }
        true
    }

    pub(crate) fn suspect(&mut self, peer: Option<NodeId>, what: &'static str) {
        self.out.push(Action::Suspect { peer, what });
    }

    fn following(&mut self, now: Duration) -> RoleState {
        RoleState::Follower(Following {
            fetch_deadline: now + self.options.fetch_timeout,
            has_fetched: false,
            leader_high_watermark: Offset::ZERO,
            snapshot: None,
            membership_deadline: now + self.options.fetch_timeout,
            has_updated_leader: false,
        })
    }

    fn change_role(&mut self, state: QuorumState, role: RoleState, reason: ResignReason) {
        let led = self.state.epoch;
        let old = std::mem::replace(&mut self.role, role);
        self.peers.reset();
        self.transitions += 1;
        if matches!(old, RoleState::Leader(_)) {
            self.out.push(Action::Resigned { epoch: led, reason });
        }
        self.persist(state);
        let RoleState::Leader(old) = old else { return };
        for token in old.parked.into_keys() {
            let response = self.fetch_refusal(ErrorCode::NotLeaderOrFollower);
            self.respond(token, Response::Fetch(response));
        }
        if let Some(token) = old.change.and_then(|change| change.token) {
            let message = "the leader resigned before the change was committed".to_owned();
            self.acknowledge(token, ErrorCode::NotLeaderOrFollower, Some(message));
        }
    }

    /// Writes the state to disk if it changed. A write that nothing visible has followed yet is replaced: one
    /// sync is enough for both.
    pub(crate) fn persist(&mut self, state: QuorumState) {
        if state == self.state {
            return;
        }
        assert!(state.epoch >= self.state.epoch, "the epoch went back");
        if state.leader.is_none_or(|leader| leader == self.options.node_id) {
            self.leader_endpoints = Endpoints::EMPTY;
        }
        self.state = state;
        let content = state.to_json(self.kraft_version(), self.voters());
        let action = Action::Persist { state, content };
        let silent = self
            .out
            .iter()
            .rev()
            .take_while(|action| {
                matches!(
                    action,
                    Action::BecameUnattached { .. }
                        | Action::BecameProspective { .. }
                        | Action::BecameCandidate { .. }
                )
            })
            .count();
        let before = self.out.len() - silent;
        match before.checked_sub(1).map(|at| &mut self.out[at]) {
            Some(earlier @ Action::Persist { .. }) => *earlier = action,
            _ => self.out.push(action),
        }
    }
}
