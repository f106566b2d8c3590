//! Cutting off the end: what a follower does when its log has diverged from its leader's.

use chronik_types::Offset;

use super::Log;
use crate::error::LogError;

/// What a truncation took away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// The first offset that is gone; the log now ends here.
    pub from: Offset,
    /// The log's end before.
    pub to: Offset,
    /// Bytes of batches that are gone.
    pub bytes: u64,
}

impl Log {
    /// Cuts the log so that it ends at or before `end`: at the start of the batch that holds `end`. Producers, epochs and
    /// indexes go back with it. Durable when it returns. Returns `None` if the log already ended there.
    ///
    /// The owner writes the recovery points ([`crate::LogDir::write_recovery_points`]) BEFORE it calls this, with this
    /// log's limited to `end`; a log whose written recovery point is above its end does not trust it after a crash.
    pub fn truncate_to(&mut self, end: Offset) -> Result<Option<Truncation>, LogError> {
        let _ = end;
        todo!()
    }

    /// Removes everything; the log goes on at `start`: a follower that is behind its leader's start, or the metadata log
    /// after a snapshot. Durable when it returns.
    pub fn truncate_fully_and_start_at(&mut self, start: Offset) -> Result<Truncation, LogError> {
        let _ = start;
        todo!()
    }
}
