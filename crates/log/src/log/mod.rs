//! One log: its segments in a directory, and what is known about them.
//!
//! Invariants, between calls:
//! - `start <= durable <= end`, unless nothing is left below `end`; offsets below `end` are in the segments, densely
//!   apart from what compaction removed, in files whose names are their base offsets.
//! - Segments rise in base offset and do not overlap; only the last one, the active one, is written to.
//! - Epochs, producers and indexes describe exactly the batches below `end`.
//! - A directory and files are made at the first append, not before. An idle log holds no file open for long.

mod append;
mod aside;
mod checkpoint;
mod clean;
mod lookup;
mod open;
mod read;
mod recover;
mod retention;
mod roll;
mod sync;
mod truncate;

use std::path::Path;
use std::sync::Arc;

use chronik_types::{LeaderEpoch, Millis, Offset, TopicId};

use crate::epochs::{EpochEnd, Epochs};
use crate::error::{Context, LogError};
use crate::files::Files;
use crate::index::AbortedTxn;
use crate::options::LogOptions;
use crate::producers::{ProducerSummary, Producers};
use crate::segment::Segment;

pub use append::Appended;
pub use aside::Aside;
pub use checkpoint::{CheckpointJob, Checkpointed};
pub use clean::Dirt;
pub use lookup::{Located, Lookup, TimestampQuery};
pub use open::Open;
pub use read::ReadSlice;
pub use recover::{Cut, Recovery};
pub use retention::RemovalJob;
pub use sync::{SyncJob, Synced};
pub use truncate::Truncation;

use checkpoint::CheckpointState;
use sync::SyncState;

#[cfg(test)]
mod tests;

/// A log. One owner at a time; see the crate's documentation for what is done outside of the owner's lock.
#[derive(Debug)]
pub struct Log {
    files: Arc<Files>,
    dir: Arc<Path>,
    topic_id: TopicId,
    /// `partition.metadata` is still to be written: there was no room when the log was opened.
    unmarked: bool,
    options: Arc<LogOptions>,
    /// By base offset; the last one is active. Empty: the log has no files yet.
    segments: Vec<Segment>,
    start: Offset,
    end: Offset,
    epochs: Epochs,
    /// The epochs have changed since `leader-epoch-checkpoint` was written.
    epochs_unwritten: bool,
    producers: Producers,
    sync: SyncState,
    checkpoint: CheckpointState,
    /// Compaction has got up to here.
    cleaned_to: Option<Offset>,
    /// How often the log has been cut.
    generation: u64,
}

impl Log {
    /// Its directory (`<topic>-<partition>`), which exists from the first append on.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The first offset that may be read: raised by retention and DeleteRecords, never lowered but by
    /// [`Log::truncate_fully_and_start_at`].
    pub fn start_offset(&self) -> Offset {
        self.start
    }

    /// The offset that the next record gets.
    pub fn end_offset(&self) -> Offset {
        self.end
    }

    /// Everything below is on disk and survives a power failure.
    pub fn durable_offset(&self) -> Offset {
        self.sync.durable
    }

    /// Sum of the segments' sizes in bytes, without indexes.
    pub fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.size)).sum()
    }

    /// How many segments there are.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// Whether a failed write or sync has taken the log offline.
    pub fn is_poisoned(&self) -> bool {
        self.sync.poisoned
    }

    /// The options in force.
    pub fn options(&self) -> &Arc<LogOptions> {
        &self.options
    }

    /// Replaces the options, as when a topic's configuration changes. Takes effect with the next call.
    pub fn reconfigure(&mut self, options: Arc<LogOptions>) {
        self.options = options;
    }

    /// The newest leader epoch with a known start.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest()
    }

    /// The epoch of the record at `offset` (or of the last one, if it is the end).
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.epochs.epoch_at(offset)
    }

    /// Where an epoch ends (OffsetForLeaderEpoch; `LeaderEpochFileCache.endOffsetFor`): the largest known epoch not
    /// above `epoch` and the offset after its last record. `None`: the log cannot know (-1, -1 on the wire).
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        self.epochs.end_offset(epoch, self.end)
    }

    /// Notes that a new leader's epoch starts at the end of the log.
    pub fn assign_epoch(&mut self, epoch: LeaderEpoch) {
        self.epochs_unwritten |= self.epochs.assign(epoch, self.end);
    }

    /// The first offset that a reader of committed records may not see yet: the start of the earliest transaction that
    /// is open, or whose marker is not below the high watermark; else the high watermark.
    pub fn last_stable_offset(&mut self, high_watermark: Offset) -> Offset {
        self.producers.last_stable_offset(high_watermark)
    }

    /// The aborted transactions with records in `[from, to)`, by their last offset. Readers of committed records need
    /// them to skip what was aborted (`UnifiedLog.collectAbortedTransactions`).
    pub fn aborted_transactions(&self, from: Offset, to: Offset) -> Vec<AbortedTxn> {
        crate::segment::aborted_in(&self.segments, from, to)
    }

    /// The producers that the log remembers, by id (DescribeProducers).
    pub fn producers(&self) -> impl Iterator<Item = ProducerSummary> + '_ {
        self.producers.iter()
    }

    /// Forgets producers that have been silent for longer than `producer.id.expiration.ms`, unless they have an open
    /// transaction. Returns how many.
    pub fn expire_producers(&mut self, now: Millis) -> usize {
        self.producers.expire(now, self.options.producers.expiration_ms)
    }

    /// The active segment; there must be one.
    fn active(&mut self) -> &mut Segment {
        self.segments.last_mut().expect("a segment is made before anything is done with it")
    }

    fn refuse_if_poisoned(&self) -> Result<(), LogError> {
        if self.sync.poisoned {
            return Err(LogError::Poisoned { path: self.dir.to_path_buf() });
        }
        Ok(())
    }
}
