//! What the machine knows of its log: a mirror, kept by its own decisions, not a view into the real one.
//!
//! The shell describes the log once, at start; from then on every append and truncation is the machine's own
//! decision, so the mirror and the log cannot disagree unless an action was not carried out.

use std::fmt;

use chronik_types::{LeaderEpoch, Offset};

use crate::VoterSet;

/// A log's end, or a place in it: the offset after a record, and the epoch of that record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
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
/// crash of the process alone the page cache may hold what the disk does not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogState {
    /// The first offset that the log still holds.
    pub start: Offset,
    /// The offset of the next record.
    pub end: Offset,
    /// The epochs in the log, ascending.
    pub epochs: Vec<EpochStart>,
    /// The latest snapshot, if there is one (after `kafka-storage format --standalone`: 0/e0).
    pub snapshot: Option<SnapshotId>,
    /// Each `kraft.version` record with its offset, ascending: the one of the snapshot first (offset: the
    /// snapshot's end offset - 1), then those of control batches after it.
    pub kraft_versions: Vec<(Offset, i16)>,
    /// Each voters record with its offset, ascending, as for `kraft_versions`.
    pub voter_sets: Vec<(Offset, VoterSet)>,
}
