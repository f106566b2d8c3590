//! DescribeProducers (61), version 0 (KIP-664): the producers that a partition's log remembers.

use std::sync::Arc;

use chronik_log::ProducerSummary;
use chronik_types::{ErrorCode, Offset, PartitionIndex};
use chronik_wire::messages::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
use chronik_wire::messages::{DescribeProducersRequest, DescribeProducersResponse, ProducerId};

use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, request: DescribeProducersRequest) -> DescribeProducersResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let partitions = topic.partition_indexes.iter().map(|&index| {
            let answer = PartitionResponse::default().with_partition_index(index);
            match producers(node, &topic.name, PartitionIndex(index)) {
                Ok(producers) => answer.with_active_producers(producers),
                Err(code) => answer.with_error_code(code.code()),
            }
        });
        let partitions = partitions.collect();
        topics.push(TopicResponse::default().with_name(topic.name).with_partitions(partitions));
    }
    DescribeProducersResponse::default().with_topics(topics)
}

fn producers(node: &Node, topic: &str, index: PartitionIndex) -> Result<Vec<ProducerState>, ErrorCode> {
    let partition = node.led_partition(&node.image(), topic, index)?;
    let producers = partition.with_log(|log, _| log.producers().map(state).collect());
    producers.ok_or(ErrorCode::NotLeaderOrFollower)
}

fn state(producer: ProducerSummary) -> ProducerState {
    ProducerState::default()
        .with_producer_id(ProducerId(producer.producer_id.0))
        .with_producer_epoch(i32::from(producer.producer_epoch.0))
        .with_last_sequence(producer.last_sequence)
        .with_last_timestamp(producer.last_timestamp.0)
        .with_coordinator_epoch(producer.coordinator_epoch)
        .with_current_txn_start_offset(producer.current_txn_start_offset.unwrap_or(Offset::NONE).0)
}
