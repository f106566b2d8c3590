//! Produce (0), versions 3-13: a decoder of our own, since every produced byte passes here.
//!
//! It borrows: names and records are slices of the frame. It checks its counts itself, so it needs no
//! pre-check, and keeps nothing that the handler does not use (unknown tagged fields are skipped).
//! v9 is flexible, v13 names topics by id (KIP-516).

use bytes::Bytes;
use chronik_types::PartitionIndex;
use kafka_protocol::protocol::StrBytes;
use smallvec::SmallVec;

use crate::body::RequestBody;
use crate::error::DecodeError;
use crate::read::Reader;
use crate::topic::TopicKey;

/// A Produce request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProduceRequest {
    /// Set by a transactional producer.
    pub transactional_id: Option<StrBytes>,
    /// 0: no answer, 1: the leader has it, -1: the in-sync replicas have it. Other values are the client's error.
    pub acks: i16,
    /// How long to wait for the in-sync replicas.
    pub timeout_ms: i32,
    /// Topics in the request's order.
    pub topics: SmallVec<[ProduceTopic; 1]>,
}

/// One topic's share of a [`ProduceRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProduceTopic {
    /// Name up to v12, id from v13.
    pub topic: TopicKey,
    /// Partitions in the request's order.
    pub partitions: SmallVec<[ProducePartition; 1]>,
}

/// One partition's share of a [`ProduceTopic`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducePartition {
    /// Which partition.
    pub index: PartitionIndex,
    /// The record batches as they came; a slice of the frame. `None`: null on the wire.
    pub records: Option<Bytes>,
}

impl RequestBody for ProduceRequest {
    fn decode(body: Bytes, version: i16) -> Result<Self, DecodeError> {
        let mut body = Reader::new(body, version >= 9);
        let transactional_id = body.nullable_string("transactional id")?;
        let acks = body.i16("acks")?;
        let timeout_ms = body.i32("timeout")?;
        let topics = body.array("topics", TOPIC_MIN, |body| topic(body, version))?;
        body.skip_tags()?;
        Ok(ProduceRequest { transactional_id, acks, timeout_ms, topics })
    }
}

/// A topic takes a name and a count at least: one byte each in the flexible versions.
const TOPIC_MIN: usize = 2;
/// A partition takes its index and the length of its records at least.
const PARTITION_MIN: usize = 5;

fn topic(body: &mut Reader, version: i16) -> Result<ProduceTopic, DecodeError> {
    let topic = body.topic(version >= 13)?;
    let partitions = body.array("partitions", PARTITION_MIN, partition)?;
    body.skip_tags()?;
    Ok(ProduceTopic { topic, partitions })
}

fn partition(body: &mut Reader) -> Result<ProducePartition, DecodeError> {
    let index = PartitionIndex(body.i32("partition index")?);
    let records = body.nullable_bytes("records")?;
    body.skip_tags()?;
    Ok(ProducePartition { index, records })
}
