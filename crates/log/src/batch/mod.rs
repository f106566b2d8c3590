//! Record batches, magic 2: Kafka's only format since 0.11 (KIP-98), byte for byte.
//!
//! A batch is 61 bytes of header and a body: the records, possibly compressed as one piece. The log stores the
//! producer's bytes; only base offset, leader epoch and, if the topic asks for it, log-append time are written
//! into the header. Everything here is pure and synchronous, never panics on any input, and allocates no more
//! than a fixed multiple of what the input carries, up to a cap given by the caller.
//!
//! - [`Header`], [`HeaderMut`], [`Batch`], [`BatchIter`]: views over bytes; nothing is copied.
//! - [`validate`] (a client's or coordinator's single batch) and [`verify`] (a leader's batches, on a follower).
//! - [`decompress`], [`Records`]: what is inside. [`BatchBuilder`]: making batches.
//! - [`first_at_or_after`], [`max_timestamp_record`]: what ListOffsets asks of one batch.

mod attributes;
mod builder;
mod compression;
mod control;
mod crc;
mod error;
mod header;
mod iter;
mod lookup;
mod records;
mod validate;
mod validated;
mod varint;
mod verify;

pub use attributes::{Attributes, Codec, TimestampType};
pub use builder::{BatchBuilder, NewRecord};
pub use compression::{Compression, decompress};
pub use control::{ControlType, EndTxnMarker};
pub use error::{BatchError, RecordError};
pub use header::{Batch, HEADER_LEN, Header, HeaderMut, LENGTH_PREFIX_LEN, MAGIC};
pub use iter::BatchIter;
pub use lookup::{TimestampedOffset, first_at_or_after, max_timestamp_record};
pub use records::{Record, RecordHeader, RecordHeaderIter, RecordHeaders, Records};
pub use validate::{Origin, TopicCompression, ValidateOptions, validate};
pub use validated::Validated;
pub use verify::{Verified, verify};
