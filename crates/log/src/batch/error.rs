//! What can be wrong with a batch, which of Kafka's error codes says so, and to which records it applies (KIP-467).

use chronik_types::ErrorCode;

use super::Codec;

/// Why a batch was refused. `Display` is a sentence for the client; [`BatchError::code`] is what goes on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes end before the header or before the length that the header claims.
    #[error("batch needs {needed} bytes but only {available} are there")]
    Truncated {
        /// Bytes that the header or the length field asks for.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// The length field is smaller than a header or negative.
    #[error("batch length {length} is smaller than a batch header")]
    Length {
        /// The length field, which counts from after itself.
        length: i32,
    },
    /// Not magic 2. Kafka 4 no longer takes 0 and 1 (KIP-724).
    #[error("only record batches with magic version 2 are allowed, not {magic}")]
    Magic {
        /// The magic byte.
        magic: i8,
    },
    /// The checksum does not match.
    #[error("record batch is corrupt (stored crc = {stored}, computed crc = {computed})")]
    Crc {
        /// In the header.
        stored: u32,
        /// Of the bytes.
        computed: u32,
    },
    /// A partition's data must hold exactly one batch.
    #[error("exactly one record batch per partition is allowed, not {0}")]
    BatchCount(
        /// "none" or "more than one".
        &'static str,
    ),
    /// Larger than `max.message.bytes`.
    #[error("record batch of {size} bytes exceeds the maximum of {size_max}")]
    TooLarge {
        /// Size of the whole batch in bytes.
        size: usize,
        /// The limit in bytes.
        size_max: usize,
    },
    /// The decompressed records exceed the cap.
    #[error("records exceed {size_max} bytes when decompressed")]
    DecompressedTooLarge {
        /// The limit in bytes.
        size_max: usize,
    },
    /// The codec bits are not assigned.
    #[error("unknown compression codec {0}")]
    UnknownCodec(
        /// The three codec bits.
        u8,
    ),
    /// The body is not what the codec makes.
    #[error("records are not valid {codec}: {reason}")]
    Compression {
        /// The codec in the header.
        codec: Codec,
        /// What the codec met.
        reason: &'static str,
    },
    /// A header field that contradicts another, or that this origin may not set.
    #[error("record batch header is inconsistent: {0}")]
    Header(
        /// What contradicts what.
        &'static str,
    ),
    /// The bytes of a record are malformed.
    #[error("record {index} is malformed: {reason}")]
    Record {
        /// Which record, from 0.
        index: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Well-formed records that break a rule of the topic, each listed.
    #[error("{message}")]
    Records {
        /// `InvalidTimestamp` if any record's timestamp is to blame, else `InvalidRecord`.
        code: ErrorCode,
        /// For the whole batch.
        message: String,
        /// For each record, the first thousand (`record_errors` of the produce response).
        errors: Vec<RecordError>,
    },
}

/// One record's fault (KIP-467: `BatchIndexAndErrorMessage`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// Which record of the batch, from 0.
    pub batch_index: i32,
    /// What is wrong with it.
    pub message: String,
}

impl BatchError {
    /// What Kafka answers (`LogValidator`, `UnifiedLog.analyzeAndValidateRecords`, `ProduceRequest.validateRecords`).
    pub fn code(&self) -> ErrorCode {
        match self {
            BatchError::Truncated { .. } | BatchError::Length { .. } | BatchError::Crc { .. } => {
                ErrorCode::CorruptMessage
            }
            // Formats that once were are refused as such; numbers that never were are corruption.
            BatchError::Magic { magic: 0 | 1 } => ErrorCode::InvalidRecord,
            BatchError::Magic { .. } => ErrorCode::CorruptMessage,
            BatchError::BatchCount(_)
            | BatchError::Header(_)
            | BatchError::Record { .. }
            | BatchError::UnknownCodec(_)
            | BatchError::Compression { .. } => ErrorCode::InvalidRecord,
            // A Java producer splits the batch and tries again.
            BatchError::TooLarge { .. } | BatchError::DecompressedTooLarge { .. } => {
                ErrorCode::MessageTooLarge
            }
            BatchError::Records { code, .. } => *code,
        }
    }

    /// The faults of single records; empty if the batch as a whole is at fault.
    pub fn record_errors(&self) -> &[RecordError] {
        match self {
            BatchError::Records { errors, .. } => errors,
            _ => &[],
        }
    }
}
