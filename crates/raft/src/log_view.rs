//! What the machine knows of its log: a mirror, kept by its own decisions, not a view into the real one.
//!
//! The shell describes the log once, at start; from then on every append and truncation is the machine's own
//! decision, so the mirror and the log cannot disagree unless an action was not carried out.

use std::fmt;

use chronik_types::{LeaderEpoch, Offset};

use crate::{ControlRecord, ReplicaKey, VoterSet};

/// A log's end, or a place in it: the offset after a record, and the epoch of that record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct OffsetAndEpoch {
    /// The offset after the last record covered.
    pub offset: Offset,
    /// The epoch of that record; 0 for the start of an empty log.
    pub epoch: LeaderEpoch,
}

impl fmt::Debug for OffsetAndEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/e{}", self.offset, self.epoch)
    }
}

impl OffsetAndEpoch {
    /// Whether a log that ends here is at least as up to date as one that ends at `other` (Raft paper 5.4.1).
    pub fn is_not_behind(self, other: OffsetAndEpoch) -> bool {
        (self.epoch, self.offset) >= (other.epoch, other.offset)
    }
}

/// A snapshot is named by the log position that it replaces: `<end offset>-<epoch>.checkpoint` (KIP-630).
pub type SnapshotId = OffsetAndEpoch;

/// Where an epoch begins in the log (one line of `leader-epoch-checkpoint`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EpochStart {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// The offset of its first record.
    pub start_offset: Offset,
}

/// The log as it was found on disk. All of it must be durable: sync it before the machine starts, since after a
/// crash of the process alone the page cache may hold what the disk does not. A log that ends before the latest
/// snapshot must have been emptied up to it first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogState {
    /// The first offset that the log still holds.
    pub start: Offset,
    /// The epoch of the record before `start` (from the name of the snapshot that ends there); 0 if `start` is 0.
    pub start_epoch: LeaderEpoch,
    /// The offset of the next record.
    pub end: Offset,
    /// The epochs in the log, ascending.
    pub epochs: Vec<EpochStart>,
    /// The latest snapshot, if there is one (after `kafka-storage format --standalone`: 0/e0).
    pub snapshot: Option<SnapshotId>,
    /// Each `kraft.version` record with its offset: the one of the snapshot (offset: the snapshot's end offset - 1)
    /// and those of the log's control batches.
    pub kraft_versions: Vec<(Offset, i16)>,
    /// Each voters record with its offset, as for `kraft_versions`.
    pub voter_sets: Vec<(Offset, VoterSet)>,
}

/// What a leader thinks of the place where a replica wants to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// The two logs agree up to there.
    Agrees,
    /// They do not; the leader's end of the largest epoch that both may share.
    Diverges(OffsetAndEpoch),
    /// The log no longer reaches that far back.
    InSnapshot(SnapshotId),
}

/// The mirror.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    start: OffsetAndEpoch,
    end: Offset,
    durable: Offset,
    epochs: Vec<EpochStart>,
    snapshot: Option<SnapshotId>,
    kraft_versions: Vec<(Offset, i16)>,
    voter_sets: Vec<(Offset, VoterSet)>,
}

impl Log {
    pub(crate) fn new(mut found: LogState) -> Log {
        found.kraft_versions.sort_by_key(|(offset, _)| *offset);
        found.voter_sets.sort_by_key(|(offset, _)| *offset);
        Log {
            start: OffsetAndEpoch { offset: found.start, epoch: found.start_epoch },
            end: found.end,
            durable: found.end,
            epochs: found.epochs,
            snapshot: found.snapshot,
            kraft_versions: found.kraft_versions,
            voter_sets: found.voter_sets,
        }
    }

    pub(crate) fn start(&self) -> Offset {
        self.start.offset
    }

    pub(crate) fn durable(&self) -> Offset {
        self.durable
    }

    pub(crate) fn epochs(&self) -> &[EpochStart] {
        &self.epochs
    }

    pub(crate) fn snapshot(&self) -> Option<SnapshotId> {
        self.snapshot
    }

    /// The end offset and the epoch of the last record (0 in a log that never held one).
    pub(crate) fn end(&self) -> OffsetAndEpoch {
        let epoch = self.epochs.last().map_or(self.start.epoch, |last| last.epoch);
        OffsetAndEpoch { offset: self.end, epoch }
    }

    /// The largest epoch not above `epoch`, and where it ends.
    pub(crate) fn end_of_epoch(&self, epoch: LeaderEpoch) -> OffsetAndEpoch {
        let after = self.epochs.partition_point(|entry| entry.epoch <= epoch);
        let offset = self.epochs.get(after).map_or(self.end, |next| next.start_offset);
        let found = if after == 0 { self.start.epoch } else { self.epochs[after - 1].epoch };
        OffsetAndEpoch { offset, epoch: found }
    }

    /// The epoch of the record before `end`, if the log knows.
    pub(crate) fn epoch_before(&self, end: Offset) -> Option<LeaderEpoch> {
        if end < self.start.offset || end > self.end {
            return None;
        }
        let after = self.epochs.partition_point(|entry| entry.start_offset < end);
        Some(if after == 0 { self.start.epoch } else { self.epochs[after - 1].epoch })
    }

    /// Whether a replica whose log ends at `offset` after a record of `epoch` agrees with this log (KIP-595, KIP-630).
    pub(crate) fn place(&self, offset: Offset, epoch: LeaderEpoch) -> Place {
        let snapshot = self.snapshot.filter(|id| *id != SnapshotId::default());
        if let Some(snapshot) = snapshot
            && offset == Offset::ZERO
        {
            // Whoever has nothing is served faster from a snapshot.
            return Place::InSnapshot(snapshot);
        }
        if self.start.offset == Offset::ZERO && offset == Offset::ZERO && epoch == LeaderEpoch(0) {
            return Place::Agrees;
        }
        if let Some(snapshot) = snapshot
            && (offset < self.start.offset
                || (offset == self.start.offset && offset > Offset::ZERO && epoch != self.start.epoch)
                || epoch < self.start.epoch)
        {
            return Place::InSnapshot(snapshot);
        }
        let ours = self.end_of_epoch(epoch);
        if ours.epoch != epoch || ours.offset < offset { Place::Diverges(ours) } else { Place::Agrees }
    }

    /// Where to cut the log, given the leader's answer that it diverges: the logs may still agree below.
    pub(crate) fn cut(&self, leader: OffsetAndEpoch) -> Offset {
        let ours = self.end_of_epoch(leader.epoch);
        if ours.epoch == leader.epoch { ours.offset.min(leader.offset) } else { ours.offset }
    }

    /// Records the append of a batch up to and including `last`.
    pub(crate) fn append(&mut self, epoch: LeaderEpoch, last: Offset, control: &[(Offset, ControlRecord)]) {
        if self.epochs.last().is_none_or(|entry| entry.epoch < epoch) {
            self.epochs.push(EpochStart { epoch, start_offset: self.end });
        }
        for (offset, record) in control {
            match record {
                ControlRecord::KRaftVersion(version) => self.kraft_versions.push((*offset, *version)),
                ControlRecord::Voters(voters) => self.voter_sets.push((*offset, voters.clone())),
                _ => {}
            }
        }
        self.end = last.next();
    }

    pub(crate) fn set_durable(&mut self, end: Offset) {
        self.durable = self.durable.max(end.min(self.end));
    }

    pub(crate) fn truncate(&mut self, end: Offset) {
        self.end = end;
        self.durable = self.durable.min(end);
        self.epochs.retain(|entry| entry.start_offset < end);
        self.kraft_versions.retain(|(offset, _)| *offset < end);
        self.voter_sets.retain(|(offset, _)| *offset < end);
    }

    pub(crate) fn set_snapshot(&mut self, id: SnapshotId) {
        self.snapshot = Some(id);
    }

    /// The head is gone up to `start`. What the snapshots before it said about voters stays known.
    pub(crate) fn move_start(&mut self, start: Offset) {
        let Some(epoch) = self.epoch_before(start) else { return };
        self.start = OffsetAndEpoch { offset: start, epoch };
        let gone = self.epochs.partition_point(|entry| entry.start_offset <= start);
        if gone > 0 {
            self.epochs.drain(..gone - 1);
            self.epochs[0].start_offset = start;
            if self.end == start {
                self.epochs.clear();
            }
        }
        keep_last_before(&mut self.kraft_versions, start);
        keep_last_before(&mut self.voter_sets, start);
    }

    /// A snapshot has replaced everything.
    pub(crate) fn reset(&mut self, id: SnapshotId, kraft_version: Option<i16>, voters: Option<VoterSet>) {
        let before = Offset(id.offset.0 - 1);
        *self = Log {
            start: id,
            end: id.offset,
            durable: id.offset,
            epochs: Vec::new(),
            snapshot: Some(id),
            kraft_versions: kraft_version.map(|version| (before, version)).into_iter().collect(),
            voter_sets: voters.map(|set| (before, set)).into_iter().collect(),
        };
    }

    /// The latest voters record and its offset; -1 if it comes from the bootstrap snapshot.
    pub(crate) fn voters(&self) -> Option<&(Offset, VoterSet)> {
        self.voter_sets.last()
    }

    /// Whether the latest voters record removed that voter, but may yet be truncated.
    pub(crate) fn may_return(&self, key: ReplicaKey, high_watermark: Option<Offset>) -> bool {
        let [.., (_, former), (offset, latest)] = self.voter_sets.as_slice() else { return false };
        *offset >= high_watermark.unwrap_or(Offset::ZERO) && former.contains(key) && !latest.contains(key)
    }

    /// The voters record in force before `end`.
    pub(crate) fn voters_before(&self, end: Offset) -> Option<&VoterSet> {
        self.voter_sets.iter().rev().find(|(offset, _)| *offset < end).map(|(_, set)| set)
    }

    /// The latest `kraft.version`; 0 if none was ever written.
    pub(crate) fn kraft_version(&self) -> i16 {
        self.kraft_versions.last().map_or(0, |(_, version)| *version)
    }

    /// The `kraft.version` in force before `end`.
    pub(crate) fn kraft_version_before(&self, end: Offset) -> i16 {
        self.kraft_versions.iter().rev().find(|(offset, _)| *offset < end).map_or(0, |(_, version)| *version)
    }
}

fn keep_last_before<T>(entries: &mut Vec<(Offset, T)>, start: Offset) {
    let before = entries.partition_point(|(offset, _)| *offset < start);
    entries.drain(..before.saturating_sub(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: i64, epoch: i32) -> OffsetAndEpoch {
        OffsetAndEpoch { offset: Offset(offset), epoch: LeaderEpoch(epoch) }
    }

    /// Epoch 1 from 0, epoch 3 from 10, epoch 4 from 20 to 30.
    fn log() -> Log {
        let mut log = Log::new(LogState::default());
        for (epoch, last) in [(1, 9), (3, 14), (3, 19), (4, 29)] {
            log.append(LeaderEpoch(epoch), Offset(last), &[]);
        }
        log
    }

    fn place(log: &Log, offset: i64, epoch: i32) -> Place {
        log.place(Offset(offset), LeaderEpoch(epoch))
    }

    #[test]
    fn logs_agree_where_the_last_epoch_reaches() {
        let log = log();
        for (offset, epoch) in [(0, 0), (5, 1), (10, 1), (20, 3), (30, 4)] {
            assert_eq!(place(&log, offset, epoch), Place::Agrees, "{offset} in epoch {epoch}");
        }
        assert_eq!(place(&log, 11, 1), Place::Diverges(at(10, 1)));
        assert_eq!(place(&log, 15, 2), Place::Diverges(at(10, 1)));
        assert_eq!(place(&log, 31, 4), Place::Diverges(at(30, 4)));
        assert_eq!(place(&log, 31, 5), Place::Diverges(at(30, 4)));
        assert_eq!(place(&log, 1, 0), Place::Diverges(at(0, 0)));
    }

    #[test]
    fn the_cut_is_where_both_logs_may_still_agree() {
        let log = log();
        assert_eq!(log.cut(at(25, 4)), Offset(25));
        assert_eq!(log.cut(at(99, 3)), Offset(20));
        assert_eq!(log.cut(at(15, 2)), Offset(10));
        assert_eq!(log.cut(at(0, 0)), Offset(0));
    }

    #[test]
    fn a_log_without_its_head_sends_to_the_snapshot() {
        let mut log = log();
        log.set_snapshot(at(15, 3));
        log.move_start(Offset(15));
        assert_eq!(log.epoch_before(Offset(15)), Some(LeaderEpoch(3)));
        assert_eq!(log.epoch_before(Offset(14)), None);
        assert_eq!(place(&log, 15, 3), Place::Agrees);
        for (offset, epoch) in [(0, 0), (14, 3), (15, 1), (20, 1)] {
            assert_eq!(place(&log, offset, epoch), Place::InSnapshot(at(15, 3)), "{offset} in epoch {epoch}");
        }
        log.move_start(Offset(30));
        assert_eq!(log.end(), at(30, 4));
    }

    #[test]
    fn a_truncation_takes_epochs_and_voters_back() {
        let mut log = log();
        log.append(LeaderEpoch(5), Offset(30), &[(Offset(30), ControlRecord::Voters(VoterSet::default()))]);
        log.set_durable(Offset(31));
        log.truncate(Offset(20));
        assert_eq!(log.end(), at(20, 3));
        assert_eq!(log.durable(), Offset(20));
        assert!(log.voters().is_none());
    }

    #[test]
    fn control_records_come_in_any_order() {
        let found = LogState { kraft_versions: vec![(Offset(9), 1), (Offset(2), 0)], ..LogState::default() };
        assert_eq!(Log::new(found).kraft_version(), 1);
    }
}
