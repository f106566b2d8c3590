//! The 61-byte batch header: a view that reads fields where they lie, and setters for the fields a leader writes.
//!
//! ```text
//! 0 base offset i64 | 8 length i32 | 12 leader epoch i32 | 16 magic i8 | 17 crc u32 | 21 attributes i16
//! 23 last offset delta i32 | 27 base timestamp i64 | 35 max timestamp i64 | 43 producer id i64
//! 51 producer epoch i16 | 53 base sequence i32 | 57 record count i32 | 61 records
//! ```
//!
//! All big-endian. `length` counts from the leader epoch on; the CRC covers 21 to the end.

use std::fmt;

use chronik_types::{LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId};

use super::crc::{crc32c, crc32c_of_both, replace_prefix};
use super::{Attributes, BatchError, Codec, TimestampType};

/// Size of a batch header in bytes.
pub const HEADER_LEN: usize = 61;
/// Bytes before those that the length field counts: base offset and the length itself.
pub const LENGTH_PREFIX_LEN: usize = 12;
/// The only magic there is.
pub const MAGIC: i8 = 2;

/// No format has shorter messages; a length below it is no message at all (zeros, say).
const OLD_MESSAGE_LEN_MIN: i32 = 14;

const LENGTH_AT: usize = 8;
const EPOCH_AT: usize = 12;
const MAGIC_AT: usize = 16;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const LAST_OFFSET_DELTA_AT: usize = 23;
const BASE_TIMESTAMP_AT: usize = 27;
const MAX_TIMESTAMP_AT: usize = 35;
const PRODUCER_ID_AT: usize = 43;
const PRODUCER_EPOCH_AT: usize = 51;
const BASE_SEQUENCE_AT: usize = 53;
const RECORD_COUNT_AT: usize = 57;

/// A view of a header. Made only from bytes whose magic is 2 and whose length can hold a header.
#[derive(Clone, Copy)]
pub struct Header<'a> {
    bytes: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Views the header at the start of `bytes`, which may go on or end anywhere after it.
    ///
    /// Errors: `Truncated`, `Magic`, `Length`.
    pub fn parse(bytes: &'a [u8]) -> Result<Header<'a>, BatchError> {
        let truncated = BatchError::Truncated { needed: HEADER_LEN, available: bytes.len() };
        let Some(&[_, _, _, _, _, _, _, _, a, b, c, d]) = bytes.first_chunk() else {
            return Err(truncated);
        };
        let length = i32::from_be_bytes([a, b, c, d]);
        if length < OLD_MESSAGE_LEN_MIN {
            return Err(BatchError::Length { length });
        }
        // The magic byte has been at 16 in every format, and an old message may be shorter than a header.
        match bytes.get(MAGIC_AT) {
            None => return Err(truncated),
            Some(&magic) if magic as i8 != MAGIC => return Err(BatchError::Magic { magic: magic as i8 }),
            Some(_) if length < (HEADER_LEN - LENGTH_PREFIX_LEN) as i32 => {
                return Err(BatchError::Length { length });
            }
            Some(_) => {}
        }
        Ok(Header { bytes: bytes.first_chunk().ok_or(truncated)? })
    }

    /// A view of bytes that [`Header::parse`] has accepted before.
    pub(super) fn trusted(bytes: &'a [u8; HEADER_LEN]) -> Header<'a> {
        Header { bytes }
    }

    /// The bytes of the header.
    pub fn as_bytes(self) -> &'a [u8; HEADER_LEN] {
        self.bytes
    }

    /// Offset of the first record (which compaction may have removed).
    pub fn base_offset(self) -> Offset {
        Offset(self.i64_at(0))
    }

    /// Offset of the last record: base offset + last offset delta.
    pub fn last_offset(self) -> Offset {
        Offset(self.i64_at(0).saturating_add(i64::from(self.last_offset_delta())))
    }

    /// The offset after the last record.
    pub fn next_offset(self) -> Offset {
        Offset(self.last_offset().0.saturating_add(1))
    }

    /// Size of the whole batch in bytes, header included; at least [`HEADER_LEN`].
    pub fn size(self) -> usize {
        LENGTH_PREFIX_LEN + self.i32_at(LENGTH_AT) as usize
    }

    /// Size of what follows the header, in bytes.
    pub fn body_len(self) -> usize {
        self.size() - HEADER_LEN
    }

    /// The epoch of the leader that appended the batch.
    pub fn leader_epoch(self) -> LeaderEpoch {
        LeaderEpoch(self.i32_at(EPOCH_AT))
    }

    /// CRC-32C as stored.
    pub fn crc(self) -> u32 {
        self.i32_at(CRC_AT) as u32
    }

    /// The attribute bits.
    pub fn attributes(self) -> Attributes {
        Attributes(i16::from_be_bytes(self.at(ATTRIBUTES_AT)))
    }

    /// The codec. Error: `UnknownCodec`.
    pub fn codec(self) -> Result<Codec, BatchError> {
        let attributes = self.attributes();
        attributes.codec().ok_or(BatchError::UnknownCodec((attributes.0 & 0b111) as u8))
    }

    /// Who set the timestamps.
    pub fn timestamp_type(self) -> TimestampType {
        self.attributes().timestamp_type()
    }

    /// Whether the batch is part of a transaction.
    pub fn is_transactional(self) -> bool {
        self.attributes().is_transactional()
    }

    /// Whether the records are control records.
    pub fn is_control(self) -> bool {
        self.attributes().is_control()
    }

    /// Offset of the last record, counted from the base offset.
    pub fn last_offset_delta(self) -> i32 {
        self.i32_at(LAST_OFFSET_DELTA_AT)
    }

    /// The timestamp that the records' deltas count from (the first record's, when the producer wrote it).
    pub fn base_timestamp(self) -> Millis {
        Millis(self.i64_at(BASE_TIMESTAMP_AT))
    }

    /// When compaction may drop the batch's tombstones and markers, if compaction has set it (KIP-534).
    pub fn delete_horizon(self) -> Option<Millis> {
        self.attributes().has_delete_horizon().then(|| self.base_timestamp())
    }

    /// The largest timestamp of the records; their common one under `LogAppendTime`.
    pub fn max_timestamp(self) -> Millis {
        Millis(self.i64_at(MAX_TIMESTAMP_AT))
    }

    /// The producer, or [`ProducerId::NONE`].
    pub fn producer_id(self) -> ProducerId {
        ProducerId(self.i64_at(PRODUCER_ID_AT))
    }

    /// The producer's epoch, or -1.
    pub fn producer_epoch(self) -> ProducerEpoch {
        ProducerEpoch(i16::from_be_bytes(self.at(PRODUCER_EPOCH_AT)))
    }

    /// The first record's sequence number, or -1.
    pub fn base_sequence(self) -> i32 {
        self.i32_at(BASE_SEQUENCE_AT)
    }

    /// The last record's sequence number, which wraps from `i32::MAX` to 0; -1 without a producer.
    pub fn last_sequence(self) -> i32 {
        let base = self.base_sequence();
        if base < 0 {
            return base;
        }
        // Both are at most 2^31 - 1, and sequence numbers are modulo 2^31.
        ((i64::from(base) + i64::from(self.last_offset_delta())) & i64::from(i32::MAX)) as i32
    }

    /// Whether an idempotent or transactional producer wrote the batch.
    pub fn has_producer(self) -> bool {
        self.producer_id() != ProducerId::NONE
    }

    /// How many records the body holds, as claimed.
    pub fn record_count(self) -> i32 {
        self.i32_at(RECORD_COUNT_AT)
    }

    fn at<const N: usize>(self, at: usize) -> [u8; N] {
        let mut field = [0; N];
        field.copy_from_slice(&self.bytes[at..at + N]);
        field
    }

    fn i32_at(self, at: usize) -> i32 {
        i32::from_be_bytes(self.at(at))
    }

    fn i64_at(self, at: usize) -> i64 {
        i64::from_be_bytes(self.at(at))
    }
}

/// The fields of a header to be written; the rest follows from the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub(super) base_offset: Offset,
    pub(super) leader_epoch: LeaderEpoch,
    pub(super) attributes: Attributes,
    pub(super) last_offset_delta: i32,
    pub(super) base_timestamp: Millis,
    pub(super) max_timestamp: Millis,
    pub(super) producer_id: ProducerId,
    pub(super) producer_epoch: ProducerEpoch,
    pub(super) base_sequence: i32,
    pub(super) record_count: i32,
}

impl Fields {
    pub(super) fn of(header: Header<'_>) -> Fields {
        Fields {
            base_offset: header.base_offset(),
            leader_epoch: header.leader_epoch(),
            attributes: header.attributes(),
            last_offset_delta: header.last_offset_delta(),
            base_timestamp: header.base_timestamp(),
            max_timestamp: header.max_timestamp(),
            producer_id: header.producer_id(),
            producer_epoch: header.producer_epoch(),
            base_sequence: header.base_sequence(),
            record_count: header.record_count(),
        }
    }

    /// The header for a body compressed with `codec`.
    pub(super) fn write(self, codec: Codec, body: &[u8]) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let mut header = HeaderMut { bytes: &mut bytes };
        header.set_base_offset(self.base_offset);
        header.set_leader_epoch(self.leader_epoch);
        header.put(MAGIC_AT, MAGIC.to_be_bytes());
        header.put(ATTRIBUTES_AT, self.attributes.0.to_be_bytes());
        header.put(LAST_OFFSET_DELTA_AT, self.last_offset_delta.to_be_bytes());
        header.put(BASE_TIMESTAMP_AT, self.base_timestamp.0.to_be_bytes());
        header.put(MAX_TIMESTAMP_AT, self.max_timestamp.0.to_be_bytes());
        header.put(PRODUCER_ID_AT, self.producer_id.0.to_be_bytes());
        header.put(PRODUCER_EPOCH_AT, self.producer_epoch.0.to_be_bytes());
        header.put(BASE_SEQUENCE_AT, self.base_sequence.to_be_bytes());
        header.put(RECORD_COUNT_AT, self.record_count.to_be_bytes());
        header.set_body(codec, body);
        bytes
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("base_offset", &self.base_offset())
            .field("size", &self.size())
            .field("leader_epoch", &self.leader_epoch())
            .field("crc", &self.crc())
            .field("attributes", &self.attributes().0)
            .field("last_offset_delta", &self.last_offset_delta())
            .field("base_timestamp", &self.base_timestamp())
            .field("max_timestamp", &self.max_timestamp())
            .field("producer_id", &self.producer_id())
            .field("producer_epoch", &self.producer_epoch())
            .field("base_sequence", &self.base_sequence())
            .field("record_count", &self.record_count())
            .finish()
    }
}

/// Write access to the header fields that a leader sets. The CRC is valid after every setter if it was before.
pub struct HeaderMut<'a> {
    bytes: &'a mut [u8; HEADER_LEN],
}

impl<'a> HeaderMut<'a> {
    /// The header at the start of `bytes`. Errors as [`Header::parse`].
    pub fn parse(bytes: &'a mut [u8]) -> Result<HeaderMut<'a>, BatchError> {
        Header::parse(bytes)?;
        let available = bytes.len();
        let bytes = bytes.first_chunk_mut().ok_or(BatchError::Truncated { needed: HEADER_LEN, available })?;
        Ok(HeaderMut { bytes })
    }

    /// Bytes that [`Header::parse`] has accepted before.
    pub(super) fn trusted(bytes: &'a mut [u8; HEADER_LEN]) -> HeaderMut<'a> {
        HeaderMut { bytes }
    }

    /// Reads it.
    pub fn view(&self) -> Header<'_> {
        Header { bytes: self.bytes }
    }

    /// Outside the CRC.
    pub fn set_base_offset(&mut self, offset: Offset) {
        self.put(0, offset.0.to_be_bytes());
    }

    /// Outside the CRC.
    pub fn set_leader_epoch(&mut self, epoch: LeaderEpoch) {
        self.put(EPOCH_AT, epoch.0.to_be_bytes());
    }

    /// Makes the batch `LogAppendTime` with `now` as the timestamp of all its records. Adjusts the CRC without
    /// reading the body.
    pub fn set_log_append_time(&mut self, now: Millis) {
        self.set_timestamps(TimestampType::LogAppendTime, now);
    }

    /// Adjusts the CRC without reading the body.
    pub(super) fn set_timestamps(&mut self, timestamp_type: TimestampType, max: Millis) {
        let attributes = self.view().attributes().with_timestamp_type(timestamp_type);
        if attributes == self.view().attributes() && max == self.view().max_timestamp() {
            return;
        }
        let before = crc32c(&self.bytes[ATTRIBUTES_AT..]);
        self.put(ATTRIBUTES_AT, attributes.0.to_be_bytes());
        self.put(MAX_TIMESTAMP_AT, max.0.to_be_bytes());
        let after = crc32c(&self.bytes[ATTRIBUTES_AT..]);
        let crc = replace_prefix(self.view().crc(), before, after, self.view().body_len());
        self.put(CRC_AT, crc.to_be_bytes());
    }

    /// Gives the header another body: sets codec, length and CRC.
    pub(super) fn set_body(&mut self, codec: Codec, body: &[u8]) {
        let attributes = self.view().attributes().with_codec(codec);
        self.put(ATTRIBUTES_AT, attributes.0.to_be_bytes());
        let length = HEADER_LEN - LENGTH_PREFIX_LEN + body.len();
        self.put(LENGTH_AT, i32::try_from(length).expect("a batch is smaller than 2 GiB").to_be_bytes());
        let crc = crc32c_of_both(&self.bytes[ATTRIBUTES_AT..], body);
        self.put(CRC_AT, crc.to_be_bytes());
    }

    fn put<const N: usize>(&mut self, at: usize, field: [u8; N]) {
        self.bytes[at..at + N].copy_from_slice(&field);
    }
}

/// One whole batch within a byte slice: its length field fits the bytes. Nothing else has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    bytes: &'a [u8],
    header: Header<'a>,
}

impl<'a> Batch<'a> {
    /// The batch at the start of `bytes`, which may go on after it.
    ///
    /// Errors: `Truncated`, `Magic`, `Length`.
    pub fn parse(bytes: &'a [u8]) -> Result<Batch<'a>, BatchError> {
        let header = Header::parse(bytes)?;
        let needed = header.size();
        let bytes = bytes.get(..needed).ok_or(BatchError::Truncated { needed, available: bytes.len() })?;
        Ok(Batch { bytes, header })
    }

    /// Its header.
    pub fn header(self) -> Header<'a> {
        self.header
    }

    /// Header and body.
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The records, as compressed as they are.
    pub fn body(self) -> &'a [u8] {
        &self.bytes[HEADER_LEN..]
    }

    /// Compares the stored CRC with that of the bytes. Error: `Crc`.
    pub fn verify_crc(self) -> Result<(), BatchError> {
        let (stored, computed) = (self.header.crc(), crc32c(&self.bytes[ATTRIBUTES_AT..]));
        if stored == computed { Ok(()) } else { Err(BatchError::Crc { stored, computed }) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{BatchBuilder, Compression, NewRecord};
    use super::*;

    #[test]
    fn sequence_numbers_wrap_to_zero() {
        let mut builder =
            BatchBuilder::new(Compression::None).producer(ProducerId(1), ProducerEpoch(0), i32::MAX - 1);
        (0..4).for_each(|_| builder.push(NewRecord::default()));
        let bytes = builder.build();
        assert_eq!(Header::parse(&bytes).unwrap().last_sequence(), 1);
    }

    proptest! {
        #[test]
        fn setters_keep_the_crc(value: Vec<u8>, offset: i64, epoch: i32, now: i64) {
            let mut builder = BatchBuilder::new(Compression::None);
            builder.push(NewRecord { value: Some(&value), ..NewRecord::default() });
            let mut bytes = builder.build().to_vec();
            let mut header = HeaderMut::parse(&mut bytes).unwrap();
            header.set_base_offset(Offset(offset));
            header.set_leader_epoch(LeaderEpoch(epoch));
            header.set_log_append_time(Millis(now));
            let batch = Batch::parse(&bytes).unwrap();
            prop_assert_eq!(batch.verify_crc(), Ok(()));
            let header = batch.header();
            prop_assert_eq!((header.base_offset().0, header.leader_epoch().0), (offset, epoch));
            prop_assert_eq!((header.max_timestamp().0, header.timestamp_type()), (now, TimestampType::LogAppendTime));
        }

        #[test]
        fn arbitrary_bytes_are_never_a_batch_beyond_their_end(bytes: Vec<u8>) {
            if let Ok(batch) = Batch::parse(&bytes) {
                prop_assert!(batch.as_bytes().len() <= bytes.len());
            }
        }
    }
}
