//! DescribeTopicPartitions (75), version 0 (KIP-966).
//!
//! Topics come in the order of their names, partitions in that of their indexes, at most
//! `max.request.partition.size.limit` (or the client's limit, if lower) at a time; the cursor names the partition to go
//! on with. No topics means all. A topic that is not there is an error of its own, unless all were asked for.

use std::sync::Arc;

use chronik_state::cluster::{Partition, Topic, check_topic_name, is_internal_topic};
use chronik_types::{ErrorCode, PartitionIndex};
use chronik_wire::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use chronik_wire::messages::{BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};

use super::metadata::{TOPIC_OPERATIONS, View};
use super::topics::{broker_ids, topic_name};
use crate::connection::Client;
use crate::node::Node;

pub(super) fn handle(
    node: &Arc<Node>,
    client: &Arc<Client>,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let image = node.image();
    let view = View { state: &image.state, listener: &client.peer.listener_name, with_operations: true };
    let limit = node.config.load().requests.describe_partitions_max as usize;
    let asked = usize::try_from(request.response_partition_limit).unwrap_or(0);
    let mut left = if asked == 0 { limit } else { asked.min(limit) };
    let (from, from_partition) = request
        .cursor
        .as_ref()
        .map_or((String::new(), 0), |cursor| (cursor.topic_name.to_string(), cursor.partition_index));
    let mut names: Vec<String> = if request.topics.is_empty() {
        image.state.topics_from(&from).map(|topic| topic.name.to_string()).collect()
    } else {
        request.topics.iter().map(|topic| topic.name.to_string()).filter(|name| *name >= from).collect()
    };
    names.sort_unstable();
    names.dedup();
    let mut topics = Vec::new();
    let mut next = None;
    for name in names {
        let Some(topic) = image.state.topic_named(&name) else {
            topics.push(missing(&name));
            continue;
        };
        let first = if name == from { from_partition } else { 0 };
        let mut partitions = topic.partitions.range(PartitionIndex(first)..);
        if left == 0 {
            next = Some(Cursor::default().with_topic_name(topic_name(&name)).with_partition_index(first));
            break;
        }
        let page: Vec<_> =
            partitions.by_ref().take(left).map(|(index, p)| partition(&view, *index, p)).collect();
        left -= page.len();
        topics.push(described(topic, page));
        if let Some((index, _)) = partitions.next() {
            next = Some(Cursor::default().with_topic_name(topic_name(&name)).with_partition_index(index.0));
            break;
        }
    }
    DescribeTopicPartitionsResponse::default().with_topics(topics).with_next_cursor(next)
}

fn described(
    topic: &Topic,
    partitions: Vec<DescribeTopicPartitionsResponsePartition>,
) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(topic_name(&topic.name)))
        .with_topic_id(topic.id.0)
        .with_is_internal(is_internal_topic(&topic.name))
        .with_partitions(partitions)
        .with_topic_authorized_operations(TOPIC_OPERATIONS)
}

fn missing(name: &str) -> DescribeTopicPartitionsResponseTopic {
    let code = if check_topic_name(name).is_ok() {
        ErrorCode::UnknownTopicOrPartition
    } else {
        ErrorCode::InvalidTopicException
    };
    DescribeTopicPartitionsResponseTopic::default()
        .with_error_code(code.code())
        .with_name(Some(topic_name(name)))
        .with_is_internal(is_internal_topic(name))
}

fn partition(
    view: &View<'_>,
    index: PartitionIndex,
    partition: &Partition,
) -> DescribeTopicPartitionsResponsePartition {
    let (error, leader) = view.leader(partition);
    DescribeTopicPartitionsResponsePartition::default()
        .with_error_code(error.code())
        .with_partition_index(index.0)
        .with_leader_id(BrokerId(leader.0))
        .with_leader_epoch(partition.leader_epoch.0)
        .with_replica_nodes(broker_ids(&partition.replicas))
        .with_isr_nodes(broker_ids(&partition.isr))
        .with_eligible_leader_replicas(Some(broker_ids(&partition.elr)))
        .with_last_known_elr(Some(broker_ids(&partition.last_known_elr)))
        .with_offline_replicas(view.offline(partition))
}
