//! What a leader checks before it appends (`ProduceRequest.validateRecords`, `UnifiedLog.analyzeAndValidateRecords`,
//! `LogValidator`).
//!
//! The hot path reads the header and computes the CRC; it never decodes records. Records are decoded only when the
//! topic wants another codec, when it is compacted (each record needs a key), when `message.timestamp.before.max.ms`
//! is set (the header has no minimum), to say which records' timestamps are refused, and when the header's maximum is
//! old or makes no sense: retention goes by it.

use std::borrow::Cow;

use bytes::Bytes;
use chronik_types::{ErrorCode, Millis, Offset};

use super::compression::compress;
use super::{
    Batch, BatchError, BatchIter, Codec, Compression, HEADER_LEN, Header, Record, RecordError, Records,
    TimestampType, Validated, decompress,
};

/// The smallest record: seven fields of one byte each.
const RECORD_LEN_MIN: usize = 7;
/// How many records are blamed one by one: a small batch may hold millions when decompressed.
const ERRORS_MAX: usize = 1000;

/// How old a header may say that its newest record is, in ms, to be believed: less than any retention that is of use.
const CREDIBLE_AGE_MS: i64 = 60_000;

/// Who appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A produce request: base offset 0, consistent counts, no control records.
    Client,
    /// This node's own machines: the controller and the coordinators, transaction markers included.
    Coordinator,
}

/// A topic's `compression.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicCompression {
    /// `producer`: as it comes.
    Producer,
    /// One codec for all batches; batches with another one are rewritten.
    Fixed(Compression),
}

/// What the topic's configuration and the moment ask of a batch.
#[derive(Clone, Copy, Debug)]
pub struct ValidateOptions {
    /// Who appends.
    pub origin: Origin,
    /// `max.message.bytes`: size of the batch with header, as it came and as it is stored.
    pub batch_bytes_max: usize,
    /// `compression.type`.
    pub compression: TopicCompression,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`; `i64::MAX` is no limit.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: i64,
    /// `cleanup.policy` contains `compact`: every record needs a key.
    pub keys_required: bool,
    /// Cap for decompression, in bytes, wherever records must be decoded.
    pub decompressed_bytes_max: usize,
    /// The leader's clock.
    pub now: Millis,
}

impl ValidateOptions {
    /// Kafka's defaults for a topic, at `now`: 1048588 bytes, `producer`, `CreateTime`, an hour into the future.
    pub fn new(origin: Origin, now: Millis) -> ValidateOptions {
        ValidateOptions {
            origin,
            batch_bytes_max: 1_048_588,
            compression: TopicCompression::Producer,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            keys_required: false,
            decompressed_bytes_max: 64 * 1024 * 1024,
            now,
        }
    }
}

/// Checks the one batch that `bytes` must be, and rewrites it where the topic's configuration says so (codec,
/// log-append time). `bytes` is the partition's data of a produce request; it is shared, not copied.
///
/// As in Kafka, a partial batch after the first is ignored, and the max timestamp is corrected when records are decoded.
pub fn validate(bytes: Bytes, options: &ValidateOptions) -> Result<Validated, BatchError> {
    let batch = single(&bytes)?;
    let header = batch.header();
    let is_client = options.origin == Origin::Client;
    if is_client && header.base_offset() != Offset::ZERO {
        return Err(BatchError::Header("base offset must be 0"));
    }
    check_size(header.size(), options)?;
    batch.verify_crc()?;
    if is_client {
        check_client_header(header)?;
    }
    let target = match options.compression {
        TopicCompression::Fixed(target) if target.codec() != header.codec()? && !header.is_control() => {
            Some(target)
        }
        _ => None,
    };
    let decoded = if target.is_some() || (is_client && must_read_records(header, options)) {
        Some(read_records(batch, options)?)
    } else {
        None
    };
    let mut validated = Validated::new(*header.as_bytes(), bytes.slice(HEADER_LEN..header.size()));
    if let Some((target, decoded)) = target.zip(decoded.as_ref()) {
        let mut body = Vec::new();
        compress(target, &decoded.plain, &mut body);
        validated.replace_body(target.codec(), body.into());
        check_size(validated.size(), options)?;
    }
    let max_timestamp = match options.timestamp_type {
        TimestampType::LogAppendTime => options.now,
        TimestampType::CreateTime => decoded.map_or(header.max_timestamp(), |decoded| decoded.max_timestamp),
    };
    validated.header_mut().set_timestamps(options.timestamp_type, max_timestamp);
    Ok(validated)
}

/// The first batch, after which there must not be another.
fn single(bytes: &[u8]) -> Result<Batch<'_>, BatchError> {
    let mut batches = BatchIter::new(bytes);
    let first = match batches.next() {
        None | Some(Err(BatchError::Truncated { .. })) => return Err(BatchError::BatchCount("none")),
        Some(first) => first?,
    };
    match batches.next() {
        None | Some(Err(BatchError::Truncated { .. })) => Ok(first),
        Some(Ok(_)) => Err(BatchError::BatchCount("more than one")),
        Some(Err(error)) => Err(error),
    }
}

fn check_size(size: usize, options: &ValidateOptions) -> Result<(), BatchError> {
    let size_max = options.batch_bytes_max;
    if size > size_max { Err(BatchError::TooLarge { size, size_max }) } else { Ok(()) }
}

/// `LogValidator.validateBatch` for clients, and what can be said about the count without decoding.
fn check_client_header(header: Header<'_>) -> Result<(), BatchError> {
    let (count, last_offset_delta) = (header.record_count(), header.last_offset_delta());
    if count <= 0 {
        return Err(BatchError::Header("record count must be positive"));
    }
    if last_offset_delta != count - 1 {
        return Err(BatchError::Header("last offset delta does not agree with the record count"));
    }
    if header.codec()? == Codec::None && header.body_len() / RECORD_LEN_MIN < count as usize {
        return Err(BatchError::Header("record count is larger than the batch can hold"));
    }
    if header.is_control() {
        return Err(BatchError::Header("clients are not allowed to write control records"));
    }
    if header.has_producer() && header.base_sequence() < 0 {
        return Err(BatchError::Header("a batch with a producer id needs a sequence number"));
    }
    Ok(())
}

/// Whether the header is not enough to say that a client's records may be appended.
fn must_read_records(header: Header<'_>, options: &ValidateOptions) -> bool {
    if options.keys_required {
        return true;
    }
    let (_, latest) = timestamp_range(options);
    let (first, max) = (header.base_timestamp().0, header.max_timestamp().0);
    // By the newest record's time retention removes a segment, so it is believed only where it errs by little. (librdkafka
    // says 0 where records have no time: their segment would go at once.)
    let is_credible = first >= 0 && max >= first && max >= options.now.0.saturating_sub(CREDIBLE_AGE_MS);
    options.timestamp_type == TimestampType::CreateTime
        && (options.timestamp_before_max_ms != i64::MAX || max > latest || !is_credible)
}

/// The first and last allowed create time.
fn timestamp_range(options: &ValidateOptions) -> (i64, i64) {
    let now = options.now.0;
    (now.saturating_sub(options.timestamp_before_max_ms), now.saturating_add(options.timestamp_after_max_ms))
}

/// The records in the clear, which are well-formed and keep the topic's rules.
struct Decoded<'a> {
    plain: Cow<'a, [u8]>,
    max_timestamp: Millis,
}

fn read_records<'a>(batch: Batch<'a>, options: &ValidateOptions) -> Result<Decoded<'a>, BatchError> {
    let header = batch.header();
    let plain = decompress(batch, options.decompressed_bytes_max)?;
    let mut faults = Faults::default();
    let mut max_timestamp = Millis::NONE;
    for (index, record) in Records::new(header, &plain).enumerate() {
        let record = record?;
        if record.offset != header.base_offset().plus(index as i64) {
            return Err(BatchError::Record { index, reason: "its offset does not follow the one before" });
        }
        if options.origin == Origin::Client {
            faults.check(index as i32, &record, options);
        }
        max_timestamp = max_timestamp.max(record.timestamp);
    }
    faults.into_result()?;
    Ok(Decoded { plain, max_timestamp })
}

/// The rules that single records break.
#[derive(Default)]
struct Faults {
    /// The first [`ERRORS_MAX`].
    errors: Vec<RecordError>,
    total: usize,
    is_timestamp: bool,
}

impl Faults {
    fn check(&mut self, batch_index: i32, record: &Record<'_>, options: &ValidateOptions) {
        let (earliest, latest) = timestamp_range(options);
        if options.keys_required && record.key.is_none() {
            self.add(batch_index, || "Compacted topic cannot accept message without key".to_owned());
        } else if options.timestamp_type == TimestampType::CreateTime
            && record.timestamp != Millis::NONE
            && !(earliest..=latest).contains(&record.timestamp.0)
        {
            self.is_timestamp = true;
            self.add(batch_index, || {
                format!(
                    "Timestamp {} of message with offset {} is out of range. The timestamp should be within \
                     [{earliest}, {latest}]",
                    record.timestamp, record.offset
                )
            });
        }
    }

    fn add(&mut self, batch_index: i32, message: impl FnOnce() -> String) {
        self.total += 1;
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(RecordError { batch_index, message: message() });
        }
    }

    /// `LogValidator.processRecordErrors`.
    fn into_result(self) -> Result<(), BatchError> {
        let errors = self.errors;
        if errors.is_empty() {
            return Ok(());
        }
        if self.is_timestamp {
            let message = "One or more records have been rejected due to invalid timestamp".to_owned();
            return Err(BatchError::Records { code: ErrorCode::InvalidTimestamp, message, errors });
        }
        let shown: Vec<_> = errors
            .iter()
            .take(3)
            .map(|error| format!("record {}: {}", error.batch_index, error.message))
            .collect();
        let message = format!(
            "One or more records have been rejected due to {} record errors in total, and only showing the first \
             three errors at most: [{}]",
            self.total,
            shown.join(", ")
        );
        Err(BatchError::Records { code: ErrorCode::InvalidRecord, message, errors })
    }
}

#[cfg(test)]
mod tests {
    use chronik_types::{ProducerEpoch, ProducerId};

    use super::super::{BatchBuilder, NewRecord};
    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const HOUR: i64 = 3_600_000;

    fn options() -> ValidateOptions {
        ValidateOptions::new(Origin::Client, Millis(NOW))
    }

    fn record(timestamp: i64) -> NewRecord<'static> {
        NewRecord { timestamp: Millis(timestamp), key: Some(b"k"), value: Some(b"v"), headers: &[] }
    }

    fn batch(codec: Codec, timestamps: &[i64]) -> BatchBuilder {
        let mut builder = BatchBuilder::new(Compression::of(codec));
        for &timestamp in timestamps {
            builder.push(record(timestamp));
        }
        builder
    }

    /// One uncompressed record, with some bytes overwritten and the CRC made right again.
    fn forged(edits: &[(usize, &[u8])]) -> Bytes {
        forge(&batch(Codec::None, &[NOW]).build(), edits)
    }

    fn forge(batch: &[u8], edits: &[(usize, &[u8])]) -> Bytes {
        let mut bytes = batch.to_vec();
        for (at, field) in edits {
            bytes[*at..*at + field.len()].copy_from_slice(field);
        }
        let crc = super::super::crc::crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        bytes.into()
    }

    fn code(bytes: impl Into<Bytes>) -> Option<ErrorCode> {
        validate(bytes.into(), &options()).err().map(|error| error.code())
    }

    #[test]
    fn the_hot_path_shares_the_bytes_and_changes_nothing() {
        for codec in Codec::ALL {
            let bytes = batch(codec, &[NOW, NOW + 1]).build();
            let mut validated = validate(bytes.clone(), &options()).unwrap();
            assert_eq!(validated.to_bytes(), bytes);
            assert_eq!(validated.body().as_ptr(), bytes[HEADER_LEN..].as_ptr());
            validated.assign(Offset(77), chronik_types::LeaderEpoch(5));
            let stored = validated.to_bytes();
            let stored = Batch::parse(&stored).unwrap();
            stored.verify_crc().unwrap();
            assert_eq!(
                (stored.header().base_offset(), stored.header().last_offset()),
                (Offset(77), Offset(78))
            );
            assert_eq!(stored.header().leader_epoch().0, 5);
        }
    }

    #[test]
    fn exactly_one_batch() {
        let one = batch(Codec::None, &[NOW]).build();
        let invalid = Some(ErrorCode::InvalidRecord);
        let corrupt = Some(ErrorCode::CorruptMessage);
        assert_eq!(code(Bytes::new()), invalid);
        assert_eq!(code(one.slice(..one.len() - 1)), invalid, "cut short");
        assert_eq!(code(one.slice(..20)), invalid);
        assert_eq!(code([&one[..], &one[..]].concat()), invalid, "two");
        assert_eq!(code([&one[..], &one[..60]].concat()), None, "a partial one is ignored");
        assert_eq!(code([&one[..], b"12345"].concat()), None);
        assert_eq!(code([&one[..], &[0; 100]].concat()), corrupt, "what follows is no batch");
    }

    #[test]
    fn formats_lengths_and_checksums() {
        let invalid = Some(ErrorCode::InvalidRecord);
        let corrupt = Some(ErrorCode::CorruptMessage);
        for (magic, expected) in [(0, invalid), (1, invalid), (3, corrupt), (0xff, corrupt), (2, None)] {
            assert_eq!(code(forged(&[(16, &[magic])])), expected, "magic {magic}");
        }
        for length in [48i32, 20, 13, 0, -5] {
            assert_eq!(code(forged(&[(8, &length.to_be_bytes())])), corrupt, "length {length}");
        }
        let mut damaged = batch(Codec::None, &[NOW]).build().to_vec();
        damaged[65] ^= 1;
        assert_eq!(code(damaged), corrupt);
    }

    #[test]
    fn what_clients_may_not_write() {
        let invalid = Some(ErrorCode::InvalidRecord);
        assert_eq!(code(forged(&[(0, &5i64.to_be_bytes())])), invalid, "base offset");
        assert_eq!(code(forged(&[(21, &[0, 32])])), invalid, "control");
        assert_eq!(
            code(forged(&[(43, &9i64.to_be_bytes()), (51, &[0, 0])])),
            invalid,
            "producer, no sequence"
        );
        assert_eq!(code(forged(&[(21, &[0, 5])])), invalid, "codec 5");
        for (last_offset_delta, count) in [(0, 2), (1, 1), (0, 0), (-2, -1), (1, 2), (i32::MAX, i32::MIN)] {
            let edits = [(23, &i32::to_be_bytes(last_offset_delta)[..]), (57, &i32::to_be_bytes(count)[..])];
            assert_eq!(code(forged(&edits)), invalid, "delta {last_offset_delta}, count {count}");
        }
        assert_eq!(code(forged(&[(21, &[0x7f, 0x80])])), None, "unused bits");
        let producer = batch(Codec::None, &[NOW]).producer(ProducerId(9), ProducerEpoch(0), 0);
        assert_eq!(code(producer.build()), None);
    }

    #[test]
    fn coordinators_write_markers() {
        let marker = super::super::EndTxnMarker { commit: true, coordinator_epoch: 3 };
        let mut builder = BatchBuilder::new(Compression::None).transactional().control().producer(
            ProducerId(1),
            ProducerEpoch(2),
            -1,
        );
        let (key, value) = (marker.control_type().key(), marker.value());
        builder.push(NewRecord {
            timestamp: Millis(NOW),
            key: Some(&key),
            value: Some(&value),
            headers: &[],
        });
        let bytes = builder.build();
        assert_eq!(code(bytes.clone()), Some(ErrorCode::InvalidRecord));
        let mut options = options();
        options.origin = Origin::Coordinator;
        options.compression = TopicCompression::Fixed(Compression::Zstd(3));
        let validated = validate(bytes, &options).unwrap();
        assert_eq!(validated.header().codec(), Ok(Codec::None), "control batches stay in the clear");
        let body = validated.body().clone();
        let record = Records::new(validated.header(), &body).next().unwrap().unwrap();
        assert_eq!(super::super::EndTxnMarker::of(&record), Ok(Some(marker)));
    }

    #[test]
    fn size_is_checked_before_the_checksum() {
        let mut bytes = batch(Codec::None, &[NOW]).build().to_vec();
        bytes[65] ^= 1;
        let mut options = options();
        options.batch_bytes_max = bytes.len() - 1;
        let error = validate(bytes.into(), &options).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MessageTooLarge);
    }

    #[test]
    fn a_future_record_is_named() {
        for codec in Codec::ALL {
            let bytes = batch(codec, &[NOW, NOW + HOUR, NOW + HOUR + 1]).build();
            let error = validate(bytes, &options()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidTimestamp);
            let [only] = error.record_errors() else { panic!("{error:?}") };
            assert_eq!(only.batch_index, 2);
            assert_eq!(
                only.message,
                "Timestamp 1700003600001 of message with offset 2 is out of range. The timestamp should be within \
                 [-9223370336854775807, 1700003600000]"
            );
        }
    }

    #[test]
    fn an_old_record_is_found_where_it_matters() {
        let bytes = batch(Codec::None, &[NOW, NOW - HOUR - 1]).build();
        assert_eq!(code(bytes.clone()), None);
        let mut options = options();
        options.timestamp_before_max_ms = HOUR;
        let error = validate(bytes, &options).unwrap_err();
        assert_eq!((error.code(), error.record_errors()[0].batch_index), (ErrorCode::InvalidTimestamp, 1));
        let without = batch(Codec::None, &[-1]).build();
        assert!(validate(without, &options).is_ok(), "no timestamp is no old timestamp");
    }

    #[test]
    fn a_max_timestamp_that_lies_is_corrected_when_it_matters() {
        let bytes = forged(&[(35, &(NOW + 2 * HOUR).to_be_bytes())]);
        let validated = validate(bytes, &options()).unwrap();
        assert_eq!(validated.header().max_timestamp(), Millis(NOW));
        Batch::parse(&validated.to_bytes()).unwrap().verify_crc().unwrap();
    }

    #[test]
    fn a_max_timestamp_that_would_have_records_removed_is_not_believed() {
        for (codec, timestamps) in
            [(Codec::None, [-1, -1]), (Codec::Lz4, [-1, -1]), (Codec::None, [NOW, NOW - 1])]
        {
            let forged = forge(&batch(codec, &timestamps).build(), &[(35, &0_i64.to_be_bytes())]);
            let validated = validate(forged, &options()).unwrap();
            assert_eq!(validated.header().max_timestamp(), Millis(timestamps[0]));
            Batch::parse(&validated.to_bytes()).unwrap().verify_crc().unwrap();
        }
    }

    #[test]
    fn compacted_topics_need_keys() {
        let mut options = options();
        options.keys_required = true;
        for codec in Codec::ALL {
            let mut builder = batch(codec, &[NOW]);
            assert!(validate(builder.clone().build(), &options).is_ok());
            builder.push(NewRecord { key: None, ..record(NOW) });
            let error = validate(builder.clone().build(), &options).unwrap_err();
            assert_eq!((error.code(), error.record_errors()[0].batch_index), (ErrorCode::InvalidRecord, 1));
            builder.push(record(NOW + 2 * HOUR));
            let error = validate(builder.build(), &options).unwrap_err();
            assert_eq!((error.code(), error.record_errors().len()), (ErrorCode::InvalidTimestamp, 2));
        }
    }

    #[test]
    fn blame_is_bounded() {
        let mut builder = BatchBuilder::new(Compression::Zstd(3));
        (0..3000).for_each(|_| builder.push(NewRecord { key: None, ..record(NOW) }));
        let options = ValidateOptions { keys_required: true, ..options() };
        let error = validate(builder.build(), &options).unwrap_err();
        assert_eq!(error.record_errors().len(), ERRORS_MAX);
        assert!(error.to_string().contains("3000 record errors in total"), "{error}");
    }

    #[test]
    fn the_topic_chooses_the_codec() {
        for from in Codec::ALL {
            for to in Codec::ALL {
                let mut options = options();
                options.compression = TopicCompression::Fixed(Compression::of(to));
                let bytes = batch(from, &[NOW, NOW + 5, NOW - 5]).build();
                let stored = validate(bytes.clone(), &options).unwrap().to_bytes();
                let (before, after) = (Batch::parse(&bytes).unwrap(), Batch::parse(&stored).unwrap());
                after.verify_crc().unwrap();
                assert_eq!(after.header().codec(), Ok(to));
                let plain = [before, after].map(|batch| decompress(batch, 1000).unwrap());
                assert_eq!(plain[0], plain[1]);
                if from == to {
                    assert_eq!(bytes, stored);
                }
            }
        }
    }

    #[test]
    fn what_grows_when_recompressed_is_too_large() {
        let mut builder = BatchBuilder::new(Compression::of(Codec::Zstd));
        builder.push(NewRecord { value: Some(&[0; 10_000]), ..record(NOW) });
        let bytes = builder.build();
        let mut options = options();
        options.batch_bytes_max = 5000;
        options.compression = TopicCompression::Fixed(Compression::None);
        let error = validate(bytes.clone(), &options).unwrap_err();
        assert!(matches!(error, BatchError::TooLarge { .. }), "{error:?}");
        options.decompressed_bytes_max = 5000;
        let error = validate(bytes, &options).unwrap_err();
        assert!(matches!(error, BatchError::DecompressedTooLarge { size_max: 5000 }), "{error:?}");
    }

    #[test]
    fn log_append_time_replaces_the_clients_time() {
        let mut options = options();
        options.timestamp_type = TimestampType::LogAppendTime;
        let validated = validate(batch(Codec::Gzip, &[NOW + 9 * HOUR, 5]).build(), &options).unwrap();
        let stored = validated.to_bytes();
        let stored = Batch::parse(&stored).unwrap();
        stored.verify_crc().unwrap();
        let body = decompress(stored, 1000).unwrap();
        let timestamps: Vec<_> =
            Records::new(stored.header(), &body).map(|record| record.unwrap().timestamp).collect();
        assert_eq!(timestamps, [Millis(NOW), Millis(NOW)]);
    }

    #[test]
    fn a_client_cannot_claim_log_append_time() {
        let bytes = forged(&[(21, &[0, 8])]);
        let validated = validate(bytes, &options()).unwrap();
        assert_eq!(validated.header().timestamp_type(), TimestampType::CreateTime);
        Batch::parse(&validated.to_bytes()).unwrap().verify_crc().unwrap();
    }

    #[test]
    fn decoded_records_must_be_well_formed_and_in_order() {
        let mut options = options();
        options.keys_required = true;
        let offset_delta_at = HEADER_LEN + 3;
        let error = validate(forged(&[(offset_delta_at, &[2])]), &options).unwrap_err();
        assert!(matches!(error, BatchError::Record { index: 0, .. }), "{error:?}");
        let error = validate(forged(&[(HEADER_LEN, &[0xff; 4])]), &options).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRecord);
    }
}
