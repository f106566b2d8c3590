//! Making batches: for the controller and coordinators, the CLI, compaction and tests.

use bytes::Bytes;
use chronik_types::{LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId};

use super::compression::compress;
use super::header::Fields;
use super::{
    Attributes, Codec, Compression, HEADER_LEN, Header, Record, RecordHeaders, TimestampType, Validated,
    varint,
};

/// A record to be written.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRecord<'a> {
    /// Becomes the record's create time.
    pub timestamp: Millis,
    /// `None` is Kafka's null.
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Key and value of each header, in order.
    pub headers: &'a [(&'a [u8], Option<&'a [u8]>)],
}

/// Collects records into one batch.
///
/// Without further calls: base offset 0, leader epoch -1 (as clients send it), no producer, create time.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    fields: Fields,
    compression: Compression,
    /// Room for the header, then the records in the clear.
    bytes: Vec<u8>,
    /// Where `bytes` will end when all is said: offset for the next record, counted from the base offset.
    next_delta: i64,
    /// The batch ends where another one did, whatever records are left (`like`).
    keeps_last_offset: bool,
    log_append_time: Option<Millis>,
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new(compression: Compression) -> BatchBuilder {
        let fields = Fields {
            base_offset: Offset(0),
            leader_epoch: LeaderEpoch::NONE,
            attributes: Attributes::default(),
            last_offset_delta: 0,
            base_timestamp: Millis::NONE,
            max_timestamp: Millis::NONE,
            producer_id: ProducerId::NONE,
            producer_epoch: ProducerEpoch::NONE,
            base_sequence: -1,
            record_count: 0,
        };
        BatchBuilder::with(fields, compression, false)
    }

    /// An empty batch with everything from `header` but codec and what depends on the records: base offset, last
    /// offset, epoch, producer, flags. Compaction starts from it (`MemoryRecords.filterTo`).
    pub fn like(header: Header<'_>, compression: Compression) -> BatchBuilder {
        let fields = Fields { record_count: 0, ..Fields::of(header) };
        let builder = BatchBuilder::with(fields, compression, true);
        match header.timestamp_type() {
            TimestampType::LogAppendTime => builder.log_append_time(header.max_timestamp()),
            TimestampType::CreateTime => builder,
        }
    }

    /// The batch of `header` without its records: offsets, epoch, producer and its last sequence stay
    /// (`DefaultRecordBatch.writeEmptyHeader`).
    pub fn emptied(header: Header<'_>) -> Bytes {
        let attributes = header.attributes().with_delete_horizon(false);
        let fields =
            Fields { base_timestamp: Millis::NONE, record_count: 0, attributes, ..Fields::of(header) };
        Bytes::copy_from_slice(&fields.write(Codec::None, &[]))
    }

    fn with(fields: Fields, compression: Compression, keeps_last_offset: bool) -> BatchBuilder {
        BatchBuilder {
            fields,
            compression,
            bytes: vec![0; HEADER_LEN],
            next_delta: 0,
            keeps_last_offset,
            log_append_time: None,
        }
    }

    /// Offset of the first record.
    pub fn base_offset(mut self, offset: Offset) -> BatchBuilder {
        self.fields.base_offset = offset;
        self
    }

    /// Epoch of the leader that appends the batch.
    pub fn leader_epoch(mut self, epoch: LeaderEpoch) -> BatchBuilder {
        self.fields.leader_epoch = epoch;
        self
    }

    /// Idempotent producer and its first sequence number (-1 for a transaction marker).
    pub fn producer(mut self, id: ProducerId, epoch: ProducerEpoch, base_sequence: i32) -> BatchBuilder {
        self.fields.producer_id = id;
        self.fields.producer_epoch = epoch;
        self.fields.base_sequence = base_sequence;
        self
    }

    /// Part of a transaction.
    pub fn transactional(mut self) -> BatchBuilder {
        self.fields.attributes = self.fields.attributes.with_transactional(true);
        self
    }

    /// A control batch: its records' keys are [`ControlType::key`](super::ControlType::key).
    pub fn control(mut self) -> BatchBuilder {
        self.fields.attributes = self.fields.attributes.with_control(true);
        self
    }

    /// The leader's time for all records.
    pub fn log_append_time(mut self, now: Millis) -> BatchBuilder {
        self.fields.attributes = self.fields.attributes.with_timestamp_type(TimestampType::LogAppendTime);
        self.log_append_time = Some(now);
        self
    }

    /// Compaction's mark (KIP-534). It becomes the base timestamp, so it must be set before the first record.
    pub fn delete_horizon(mut self, horizon: Millis) -> BatchBuilder {
        assert!(self.is_empty(), "records count their timestamps from the delete horizon");
        self.fields.attributes = self.fields.attributes.with_delete_horizon(true);
        self.fields.base_timestamp = horizon;
        self
    }

    /// Adds a record at the next offset.
    pub fn push(&mut self, record: NewRecord<'_>) {
        let mut headers = Vec::new();
        for &(key, value) in record.headers {
            write_bytes(Some(key), &mut headers);
            write_bytes(value, &mut headers);
        }
        let count = record.headers.len();
        self.push_encoded(
            self.next_delta,
            record.timestamp,
            [record.key, record.value],
            RecordHeaders::encoded(count, &headers),
        );
    }

    /// Adds a record that was read from a batch, at its own offset. Panics if the offset is not above the one before.
    pub fn push_kept(&mut self, record: &Record<'_>) {
        let delta = record.offset.0 - self.fields.base_offset.0;
        assert!(delta >= self.next_delta, "records are kept in the order of their offsets");
        self.push_encoded(delta, record.timestamp, [record.key, record.value], record.headers);
    }

    fn push_encoded(
        &mut self,
        delta: i64,
        timestamp: Millis,
        [key, value]: [Option<&[u8]>; 2],
        headers: RecordHeaders<'_>,
    ) {
        if self.is_empty() && !self.fields.attributes.has_delete_horizon() {
            self.fields.base_timestamp = timestamp;
        }
        if self.is_empty() || timestamp > self.fields.max_timestamp {
            self.fields.max_timestamp = timestamp;
        }
        let timestamp_delta = timestamp.0.wrapping_sub(self.fields.base_timestamp.0);
        let header_count = headers.len() as i64;
        let len = 1
            + varint::len(timestamp_delta)
            + varint::len(delta)
            + bytes_len(key)
            + bytes_len(value)
            + varint::len(header_count)
            + headers.as_bytes().len();
        let out = &mut self.bytes;
        out.reserve(len + 5);
        varint::write(len as i64, out);
        let attributes = 0;
        out.push(attributes);
        varint::write(timestamp_delta, out);
        varint::write(delta, out);
        write_bytes(key, out);
        write_bytes(value, out);
        varint::write(header_count, out);
        out.extend_from_slice(headers.as_bytes());
        self.fields.record_count += 1;
        self.next_delta = delta + 1;
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.fields.record_count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.record_count == 0
    }

    /// Bytes of the batch if it were not compressed.
    pub fn size_uncompressed(&self) -> usize {
        self.bytes.len()
    }

    /// The batch. One without records is allowed: compaction keeps a producer's last sequence so.
    pub fn build(self) -> Bytes {
        let (header, mut bytes) = self.finish();
        bytes[..HEADER_LEN].copy_from_slice(&header);
        bytes.into()
    }

    /// The batch, ready to append: it needs no validation, having been made here.
    pub fn build_validated(self) -> Validated {
        let (header, bytes) = self.finish();
        Validated::new(header, Bytes::from(bytes).slice(HEADER_LEN..))
    }

    /// The header, and the body behind room for the header.
    fn finish(mut self) -> ([u8; HEADER_LEN], Vec<u8>) {
        if !self.keeps_last_offset {
            self.fields.last_offset_delta =
                i32::try_from((self.next_delta - 1).max(0)).expect("a batch has at most 2^31 offsets");
        }
        if let Some(now) = self.log_append_time {
            self.fields.max_timestamp = now;
        }
        let codec = self.compression.codec();
        let bytes = if self.compression == Compression::None {
            self.bytes
        } else {
            let mut compressed = vec![0; HEADER_LEN];
            compress(self.compression, &self.bytes[HEADER_LEN..], &mut compressed);
            compressed
        };
        (self.fields.write(codec, &bytes[HEADER_LEN..]), bytes)
    }
}

fn write_bytes(field: Option<&[u8]>, out: &mut Vec<u8>) {
    match field {
        None => varint::write(-1, out),
        Some(field) => {
            varint::write(field.len() as i64, out);
            out.extend_from_slice(field);
        }
    }
}

fn bytes_len(field: Option<&[u8]>) -> usize {
    field.map_or(varint::len(-1), |field| varint::len(field.len() as i64) + field.len())
}

#[cfg(test)]
mod tests {
    use super::super::{Batch, Records, decompress};
    use super::*;

    fn timestamps_and_offsets(bytes: &[u8]) -> Vec<(i64, i64)> {
        let batch = Batch::parse(bytes).unwrap();
        batch.verify_crc().unwrap();
        let body = decompress(batch, 1 << 20).unwrap();
        Records::new(batch.header(), &body)
            .map(|record| record.map(|record| (record.offset.0, record.timestamp.0)).unwrap())
            .collect()
    }

    #[test]
    fn compaction_keeps_offsets_and_the_end() {
        let mut builder = BatchBuilder::new(Compression::Lz4)
            .base_offset(Offset(10))
            .leader_epoch(LeaderEpoch(4))
            .producer(ProducerId(1), ProducerEpoch(2), 30);
        for timestamp in [100, 300, 200] {
            builder.push(NewRecord { timestamp: Millis(timestamp), key: Some(b"k"), ..NewRecord::default() });
        }
        let original = builder.build();
        let original = Batch::parse(&original).unwrap();
        let body = decompress(original, 1000).unwrap();
        let mut kept = BatchBuilder::like(original.header(), Compression::Lz4).delete_horizon(Millis(9000));
        Records::new(original.header(), &body).step_by(2).for_each(|record| kept.push_kept(&record.unwrap()));
        let kept = kept.build();
        assert_eq!(timestamps_and_offsets(&kept), [(10, 100), (12, 200)]);
        let header = Batch::parse(&kept).unwrap().header();
        assert_eq!((header.base_offset(), header.last_offset()), (Offset(10), Offset(12)));
        assert_eq!((header.base_sequence(), header.last_sequence(), header.record_count()), (30, 32, 2));
        assert_eq!((header.delete_horizon(), header.max_timestamp()), (Some(Millis(9000)), Millis(200)));

        let empty = BatchBuilder::emptied(Batch::parse(&kept).unwrap().header());
        assert_eq!(timestamps_and_offsets(&empty), []);
        assert_eq!(Batch::parse(&empty).unwrap().header().delete_horizon(), None);
        let empty = BatchBuilder::emptied(original.header());
        assert_eq!(timestamps_and_offsets(&empty), []);
        let header = Batch::parse(&empty).unwrap().header();
        assert_eq!((header.last_offset(), header.last_sequence()), (Offset(12), 32));
        assert_eq!(header.max_timestamp(), Millis(300));
    }

    #[test]
    fn built_and_validated_are_the_same_bytes() {
        for codec in Codec::ALL {
            let mut builder = BatchBuilder::new(Compression::of(codec)).log_append_time(Millis(7));
            builder.push(NewRecord { value: Some(b"v"), ..NewRecord::default() });
            let bytes = builder.clone().build();
            assert_eq!(builder.build_validated().to_bytes(), bytes);
            assert_eq!(timestamps_and_offsets(&bytes), [(0, 7)]);
        }
    }
}
