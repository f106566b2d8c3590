//! What a leader checks before it appends (`ProduceRequest.validateRecords`, `UnifiedLog.analyzeAndValidateRecords`,
//! `LogValidator`).
//!
//! The hot path reads the header and computes the CRC; it never decodes records. Records are decoded only when the
//! topic wants another codec, when it is compacted (each record needs a key), when `message.timestamp.before.max.ms`
//! is set (the header has no minimum), or to say which records' timestamps are refused.

use std::borrow::Cow;

use bytes::Bytes;
use chronik_types::{ErrorCode, LeaderEpoch, Millis, Offset};

use super::compression::compress;
use super::{
    Batch, BatchError, BatchIter, Codec, Compression, HEADER_LEN, Header, HeaderMut, Record, RecordError,
    Records, TimestampType, decompress,
};

/// The smallest record: seven fields of one byte each.
const RECORD_LEN_MIN: usize = 7;

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

/// One batch that may be appended. The header is a private copy of 61 bytes, so that offsets are written "in place"
/// though the body still shares the request's buffer: nothing else is copied, and one vectored write stores both.
#[derive(Clone, Debug)]
pub struct Validated {
    header: [u8; HEADER_LEN],
    body: Bytes,
}

impl Validated {
    pub(super) fn new(header: [u8; HEADER_LEN], body: Bytes) -> Validated {
        Validated { header, body }
    }

    /// The header as it will be stored.
    pub fn header(&self) -> Header<'_> {
        Header::trusted(&self.header)
    }

    /// To set log-append time; for offset and epoch see [`Validated::assign`].
    pub fn header_mut(&mut self) -> HeaderMut<'_> {
        HeaderMut::trusted(&mut self.header)
    }

    /// Gives the batch its place in the log.
    pub fn assign(&mut self, base_offset: Offset, leader_epoch: LeaderEpoch) {
        let mut header = self.header_mut();
        header.set_base_offset(base_offset);
        header.set_leader_epoch(leader_epoch);
    }

    /// Size of the batch in bytes.
    pub fn size(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// The bytes to write, in order: header, body.
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.header, &self.body]
    }

    /// The records, as compressed as they are stored.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Header and body as one buffer: a copy.
    pub fn to_bytes(&self) -> Bytes {
        let mut whole = Vec::with_capacity(self.size());
        whole.extend_from_slice(&self.header);
        whole.extend_from_slice(&self.body);
        whole.into()
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
        validated.header_mut().set_body(target.codec(), &body);
        validated.body = body.into();
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
    options.timestamp_type == TimestampType::CreateTime
        && (options.timestamp_before_max_ms != i64::MAX || header.max_timestamp().0 > latest)
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
    errors: Vec<RecordError>,
    is_timestamp: bool,
}

impl Faults {
    fn check(&mut self, batch_index: i32, record: &Record<'_>, options: &ValidateOptions) {
        let (earliest, latest) = timestamp_range(options);
        if options.keys_required && record.key.is_none() {
            let message = "Compacted topic cannot accept message without key".to_owned();
            self.errors.push(RecordError { batch_index, message });
        } else if options.timestamp_type == TimestampType::CreateTime
            && record.timestamp != Millis::NONE
            && !(earliest..=latest).contains(&record.timestamp.0)
        {
            self.is_timestamp = true;
            let message = format!(
                "Timestamp {} of message with offset {} is out of range. The timestamp should be within \
                 [{earliest}, {latest}]",
                record.timestamp, record.offset
            );
            self.errors.push(RecordError { batch_index, message });
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
            errors.len(),
            shown.join(", ")
        );
        Err(BatchError::Records { code: ErrorCode::InvalidRecord, message, errors })
    }
}
