//! What a leader checks before it appends (`ProduceRequest.validateRecords`, `UnifiedLog.analyzeAndValidateRecords`,
//! `LogValidator`).
//!
//! The hot path reads the header and computes the CRC; it never decodes records. Records are decoded only when the
//! topic wants another codec, when it is compacted (each record needs a key), when `message.timestamp.before.max.ms`
//! is set (the header has no minimum), or to say which records' timestamps are refused.

use bytes::Bytes;
use chronik_types::{LeaderEpoch, Millis, Offset};

use super::{BatchError, Compression, HEADER_LEN, Header, HeaderMut, TimestampType};

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
pub fn validate(bytes: Bytes, options: &ValidateOptions) -> Result<Validated, BatchError> {
    let _ = (bytes, options);
    todo!()
}
