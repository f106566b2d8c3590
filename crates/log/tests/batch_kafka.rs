//! Batches against two judges: segments that Apache Kafka 4.3.1 wrote, with what its `kafka-dump-log.sh` says about
//! them, and the `kafka-protocol` crate as an independent codec.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fmt::Write;

use bytes::Bytes;
use chronik_log::batch::{
    Batch, BatchBuilder, BatchIter, Codec, Compression, ControlType, EndTxnMarker, Header, NewRecord, Record,
    Records, decompress, verify,
};
use chronik_types::{LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records as oracle;
use proptest::prelude::*;

const CAP: usize = 1 << 20;

/// Segments of one topic: a batch of every codec, then transactions. Some records have no key, no value, an empty
/// value, headers of the same name, a header without value, or a value of 70,000 times `x` (more than one block).
const SEGMENTS: [(&[u8], &str); 2] = [
    (
        include_bytes!("fixtures/kafka-4.3.1/00000000000000000000.log"),
        include_str!("fixtures/kafka-4.3.1/00000000000000000000.dump.txt"),
    ),
    (
        include_bytes!("fixtures/kafka-4.3.1/00000000000000000041.log"),
        include_str!("fixtures/kafka-4.3.1/00000000000000000041.dump.txt"),
    ),
];

#[test]
fn segments_read_as_kafka_dumps_them() {
    for (segment, dumped) in SEGMENTS {
        let mut text = String::new();
        let mut position = 0;
        for batch in BatchIter::new(segment) {
            let batch = batch.unwrap();
            dump_batch(batch, position, &mut text);
            position += batch.as_bytes().len();
        }
        assert_eq!(text, dumped);
        let verified = verify(Bytes::from_static(segment)).unwrap().unwrap();
        assert_eq!(verified.bytes().len(), segment.len());
    }
}

/// A line for the batch and one for each record, as `kafka-dump-log.sh --print-data-log` writes them.
fn dump_batch(batch: Batch<'_>, position: usize, text: &mut String) {
    let header = batch.header();
    let horizon = header
        .delete_horizon()
        .map_or("OptionalLong.empty".to_owned(), |horizon| format!("OptionalLong[{horizon}]"));
    writeln!(
        text,
        "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} producerEpoch: {} \
         partitionLeaderEpoch: {} isTransactional: {} isControl: {} deleteHorizonMs: {horizon} position: {position} \
         {}: {} size: {} magic: 2 compresscodec: {} crc: {} isvalid: {}",
        header.base_offset(),
        header.last_offset(),
        header.record_count(),
        header.base_sequence(),
        header.last_sequence(),
        header.producer_id(),
        header.producer_epoch(),
        header.leader_epoch(),
        header.is_transactional(),
        header.is_control(),
        header.timestamp_type(),
        header.max_timestamp(),
        header.size(),
        header.codec().unwrap(),
        header.crc(),
        batch.verify_crc().is_ok(),
    )
    .unwrap();
    let body = decompress(batch, CAP).unwrap();
    for record in Records::new(header, &body) {
        dump_record(header, &record.unwrap(), text);
    }
}

fn dump_record(header: Header<'_>, record: &Record<'_>, text: &mut String) {
    let size = |field: Option<&[u8]>| field.map_or(-1, |field| field.len() as i64);
    let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let sequence = match header.base_sequence() {
        -1 => -1,
        base => i64::from(base) + record.offset.0 - header.base_offset().0,
    };
    let header_keys: Vec<_> = record.headers.iter().map(|header| string(header.key)).collect();
    write!(
        text,
        "| offset: {} {}: {} keySize: {} valueSize: {} sequence: {sequence} headerKeys: [{}]",
        record.offset,
        header.timestamp_type(),
        record.timestamp,
        size(record.key),
        size(record.value),
        header_keys.join(","),
    )
    .unwrap();
    if header.is_control() {
        let marker = EndTxnMarker::of(record).unwrap().unwrap();
        let name = if marker.control_type() == ControlType::Commit { "COMMIT" } else { "ABORT" };
        writeln!(text, " endTxnMarker: {name} coordinatorEpoch: {}", marker.coordinator_epoch).unwrap();
        return;
    }
    if let Some(key) = record.key {
        write!(text, " key: {}", string(key)).unwrap();
    }
    match record.value {
        None => {}
        // The fixture's text has been shortened so.
        Some(value) if value == vec![b'x'; 70_000] => text.push_str(" payload: <70000 x>"),
        Some(value) => write!(text, " payload: {}", string(value)).unwrap(),
    }
    text.push('\n');
}

#[test]
fn header_values_are_those_that_were_sent() {
    let batch = BatchIter::new(SEGMENTS[0].0).next().unwrap().unwrap();
    let record = Records::new(batch.header(), batch.body()).nth(3).unwrap().unwrap();
    let headers: Vec<_> = record.headers.iter().map(|header| (header.key, header.value)).collect();
    assert_eq!(headers, [(&b"same"[..], Some(&b"h0"[..])), (b"same", None), (b"other", Some(b"h2"))]);
}

#[test]
fn markers_are_built_as_kafka_builds_them() {
    for batch in BatchIter::new(SEGMENTS[1].0) {
        let batch = batch.unwrap();
        let header = batch.header();
        if !header.is_control() {
            continue;
        }
        let record = Records::new(header, batch.body()).next().unwrap().unwrap();
        let marker = EndTxnMarker::of(&record).unwrap().unwrap();
        let mut builder = BatchBuilder::new(Compression::None)
            .base_offset(header.base_offset())
            .leader_epoch(header.leader_epoch())
            .producer(header.producer_id(), header.producer_epoch(), -1)
            .transactional()
            .control();
        let (key, value) = (marker.control_type().key(), marker.value());
        let timestamp = record.timestamp;
        builder.push(NewRecord { timestamp, key: Some(&key), value: Some(&value), headers: &[] });
        assert_eq!(builder.build(), batch.as_bytes());
    }
}

#[derive(Clone, Debug)]
struct Sample {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    /// By name: the oracle keeps one header of each.
    headers: Vec<(String, Option<Vec<u8>>)>,
}

prop_compose! {
    fn sample()(
        timestamp in 0..1i64 << 42,
        key: Option<Vec<u8>>,
        value in prop::option::of(prop::collection::vec(0u8..4, 0..300)),
        headers in prop::collection::btree_map("[a-z]{0,3}", any::<Option<Vec<u8>>>(), 0..3),
    ) -> Sample {
        Sample { timestamp, key, value, headers: headers.into_iter().collect() }
    }
}

fn codec() -> impl Strategy<Value = Codec> {
    prop::sample::select(Codec::ALL.to_vec())
}

fn as_oracle(codec: Codec) -> oracle::Compression {
    match codec {
        Codec::None => oracle::Compression::None,
        Codec::Gzip => oracle::Compression::Gzip,
        Codec::Snappy => oracle::Compression::Snappy,
        Codec::Lz4 => oracle::Compression::Lz4,
        Codec::Zstd => oracle::Compression::Zstd,
    }
}

fn build(samples: &[Sample], codec: Codec, base_offset: i64) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::of(codec))
        .base_offset(Offset(base_offset))
        .leader_epoch(LeaderEpoch(7))
        .producer(ProducerId(8), ProducerEpoch(9), 10)
        .transactional();
    for sample in samples {
        let headers: Vec<_> =
            sample.headers.iter().map(|(key, value)| (key.as_bytes(), value.as_deref())).collect();
        builder.push(NewRecord {
            timestamp: Millis(sample.timestamp),
            key: sample.key.as_deref(),
            value: sample.value.as_deref(),
            headers: &headers,
        });
    }
    builder.build()
}

fn oracle_records(samples: &[Sample], base_offset: i64) -> Vec<oracle::Record> {
    let record = |(index, sample): (usize, &Sample)| oracle::Record {
        transactional: true,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 7,
        producer_id: 8,
        producer_epoch: 9,
        timestamp_type: oracle::TimestampType::Creation,
        offset: base_offset + index as i64,
        sequence: 10 + index as i32,
        timestamp: sample.timestamp,
        key: sample.key.clone().map(Bytes::from),
        value: sample.value.clone().map(Bytes::from),
        headers: sample
            .headers
            .iter()
            .map(|(key, value)| (StrBytes::from_string(key.clone()), value.clone().map(Bytes::from)))
            .collect::<IndexMap<_, _>>(),
    };
    samples.iter().enumerate().map(record).collect()
}

proptest! {
    #[test]
    fn the_oracle_reads_what_is_built(
        samples in prop::collection::vec(sample(), 1..20),
        codec in codec(),
        base_offset in 0..1i64 << 50,
    ) {
        let mut bytes = build(&samples, codec, base_offset);
        let decoded = oracle::RecordBatchDecoder::decode(&mut bytes).unwrap();
        prop_assert_eq!(decoded.compression, as_oracle(codec));
        prop_assert_eq!(decoded.records, oracle_records(&samples, base_offset));
    }

    #[test]
    fn what_the_oracle_writes_is_read(
        samples in prop::collection::vec(sample(), 1..20),
        codec in codec(),
        base_offset in 0..1i64 << 50,
    ) {
        let options = oracle::RecordEncodeOptions { version: 2, compression: as_oracle(codec) };
        let mut bytes = bytes::BytesMut::new();
        oracle::RecordBatchEncoder::encode(&mut bytes, &oracle_records(&samples, base_offset), &options).unwrap();
        let batch = Batch::parse(&bytes).unwrap();
        batch.verify_crc().unwrap();
        let header = batch.header();
        prop_assert_eq!((header.base_offset().0, header.base_sequence()), (base_offset, 10));
        prop_assert_eq!(header.record_count() as usize, samples.len());
        let body = decompress(batch, CAP).unwrap();
        for (index, record) in Records::new(header, &body).enumerate() {
            let record = record.unwrap();
            let sample = &samples[index];
            prop_assert_eq!(record.offset.0, base_offset + index as i64);
            prop_assert_eq!(record.timestamp.0, sample.timestamp);
            prop_assert_eq!(record.key, sample.key.as_deref());
            prop_assert_eq!(record.value, sample.value.as_deref());
            let headers: Vec<_> = record.headers.iter().map(|header| (header.key, header.value)).collect();
            let expected: Vec<_> =
                sample.headers.iter().map(|(key, value)| (key.as_bytes(), value.as_deref())).collect();
            prop_assert_eq!(headers, expected);
        }
    }
}
