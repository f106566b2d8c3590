//! DescribeQuorum (55), versions 0-2: who votes, who observes, and how far each is (KIP-595, KIP-836).
//!
//! v1 adds times of the last fetch, v2 directories, addresses and error messages (KIP-853). Only the leader knows, so a
//! broker forwards it there; any other node answers NOT_LEADER_OR_FOLLOWER at the partition. About anything but the
//! metadata log the answer is UNKNOWN_TOPIC_OR_PARTITION.

use std::sync::Arc;
use std::time::Duration;

use chronik_raft::{QuorumDescription, ReplicaDescription};
use chronik_types::ErrorCode;
use chronik_wire::messages::describe_quorum_request::TopicData as AskedTopic;
use chronik_wire::messages::describe_quorum_response::{
    Listener, Node as Voter, PartitionData, ReplicaState, TopicData,
};
use chronik_wire::messages::{BrokerId, DescribeQuorumRequest, DescribeQuorumResponse};

use super::topics::{text, topic_name};
use crate::node::Node;

const METADATA: &str = "__cluster_metadata";

pub(super) fn handle(
    node: &Arc<Node>,
    version: i16,
    request: DescribeQuorumRequest,
) -> DescribeQuorumResponse {
    let response = DescribeQuorumResponse::default().with_error_message(None);
    if !asks_for_metadata(&request) {
        return response.with_topics(unknown(request));
    }
    let described = node.quorum().describe();
    let partition = match &described {
        Some(quorum) => describe(node, version, quorum),
        None => refused(0, ErrorCode::NotLeaderOrFollower),
    };
    let topic = TopicData::default().with_topic_name(topic_name(METADATA)).with_partitions(vec![partition]);
    let response = response.with_topics(vec![topic]);
    match described {
        Some(quorum) if version >= 2 => response.with_nodes(voters(&quorum)),
        _ => response,
    }
}

fn asks_for_metadata(request: &DescribeQuorumRequest) -> bool {
    match &request.topics[..] {
        [topic] => match &topic.partitions[..] {
            [partition] => &**topic.topic_name == METADATA && partition.partition_index == 0,
            _ => false,
        },
        _ => false,
    }
}

/// One can ask about nothing but the metadata log, and only alone: everything else is not here.
fn unknown(request: DescribeQuorumRequest) -> Vec<TopicData> {
    let partitions = |topic: &AskedTopic| {
        let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
        indexes.map(|index| refused(index, ErrorCode::UnknownTopicOrPartition)).collect()
    };
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = partitions(&topic);
        TopicData::default().with_topic_name(topic.topic_name).with_partitions(partitions)
    });
    topics.collect()
}

fn refused(index: i32, code: ErrorCode) -> PartitionData {
    PartitionData::default().with_partition_index(index).with_error_code(code.code()).with_error_message(None)
}

fn describe(node: &Node, version: i16, quorum: &QuorumDescription) -> PartitionData {
    let elapsed = node.env.elapsed();
    let wall = node.env.now().0;
    let at =
        |time: Option<Duration>| time.map_or(-1, |at| wall - elapsed.saturating_sub(at).as_millis() as i64);
    let state = |replica: &ReplicaDescription| {
        let state = ReplicaState::default()
            .with_replica_id(BrokerId(replica.key.id.0))
            .with_log_end_offset(replica.log_end.0);
        if version == 0 {
            return state;
        }
        // The leader itself is up to date at the moment of asking.
        let fetched = if replica.key.id == quorum.leader { wall } else { at(replica.last_fetch) };
        let state = state
            .with_last_fetch_timestamp(fetched)
            .with_last_caught_up_timestamp(at(replica.last_caught_up));
        if version == 1 { state } else { state.with_replica_directory_id(replica.key.directory.0) }
    };
    PartitionData::default()
        .with_error_message(None)
        .with_leader_id(BrokerId(quorum.leader.0))
        .with_leader_epoch(quorum.epoch.0)
        .with_high_watermark(quorum.high_watermark.0)
        .with_current_voters(quorum.voters.iter().map(state).collect())
        .with_observers(quorum.observers.iter().map(state).collect())
}

fn voters(quorum: &QuorumDescription) -> Vec<Voter> {
    let listener = |endpoint: &chronik_raft::Endpoint| {
        Listener::default()
            .with_name(text(&endpoint.listener))
            .with_host(text(&endpoint.host))
            .with_port(endpoint.port)
    };
    let voter = |voter: &chronik_raft::Voter| {
        Voter::default()
            .with_node_id(BrokerId(voter.key.id.0))
            .with_listeners(voter.endpoints.0.iter().map(listener).collect())
    };
    quorum.voter_set.iter().map(voter).collect()
}
