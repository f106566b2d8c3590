//! AlterPartitionReassignments (45), versions 0-1: replicas move to other brokers, or a move is cancelled (KIP-455).
//!
//! v1 lets the client forbid that a partition gets more or fewer replicas than it had (KIP-860); before, it was allowed.
//! No replicas (null) cancels the move that is under way. The controller decides; the answer comes when it is committed.

use std::sync::Arc;

use chronik_state::cluster::{AlterPartitionReassignments, Reassignment};
use chronik_state::records::Name;
use chronik_types::{NodeId, PartitionIndex};
use chronik_wire::messages::alter_partition_reassignments_request::ReassignableTopic;
use chronik_wire::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use chronik_wire::messages::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse};

use super::topics::{outcome, topic_name};
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    version: i16,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let allow_replication_factor_change = request.allow_replication_factor_change || version < 1;
    let topics = request.topics.into_iter().map(wanted).collect();
    let response = AlterPartitionReassignmentsResponse::default().with_error_message(None);
    let response = if version >= 1 {
        response.with_allow_replication_factor_change(allow_replication_factor_change)
    } else {
        response
    };
    match node.ask(AlterPartitionReassignments { topics, allow_replication_factor_change }).await {
        Err(code) => response.with_error_code(code.code()),
        Ok(results) => {
            let topics = results.iter().map(|(name, partitions)| {
                let partitions = partitions.iter().map(|(index, result)| {
                    let (code, message) = outcome(result);
                    ReassignablePartitionResponse::default()
                        .with_partition_index(index.0)
                        .with_error_code(code)
                        .with_error_message(message)
                });
                ReassignableTopicResponse::default()
                    .with_name(topic_name(name))
                    .with_partitions(partitions.collect())
            });
            response.with_responses(topics.collect())
        }
    }
}

fn wanted(topic: ReassignableTopic) -> (Name, Vec<Reassignment>) {
    let partitions = topic.partitions.into_iter().map(|partition| {
        let replicas = partition.replicas.map(|nodes| nodes.iter().map(|node| NodeId(node.0)).collect());
        (PartitionIndex(partition.partition_index), replicas)
    });
    ((**topic.name).into(), partitions.collect())
}
