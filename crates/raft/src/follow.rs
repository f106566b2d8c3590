//! Following: fetch from the leader, store what comes, cut what diverges, take a snapshot where the log begins
//! too late (KIP-595, KIP-630).
//!
//! The next Fetch goes out only when the log is on disk to its end, since its offset says so to the leader.
//! A node that knows no leader, or cannot reach it, fetches from a bootstrap server to be told who leads.

use std::time::Duration;

use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};

use crate::{
    Action, Address, AppendBatch, FetchRequest, FetchResponse, FetchSnapshotRequest, FetchSnapshotResponse,
    FetchedBatch, LeaderHint, OffsetAndEpoch, Raft, Records, Request, SnapshotId, VoterSet, peers::Asked,
    roles::RoleState,
};

impl Raft {
    /// Whether a Fetch would tell the truth: all is on disk, and no snapshot is being put in place.
    fn may_fetch(&self) -> bool {
        #[cfg(any(test, feature = "planted"))]
        if self.fault == Some(crate::PlantedFault::AckBeforeDurable) {
            return self.installing.is_none();
        }
        self.installing.is_none() && self.log.durable() == self.log.end().offset
    }

    /// Goes on fetching, from the leader or whoever can name it.
    pub(crate) fn send_fetch(&mut self, now: Duration) {
        if !self.may_fetch() || self.peers.any_in_flight() {
            return;
        }
        let leader = match &self.role {
            RoleState::Follower(_) => self.leader_address(),
            RoleState::Unattached { .. } => None,
            _ => return,
        };
        match leader {
            Some(to) if !self.peers.is_paused(now, to.id) => self.send_fetch_to_leader(now, to),
            _ => {
                if let Some(to) = self.any_bootstrap(now) {
                    self.send_log_fetch(now, to);
                }
            }
        }
    }

    fn send_fetch_to_leader(&mut self, now: Duration, to: Address) {
        if let RoleState::Follower(following) = &self.role
            && let Some((id, position)) = following.snapshot
        {
            let request = FetchSnapshotRequest {
                replica: self.key(),
                current_epoch: self.state.epoch,
                snapshot: id,
                position,
                max_bytes: self.options.snapshot_max_bytes,
            };
            self.send(now, to, Asked::Snapshot { id, position }, Request::FetchSnapshot(request));
        } else {
            self.send_log_fetch(now, to);
        }
    }

    fn send_log_fetch(&mut self, now: Duration, to: Address) {
        let OffsetAndEpoch { offset, epoch } = self.log.end();
        let request = FetchRequest {
            replica: self.key(),
            current_epoch: self.state.epoch,
            fetch_offset: offset,
            last_fetched_epoch: epoch,
            high_watermark: self.high_watermark.unwrap_or(Offset::NONE),
            // An answer must come before the leader is given up.
            max_wait: self.options.fetch_max_wait.min(self.options.fetch_timeout / 2),
            max_bytes: self.options.fetch_max_bytes,
        };
        self.send(now, to, Asked::Fetch { offset, epoch }, Request::Fetch(request));
    }

    /// One of the bootstrap servers that did not just fail; voters where none are configured.
    fn any_bootstrap(&mut self, now: Duration) -> Option<Address> {
        let mut ready: Vec<Address> = if self.options.bootstrap_servers.is_empty() {
            let own = self.options.node_id;
            let others = self.voters().iter().filter(|voter| voter.key.id != own);
            others.filter_map(|voter| self.address(voter.key.id, &voter.endpoints)).collect()
        } else {
            (2..)
                .zip(&self.options.bootstrap_servers)
                .map(|(at, (host, port))| Address { id: NodeId(-at), host: host.clone(), port: *port })
                .collect()
        };
        ready.retain(|to| self.peers.is_ready(now, to.id));
        let choice = self.rng.below(ready.len());
        ready.into_iter().nth(choice)
    }

    pub(crate) fn on_fetch_response(
        &mut self,
        now: Duration,
        peer: NodeId,
        asked: OffsetAndEpoch,
        response: FetchResponse,
    ) {
        let Some((leader, hint_epoch)) = self.accept(now, peer, response.error, response.hint) else {
            return;
        };
        let is_current = self.state.leader == Some(leader) && hint_epoch == self.state.epoch;
        if !is_current || self.installing.is_some() || asked != self.log.end() {
            return;
        }
        // Only now the two logs are known to agree up to the end of this one: before, nothing in it is committed.
        let agrees = response.diverging.is_none() && response.snapshot.is_none();
        let sound = match (response.diverging, response.snapshot) {
            (Some(end), _) => self.cut_at(end),
            (None, Some(id)) => self.begin_snapshot(id),
            (None, None) => match response.records {
                Records::Batches(batches) => self.store(batches),
                Records::Empty | Records::Read { .. } => true,
            },
        };
        let RoleState::Follower(following) = &mut self.role else { return };
        if sound {
            following.fetch_deadline = now + self.options.fetch_timeout;
            following.has_fetched = true;
            if agrees {
                following.leader_high_watermark =
                    following.leader_high_watermark.max(response.high_watermark);
                self.follow_high_watermark();
            }
        } else {
            self.suspect(Some(leader), "a Fetch response that does not fit the log");
            self.peers.failed(now, peer);
        }
    }

    /// The leader's host says that the leader is not there, or it says itself that it leads no more: the election
    /// may come sooner, and others' pre-votes are no longer refused for its sake.
    pub(crate) fn on_leader_gone(&mut self, now: Duration) {
        let step = self.options.leader_gone_timeout;
        let soon = now + step * self.turn() + self.rng.spread(step / 2);
        let RoleState::Follower(following) = &mut self.role else { return };
        following.fetch_deadline = following.fetch_deadline.min(soon);
        following.has_fetched = false;
    }

    /// How many voters go before this one when their leader is gone. They all notice at once, and two that stand at once
    /// may both lose; another one is first in the next epoch, lest a voter that nobody elects is asked first for ever.
    fn turn(&self) -> u32 {
        let leader = self.state.leader;
        let others: Vec<NodeId> =
            self.voters().iter().map(|voter| voter.key.id).filter(|id| Some(*id) != leader).collect();
        let count = others.len().max(1);
        let place = others.iter().position(|id| *id == self.options.node_id).unwrap_or(count - 1);
        let first = self.state.epoch.0.unsigned_abs() as usize % count;
        ((place + count - first) % count) as u32
    }

    /// The part that all answers from a supposed leader share: takes up the hint, pauses after an error. Returns
    /// the leader that speaks, if the answer is to be used.
    fn accept(
        &mut self,
        now: Duration,
        peer: NodeId,
        error: ErrorCode,
        hint: LeaderHint,
    ) -> Option<(NodeId, LeaderEpoch)> {
        let transitions = self.transitions;
        let epoch = hint.epoch;
        let from_leader = hint.leader == Some(peer);
        let current = self.learn(now, epoch, hint.leader, hint.endpoints, from_leader);
        if transitions != self.transitions && error != ErrorCode::None {
            return None;
        }
        if !current || error != ErrorCode::None {
            self.peers.failed(now, peer);
            let resigned = matches!(error, ErrorCode::NotLeaderOrFollower | ErrorCode::BrokerNotAvailable);
            if resigned && epoch == self.state.epoch && self.state.leader == Some(peer) {
                self.on_leader_gone(now);
            }
            return None;
        }
        match (&self.role, hint.leader) {
            (RoleState::Follower(_), Some(leader)) => Some((leader, epoch)),
            _ => None,
        }
    }

    /// The logs part at or before `end`: removes what this one has beyond. False if that would take committed records.
    fn cut_at(&mut self, end: OffsetAndEpoch) -> bool {
        let cut = self.log.cut(end);
        if cut < self.high_watermark.unwrap_or(Offset::ZERO)
            || cut < self.log.start()
            || end.offset < Offset::ZERO
        {
            return false;
        }
        if cut < self.log.end().offset {
            self.log.truncate(cut);
            self.out.push(Action::Truncate { end: cut });
        }
        true
    }

    /// Appends the batches that continue the log; false if one does not.
    fn store(&mut self, batches: Vec<FetchedBatch>) -> bool {
        if batches.is_empty() {
            return true;
        }
        let mut kept = Vec::with_capacity(batches.len());
        for batch in batches {
            let end = self.log.end();
            let fits = batch.base_offset == end.offset
                && (batch.base_offset..Offset(i64::MAX)).contains(&batch.last_offset)
                && batch.epoch >= end.epoch
                && batch.epoch <= self.state.epoch
                && batch
                    .control
                    .iter()
                    .all(|(offset, _)| (batch.base_offset..=batch.last_offset).contains(offset));
            if !fits {
                break;
            }
            self.log.append(batch.epoch, batch.last_offset, &batch.control);
            kept.push(batch);
        }
        if kept.is_empty() {
            return false;
        }
        self.out.push(Action::Append(AppendBatch::Fetched(kept)));
        true
    }

    /// Commits what the leader has committed and this disk has.
    pub(crate) fn follow_high_watermark(&mut self) {
        let RoleState::Follower(following) = &self.role else { return };
        let mark = following.leader_high_watermark.min(self.log.durable());
        self.commit(mark);
    }

    fn begin_snapshot(&mut self, id: SnapshotId) -> bool {
        let behind = self.high_watermark.unwrap_or(Offset::ZERO) >= id.offset || id.epoch > self.state.epoch;
        let RoleState::Follower(following) = &mut self.role else { return false };
        if behind {
            return false;
        }
        following.snapshot = Some((id, 0));
        true
    }

    pub(crate) fn on_snapshot_response(
        &mut self,
        now: Duration,
        peer: NodeId,
        asked: (SnapshotId, u64),
        response: FetchSnapshotResponse,
    ) {
        // Kafka 4.3 fails to write any partition's error in this response, and says that its server is at fault.
        let gone = matches!(
            response.error,
            ErrorCode::SnapshotNotFound | ErrorCode::PositionOutOfRange | ErrorCode::UnknownServerError
        );
        let fits = response.snapshot == asked.0 && response.position == asked.1;
        let accepted = self.accept(now, peer, response.error, response.hint);
        let RoleState::Follower(following) = &mut self.role else { return };
        if following.snapshot != Some(asked) || self.installing.is_some() {
            return;
        }
        if gone {
            following.snapshot = None;
            return;
        }
        if accepted.is_none() {
            return;
        }
        let end = asked.1 + response.bytes.len() as u64;
        if !fits || end > response.size || (response.bytes.is_empty() && end < response.size) {
            following.snapshot = None;
            self.suspect(Some(peer), "a FetchSnapshot response that does not fit the request");
            self.peers.failed(now, peer);
            return;
        }
        following.fetch_deadline = now + self.options.fetch_timeout;
        following.has_fetched = true;
        following.snapshot = Some((asked.0, end));
        let (id, position) = asked;
        self.out.push(Action::WriteSnapshot { id, position, bytes: response.bytes });
        if end == response.size {
            self.installing = Some(id);
            self.out.push(Action::InstallSnapshot { id });
        }
    }

    pub(crate) fn on_snapshot_installed(
        &mut self,
        now: Duration,
        id: SnapshotId,
        kraft_version: Option<i16>,
        voters: Option<VoterSet>,
    ) {
        assert_eq!(self.installing.take(), Some(id), "a snapshot that was not to be installed");
        self.log.reset(id, kraft_version, voters);
        self.end_snapshot(now);
        self.commit(id.offset);
    }

    pub(crate) fn on_snapshot_rejected(&mut self, now: Duration, id: SnapshotId) {
        if self.installing == Some(id) {
            self.installing = None;
            self.end_snapshot(now);
            self.suspect(self.state.leader, "a snapshot that could not be used");
            if let Some(leader) = self.state.leader {
                self.peers.failed(now, leader);
            }
        }
    }

    fn end_snapshot(&mut self, now: Duration) {
        if let RoleState::Follower(following) = &mut self.role {
            following.snapshot = None;
            following.fetch_deadline = following.fetch_deadline.max(now + self.options.fetch_timeout);
        }
    }
}
