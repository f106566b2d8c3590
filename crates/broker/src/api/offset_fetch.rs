//! OffsetFetch (9), versions 1-10.
//!
//! v2 may ask for all of a group's offsets, v3 adds the throttle time, v5 the leader epoch (KIP-320), v6 is flexible, v7
//! may insist on stable offsets (KIP-447), v8 asks for several groups (KIP-709), v9 adds the member and its epoch
//! (KIP-848), v10 names topics by id. What was not committed has offset -1 and no error.

use std::sync::Arc;

use chronik_state::cluster::ClusterState;
use chronik_state::groups::{FetchPartition, FetchedOffset, OffsetFetch, Reply, Request};
use chronik_types::{ErrorCode, PartitionIndex, TopicId};
use chronik_wire::messages::OffsetFetchResponse;
use chronik_wire::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use chronik_wire::offset_fetch::{FetchGroup, FetchTopic, OffsetFetchRequest};
use chronik_wire::{StrBytes, TopicKey};
use futures_util::future::join_all;

use super::groups::{group_id, name, nullable};
use super::topics::{find, name_and_id, text, topic_name};
use crate::connection::Client;
use crate::groups::reply;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    version: i16,
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    let stable = request.require_stable;
    let groups = request.groups.iter().map(|group| fetch(&node, &client, version, (group, stable)));
    let mut groups = join_all(groups).await;
    if version >= 8 {
        return OffsetFetchResponse::default().with_groups(groups);
    }
    match groups.pop() {
        Some(one) => of_one_group(version, one, &request.groups[0]),
        None => OffsetFetchResponse::default(),
    }
}

async fn fetch(
    node: &Arc<Node>,
    client: &Arc<Client>,
    version: i16,
    (wanted, require_stable): (&FetchGroup, bool),
) -> OffsetFetchResponseGroup {
    let image = node.image();
    let asked = OffsetFetch {
        group_id: name(&wanted.group_id),
        member_id: nullable(wanted.member_id.as_ref()),
        member_epoch: wanted.member_epoch,
        require_stable,
        partitions: wanted.topics.as_ref().map(|topics| partitions(&image.state, topics)),
    };
    let answer = OffsetFetchResponseGroup::default().with_group_id(group_id(&wanted.group_id));
    match reply!(node.ask_group(client, Request::OffsetFetch(asked)).await, OffsetFetch) {
        Err(code) | Ok(Err(code)) => answer.with_error_code(code.code()),
        Ok(Ok(fetched)) => answer.with_topics(match &wanted.topics {
            Some(topics) => in_order(&image.state, topics, &fetched),
            None => all(&image.state, version, &fetched),
        }),
    }
}

/// What is asked of the group: topics named by an id that nobody knows are not.
fn partitions(state: &ClusterState, topics: &[FetchTopic]) -> Vec<FetchPartition> {
    let mut partitions = Vec::new();
    for topic in topics {
        let (name, topic_id) = match &topic.topic {
            TopicKey::Name(name) => (name.as_str().into(), TopicId::ZERO),
            TopicKey::Id(id) => match find(state, &topic.topic) {
                Ok(known) => (known.name.clone(), *id),
                Err(_) => continue,
            },
        };
        partitions.extend(topic.partitions.iter().map(|index| FetchPartition {
            topic: name.clone(),
            topic_id,
            partition: PartitionIndex(*index),
        }));
    }
    partitions
}

fn in_order(
    state: &ClusterState,
    topics: &[FetchTopic],
    fetched: &[FetchedOffset],
) -> Vec<OffsetFetchResponseTopics> {
    let mut fetched = fetched.iter();
    let mut answers = Vec::with_capacity(topics.len());
    for topic in topics {
        let is_unknown = matches!(topic.topic, TopicKey::Id(_)) && find(state, &topic.topic).is_err();
        let partitions = topic.partitions.iter().map(|index| {
            let offset = if is_unknown { None } else { fetched.next() };
            offset.map_or_else(|| nothing(*index, ErrorCode::UnknownTopicId), partition)
        });
        let partitions = partitions.collect();
        let (name, id) = name_and_id(&topic.topic);
        let answer = OffsetFetchResponseTopics::default().with_name(name).with_topic_id(id);
        answers.push(answer.with_partitions(partitions));
    }
    answers
}

/// Everything that the group has, which comes by topic. From version 10 on, topics that are gone cannot be named.
fn all(state: &ClusterState, version: i16, fetched: &[FetchedOffset]) -> Vec<OffsetFetchResponseTopics> {
    let mut answers = Vec::new();
    for of_topic in fetched.chunk_by(|one, next| one.topic == next.topic) {
        let topic = &of_topic[0].topic;
        let answer = OffsetFetchResponseTopics::default();
        let answer = if version >= 10 {
            let Some(id) = state.topic_id(topic) else { continue };
            answer.with_topic_id(id.0)
        } else {
            answer.with_name(topic_name(topic))
        };
        answers.push(answer.with_partitions(of_topic.iter().map(partition).collect()));
    }
    answers
}

fn partition(offset: &FetchedOffset) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions::default()
        .with_partition_index(offset.partition.0)
        .with_committed_offset(offset.offset.0)
        .with_committed_leader_epoch(offset.leader_epoch)
        .with_metadata(Some(text(&offset.metadata)))
        .with_error_code(offset.error.code())
}

fn nothing(index: i32, code: ErrorCode) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions::default()
        .with_partition_index(index)
        .with_committed_offset(-1)
        .with_committed_leader_epoch(-1)
        .with_metadata(Some(StrBytes::default()))
        .with_error_code(code.code())
}

/// The answer of the versions that ask for one group. Version 1 has no error but that of each partition.
fn of_one_group(version: i16, group: OffsetFetchResponseGroup, wanted: &FetchGroup) -> OffsetFetchResponse {
    if version >= 2 && group.error_code != 0 {
        return OffsetFetchResponse::default().with_error_code(group.error_code);
    }
    let code = ErrorCode::from_code(group.error_code);
    let topics = if code.is_none() {
        group.topics
    } else {
        let refused = |topic: &FetchTopic| {
            let (name, _) = name_and_id(&topic.topic);
            let partitions = topic.partitions.iter().map(|index| nothing(*index, code));
            OffsetFetchResponseTopics::default().with_name(name).with_partitions(partitions.collect())
        };
        wanted.topics.iter().flatten().map(refused).collect()
    };
    let topics = topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            let answer = OffsetFetchResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_committed_offset(partition.committed_offset)
                .with_metadata(partition.metadata)
                .with_error_code(partition.error_code);
            if version < 5 {
                return answer;
            }
            answer.with_committed_leader_epoch(partition.committed_leader_epoch)
        });
        OffsetFetchResponseTopic::default().with_name(topic.name).with_partitions(partitions.collect())
    });
    OffsetFetchResponse::default().with_topics(topics.collect())
}
