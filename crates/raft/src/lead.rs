//! What a leader does with its own log: append, count who has it, commit, and step down when nobody listens.
//!
//! The high watermark is the highest offset that a majority of the voters has on disk, this node's disk included
//! only if it votes. It moves only past the start of the leader's own epoch (Raft paper 5.4.2), and never back.

use std::time::Duration;

use chronik_types::Offset;

use crate::{Action, AppendBatch, ControlRecord, Proposal, Raft, ReplicaKey, ResignReason, roles::RoleState};

impl Raft {
    pub(crate) fn append_proposed(&mut self, proposal: Proposal) -> Offset {
        let base_offset = self.log.end().offset;
        let epoch = self.state.epoch;
        self.log.append(epoch, base_offset.plus(i64::from(proposal.record_count) - 1), &[]);
        self.out.push(Action::Append(AppendBatch::Proposed { base_offset, epoch, batch: proposal.batch }));
        base_offset
    }

    /// Appends a control batch and returns its first offset.
    pub(crate) fn append_control(&mut self, now: Duration, records: Vec<ControlRecord>) -> Offset {
        let base_offset = self.log.end().offset;
        let epoch = self.state.epoch;
        let placed: Vec<_> = records
            .iter()
            .enumerate()
            .map(|(at, record)| (base_offset.plus(at as i64), record.clone()))
            .collect();
        self.log.append(epoch, base_offset.plus(records.len() as i64 - 1), &placed);
        self.out.push(Action::Append(AppendBatch::Control { base_offset, epoch, records }));
        self.track_voters(now);
        self.complete_parked(now);
        base_offset
    }

    /// Keeps what is known of replicas when they become voters or observers, and begins to call new voters.
    fn track_voters(&mut self, now: Duration) {
        let own = self.options.node_id;
        let voters: Vec<ReplicaKey> = self.voters().iter().map(|voter| voter.key).collect();
        let Some(leading) = self.leading() else { return };
        for voter in &voters {
            if !leading.replicas.contains_key(voter) {
                // With `kraft.version` 0 the replica was known without its directory.
                let known = leading.replicas.remove(&ReplicaKey::without_directory(voter.id));
                leading.replicas.insert(*voter, known.unwrap_or_default());
            }
            if voter.id != own {
                leading.begin_due.entry(voter.id).or_insert(now);
            }
        }
        leading.begin_due.retain(|id, _| voters.iter().any(|voter| voter.id == *id));
        leading.fetched.retain(|id| voters.iter().any(|voter| voter.id == *id));
    }

    pub(crate) fn on_durable(&mut self, now: Duration, end: Offset) {
        self.log.set_durable(end);
        match &self.role {
            RoleState::Leader(_) => self.advance_high_watermark(now),
            RoleState::Follower(_) => self.follow_high_watermark(),
            _ => {}
        }
    }

    pub(crate) fn advance_high_watermark(&mut self, now: Duration) {
        let RoleState::Leader(leading) = &self.role else { return };
        let own = self.key();
        let mut ends: Vec<Offset> = self
            .voters()
            .iter()
            .map(|voter| {
                if voter.key.id == own.id && self.voters().contains(own) {
                    return self.log.durable();
                }
                leading.replicas.get(&voter.key).and_then(|progress| progress.end).unwrap_or(Offset::NONE)
            })
            .collect();
        ends.sort_unstable_by(|a, b| b.cmp(a));
        let Some(mark) = ends.get(self.voters().majority() - 1).copied() else { return };
        #[cfg(any(test, feature = "planted"))]
        let mark =
            if self.fault == Some(crate::PlantedFault::CommitAlone) { self.log.durable() } else { mark };
        #[cfg(any(test, feature = "planted"))]
        let counts_old_epochs = self.fault == Some(crate::PlantedFault::CommitOldEpoch);
        #[cfg(not(any(test, feature = "planted")))]
        let counts_old_epochs = false;
        if mark <= leading.epoch_start && !counts_old_epochs {
            return;
        }
        if self.commit(mark.min(self.log.end().offset)) {
            self.on_committed(now, mark);
        }
    }

    /// Raises the high watermark, if it is higher.
    pub(crate) fn commit(&mut self, mark: Offset) -> bool {
        if mark <= Offset::ZERO || self.high_watermark.is_some_and(|known| known >= mark) {
            return false;
        }
        self.high_watermark = Some(mark);
        self.out.push(Action::Committed { high_watermark: mark });
        true
    }

    fn on_committed(&mut self, now: Duration, mark: Offset) {
        self.complete_change(mark);
        self.complete_parked(now);
        if !self.is_voter() && self.log.voters().is_some_and(|(offset, _)| *offset < mark) {
            self.become_resigned(now, ResignReason::Removed);
        }
    }

    /// Whether this leader's own epoch has begun to commit: only then is the latest voter set beyond doubt.
    pub(crate) fn is_established(&self) -> bool {
        let RoleState::Leader(leading) = &self.role else { return false };
        self.high_watermark.is_some_and(|mark| mark > leading.epoch_start)
    }

    pub(crate) fn check_quorum_timeout(&self) -> Duration {
        self.options.fetch_timeout * 3 / 2
    }

    /// How many other voters must have fetched lately for a majority to be there.
    pub(crate) fn quorum_needed(&self) -> usize {
        self.voters().majority() - usize::from(self.voters().contains(self.key()))
    }

    /// The voters other than this node, those with most of the log first.
    pub(crate) fn successors(&self) -> Vec<ReplicaKey> {
        let RoleState::Leader(leading) = &self.role else { return Vec::new() };
        let own = self.options.node_id;
        let mut voters: Vec<(Option<Offset>, ReplicaKey)> = self
            .voters()
            .iter()
            .filter(|voter| voter.key.id != own)
            .map(|voter| (leading.replicas.get(&voter.key).and_then(|progress| progress.end), voter.key))
            .collect();
        voters.sort_by_key(|(end, _)| std::cmp::Reverse(*end));
        voters.into_iter().map(|(_, key)| key).collect()
    }
}
