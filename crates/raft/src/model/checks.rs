//! The invariants, checked after every step.
//!
//! 1. Election safety: at most one leader per epoch, and it begins once.
//! 2. Votes are never forgotten: a replica gives one vote per epoch, through any number of crashes.
//! 3. Log matching: a batch with a given end offset and epoch is the same everywhere, and so is what precedes it.
//! 4. Leader completeness: a new leader's log holds everything that was ever committed.
//! 5. State machine safety: what is committed at an offset is the same on every node, for ever.
//! 6. A leader commits only over records of its own epoch, and only what a majority of the voters has on disk.
//! 7. High watermarks and epochs never go back while a node runs; the epoch not even through a crash.

use std::collections::BTreeMap;

use chronik_types::{LeaderEpoch, NodeId, Offset};

use crate::{ControlRecord, FetchedBatch, ReplicaKey, VoterSet, model::disk::Disk};

#[derive(Debug, Default)]
pub(crate) struct Checks {
    leaders: BTreeMap<LeaderEpoch, NodeId>,
    votes: BTreeMap<(ReplicaKey, LeaderEpoch), ReplicaKey>,
    /// By end offset and epoch: the batch, and the epoch before it.
    batches: BTreeMap<(Offset, LeaderEpoch), (u64, LeaderEpoch)>,
    /// The state after each committed batch, by its end offset.
    committed: BTreeMap<Offset, (u64, LeaderEpoch)>,
    epochs: BTreeMap<ReplicaKey, LeaderEpoch>,
    /// The latest committed voter set.
    pub(crate) voters: Option<VoterSet>,
    pub(crate) violation: Option<String>,
}

/// Folds a number into a running hash.
pub(crate) fn fold(hash: u64, number: u64) -> u64 {
    (hash ^ number).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
}

pub(crate) fn fingerprint(batch: &FetchedBatch) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for number in
        [batch.base_offset.0, batch.last_offset.0, i64::from(batch.epoch.0), batch.control.len() as i64]
    {
        hash = fold(hash, number as u64);
    }
    for (_, record) in &batch.control {
        hash = record.value().into_iter().fold(hash, |hash, byte| fold(hash, u64::from(byte)));
    }
    batch.bytes.iter().fold(hash, |hash, byte| fold(hash, u64::from(*byte)))
}

impl Checks {
    fn violated(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    pub(crate) fn leads(&mut self, node: NodeId, epoch: LeaderEpoch, disk: &Disk) {
        if let Some(other) = self.leaders.insert(epoch, node) {
            self.violated(format!("election safety: {node} leads epoch {epoch}, and so did {other}"));
        }
        let Some((end, (_, committed_epoch))) = self.committed.last_key_value().map(|(end, at)| (*end, *at))
        else {
            return;
        };
        let holds = end <= disk.start.offset
            || disk.log.iter().any(|batch| batch.last_offset.next() == end && batch.epoch == committed_epoch);
        if !holds {
            self.violated(format!(
                "leader completeness: {node} leads epoch {epoch} without the record before {end}"
            ));
        }
    }

    pub(crate) fn votes(&mut self, voter: ReplicaKey, epoch: LeaderEpoch, candidate: ReplicaKey) {
        let first = *self.votes.entry((voter, epoch)).or_insert(candidate);
        if first != candidate {
            self.violated(format!(
                "votes: {voter:?} voted in epoch {epoch} for {first:?} and then {candidate:?}"
            ));
        }
    }

    pub(crate) fn appended(&mut self, node: NodeId, batch: &FetchedBatch, before: LeaderEpoch) {
        let print = (fingerprint(batch), before);
        let end = batch.last_offset.next();
        let first = *self.batches.entry((end, batch.epoch)).or_insert(print);
        if first != print {
            self.violated(format!(
                "log matching: {node} has another batch before {end} in epoch {}",
                batch.epoch
            ));
        }
    }

    /// A node has committed one more batch; returns the state after it.
    pub(crate) fn committed(&mut self, node: NodeId, state: u64, batch: &FetchedBatch) -> u64 {
        let state = fold(state, fingerprint(batch));
        let end = batch.last_offset.next();
        let newest = self.committed.last_key_value().map_or(Offset::ZERO, |(end, _)| *end);
        match self.committed.get(&end) {
            Some((first, _)) if *first == state => {}
            None if batch.base_offset == newest => {
                self.committed.insert(end, (state, batch.epoch));
                for (_, record) in &batch.control {
                    if let ControlRecord::Voters(voters) = record {
                        self.voters = Some(voters.clone());
                    }
                }
            }
            _ => self.violated(format!("state machine safety: {node} committed something else before {end}")),
        }
        state
    }

    pub(crate) fn state_at(&self, end: Offset) -> Option<u64> {
        self.committed.get(&end).map(|(state, _)| *state)
    }

    pub(crate) fn committed_end(&self) -> Offset {
        self.committed.last_key_value().map_or(Offset::ZERO, |(end, _)| *end)
    }

    pub(crate) fn leader_commits<'a>(
        &mut self,
        leader: ReplicaKey,
        epoch: LeaderEpoch,
        mark: Offset,
        voters: &VoterSet,
        disk_of: impl Fn(ReplicaKey) -> Option<&'a Disk>,
    ) {
        let log = disk_of(leader).map(|disk| disk.log.as_slice()).unwrap_or_default();
        let newest = log.iter().find(|batch| batch.last_offset.next() == mark).map(|batch| batch.epoch);
        if newest != Some(epoch) {
            self.violated(format!(
                "{leader:?} in epoch {epoch} commits up to {mark}, a record of epoch {newest:?}"
            ));
        }
        let has = |key: ReplicaKey| disk_of(key).is_some_and(|disk| disk.synced_epoch_before(mark) == newest);
        let have = voters.iter().filter(|voter| has(voter.key)).count();
        if have < voters.majority() {
            self.violated(format!(
                "{leader:?} commits up to {mark}, which only {have} of {voters:?} have on disk"
            ));
        }
    }

    pub(crate) fn mark_moves(&mut self, node: NodeId, from: Option<Offset>, to: Offset) {
        if from.is_some_and(|from| from >= to) {
            self.violated(format!("the high watermark of {node} goes from {from:?} to {to}"));
        }
    }

    pub(crate) fn epoch_is(&mut self, node: ReplicaKey, epoch: LeaderEpoch) {
        let known = self.epochs.entry(node).or_insert(epoch);
        let former = *known;
        *known = epoch;
        if former > epoch {
            self.violated(format!("the epoch of {node:?} went from {former} to {epoch}"));
        }
    }
}
