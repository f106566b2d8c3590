//! Appending: offsets and epoch into the header, one vectored write, then the bookkeeping.
//!
//! Nothing is changed in memory before the write has succeeded, and a write that fails is cut back.

use chronik_types::{LeaderEpoch, Millis, Offset};

use super::Log;
use crate::batch::{Origin, Validated, Verified};
use crate::error::AppendError;

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record. For a duplicate: of the original.
    pub first_offset: Offset,
    /// Offset of the last record. For a duplicate: of the original.
    pub last_offset: Offset,
    /// The time given to the records if the batch is `LogAppendTime`, else -1.
    pub log_append_time: Millis,
    /// The log's start offset.
    pub log_start_offset: Offset,
    /// The batch was there already (an idempotent producer's retry) and nothing was written. The answer still has to
    /// wait until the original is durable and committed.
    pub duplicate: bool,
    /// A new segment was begun: a good moment for a [`super::CheckpointJob`].
    pub rolled: bool,
}

impl Log {
    /// Appends a batch as the leader: gives it the next offsets and `epoch`, after the producer's epoch and sequence
    /// have been checked (`UnifiedLog.appendAsLeader`). The batch is in the page cache afterwards; see
    /// [`Log::begin_sync`].
    ///
    /// `origin` is what it was validated with. `now` matters for rolling a segment that has no timestamps.
    ///
    /// Errors: see [`AppendError`]; the log is then unchanged.
    pub fn append(
        &mut self,
        batch: &mut Validated,
        epoch: LeaderEpoch,
        origin: Origin,
        now: Millis,
    ) -> Result<Appended, AppendError> {
        let _ = (batch, epoch, origin, now);
        todo!()
    }

    /// Appends batches that have their offsets and epochs: a follower's copy of its leader's, or the metadata log's. They
    /// must begin at the end of the log, or after it (where compaction has removed records).
    ///
    /// Errors: see [`AppendError`]; the log is then unchanged.
    pub fn append_as_follower(&mut self, batches: &Verified, now: Millis) -> Result<Appended, AppendError> {
        let _ = (batches, now);
        todo!()
    }
}
