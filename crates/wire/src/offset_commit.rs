//! The OffsetCommit (8) request, versions 2-10: version 10 names topics by id (KIP-848), which the message library
//! cannot do, so the whole request is read and written here. The responses are the library's.
//!
//! v5 drops the retention time, v6 adds the leader epoch, v7 the group instance id (KIP-345), v8 is flexible.

use bytes::BytesMut;
use kafka_protocol::messages::OffsetCommitResponse;
use kafka_protocol::protocol::StrBytes;

use crate::error::DecodeError;
use crate::own::{Own, own_request};
use crate::read::Reader;
use crate::topic::TopicKey;
use crate::write::Writer;

/// A group's positions, to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitRequest {
    /// The group.
    pub group_id: StrBytes,
    /// The generation of a classic group or the epoch of a member; -1 outside of both.
    pub generation_or_epoch: i32,
    /// Who commits; empty outside of a group.
    pub member_id: StrBytes,
    /// Its static name (v7).
    pub group_instance_id: Option<StrBytes>,
    /// For how long, in milliseconds (until v4); -1: as the broker is configured.
    pub retention_time_ms: i64,
    /// The positions.
    pub topics: Vec<CommitTopic>,
}

/// Positions in one topic.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitTopic {
    /// Which: by name until v9, by id since v10.
    pub topic: TopicKey,
    /// Its partitions.
    pub partitions: Vec<CommitPartition>,
}

/// A position.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitPartition {
    /// Which partition.
    pub index: i32,
    /// The next offset to be consumed.
    pub offset: i64,
    /// Of the last record consumed (v6); -1: unknown.
    pub leader_epoch: i32,
    /// What the client wants to keep with it.
    pub metadata: Option<StrBytes>,
}

impl Default for OffsetCommitRequest {
    fn default() -> Self {
        OffsetCommitRequest {
            group_id: StrBytes::default(),
            generation_or_epoch: -1,
            member_id: StrBytes::default(),
            group_instance_id: None,
            retention_time_ms: -1,
            topics: Vec::new(),
        }
    }
}

/// A topic takes an empty name and a count at least.
const TOPIC_MIN: usize = 2;
/// A partition takes an index, an offset and an empty text at least.
const PARTITION_MIN: usize = 13;

impl Own for OffsetCommitRequest {
    fn write(&self, version: i16) -> Result<BytesMut, &'static str> {
        if version < 7 && self.group_instance_id.is_some() {
            return Err("a group instance id takes version 7");
        }
        if self.topics.iter().any(|topic| matches!(topic.topic, TopicKey::Id(_)) != (version >= 10)) {
            return Err("topics are named by id since version 10, by name before");
        }
        let mut out = Writer::body(version >= 8);
        out.string(&self.group_id);
        out.i32(self.generation_or_epoch);
        out.string(&self.member_id);
        if version >= 7 {
            out.nullable_string(self.group_instance_id.as_deref());
        }
        if version <= 4 {
            out.i64(self.retention_time_ms);
        }
        out.array(&self.topics, |out, topic| {
            out.topic(&topic.topic);
            out.array(&topic.partitions, |out, partition| {
                out.i32(partition.index);
                out.i64(partition.offset);
                if version >= 6 {
                    out.i32(partition.leader_epoch);
                }
                out.nullable_string(partition.metadata.as_deref());
                out.no_tags();
            });
            out.no_tags();
        });
        out.no_tags();
        out.into_checked_body()
    }

    fn read(body: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let request = OffsetCommitRequest {
            group_id: body.string("group id")?,
            generation_or_epoch: body.i32("generation or member epoch")?,
            member_id: body.string("member id")?,
            group_instance_id: if version >= 7 { body.nullable_string("group instance id")? } else { None },
            retention_time_ms: if version <= 4 { body.i64("retention time")? } else { -1 },
            topics: body.vec("topics", TOPIC_MIN, |body| topic(body, version))?,
        };
        body.skip_tags()?;
        Ok(request)
    }
}

fn topic(body: &mut Reader, version: i16) -> Result<CommitTopic, DecodeError> {
    let topic = body.topic(version >= 10)?;
    let partitions = body.vec("partitions", PARTITION_MIN, |body| {
        let partition = CommitPartition {
            index: body.i32("partition index")?,
            offset: body.i64("committed offset")?,
            leader_epoch: if version >= 6 { body.i32("committed leader epoch")? } else { -1 },
            metadata: body.nullable_string("committed metadata")?,
        };
        body.skip_tags()?;
        Ok(partition)
    })?;
    body.skip_tags()?;
    Ok(CommitTopic { topic, partitions })
}

own_request!(OffsetCommitRequest = 8, 2..=10, flexible 8 => OffsetCommitResponse);
