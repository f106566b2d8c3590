//! Questions about one batch that need its records: those of ListOffsets (KIP-79, KIP-734).

use chronik_types::{Millis, Offset};

use super::{Batch, BatchError};

/// A record's offset and timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampedOffset {
    /// Where.
    pub offset: Offset,
    /// When.
    pub timestamp: Millis,
}

/// The first record with a timestamp of at least `timestamp` and an offset of at least `offset_min`.
///
/// Reads the records only if the header's max timestamp says that there is one. `bytes_max` caps decompression.
pub fn first_at_or_after(
    batch: Batch<'_>,
    timestamp: Millis,
    offset_min: Offset,
    bytes_max: usize,
) -> Result<Option<TimestampedOffset>, BatchError> {
    let _ = (batch, timestamp, offset_min, bytes_max);
    todo!()
}

/// The first record that has the batch's max timestamp; `None` if the batch has no timestamps or no records.
/// Under `LogAppendTime` it is the batch's base offset. `bytes_max` caps decompression.
pub fn max_timestamp_record(
    batch: Batch<'_>,
    bytes_max: usize,
) -> Result<Option<TimestampedOffset>, BatchError> {
    let _ = (batch, bytes_max);
    todo!()
}
