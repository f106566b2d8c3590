//! AddRaftVoter (80), RemoveRaftVoter (81), UpdateRaftVoter (82) and the upgrade of `kraft.version` (KIP-853).
//!
//! One change at a time, and only after this leader's epoch has begun to commit: any two consecutive voter sets
//! then share a majority. A voter set is in force as soon as its record is in the log. A leader that removed itself
//! goes on until the removal is committed, without counting itself.

use std::time::Duration;

use chronik_types::{ErrorCode, NodeId, Offset};

use crate::{
    AddVoterRequest, ApiVersionsResponse, ControlRecord, Raft, RemoveVoterRequest, Request, Response, Token,
    UpdateVoterRequest, Voter, VoterSet,
    peers::Asked,
    roles::{Change, RoleState, Stage},
};

/// A new voter must have been at the end of the log within this time (Kafka: an hour).
const CAUGHT_UP_WITHIN: Duration = Duration::from_hours(1);

type Refusal = (ErrorCode, String);

fn refusal<T>(error: ErrorCode, message: impl Into<String>) -> Result<T, Refusal> {
    Err((error, message.into()))
}

impl Raft {
    /// What every change needs: leadership, no other change under way, a committed voter set.
    fn check_change(&self) -> Result<(), Refusal> {
        if let Err(error) = self.check_leads_in(self.state.epoch) {
            return refusal(error, "this node does not lead the quorum");
        }
        let RoleState::Leader(leading) = &self.role else { return Ok(()) };
        if leading.change.is_some() {
            return refusal(ErrorCode::RequestTimedOut, "the leader is still busy with another voter change");
        }
        if !self.is_established() {
            return refusal(ErrorCode::RequestTimedOut, "the leader has not committed in its epoch yet");
        }
        let mark = self.high_watermark.unwrap_or(Offset::ZERO);
        if self.log.voters().is_some_and(|(offset, _)| *offset >= mark) {
            return refusal(ErrorCode::RequestTimedOut, "the latest voter change is not committed yet");
        }
        Ok(())
    }

    fn check_reconfigurable(&self) -> Result<(), Refusal> {
        self.check_change()?;
        if self.kraft_version() < 1 {
            return refusal(
                ErrorCode::UnsupportedVersion,
                "the voters cannot be changed while kraft.version is 0",
            );
        }
        Ok(())
    }

    pub(crate) fn on_add_voter(&mut self, now: Duration, token: Token, request: AddVoterRequest) {
        if let Err((error, message)) = self.begin_add(now, token, request) {
            self.acknowledge(token, error, Some(message));
        }
    }

    fn begin_add(&mut self, now: Duration, token: Token, request: AddVoterRequest) -> Result<(), Refusal> {
        let AddVoterRequest { voter, endpoints, ack_when_committed, timeout: _ } = request;
        if voter.id.0 < 0 || !voter.directory.is_known() {
            return refusal(ErrorCode::InvalidRequest, "a voter has an id and a directory id");
        }
        if endpoints.on(&self.options.listener).is_none() {
            let message = format!("the voter has no endpoint for the listener {}", self.options.listener);
            return refusal(ErrorCode::InvalidRequest, message);
        }
        self.check_reconfigurable()?;
        if self.voters().get(voter.id).is_some() {
            return refusal(
                ErrorCode::DuplicateVoter,
                format!("voter {} is in the set {:?}", voter.id, self.voters()),
            );
        }
        let ready = self.address(voter.id, &endpoints).filter(|to| self.peers.is_ready(now, to.id));
        let Some(to) = ready else {
            return refusal(ErrorCode::RequestTimedOut, format!("voter {voter:?} cannot be asked now"));
        };
        self.send(now, to, Asked::Versions, Request::ApiVersions);
        let deadline = now + self.options.request_timeout;
        let stage = Stage::AskingVersions { voter, endpoints, ack_when_committed };
        if let Some(leading) = self.leading() {
            leading.change = Some(Change { token: Some(token), deadline, stage });
        }
        Ok(())
    }

    pub(crate) fn on_versions(&mut self, now: Duration, response: &ApiVersionsResponse) {
        let version = self.kraft_version();
        let Some(leading) = self.leading() else { return };
        let Some(Change {
            token: Some(token),
            stage: Stage::AskingVersions { voter, endpoints, ack_when_committed },
            ..
        }) = leading.change.clone()
        else {
            return;
        };
        let caught_up = leading.replicas.get(&voter).and_then(|progress| progress.last_caught_up);
        let fault = if response.error != ErrorCode::None {
            Some((ErrorCode::RequestTimedOut, format!("ApiVersions of {voter:?}: {}", response.error)))
        } else if response.versions.is_none_or(|range| !range.contains(version)) {
            Some((ErrorCode::InvalidRequest, format!("{voter:?} does not support kraft.version {version}")))
        } else if caught_up.is_none_or(|at| now > at + CAUGHT_UP_WITHIN) {
            Some((ErrorCode::RequestTimedOut, format!("{voter:?} has not caught up with the log")))
        } else {
            None
        };
        if let (None, Some(versions)) = (&fault, response.versions) {
            let deadline = now + self.options.request_timeout;
            let voters = self.voters().with(Voter { key: voter, endpoints, versions });
            self.change_voters(now, token, voters, deadline, ack_when_committed);
        } else if let Some((error, message)) = fault {
            leading.change = None;
            self.acknowledge(token, error, Some(message));
        }
    }

    pub(crate) fn on_remove_voter(&mut self, now: Duration, token: Token, request: &RemoveVoterRequest) {
        if let Err((error, message)) = self.begin_remove(now, token, request) {
            self.acknowledge(token, error, Some(message));
        }
    }

    fn begin_remove(
        &mut self,
        now: Duration,
        token: Token,
        request: &RemoveVoterRequest,
    ) -> Result<(), Refusal> {
        self.check_reconfigurable()?;
        let voter = request.voter;
        if self.voters().get(voter.id).is_none_or(|known| known.key != voter) {
            let message = format!("{voter:?} is not among the voters {:?}", self.voters());
            return refusal(ErrorCode::VoterNotFound, message);
        }
        if self.voters().len() == 1 {
            return refusal(ErrorCode::InvalidRequest, "the last voter cannot be removed");
        }
        let deadline = now + self.options.request_timeout;
        let voters = self.voters().without(voter.id);
        self.change_voters(now, token, voters, deadline, true);
        Ok(())
    }

    fn change_voters(
        &mut self,
        now: Duration,
        token: Token,
        voters: VoterSet,
        deadline: Duration,
        wait: bool,
    ) {
        let offset = self.log.end().offset;
        let change = Change { token: wait.then_some(token), deadline, stage: Stage::Committing { offset } };
        self.renew_quorum(now);
        if let Some(leading) = self.leading() {
            leading.change = Some(change);
        }
        self.append_control(now, vec![ControlRecord::Voters(voters)]);
        if !wait {
            self.acknowledge(token, ErrorCode::None, None);
        }
        self.advance_high_watermark(now);
    }

    pub(crate) fn on_update_voter(&mut self, now: Duration, token: Token, request: UpdateVoterRequest) {
        let error = self.update_voter(now, request).err().unwrap_or(ErrorCode::None);
        let response = self.epoch_response(error);
        self.respond(token, Response::UpdateVoter(response));
    }

    /// Answered without waiting for the commit, as in Kafka: nobody depends on it.
    fn update_voter(&mut self, now: Duration, request: UpdateVoterRequest) -> Result<(), ErrorCode> {
        let UpdateVoterRequest { current_epoch, voter: key, endpoints, versions } = request;
        self.check_leads_in(current_epoch)?;
        if key.id.0 < 0 || !key.directory.is_known() {
            return Err(ErrorCode::InvalidRequest);
        }
        self.check_change().map_err(|(error, _)| error)?;
        if versions.min > versions.max
            || !versions.contains(self.kraft_version())
            || endpoints.on(&self.options.listener).is_none()
        {
            return Err(ErrorCode::InvalidRequest);
        }
        let known = self.voters().get(key.id).ok_or(ErrorCode::VoterNotFound)?;
        if self.kraft_version() < 1 {
            if let Some(leading) = self.leading() {
                leading.told.insert(key.id, (key, endpoints, versions));
            }
            return Ok(());
        }
        if known.key != key {
            return Err(ErrorCode::VoterNotFound);
        }
        let voter = Voter { key, endpoints, versions };
        if *known != voter {
            let voters = self.voters().with(voter);
            self.append_control(now, vec![ControlRecord::Voters(voters)]);
        }
        Ok(())
    }

    pub(crate) fn on_upgrade(&mut self, now: Duration, token: Token, version: i16) {
        if let Err((error, message)) = self.begin_upgrade(now, token, version) {
            self.acknowledge(token, error, Some(message));
        }
    }

    /// From static voters to voters in the log: every voter must have told who it is (UpdateRaftVoter).
    fn begin_upgrade(&mut self, now: Duration, token: Token, version: i16) -> Result<(), Refusal> {
        self.check_change()?;
        let current = self.kraft_version();
        if version == current {
            self.acknowledge(token, ErrorCode::None, None);
            return Ok(());
        }
        if version < current || !self.options.versions.contains(version) {
            let message = format!("kraft.version cannot go from {current} to {version}");
            return refusal(ErrorCode::InvalidUpdateVersion, message);
        }
        let RoleState::Leader(leading) = &self.role else { return Ok(()) };
        let own = (self.key(), self.options.endpoints.clone(), self.options.versions);
        let mut voters = Vec::new();
        for id in self.voters().ids() {
            let told = if id == self.options.node_id { Some(&own) } else { leading.told.get(&id) };
            match told {
                Some((key, endpoints, versions)) if versions.contains(version) => {
                    voters.push(Voter { key: *key, endpoints: endpoints.clone(), versions: *versions });
                }
                _ => {
                    let message = format!("voter {id} is not known to support kraft.version {version}");
                    return refusal(ErrorCode::InvalidUpdateVersion, message);
                }
            }
        }
        let offset = self.log.end().offset.next();
        let deadline = now + self.options.request_timeout;
        if let Some(leading) = self.leading() {
            leading.change =
                Some(Change { token: Some(token), deadline, stage: Stage::Committing { offset } });
        }
        let records =
            vec![ControlRecord::KRaftVersion(version), ControlRecord::Voters(VoterSet::new(voters))];
        self.append_control(now, records);
        Ok(())
    }

    /// The high watermark has moved: the change may be done.
    pub(crate) fn complete_change(&mut self, mark: Offset) {
        let Some(leading) = self.leading() else { return };
        let Some(Change { stage: Stage::Committing { offset }, token, .. }) = leading.change else { return };
        if offset < mark {
            leading.change = None;
            if let Some(token) = token {
                self.acknowledge(token, ErrorCode::None, None);
            }
        }
    }

    /// The time of the change is up. Its record stays in the log, and no other change begins before it is committed.
    pub(crate) fn expire_change(&mut self, now: Duration) {
        let Some(leading) = self.leading() else { return };
        if leading.change.as_ref().is_some_and(|change| change.deadline <= now) {
            self.abort_change("the change was not committed in time");
        }
    }

    pub(crate) fn abort_change(&mut self, why: &str) {
        let Some(leading) = self.leading() else { return };
        if let Some(token) = leading.change.take().and_then(|change| change.token) {
            self.acknowledge(token, ErrorCode::RequestTimedOut, Some(why.to_owned()));
        }
    }

    /// What a follower has to ask of its leader about its own membership, if anything.
    pub(crate) fn membership_request(&self) -> Option<(Asked, Request)> {
        let RoleState::Follower(following) = &self.role else { return None };
        if !following.has_fetched || !self.options.can_vote || self.stopping {
            return None;
        }
        if self.is_voter() {
            let known = self.voters().get(self.options.node_id)?;
            let outdated = if self.kraft_version() < 1 {
                !following.has_updated_leader && self.options.versions.max > 0
            } else {
                known.endpoints != self.options.endpoints || known.versions != self.options.versions
            };
            let request = UpdateVoterRequest {
                current_epoch: self.state.epoch,
                voter: self.key(),
                endpoints: self.options.endpoints.clone(),
                versions: self.options.versions,
            };
            return outdated.then_some((Asked::UpdateVoter, Request::UpdateVoter(request)));
        }
        if !self.options.auto_join || self.kraft_version() < 1 {
            return None;
        }
        let request = match self.voters().get(self.options.node_id) {
            Some(former) => Request::RemoveVoter(RemoveVoterRequest { voter: former.key }),
            None => Request::AddVoter(AddVoterRequest {
                timeout: self.options.request_timeout,
                voter: self.key(),
                endpoints: self.options.endpoints.clone(),
                ack_when_committed: false,
            }),
        };
        Some((Asked::JoinOrLeave, request))
    }

    pub(crate) fn send_membership(&mut self, now: Duration) {
        let RoleState::Follower(following) = &self.role else { return };
        if following.membership_deadline > now || self.peers.any_in_flight() {
            return;
        }
        let leader = self.leader_address().filter(|to| self.peers.is_ready(now, to.id));
        let (Some((asked, request)), Some(to)) = (self.membership_request(), leader) else { return };
        self.send(now, to, asked, request);
        self.put_off_membership(now);
    }

    fn put_off_membership(&mut self, now: Duration) {
        let period = self.options.fetch_timeout;
        if let RoleState::Follower(following) = &mut self.role {
            following.membership_deadline = now + period;
        }
    }

    pub(crate) fn on_update_response(&mut self, now: Duration, peer: NodeId, response: crate::EpochResponse) {
        let error = response.error;
        self.on_epoch_response(now, peer, Asked::UpdateVoter, response);
        let done = matches!(error, ErrorCode::None | ErrorCode::UnsupportedVersion);
        if let RoleState::Follower(following) = &mut self.role
            && done
        {
            following.has_updated_leader = true;
        }
    }
}
