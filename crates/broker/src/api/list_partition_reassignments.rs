//! ListPartitionReassignments (46), version 0: which replicas are moving (KIP-455).
//!
//! No list of topics means all. What is named and does not move, or is not there, is left out.

use std::sync::Arc;

use chronik_state::cluster::{ClusterState, Partition};
use chronik_types::PartitionIndex;
use chronik_wire::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use chronik_wire::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use chronik_wire::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

use super::topics::{broker_ids, topic_name};
use crate::node::Node;

pub(super) fn handle(
    node: &Arc<Node>,
    request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    let image = node.image();
    let topics = match request.topics {
        None => all(&image.state),
        Some(topics) => topics.into_iter().filter_map(|topic| named(&image.state, topic)).collect(),
    };
    ListPartitionReassignmentsResponse::default().with_error_message(None).with_topics(topics)
}

fn all(state: &ClusterState) -> Vec<OngoingTopicReassignment> {
    let mut topics: Vec<OngoingTopicReassignment> = Vec::new();
    // They come by topic id: those of one topic stand together.
    for (topic, index, partition) in state.reassigning() {
        if topics.last().is_none_or(|last| **last.name != *topic.name) {
            topics.push(OngoingTopicReassignment::default().with_name(topic_name(&topic.name)));
        }
        if let Some(last) = topics.last_mut() {
            last.partitions.push(moving(index, partition));
        }
    }
    topics
}

fn named(state: &ClusterState, asked: ListPartitionReassignmentsTopics) -> Option<OngoingTopicReassignment> {
    let topic = state.topic_named(&asked.name)?;
    let partitions = asked.partition_indexes.into_iter().map(PartitionIndex).filter_map(|index| {
        let partition = topic.partition(index).filter(|partition| partition.is_reassigning())?;
        Some(moving(index, partition))
    });
    let partitions: Vec<_> = partitions.collect();
    let found = OngoingTopicReassignment::default().with_name(asked.name);
    (!partitions.is_empty()).then(|| found.with_partitions(partitions))
}

fn moving(index: PartitionIndex, partition: &Partition) -> OngoingPartitionReassignment {
    OngoingPartitionReassignment::default()
        .with_partition_index(index.0)
        .with_replicas(broker_ids(&partition.replicas))
        .with_adding_replicas(broker_ids(&partition.adding_replicas))
        .with_removing_replicas(broker_ids(&partition.removing_replicas))
}
