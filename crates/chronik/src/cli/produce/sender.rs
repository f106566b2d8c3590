//! Collects records into one batch per partition and sends the batches to their leaders.
//!
//! One request per leader is in flight. With acks=all the producer is idempotent: a batch that is sent again
//! after a lost answer has the same sequence number, so the broker keeps it once and in order.

use std::collections::BTreeMap;

use bytes::Bytes;
use chronik_log::batch::{BatchBuilder, Compression, NewRecord};
use chronik_types::{ErrorCode, NodeId, ProducerEpoch, ProducerId};
use chronik_wire::StrBytes;
use chronik_wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use chronik_wire::messages::{InitProducerIdRequest, ProduceRequest, TopicName};

use crate::cli::client::{Client, Error, Topic};

const PRODUCE_VERSION_MAX: i16 = 13;
/// From version 13 on Produce names topics by id (KIP-516).
const PRODUCE_BY_ID: i16 = 13;
const INIT_VERSION_MAX: i16 = 5;

/// How batches are made and sent.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// -1: all in-sync replicas, 1: the leader, 0: no answer is awaited.
    pub acks: i16,
    pub compression: Compression,
    /// A batch that holds this much before compression is sent.
    pub batch_bytes_max: usize,
    /// How long the broker may wait for its replicas.
    pub timeout_ms: i32,
}

/// What has been written to one partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    pub records: u64,
    /// Of the first and last record of this run; `None` without acks.
    pub offsets: Option<(i64, i64)>,
}

pub struct Sender {
    client: Client,
    topic: Topic,
    options: Options,
    producer: Option<(ProducerId, ProducerEpoch)>,
    next_sequence: BTreeMap<i32, i32>,
    open: BTreeMap<i32, BatchBuilder>,
    pub written: BTreeMap<i32, Written>,
}

/// A batch on its way.
struct Ready {
    partition: i32,
    records: usize,
    bytes: Bytes,
}

impl Sender {
    /// A producer to a topic that is there (or that the broker makes when it is asked for).
    pub fn open(mut client: Client, topic: &str, options: Options) -> Result<Self, Error> {
        let topic = client.topic(topic, true)?;
        let producer = if options.acks == -1 { Some(client.retry(init_producer)?) } else { None };
        let (next_sequence, open, written) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { client, topic, options, producer, next_sequence, open, written })
    }

    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Adds a record; returns whether its batch is full.
    pub fn push(&mut self, partition: i32, record: NewRecord<'_>) -> bool {
        let batch = self.open.entry(partition).or_insert_with(|| {
            let builder = BatchBuilder::new(self.options.compression);
            match self.producer {
                Some((id, epoch)) => {
                    let sequence = self.next_sequence.get(&partition).copied().unwrap_or(0);
                    builder.producer(id, epoch, sequence)
                }
                None => builder,
            }
        });
        batch.push(record);
        batch.size_uncompressed() >= self.options.batch_bytes_max
    }

    /// Sends all that was collected and waits for the answers.
    pub fn flush(&mut self) -> Result<(), Error> {
        let mut waiting: Vec<Ready> = Vec::new();
        for (partition, builder) in std::mem::take(&mut self.open) {
            let records = builder.len();
            // Sequence numbers start again at 0 after the largest (`DefaultRecordBatch.incrementSequence`).
            let next = self.next_sequence.entry(partition).or_default();
            *next = ((i64::from(*next) + records as i64) % (1 << 31)) as i32;
            waiting.push(Ready { partition, records, bytes: builder.build() });
        }
        let name = self.topic.name.clone();
        let mut fresh = true;
        let (options, topic, written) = (self.options, &mut self.topic, &mut self.written);
        self.client.retry(|client| {
            if !std::mem::take(&mut fresh) {
                *topic = client.topic(&name, true)?;
            }
            send(client, topic, options, &mut waiting, written)
        })
    }
}

fn init_producer(client: &mut Client) -> Result<(ProducerId, ProducerEpoch), Error> {
    let response = client.call_any(INIT_VERSION_MAX, |_| {
        InitProducerIdRequest::default().with_transactional_id(None).with_transaction_timeout_ms(i32::MAX)
    })?;
    Error::check("get a producer id", response.error_code, None)?;
    Ok((ProducerId(response.producer_id.0), ProducerEpoch(response.producer_epoch)))
}

/// Sends every waiting batch once, and takes those that are written out of `waiting`.
fn send(
    client: &mut Client,
    topic: &Topic,
    options: Options,
    waiting: &mut Vec<Ready>,
    written: &mut BTreeMap<i32, Written>,
) -> Result<(), Error> {
    let partitions: Vec<i32> = waiting.iter().map(|ready| ready.partition).collect();
    let mut failed = None;
    for (leader, partitions) in topic.by_leader(&partitions)? {
        let results = send_to(client, topic, options, leader, waiting, &partitions)?;
        for (partition, result) in results {
            let Some(at) = waiting.iter().position(|ready| ready.partition == partition) else { continue };
            match result {
                Ok(first_offset) => {
                    let records = waiting.remove(at).records;
                    note(written.entry(partition).or_default(), records, first_offset);
                }
                Err(error) => failed = Some(error),
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

fn note(written: &mut Written, records: usize, first_offset: Option<i64>) {
    written.records += records as u64;
    if let Some(first) = first_offset {
        let last = first + records as i64 - 1;
        written.offsets = Some((written.offsets.map_or(first, |(first, _)| first), last));
    }
}

/// The offset of the first record of each partition's batch, or why it was not written.
type Results = Vec<(i32, Result<Option<i64>, Error>)>;

fn send_to(
    client: &mut Client,
    topic: &Topic,
    options: Options,
    leader: NodeId,
    waiting: &[Ready],
    partitions: &[i32],
) -> Result<Results, Error> {
    let build = |version: i16| {
        let ready = waiting.iter().filter(|ready| partitions.contains(&ready.partition));
        let data = ready.map(|ready| {
            PartitionProduceData::default()
                .with_index(ready.partition)
                .with_records(Some(ready.bytes.clone()))
        });
        let data = TopicProduceData::default().with_partition_data(data.collect());
        let data = if version >= PRODUCE_BY_ID {
            data.with_topic_id(topic.id.0)
        } else {
            data.with_name(TopicName(StrBytes::from_string(topic.name.clone())))
        };
        ProduceRequest::default()
            .with_transactional_id(None)
            .with_acks(options.acks)
            .with_timeout_ms(options.timeout_ms)
            .with_topic_data(vec![data])
    };
    if options.acks == 0 {
        client.post_node(leader, PRODUCE_VERSION_MAX, build)?;
        return Ok(partitions.iter().map(|&partition| (partition, Ok(None))).collect());
    }
    let response = client.call_node(leader, PRODUCE_VERSION_MAX, build)?;
    let answers = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    let result = answers.map(|answer| {
        let subject = format!("write to {}-{}", topic.name, answer.index);
        // An earlier attempt was written and its answer lost.
        let code = match ErrorCode::from_code(answer.error_code) {
            ErrorCode::DuplicateSequenceNumber => 0,
            code => code.code(),
        };
        let result = Error::check(subject, code, answer.error_message.as_deref());
        (answer.index, result.map(|()| (answer.base_offset >= 0).then_some(answer.base_offset)))
    });
    Ok(result.collect())
}
