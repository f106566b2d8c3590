//! Idempotent producers that retry what was not answered.
//!
//! A producer keeps up to five batches in flight once its first is acknowledged (before that, a partition knows no
//! sequence to hold the others against: if it refuses the first for want of room and takes the second, Kafka loses the
//! order too); when its connection breaks it sends everything that was not answered again, in order, with the same
//! sequence numbers, as Kafka's clients do. Errors that no client should ever see are violations.
//!
//! After a clean stop a broker knows the last batch of a producer only (Kafka's producer snapshots hold no more), and
//! refuses what was sent before it and not answered. Then the producer gives up, as Kafka's does, and a new one begins:
//! what was not answered is unknown.

use std::collections::VecDeque;

use chronik_log::batch::{BatchBuilder, Compression, NewRecord};
use chronik_types::{ErrorCode, Millis, ProducerEpoch, ProducerId};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    CreateTopicsRequest, InitProducerIdRequest, MetadataRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::Clients;
use super::records::{Oracle, Partition, RecordId};
use crate::client::{Address, Lost, Session};

/// The workload's topic.
pub const TOPIC: &str = "orders";
const IN_FLIGHT_MAX: usize = 5;
const PRODUCE: i16 = 11;
const METADATA: i16 = 9;

impl Clients {
    /// Creates the workload's topic, however often it takes.
    pub async fn create_topic(&self, partitions: i32, replication_factor: i16) {
        loop {
            let mut session = self.open_any().await;
            let topic = CreatableTopic::default()
                .with_name(topic())
                .with_num_partitions(partitions)
                .with_replication_factor(replication_factor);
            let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(1000);
            if let Ok(response) = session.call(7, &request).await {
                match ErrorCode::from_code(response.topics[0].error_code) {
                    ErrorCode::None | ErrorCode::TopicAlreadyExists => return,
                    _ => {}
                }
            }
            self.pause().await;
        }
    }

    /// Connects to the broker that leads a partition of the workload's topic.
    pub async fn open_leader(&self, partition: Partition) -> Session {
        loop {
            let mut session = self.open_any().await;
            if let Some(leader) = find_leader(&mut session, partition).await
                && let Ok(session) = self.open(&leader).await
            {
                return session;
            }
            self.pause().await;
        }
    }

    async fn producer_id(&self) -> i64 {
        loop {
            let mut session = self.open_any().await;
            let request = InitProducerIdRequest::default().with_transactional_id(None);
            if let Ok(response) = session.call(4, &request).await
                && response.error_code == 0
            {
                return response.producer_id.0;
            }
            self.pause().await;
        }
    }

    /// Produces to one partition until told to stop, then until everything is acknowledged.
    pub async fn produce(self, oracle: Oracle, partition: Partition) {
        while self.produce_as_one(&oracle, partition).await.is_err() {}
    }

    async fn produce_as_one(&self, oracle: &Oracle, partition: Partition) -> Result<(), GaveUp> {
        self.does("get a producer id");
        let id = self.producer_id().await;
        let oracle = oracle.clone();
        let mut producer = Producer {
            oracle,
            partition,
            id,
            unanswered: VecDeque::new(),
            next: 0,
            in_flight_max: 1,
            has_given_up: false,
        };
        loop {
            self.does("find the leader, to produce");
            let mut session = self.open_leader(partition).await;
            self.does("produce");
            match producer.go_on(self, &mut session).await {
                Ok(()) => return Ok(()),
                Err(Lost) if producer.has_given_up => return Err(GaveUp),
                Err(Lost) => self.pause().await,
            }
        }
    }
}

async fn find_leader(session: &mut Session, partition: Partition) -> Option<Address> {
    let wanted = MetadataRequestTopic::default().with_name(Some(topic()));
    let request =
        MetadataRequest::default().with_topics(Some(vec![wanted])).with_allow_auto_topic_creation(false);
    let response = session.call(METADATA, &request).await.ok()?;
    let found =
        response.topics.first()?.partitions.iter().find(|found| found.partition_index == partition)?;
    let broker = response.brokers.iter().find(|broker| broker.node_id == found.leader_id)?;
    Some(Address { host: broker.host.as_str().into(), port: u16::try_from(broker.port).ok()? })
}

/// The producer is of no further use.
struct GaveUp;

struct Producer {
    oracle: Oracle,
    partition: Partition,
    id: i64,
    /// First number and count of each batch that was not acknowledged.
    unanswered: VecDeque<(u64, u64)>,
    next: u64,
    in_flight_max: usize,
    has_given_up: bool,
}

impl Producer {
    /// Sends and receives until everything is acknowledged and nothing more is wanted.
    async fn go_on(&mut self, clients: &Clients, session: &mut Session) -> Result<(), Lost> {
        let mut sent = 0;
        loop {
            let has_room = self.unanswered.len() < self.in_flight_max;
            if sent < self.unanswered.len() || (!clients.is_stopping() && has_room) {
                if sent == self.unanswered.len() {
                    let count = 1 + clients.world.below(3);
                    self.unanswered.push_back((self.next, count));
                    self.next += count;
                }
                let (first, count) = self.unanswered[sent];
                session.send(PRODUCE, &request(self.partition, self.id, first, count))?;
                sent += 1;
                if clients.world.chance(60) {
                    clients.breathe().await;
                    continue;
                }
            }
            if self.unanswered.is_empty() && clients.is_stopping() {
                return Ok(());
            }
            if sent > 0 {
                self.answer(clients, session).await?;
                sent -= 1;
                if !clients.leisure.is_zero() {
                    clients.breathe().await;
                }
            }
        }
    }

    /// Takes in the answer to the oldest batch.
    async fn answer(&mut self, clients: &Clients, session: &mut Session) -> Result<(), Lost> {
        let (first, count) = self.unanswered[0];
        let response = session.receive::<ProduceRequest>(PRODUCE).await?;
        let answer = &response.responses[0].partition_responses[0];
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => {
                let id = RecordId { producer: self.id as u64, number: first };
                self.oracle.acked(self.partition, answer.base_offset, id, count);
                self.unanswered.pop_front();
                self.in_flight_max = IN_FLIGHT_MAX;
                Ok(())
            }
            code if code.is_retriable() => Err(Lost),
            ErrorCode::OutOfOrderSequenceNumber if clients.may_stop_cleanly => {
                self.has_given_up = true;
                Err(Lost)
            }
            code => {
                self.oracle.violated(format!("producer {} batch {first}: {code}", self.id));
                Err(Lost)
            }
        }
    }
}

pub(super) fn topic() -> TopicName {
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
