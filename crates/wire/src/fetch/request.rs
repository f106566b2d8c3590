//! The Fetch request, decoded by slices of the frame; counts are checked against the bytes that remain.

use bytes::Bytes;
use chronik_types::{BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionIndex};
use kafka_protocol::protocol::StrBytes;
use smallvec::SmallVec;
use uuid::Uuid;

use crate::body::RequestBody;
use crate::error::DecodeError;
use crate::read::Reader;
use crate::topic::TopicKey;

/// A Fetch request. Fields that a version lacks hold Kafka's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest {
    /// The cluster the sender believes in (v12, tagged).
    pub cluster_id: Option<StrBytes>,
    /// A follower's id; [`NodeId::NONE`] for a consumer.
    pub replica_id: NodeId,
    /// A follower's broker epoch (v15); -1 for none.
    pub replica_epoch: BrokerEpoch,
    /// How long to wait for `min_bytes`.
    pub max_wait_ms: i32,
    /// Bytes worth waiting for.
    pub min_bytes: i32,
    /// Most bytes of records in the response.
    pub max_bytes: i32,
    /// Whether records of open transactions are visible.
    pub isolation: IsolationLevel,
    /// Fetch session (v7); 0: none.
    pub session_id: i32,
    /// Epoch in the session (v7); -1: a full fetch without a session, 0: a full fetch that asks for one.
    pub session_epoch: i32,
    /// What to fetch.
    pub topics: SmallVec<[FetchTopic; 1]>,
    /// What to drop from the session (v7).
    pub forgotten: Vec<ForgottenTopic>,
    /// The consumer's rack (v11); empty: unknown.
    pub rack_id: StrBytes,
}

/// Which records a consumer may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IsolationLevel {
    /// Everything below the high watermark.
    #[default]
    ReadUncommitted,
    /// Everything below the last stable offset.
    ReadCommitted,
}

/// One topic to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchTopic {
    /// Name up to v12, id from v13.
    pub topic: TopicKey,
    /// Its partitions, in the request's order.
    pub partitions: SmallVec<[FetchPartition; 1]>,
}

/// One partition to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchPartition {
    /// Which partition.
    pub index: PartitionIndex,
    /// The leader epoch the sender knows (v9); [`LeaderEpoch::NONE`]: not to be checked.
    pub current_leader_epoch: LeaderEpoch,
    /// Where to start.
    pub fetch_offset: Offset,
    /// A follower's epoch of the record before `fetch_offset` (v12).
    pub last_fetched_epoch: LeaderEpoch,
    /// A follower's own log start offset (v5); [`Offset::NONE`] from consumers.
    pub log_start_offset: Offset,
    /// Most bytes of records from this partition.
    pub max_bytes: i32,
    /// A quorum follower's directory id (v17); nil: none.
    pub replica_directory_id: Uuid,
    /// A quorum follower's high watermark (v18); `i64::MAX`: not given.
    pub high_watermark: Offset,
}

/// Partitions that leave the fetch session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgottenTopic {
    /// Name up to v12, id from v13.
    pub topic: TopicKey,
    /// Which partitions.
    pub partitions: Vec<PartitionIndex>,
}

impl RequestBody for FetchRequest {
    fn decode(body: Bytes, version: i16) -> Result<Self, DecodeError> {
        let mut body = Reader::new(body, version >= 12);
        let mut replica_id = NodeId(if version <= 14 { body.i32("replica id")? } else { -1 });
        let mut replica_epoch = BrokerEpoch(-1);
        let mut cluster_id = None;
        let max_wait_ms = body.i32("max wait")?;
        let min_bytes = body.i32("min bytes")?;
        let max_bytes = body.i32("max bytes")?;
        let isolation = isolation(&mut body)?;
        let session = version >= 7;
        let session_id = if session { body.i32("session id")? } else { 0 };
        let session_epoch = if session { body.i32("session epoch")? } else { -1 };
        let topics = body.array("topics", 2, |body| topic(body, version))?;
        let forgotten = if session {
            body.vec("forgotten topics", 2, |body| forgotten(body, version))?
        } else {
            Vec::new()
        };
        let rack_id = if version >= 11 { body.string("rack id")? } else { StrBytes::default() };
        body.tags(|tag, body| {
            match tag {
                0 => cluster_id = body.nullable_string("cluster id")?,
                1 if version >= 15 => {
                    replica_id = NodeId(body.i32("replica id")?);
                    replica_epoch = BrokerEpoch(body.i64("replica epoch")?);
                    body.skip_tags()?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(FetchRequest {
            cluster_id,
            replica_id,
            replica_epoch,
            max_wait_ms,
            min_bytes,
            max_bytes,
            isolation,
            session_id,
            session_epoch,
            topics,
            forgotten,
            rack_id,
        })
    }
}

fn isolation(body: &mut Reader) -> Result<IsolationLevel, DecodeError> {
    match body.i8("isolation level")? {
        0 => Ok(IsolationLevel::ReadUncommitted),
        1 => Ok(IsolationLevel::ReadCommitted),
        _ => Err(body.malformed("isolation level")),
    }
}

fn topic(body: &mut Reader, version: i16) -> Result<FetchTopic, DecodeError> {
    let topic = body.topic(version >= 13)?;
    let partitions = body.array("partitions", PARTITION_MIN, |body| partition(body, version))?;
    body.skip_tags()?;
    Ok(FetchTopic { topic, partitions })
}

/// A partition takes its index, the offset and the maximum at least.
const PARTITION_MIN: usize = 16;

fn partition(body: &mut Reader, version: i16) -> Result<FetchPartition, DecodeError> {
    let mut partition = FetchPartition {
        index: PartitionIndex(body.i32("partition index")?),
        current_leader_epoch: LeaderEpoch(if version >= 9 { body.i32("leader epoch")? } else { -1 }),
        fetch_offset: Offset(body.i64("fetch offset")?),
        last_fetched_epoch: LeaderEpoch(if version >= 12 { body.i32("last fetched epoch")? } else { -1 }),
        log_start_offset: Offset(if version >= 5 { body.i64("log start offset")? } else { -1 }),
        max_bytes: body.i32("partition max bytes")?,
        replica_directory_id: Uuid::nil(),
        high_watermark: Offset(i64::MAX),
    };
    body.tags(|tag, body| {
        match tag {
            0 if version >= 17 => partition.replica_directory_id = body.uuid("replica directory id")?,
            1 if version >= 18 => partition.high_watermark = Offset(body.i64("high watermark")?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(partition)
}

fn forgotten(body: &mut Reader, version: i16) -> Result<ForgottenTopic, DecodeError> {
    let topic = body.topic(version >= 13)?;
    let partitions =
        body.vec("forgotten partitions", 4, |body| Ok(PartitionIndex(body.i32("partition index")?)))?;
    body.skip_tags()?;
    Ok(ForgottenTopic { topic, partitions })
}
