//! OffsetCommit (8), versions 2-10.
//!
//! v5 drops the retention time, v6 adds the leader epoch (KIP-320), v7 the group instance id (KIP-345), v8 is flexible,
//! v9 takes the epoch of a member of a consumer group (KIP-848), v10 names topics by id. Partitions that do not exist are
//! refused one by one; the others are committed. The answer comes when the commit is.

use std::sync::Arc;

use chronik_state::cluster::Topic;
use chronik_state::groups::{CommitPartition, OffsetCommit, Reply, Request};
use chronik_types::{ErrorCode, Offset, PartitionIndex, TopicId};
use chronik_wire::TopicKey;
use chronik_wire::messages::OffsetCommitResponse;
use chronik_wire::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use chronik_wire::offset_commit::{CommitPartition as Wanted, OffsetCommitRequest};

use super::groups::{name, nullable};
use super::topics::{find, name_and_id};
use crate::connection::Client;
use crate::groups::reply;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    version: i16,
    request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    let image = node.image();
    let mut partitions = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let found = find(&image.state, &topic.topic);
        let mut answers = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            let answer = OffsetCommitResponsePartition::default().with_partition_index(wanted.index);
            let known = found.and_then(|found| partition(found, &topic.topic, wanted));
            answers.push(match known {
                Ok(known) => {
                    partitions.push(known);
                    answer
                }
                Err(code) => answer.with_error_code(code.code()),
            });
        }
        let (name, id) = name_and_id(&topic.topic);
        let answer = OffsetCommitResponseTopic::default().with_name(name).with_topic_id(id);
        topics.push(answer.with_partitions(answers));
    }
    let asked = OffsetCommit {
        group_id: name(&request.group_id),
        generation_or_epoch: request.generation_or_epoch,
        member_id: name(&request.member_id),
        instance_id: nullable(request.group_instance_id.as_ref()),
        retention_ms: (request.retention_time_ms >= 0).then_some(request.retention_time_ms),
        version,
        partitions,
    };
    let response = OffsetCommitResponse::default();
    if asked.partitions.is_empty() {
        return response.with_topics(topics);
    }
    let answered = reply!(node.ask_group(&client, Request::OffsetCommit(asked)).await, OffsetCommit);
    let mut codes = answered.as_ref().map(|codes| codes.iter().copied()).map_err(|code| *code);
    let unanswered = topics.iter_mut().flat_map(|topic| &mut topic.partitions);
    for answer in unanswered.filter(|answer| answer.error_code == 0) {
        answer.error_code = match &mut codes {
            Ok(codes) => codes.next().unwrap_or(ErrorCode::UnknownServerError).code(),
            Err(code) => code.code(),
        };
    }
    response.with_topics(topics)
}

fn partition(topic: &Topic, key: &TopicKey, wanted: &Wanted) -> Result<CommitPartition, ErrorCode> {
    let partition = PartitionIndex(wanted.index);
    topic.partition(partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    Ok(CommitPartition {
        topic: topic.name.clone(),
        topic_id: if let TopicKey::Id(id) = key { *id } else { TopicId::ZERO },
        partition,
        offset: Offset(wanted.offset),
        leader_epoch: wanted.leader_epoch,
        metadata: nullable(wanted.metadata.as_ref()),
    })
}
