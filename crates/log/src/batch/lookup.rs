//! Questions about one batch that need its records: those of ListOffsets (KIP-79, KIP-734).

use chronik_types::{Millis, Offset};

use super::{Batch, BatchError, Record, Records, TimestampType, decompress};

/// A record's offset and timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampedOffset {
    /// Where.
    pub offset: Offset,
    /// When.
    pub timestamp: Millis,
}

/// The first record with a timestamp of at least `timestamp` and an offset of at least `offset_min`
/// (`FileRecords.searchForTimestamp`).
///
/// Reads the records only if the header says that there may be one. `bytes_max` caps decompression.
pub fn first_at_or_after(
    batch: Batch<'_>,
    timestamp: Millis,
    offset_min: Offset,
    bytes_max: usize,
) -> Result<Option<TimestampedOffset>, BatchError> {
    let header = batch.header();
    if header.max_timestamp() < timestamp || header.last_offset() < offset_min {
        return Ok(None);
    }
    first(batch, bytes_max, |record| record.timestamp >= timestamp && record.offset >= offset_min)
}

/// The first record that has the batch's max timestamp; `None` if the batch has no timestamps or no records
/// (`RecordBatch.offsetOfMaxTimestamp`). Under `LogAppendTime` it is the batch's base offset.
/// `bytes_max` caps decompression.
pub fn max_timestamp_record(
    batch: Batch<'_>,
    bytes_max: usize,
) -> Result<Option<TimestampedOffset>, BatchError> {
    let header = batch.header();
    let timestamp = header.max_timestamp();
    if timestamp == Millis::NONE || header.record_count() == 0 {
        return Ok(None);
    }
    if header.timestamp_type() == TimestampType::LogAppendTime {
        return Ok(Some(TimestampedOffset { offset: header.base_offset(), timestamp }));
    }
    first(batch, bytes_max, |record| record.timestamp == timestamp)
}

fn first(
    batch: Batch<'_>,
    bytes_max: usize,
    is_wanted: impl Fn(&Record<'_>) -> bool,
) -> Result<Option<TimestampedOffset>, BatchError> {
    let body = decompress(batch, bytes_max)?;
    for record in Records::new(batch.header(), &body) {
        let record = record?;
        if is_wanted(&record) {
            return Ok(Some(TimestampedOffset { offset: record.offset, timestamp: record.timestamp }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::{BatchBuilder, Codec, Compression, NewRecord};
    use super::*;

    fn batch(codec: Codec, timestamps: &[i64]) -> bytes::Bytes {
        let mut builder = BatchBuilder::new(Compression::of(codec)).base_offset(Offset(100));
        for &timestamp in timestamps {
            builder.push(NewRecord { timestamp: Millis(timestamp), ..NewRecord::default() });
        }
        builder.build()
    }

    fn at(offset: i64, timestamp: i64) -> Option<TimestampedOffset> {
        Some(TimestampedOffset { offset: Offset(offset), timestamp: Millis(timestamp) })
    }

    #[test]
    fn timestamps_need_not_be_in_order() {
        for codec in Codec::ALL {
            let bytes = batch(codec, &[10, 30, 20, 30]);
            let batch = Batch::parse(&bytes).unwrap();
            let first = |t, from| first_at_or_after(batch, Millis(t), Offset(from), 1000).unwrap();
            assert_eq!(first(0, 0), at(100, 10));
            assert_eq!(first(11, 0), at(101, 30));
            assert_eq!(first(11, 102), at(102, 20));
            assert_eq!(first(30, 103), at(103, 30));
            assert_eq!(first(31, 0), None);
            assert_eq!(first(0, 104), None);
            assert_eq!(max_timestamp_record(batch, 1000).unwrap(), at(101, 30));
        }
    }

    #[test]
    fn log_append_time_needs_no_records() {
        let mut bytes = batch(Codec::Zstd, &[1, 2]).to_vec();
        super::super::HeaderMut::parse(&mut bytes).unwrap().set_log_append_time(Millis(50));
        let batch = Batch::parse(&bytes).unwrap();
        assert_eq!(max_timestamp_record(batch, 0).unwrap(), at(100, 50));
        assert_eq!(first_at_or_after(batch, Millis(50), Offset(101), 1000).unwrap(), at(101, 50));
    }

    #[test]
    fn a_batch_without_timestamps_or_records_has_no_answer() {
        let none = batch(Codec::None, &[-1, -1]);
        assert_eq!(max_timestamp_record(Batch::parse(&none).unwrap(), 1000), Ok(None));
        let empty = batch(Codec::None, &[]);
        assert_eq!(max_timestamp_record(Batch::parse(&empty).unwrap(), 1000), Ok(None));
    }
}
