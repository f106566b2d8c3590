//! Advancing the recovery point: indexes, epochs and producers made durable, so that a scan may start later.

use chronik_types::Offset;

use super::Log;
use crate::error::LogError;

/// Metadata files to be synced. Run it on any thread, then give the result to [`Log::finish_checkpoint`].
#[derive(Debug)]
#[must_use]
pub struct CheckpointJob {}

/// A checkpoint that has ended, well or badly.
#[derive(Debug)]
#[must_use]
pub struct Checkpointed {}

impl CheckpointJob {
    /// Syncs. Blocks; needs no lock.
    pub fn run(self) -> Checkpointed {
        todo!()
    }
}

impl Log {
    /// Writes what the indexes of the active segment have gathered, and the epochs, and returns the job that makes them
    /// durable. `None` if there is nothing new. Call it now and then (`log.flush.offset.checkpoint.interval.ms`) and after
    /// a roll; then write [`Log::recovery_point`] of all logs ([`crate::LogDir::write_recovery_points`]).
    pub fn begin_checkpoint(&mut self) -> Result<Option<CheckpointJob>, LogError> {
        todo!()
    }

    /// Notes the end of a checkpoint and returns the recovery point. Error: it failed; the log is poisoned.
    pub fn finish_checkpoint(&mut self, checkpointed: Checkpointed) -> Result<Offset, LogError> {
        let _ = checkpointed;
        todo!()
    }

    /// The offset up to which data and indexes are durable: recovery may start here. Never above the durable offset.
    pub fn recovery_point(&self) -> Offset {
        todo!()
    }
}
