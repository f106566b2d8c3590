//! Requests of the quorum, of brokers to the controller, and of administrators, as the test of every version asks them.
//!
//! None of them ends the leadership of the node that is asked: candidates are strangers, epochs are old.

use bytes::Bytes;
use chronik_wire::StrBytes;
use chronik_wire::add_raft_voter::AddRaftVoterRequest;
use chronik_wire::broker_heartbeat::BrokerHeartbeatRequest;
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::encode;

fn name(text: &str) -> TopicName {
    TopicName(StrBytes::from_string(text.to_owned()))
}

fn metadata_log() -> TopicName {
    name("__cluster_metadata")
}

pub fn vote(_: i16) -> VoteRequest {
    let partition = vote_request::PartitionData::default().with_replica_id(BrokerId(7));
    let topic =
        vote_request::TopicData::default().with_topic_name(metadata_log()).with_partitions(vec![partition]);
    VoteRequest::default().with_cluster_id(None).with_topics(vec![topic])
}

pub fn begin_quorum_epoch(_: i16) -> BeginQuorumEpochRequest {
    let partition = begin_quorum_epoch_request::PartitionData::default().with_leader_id(BrokerId(7));
    let topic = begin_quorum_epoch_request::TopicData::default()
        .with_topic_name(metadata_log())
        .with_partitions(vec![partition]);
    BeginQuorumEpochRequest::default().with_cluster_id(None).with_topics(vec![topic])
}

pub fn end_quorum_epoch(_: i16) -> EndQuorumEpochRequest {
    let partition = end_quorum_epoch_request::PartitionData::default().with_leader_id(BrokerId(7));
    let topic = end_quorum_epoch_request::TopicData::default()
        .with_topic_name(metadata_log())
        .with_partitions(vec![partition]);
    EndQuorumEpochRequest::default().with_cluster_id(None).with_topics(vec![topic])
}

pub fn fetch_snapshot(_: i16) -> FetchSnapshotRequest {
    let partition = fetch_snapshot_request::PartitionSnapshot::default()
        .with_current_leader_epoch(1)
        .with_snapshot_id(fetch_snapshot_request::SnapshotId::default().with_end_offset(1).with_epoch(1));
    let topic = fetch_snapshot_request::TopicSnapshot::default()
        .with_name(metadata_log())
        .with_partitions(vec![partition]);
    FetchSnapshotRequest::default().with_cluster_id(None).with_topics(vec![topic])
}

pub fn describe_quorum(topic: &str) -> DescribeQuorumRequest {
    let topic = describe_quorum_request::TopicData::default()
        .with_topic_name(name(topic))
        .with_partitions(vec![describe_quorum_request::PartitionData::default()]);
    DescribeQuorumRequest::default().with_topics(vec![topic])
}

pub fn add_raft_voter(_: i16) -> AddRaftVoterRequest {
    AddRaftVoterRequest { voter_id: 1, ..AddRaftVoterRequest::default() }
}

pub fn remove_raft_voter(_: i16) -> RemoveRaftVoterRequest {
    RemoveRaftVoterRequest::default().with_cluster_id(None).with_voter_id(7)
}

pub fn update_raft_voter(_: i16) -> UpdateRaftVoterRequest {
    UpdateRaftVoterRequest::default().with_cluster_id(None).with_voter_id(7)
}

/// In an envelope, who is asked about topics.
pub fn envelope(_: i16) -> EnvelopeRequest {
    EnvelopeRequest::default()
        .with_request_data(encode(6, &DeleteTopicsRequest::default()))
        .with_request_principal(None)
        .with_client_host_address(Bytes::from_static(&[127, 0, 0, 1]))
}

pub fn broker_registration(_: i16) -> BrokerRegistrationRequest {
    BrokerRegistrationRequest::default()
        .with_broker_id(BrokerId(7))
        .with_cluster_id(StrBytes::from_static_str("another"))
        .with_incarnation_id(Uuid::from_u128(7))
}

pub fn broker_heartbeat(_: i16) -> BrokerHeartbeatRequest {
    BrokerHeartbeatRequest { broker_id: 7, broker_epoch: 7, ..BrokerHeartbeatRequest::default() }
}

pub fn alter_partition(version: i16, topic_id: Uuid) -> AlterPartitionRequest {
    let partition = alter_partition_request::PartitionData::default();
    let partition = if version >= 3 {
        let state = alter_partition_request::BrokerState::default().with_broker_id(BrokerId(1));
        partition.with_new_isr_with_epochs(vec![state])
    } else {
        partition.with_new_isr(vec![BrokerId(1)])
    };
    let topic = alter_partition_request::TopicData::default()
        .with_topic_id(topic_id)
        .with_partitions(vec![partition]);
    AlterPartitionRequest::default().with_broker_id(BrokerId(1)).with_topics(vec![topic])
}

pub fn allocate_producer_ids(_: i16) -> AllocateProducerIdsRequest {
    AllocateProducerIdsRequest::default().with_broker_id(BrokerId(1))
}

pub fn controller_registration(_: i16) -> ControllerRegistrationRequest {
    ControllerRegistrationRequest::default().with_controller_id(7).with_incarnation_id(Uuid::from_u128(7))
}

pub fn elect_leaders(_: i16) -> ElectLeadersRequest {
    let topic = elect_leaders_request::TopicPartitions::default()
        .with_topic(name("here"))
        .with_partitions(vec![0, 9]);
    ElectLeadersRequest::default().with_topic_partitions(Some(vec![topic]))
}

pub fn elect_leaders_by_a_strange_kind(version: i16) -> ElectLeadersRequest {
    if version >= 1 { elect_leaders(version).with_election_type(5) } else { elect_leaders(version) }
}

pub fn alter_partition_reassignments(_: i16) -> AlterPartitionReassignmentsRequest {
    use alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
    let to_itself = ReassignablePartition::default().with_replicas(Some(vec![BrokerId(1)]));
    let cancelled = ReassignablePartition::default().with_partition_index(1).with_replicas(None);
    let topic =
        ReassignableTopic::default().with_name(name("here")).with_partitions(vec![to_itself, cancelled]);
    AlterPartitionReassignmentsRequest::default().with_topics(vec![topic])
}

pub fn list_partition_reassignments(_: i16) -> ListPartitionReassignmentsRequest {
    let topic = list_partition_reassignments_request::ListPartitionReassignmentsTopics::default()
        .with_name(name("here"))
        .with_partition_indexes(vec![0, 9]);
    ListPartitionReassignmentsRequest::default().with_topics(Some(vec![topic]))
}

/// Of a feature that is there, and of one that is not.
pub fn update_features(feature: &'static str) -> UpdateFeaturesRequest {
    let update = update_features_request::FeatureUpdateKey::default()
        .with_feature(StrBytes::from_static_str(feature))
        .with_max_version_level(1);
    UpdateFeaturesRequest::default().with_feature_updates(vec![update])
}

pub fn unregister_broker(_: i16) -> UnregisterBrokerRequest {
    UnregisterBrokerRequest::default().with_broker_id(BrokerId(7))
}

pub fn assign_replicas_to_dirs(_: i16) -> AssignReplicasToDirsRequest {
    AssignReplicasToDirsRequest::default().with_broker_id(BrokerId(7)).with_broker_epoch(7)
}
