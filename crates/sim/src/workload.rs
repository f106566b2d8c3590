//! What clients do to a node: idempotent producers that retry what was not answered, and readers that follow.
//!
//! A producer keeps up to five batches in flight once its first is acknowledged (before that, a partition knows no sequence
//! to hold the others against: if it refuses the first for want of room and takes the second, Kafka loses the order too); when its connection breaks it sends everything that was not answered
//! again, in order, with the same sequence numbers, as Kafka's clients do. Errors that no client should ever see in this
//! scenario are violations.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chronik_log::batch::{BatchBuilder, BatchIter, Compression, NewRecord, Records};
use chronik_types::{ErrorCode, Millis, ProducerEpoch, ProducerId};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    CreateTopicsRequest, FetchRequest, InitProducerIdRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::{Address, Link, Lost};
use crate::oracle::{Oracle, Partition, RecordId};
use crate::world::{CLIENTS, World};

/// The workload's topic.
pub const TOPIC: &str = "orders";
const IN_FLIGHT_MAX: usize = 5;
const PRODUCE: i16 = 11;
const FETCH: i16 = 11;

/// What all clients of a run share.
#[derive(Clone)]
pub struct Clients {
    /// The world they live in.
    pub world: World,
    /// Where the node is.
    pub address: Address,
    /// Who remembers.
    pub oracle: Oracle,
    /// Set when producers shall finish what they have begun and stop.
    pub stop: Arc<AtomicBool>,
}

impl Clients {
    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    async fn pause(&self) {
        let pause = self.world.duration(Duration::from_millis(1), Duration::from_millis(50));
        self.world.sleep(CLIENTS, pause).await;
    }

    /// Creates the topic, however often it takes.
    pub async fn create_topic(&self, partitions: i32) {
        loop {
            let mut link = Link::connect(&self.world, &self.address).await;
            let topic = CreatableTopic::default()
                .with_name(topic())
                .with_num_partitions(partitions)
                .with_replication_factor(1);
            let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(1000);
            if let Ok(response) = link.call(7, &request).await {
                match ErrorCode::from_code(response.topics[0].error_code) {
                    ErrorCode::None | ErrorCode::TopicAlreadyExists => return,
                    _ => {}
                }
            }
            self.pause().await;
        }
    }

    async fn producer_id(&self) -> i64 {
        loop {
            let mut link = Link::connect(&self.world, &self.address).await;
            if let Ok(response) =
                link.call(4, &InitProducerIdRequest::default().with_transactional_id(None)).await
                && response.error_code == 0
            {
                return response.producer_id.0;
            }
            self.pause().await;
        }
    }

    /// Produces to one partition until told to stop, then until everything is acknowledged.
    pub async fn produce(self, partition: Partition) {
        let producer = self.producer_id().await;
        let mut unanswered: VecDeque<(u64, u64)> = VecDeque::new();
        let mut next = 0;
        let mut in_flight_max = 1;
        loop {
            let mut link = Link::connect(&self.world, &self.address).await;
            let mut sent = 0;
            loop {
                if sent < unanswered.len() || (!self.stopping() && unanswered.len() < in_flight_max) {
                    if sent == unanswered.len() {
                        let count = 1 + self.world.below(3);
                        unanswered.push_back((next, count));
                        next += count;
                    }
                    let (first, count) = unanswered[sent];
                    let request = request(partition, producer, first, count);
                    if link.send(PRODUCE, &request).await.is_err() {
                        break;
                    }
                    sent += 1;
                    if self.world.chance(60) {
                        continue;
                    }
                }
                if unanswered.is_empty() && self.stopping() {
                    return;
                }
                if sent == 0 {
                    continue;
                }
                let Ok(answered) = self.answer(&mut link, partition, producer, unanswered[0]).await else {
                    break;
                };
                if !answered {
                    break;
                }
                unanswered.pop_front();
                in_flight_max = IN_FLIGHT_MAX;
                sent -= 1;
            }
            self.pause().await;
        }
    }

    async fn answer(
        &self,
        link: &mut Link,
        partition: Partition,
        producer: i64,
        (first, count): (u64, u64),
    ) -> Result<bool, Lost> {
        let response = link.receive::<ProduceRequest>(PRODUCE).await?;
        let answer = &response.responses[0].partition_responses[0];
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => {
                let id = RecordId { producer: producer as u64, number: first };
                self.oracle.acked(partition, answer.base_offset, id, count);
                Ok(true)
            }
            code if code.is_retriable() => Ok(false),
            code => {
                self.oracle.violated(format!("producer {producer} batch {first}: {code}"));
                Ok(false)
            }
        }
    }

    /// Reads a partition from its start, again and again from where it was, telling the oracle what it sees.
    pub async fn follow(self, partition: Partition) {
        let mut at = 0;
        loop {
            let mut link = Link::connect(&self.world, &self.address).await;
            loop {
                match self.read(&mut link, partition, at).await {
                    Ok(records) => {
                        for (offset, id) in records {
                            self.oracle.saw(partition, offset, id);
                            at = offset + 1;
                        }
                    }
                    Err(Lost) => break,
                }
                if self.world.chance(5) {
                    at = 0;
                }
            }
            self.pause().await;
        }
    }

    /// Everything in a partition, once the node is at rest.
    pub async fn read_all(&self, partition: Partition) -> Vec<(i64, RecordId)> {
        let mut all: Vec<(i64, RecordId)> = Vec::new();
        loop {
            let mut link = Link::connect(&self.world, &self.address).await;
            while let Ok(records) = self.read(&mut link, partition, all.len() as i64).await {
                if records.is_empty() {
                    return all;
                }
                all.extend(records);
            }
        }
    }

    async fn read(
        &self,
        link: &mut Link,
        partition: Partition,
        at: i64,
    ) -> Result<Vec<(i64, RecordId)>, Lost> {
        let wanted = FetchPartition::default()
            .with_partition(partition)
            .with_fetch_offset(at)
            .with_partition_max_bytes(1 << 14);
        let request = FetchRequest::default()
            .with_max_wait_ms(100)
            .with_min_bytes(1)
            .with_max_bytes(1 << 16)
            .with_session_epoch(-1)
            .with_topics(vec![FetchTopic::default().with_topic(topic()).with_partitions(vec![wanted])]);
        let response = link.call(FETCH, &request).await?;
        let answer = &response.responses[0].partitions[0];
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => Ok(records(answer.records.as_deref().unwrap_or_default())
                .into_iter()
                .filter(|(offset, _)| *offset >= at)
                .collect()),
            code if code.is_retriable() => Err(Lost),
            code => {
                self.oracle.violated(format!("reader of {partition} at {at}: {code}"));
                Err(Lost)
            }
        }
    }
}

fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str(TOPIC))
}

fn request(partition: Partition, producer: i64, first: u64, count: u64) -> ProduceRequest {
    let sequence = i32::try_from(first).unwrap_or(i32::MAX);
    let mut batch =
        BatchBuilder::new(Compression::None).producer(ProducerId(producer), ProducerEpoch(0), sequence);
    for number in first..first + count {
        let value = format!("{producer}:{number}");
        batch.push(NewRecord {
            timestamp: Millis(1_700_000_000_000),
            value: Some(value.as_bytes()),
            ..NewRecord::default()
        });
    }
    let data = PartitionProduceData::default().with_index(partition).with_records(Some(batch.build()));
    let topic = TopicProduceData::default().with_name(topic()).with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_transactional_id(None)
        .with_acks(-1)
        .with_timeout_ms(30_000)
        .with_topic_data(vec![topic])
}

fn records(bytes: &[u8]) -> Vec<(i64, RecordId)> {
    let mut found = Vec::new();
    for batch in BatchIter::new(bytes) {
        let Ok(batch) = batch else { break };
        for record in Records::new(batch.header(), batch.body()) {
            let record = record.expect("the log holds what was sent");
            let text = std::str::from_utf8(record.value.unwrap_or_default()).unwrap_or_default();
            let id = text.split_once(':').and_then(|(producer, number)| {
                Some(RecordId { producer: producer.parse().ok()?, number: number.parse().ok()? })
            });
            found.push((record.offset.0, id.expect("the log holds what was sent")));
        }
    }
    found
}
