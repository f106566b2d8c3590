//! Requests of consumers and of those who look after groups.

use chronik_types::TopicId;
use chronik_wire::offset_commit::{CommitPartition, CommitTopic, OffsetCommitRequest};
use chronik_wire::offset_fetch::{FetchGroup, FetchTopic, OffsetFetchRequest};
use chronik_wire::{StrBytes, TopicKey};
use kafka_protocol::messages::*;
use uuid::Uuid;

/// The group that the requests are about.
pub const GROUP: &str = "readers";

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn group() -> GroupId {
    GroupId(text(GROUP))
}

pub fn find_coordinator(version: i16, kind: i8) -> FindCoordinatorRequest {
    let request = FindCoordinatorRequest::default();
    let request = if version >= 1 { request.with_key_type(kind) } else { request };
    if version < 4 { request.with_key(text(GROUP)) } else { request.with_coordinator_keys(vec![text(GROUP)]) }
}

pub fn join(version: i16, member: &str, instance: Option<&str>) -> JoinGroupRequest {
    let protocol = join_group_request::JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(b"wants"[..].into());
    let request = JoinGroupRequest::default()
        .with_group_id(group())
        .with_session_timeout_ms(10_000)
        .with_member_id(text(member))
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    let request = if version >= 1 { request.with_rebalance_timeout_ms(60_000) } else { request };
    if version >= 5 { request.with_group_instance_id(instance.map(text)) } else { request }
}

pub fn sync(version: i16, member: &str, generation: i32) -> SyncGroupRequest {
    let assignment = sync_group_request::SyncGroupRequestAssignment::default()
        .with_member_id(text(member))
        .with_assignment(b"gets"[..].into());
    let request = SyncGroupRequest::default()
        .with_group_id(group())
        .with_generation_id(generation)
        .with_member_id(text(member))
        .with_assignments(vec![assignment]);
    if version < 5 {
        return request;
    }
    request.with_protocol_type(Some(text("consumer"))).with_protocol_name(Some(text("range")))
}

pub fn heartbeat(_: i16, member: &str, generation: i32) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group())
        .with_generation_id(generation)
        .with_member_id(text(member))
}

pub fn leave(version: i16, member: &str) -> LeaveGroupRequest {
    let request = LeaveGroupRequest::default().with_group_id(group());
    if version < 3 {
        return request.with_member_id(text(member));
    }
    let identity = leave_group_request::MemberIdentity::default().with_member_id(text(member));
    request.with_members(vec![identity])
}

fn key(version: i16, (name, id): (&str, Uuid)) -> TopicKey {
    if version >= 10 { TopicKey::Id(TopicId(id)) } else { TopicKey::Name(text(name)) }
}

/// As member `""` of generation -1, or as one that nobody knows.
pub fn commit(version: i16, topic: (&str, Uuid), generation: i32) -> OffsetCommitRequest {
    commit_as(version, topic, ("", generation), 42)
}

pub fn commit_as(
    version: i16,
    topic: (&str, Uuid),
    (member, generation): (&str, i32),
    offset: i64,
) -> OffsetCommitRequest {
    let partitions = [0, 9].map(|index| CommitPartition {
        index,
        offset,
        leader_epoch: if version >= 6 { 3 } else { -1 },
        metadata: Some(text("note")),
    });
    OffsetCommitRequest {
        group_id: text(GROUP),
        generation_or_epoch: generation,
        member_id: text(member),
        topics: vec![CommitTopic { topic: key(version, topic), partitions: partitions.to_vec() }],
        ..OffsetCommitRequest::default()
    }
}

pub fn fetch(version: i16, topic: Option<(&str, Uuid)>) -> OffsetFetchRequest {
    let topics = topic.map(|topic| vec![FetchTopic { topic: key(version, topic), partitions: vec![0, 1] }]);
    let group = FetchGroup { group_id: text(GROUP), member_id: None, member_epoch: -1, topics };
    OffsetFetchRequest { groups: vec![group], require_stable: version >= 7 }
}

pub fn delete_offsets() -> OffsetDeleteRequest {
    let partitions = [0, 9].map(|index| {
        offset_delete_request::OffsetDeleteRequestPartition::default().with_partition_index(index)
    });
    let topic = offset_delete_request::OffsetDeleteRequestTopic::default()
        .with_name(TopicName(text("here")))
        .with_partitions(partitions.to_vec());
    OffsetDeleteRequest::default().with_group_id(group()).with_topics(vec![topic])
}

pub fn list(version: i16) -> ListGroupsRequest {
    let request = ListGroupsRequest::default();
    let request = if version >= 4 { request.with_states_filter(vec![text("Empty")]) } else { request };
    if version >= 5 { request.with_types_filter(vec![text("classic")]) } else { request }
}

pub fn describe(version: i16) -> DescribeGroupsRequest {
    let request = DescribeGroupsRequest::default().with_groups(vec![group(), GroupId(text("nobody's"))]);
    if version >= 3 { request.with_include_authorized_operations(true) } else { request }
}

pub fn delete() -> DeleteGroupsRequest {
    DeleteGroupsRequest::default().with_groups_names(vec![group(), GroupId(text("nobody's"))])
}

pub fn consumer_heartbeat(version: i16, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    let request = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(GroupId(text("new readers")))
        .with_member_id(if version >= 1 { text("me") } else { text("") })
        .with_member_epoch(epoch)
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(vec![TopicName(text("here"))]))
        .with_topic_partitions(Some(Vec::new()));
    if version >= 1 { request.with_subscribed_topic_regex(Some(text("h.*"))) } else { request }
}

pub fn describe_consumer() -> ConsumerGroupDescribeRequest {
    ConsumerGroupDescribeRequest::default()
        .with_group_ids(vec![GroupId(text("new readers")), group()])
        .with_include_authorized_operations(true)
}
