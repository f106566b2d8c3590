//! What a request costs before and after its handler: `cargo bench -p chronik-wire`.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use bytes::{Buf, Bytes, BytesMut};
use chronik_types::{ErrorCode, NodeId, Offset, PartitionIndex, TopicId};
use chronik_wire::api::{decode_request, encode_response};
use chronik_wire::client::encode_request;
use chronik_wire::fetch::{FetchResponse, FetchedPartition, FetchedTopic, Records};
use chronik_wire::frame::Splitter;
use chronik_wire::messages::fetch_request::{FetchPartition, FetchTopic};
use chronik_wire::messages::metadata_request::MetadataRequestTopic;
use chronik_wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use chronik_wire::messages::{FetchRequest, MetadataRequest, ProduceRequest, TopicName};
use chronik_wire::precheck::{Checked, check};
use chronik_wire::{ApiKey, RequestHeader, StrBytes, TopicKey};
use criterion::{Criterion, criterion_group, criterion_main};
use kafka_protocol::protocol::Decodable;
use uuid::Uuid;

fn name(text: &'static str) -> TopicName {
    TopicName(StrBytes::from_static_str(text))
}

fn produce(version: i16) -> Bytes {
    let partition =
        PartitionProduceData::default().with_index(3).with_records(Some(Bytes::from(vec![7; 1024])));
    let mut topic = TopicProduceData::default().with_partition_data(vec![partition]);
    if version >= 13 {
        topic.topic_id = Uuid::from_u128(99);
    } else {
        topic.name = name("orders");
    }
    let request = ProduceRequest::default().with_transactional_id(None).with_acks(-1).with_timeout_ms(30_000);
    encode_request(version, 1, "bench", &request.with_topic_data(vec![topic])).unwrap()
}

fn fetch(partitions: i32) -> Bytes {
    let partition = |index| {
        FetchPartition::default()
            .with_partition(index)
            .with_fetch_offset(1000)
            .with_partition_max_bytes(1 << 20)
    };
    let topic = FetchTopic::default()
        .with_topic_id(Uuid::from_u128(99))
        .with_partitions((0..partitions).map(partition).collect());
    encode_request(17, 1, "bench", &FetchRequest::default().with_topics(vec![topic])).unwrap()
}

fn metadata(topics: usize) -> Bytes {
    let topic = MetadataRequestTopic::default().with_name(Some(name("orders-of-the-day")));
    encode_request(12, 1, "bench", &MetadataRequest::default().with_topics(Some(vec![topic; topics])))
        .unwrap()
}

fn requests(criterion: &mut Criterion) {
    let frames = [
        ("produce v9, 1 partition", produce(9)),
        ("produce v13, 1 partition", produce(13)),
        ("fetch v17, 1 partition", fetch(1)),
        ("fetch v17, 100 partitions", fetch(100)),
        ("metadata v12, 1 topic", metadata(1)),
        ("metadata v12, 100 topics", metadata(100)),
    ];
    let mut group = criterion.benchmark_group("header and decode");
    for (name, frame) in &frames {
        let frame = frame.slice(4..);
        group.bench_function(*name, |bench| {
            bench.iter(|| {
                let (header, body) = RequestHeader::parse(black_box(&frame).clone()).unwrap();
                decode_request(&header, body).unwrap()
            });
        });
    }
    group.finish();
    let (_, body) = RequestHeader::parse(produce(13).slice(4..)).unwrap();
    criterion.bench_function("library decode, produce v13, 1 partition", |bench| {
        bench.iter(|| ProduceRequest::decode(&mut black_box(&body).clone(), 13).unwrap());
    });
    for topics in [1, 100] {
        let (_, body) = RequestHeader::parse(metadata(topics).slice(4..)).unwrap();
        criterion.bench_function(&format!("pre-check, metadata v12, {topics} topics"), |bench| {
            bench.iter(|| check(&MetadataRequest::SCHEMA, 12, black_box(&body)).unwrap());
        });
    }
    criterion.bench_function("split 100 frames of 1 KiB", |bench| {
        let wire = produce(13).repeat(100);
        let splitter = Splitter::new(100 << 20);
        bench.iter_batched_ref(
            || BytesMut::from(&wire[..]),
            |buffer| {
                while let Some(frame) = splitter.next(buffer).unwrap() {
                    black_box(frame.remaining());
                }
            },
            criterion::BatchSize::SmallInput,
        );
    });
}

fn fetched(partitions: i32, records: &Records) -> FetchResponse {
    let partition = |index| FetchedPartition {
        high_watermark: Offset(1 << 40),
        last_stable_offset: Offset(1 << 40),
        log_start_offset: Offset(0),
        preferred_read_replica: NodeId::NONE,
        records: records.clone(),
        ..FetchedPartition::refused(PartitionIndex(index), ErrorCode::None)
    };
    let topic = TopicKey::Id(TopicId(Uuid::from_u128(99)));
    let partitions = (0..partitions).map(partition).collect();
    FetchResponse {
        topics: std::iter::once(FetchedTopic { topic, partitions }).collect(),
        ..FetchResponse::empty(ErrorCode::None, 7)
    }
}

fn responses(criterion: &mut Criterion) {
    let header =
        RequestHeader { api: ApiKey::Fetch, version: 17, correlation_id: 1, client_id: StrBytes::default() };
    let mut group = criterion.benchmark_group("fetch response v17");
    for partitions in [1, 100] {
        for (kind, records) in [
            ("in memory", Records::Bytes(Bytes::from(vec![7; 16 << 10]))),
            ("in a file", Records::File { len: 16 << 10, token: 1 }),
        ] {
            group.bench_function(format!("{partitions} partitions {kind}"), |bench| {
                bench.iter_batched(
                    || fetched(partitions, &records),
                    |response| encode_response(&header, response.into()).unwrap(),
                    criterion::BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, requests, responses);
criterion_main!(benches);
