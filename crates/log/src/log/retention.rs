//! What is too old, too much, or below the start offset goes: whole segments, from the front.

use chronik_types::{Millis, Offset};

use super::Log;
use crate::error::LogError;

/// Files that have been renamed to `*.deleted` and wait for their removal (`file.delete.delay.ms` later, so that readers
/// that hold them can finish). They are also removed when the log is opened.
#[derive(Debug)]
#[must_use]
pub struct RemovalJob {}

impl RemovalJob {
    /// Segments that are gone, by base offset.
    pub fn segments(&self) -> &[Offset] {
        todo!()
    }

    /// Removes the files. Blocks; needs no lock.
    pub fn run(self) -> Result<(), LogError> {
        todo!()
    }
}

impl Log {
    /// Applies `retention.ms`, `retention.bytes` and the start offset. Only segments wholly below `high_watermark` go. The
    /// active segment goes too if it is wholly expired; an empty one takes its place. Returns `None` if nothing was to be
    /// done. The start offset may have risen.
    pub fn apply_retention(
        &mut self,
        now: Millis,
        high_watermark: Offset,
    ) -> Result<Option<RemovalJob>, LogError> {
        let _ = (now, high_watermark);
        todo!()
    }

    /// Raises the start offset to `to` (DeleteRecords, or a leader's start offset on a follower); a lower `to` changes
    /// nothing. What is below can no longer be read; [`Log::apply_retention`] removes its segments. Durable when the
    /// owner has written the start offsets ([`crate::LogDir::write_start_offsets`]).
    ///
    /// `to` must not be above the high watermark, which the owner checks. Returns whether it changed.
    pub fn delete_records(&mut self, to: Offset) -> bool {
        let _ = to;
        todo!()
    }
}
