//! Producing to and fetching from one partition.

use bytes::Bytes;
use chronik_log::batch::{BatchBuilder, BatchIter, Compression, NewRecord, Records};
use chronik_types::{ErrorCode, ProducerEpoch, ProducerId};
use chronik_wire::StrBytes;
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, FetchRequest, ListOffsetsRequest, ProduceRequest, TopicName,
    create_topics_request, fetch_request, list_offsets_request, produce_request,
};

use super::{Client, NOW};

pub fn name(text: &str) -> TopicName {
    TopicName(StrBytes::from_string(text.to_owned()))
}

/// Creates a topic of one partition with these overrides.
pub fn create(client: &mut Client, topic: &str, configs: &[(&str, &str)]) {
    let created = client.call(7, &create_request(topic, configs));
    assert_eq!(created.topics[0].error_code, 0, "{:?}", created.topics[0].error_message);
}

/// Asks for a topic of one partition with these overrides.
pub fn create_request(topic: &str, configs: &[(&str, &str)]) -> CreateTopicsRequest {
    let configs = configs.iter().map(|(key, value)| {
        create_topics_request::CreatableTopicConfig::default()
            .with_name(StrBytes::from_string((*key).to_owned()))
            .with_value(Some(StrBytes::from_string((*value).to_owned())))
    });
    let topic = create_topics_request::CreatableTopic::default()
        .with_name(name(topic))
        .with_num_partitions(1)
        .with_replication_factor(1)
        .with_configs(configs.collect());
    CreateTopicsRequest::default().with_topics(vec![topic])
}

pub fn batch(values: &[&str]) -> Bytes {
    builder(values).build()
}

/// A batch of an idempotent producer.
pub fn idempotent(values: &[&str], producer: i64, sequence: i32) -> Bytes {
    let builder =
        BatchBuilder::new(Compression::None).producer(ProducerId(producer), ProducerEpoch(0), sequence);
    fill(builder, values).build()
}

fn builder(values: &[&str]) -> BatchBuilder {
    fill(BatchBuilder::new(Compression::None), values)
}

fn fill(mut builder: BatchBuilder, values: &[&str]) -> BatchBuilder {
    for value in values {
        builder.push(NewRecord { timestamp: NOW, value: Some(value.as_bytes()), ..NewRecord::default() });
    }
    builder
}

/// A batch whose header and checksum are right, and whose records are nothing of the kind.
pub fn nonsense() -> Bytes {
    let mut bytes = batch(&["a value"]).to_vec();
    bytes[61..].fill(0xff);
    let crc = crc_fast::crc32_iscsi(&bytes[21..]).to_be_bytes();
    bytes[17..21].copy_from_slice(&crc);
    bytes.into()
}

pub fn list_offsets_request(topic: &str, timestamp: i64) -> ListOffsetsRequest {
    let wanted = list_offsets_request::ListOffsetsPartition::default()
        .with_current_leader_epoch(-1)
        .with_timestamp(timestamp);
    let topic = list_offsets_request::ListOffsetsTopic::default()
        .with_name(name(topic))
        .with_partitions(vec![wanted]);
    ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic])
}

pub fn produce_request(topic: &str, acks: i16, records: Bytes) -> ProduceRequest {
    let data = produce_request::PartitionProduceData::default().with_records(Some(records));
    let topic =
        produce_request::TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_transactional_id(None)
        .with_acks(acks)
        .with_timeout_ms(1000)
        .with_topic_data(vec![topic])
}

/// Produces with acks=all; the base offset, or why not.
pub fn produce(client: &mut Client, topic: &str, records: Bytes) -> Result<i64, ErrorCode> {
    let response = client.call(11, &produce_request(topic, -1, records));
    let answer = &response.responses[0].partition_responses[0];
    match ErrorCode::from_code(answer.error_code) {
        ErrorCode::None => Ok(answer.base_offset),
        code => Err(code),
    }
}

pub fn fetch_request(topic: &str, at: i64) -> FetchRequest {
    let wanted =
        fetch_request::FetchPartition::default().with_fetch_offset(at).with_partition_max_bytes(1 << 20);
    let topic = fetch_request::FetchTopic::default().with_topic(name(topic)).with_partitions(vec![wanted]);
    FetchRequest::default().with_max_bytes(1 << 20).with_session_epoch(-1).with_topics(vec![topic])
}

/// What can be read from an offset on: values, as text.
pub fn fetch(client: &mut Client, topic: &str, at: i64) -> Result<Vec<String>, ErrorCode> {
    let response = client.call(11, &fetch_request(topic, at));
    let answer = &response.responses[0].partitions[0];
    match ErrorCode::from_code(answer.error_code) {
        ErrorCode::None => Ok(values(answer.records.as_deref().unwrap_or_default(), at)),
        code => Err(code),
    }
}

fn values(bytes: &[u8], from: i64) -> Vec<String> {
    let mut values = Vec::new();
    for batch in BatchIter::new(bytes) {
        let batch = batch.unwrap();
        for record in Records::new(batch.header(), batch.body()) {
            let record = record.unwrap();
            if record.offset.0 >= from {
                values.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
            }
        }
    }
    values
}
