//! What clients ask of a coordinator, one type for each API, free of wire versions.
//!
//! Where Kafka makes an empty string mean "none" on the wire (member ids), it stays an empty string here; where the
//! wire has null, here is `None`. A request concerns one group; the shell splits those that name several.

use bytes::Bytes;
use chronik_types::{Millis, Offset, PartitionIndex, TopicId};
use uuid::Uuid;

use crate::records::Name;

/// Who asks, as groups remember and show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client id of the request's header; empty if it has none.
    pub id: Name,
    /// The address that it connects from, as Java writes it: `/127.0.0.1`.
    pub host: Name,
}

/// JoinGroup (11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroup {
    /// The group.
    pub group_id: Name,
    /// Empty when the member has no id yet.
    pub member_id: Name,
    /// `group.instance.id`: a static member (KIP-345).
    pub instance_id: Option<Name>,
    /// Who asks.
    pub client: Client,
    /// `consumer`, `connect`, ...
    pub protocol_type: Name,
    /// What the member can do, in the order that it prefers: names with metadata.
    pub protocols: Vec<(Name, Bytes)>,
    /// How long the member may be silent.
    pub session_timeout_ms: i32,
    /// How long it may take to rejoin; version 0: the same as the session timeout.
    pub rebalance_timeout_ms: i32,
    /// Why it joins, for the log (v8).
    pub reason: Option<Name>,
    /// From version 4 a dynamic member is told its id first and joins with it (KIP-394).
    pub requires_known_member_id: bool,
    /// From version 9 the leader may be told to keep the assignment.
    pub supports_skipping_assignment: bool,
    /// What the id of a new member is made of.
    pub fresh: Uuid,
}

/// SyncGroup (14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroup {
    /// The group.
    pub group_id: Name,
    /// The generation that the member joined.
    pub generation: i32,
    /// The member.
    pub member_id: Name,
    /// Its instance, if it is static.
    pub instance_id: Option<Name>,
    /// From version 5; checked against the group's.
    pub protocol_type: Option<Name>,
    /// From version 5; checked against the group's.
    pub protocol_name: Option<Name>,
    /// From the leader: each member's assignment.
    pub assignments: Vec<(Name, Bytes)>,
}

/// Heartbeat (12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The group.
    pub group_id: Name,
    /// The member's generation.
    pub generation: i32,
    /// The member.
    pub member_id: Name,
    /// Its instance, if it is static.
    pub instance_id: Option<Name>,
}

/// LeaveGroup (13). Before version 3 it names one member, without an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveGroup {
    /// The group.
    pub group_id: Name,
    /// Who leaves.
    pub members: Vec<LeavingMember>,
}

/// A member that leaves or is made to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeavingMember {
    /// The member; empty if only its instance is known, as to an administrator.
    pub member_id: Name,
    /// Its instance, if it is static.
    pub instance_id: Option<Name>,
    /// Why (v5).
    pub reason: Option<Name>,
}

/// OffsetCommit (8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommit {
    /// The group.
    pub group_id: Name,
    /// The generation (classic) or member epoch (consumer); negative without membership.
    pub generation_or_epoch: i32,
    /// The member; empty without membership.
    pub member_id: Name,
    /// Its instance, if it is static.
    pub instance_id: Option<Name>,
    /// `retention_time_ms` of versions 2 to 4; `None` for "the broker's" (-1), and in every other version.
    pub retention_ms: Option<i64>,
    /// From version 9 a member of a consumer group commits with its epoch; before, a stale epoch is ILLEGAL_GENERATION.
    pub version: i16,
    /// What is committed; the answer has one error for each, in this order.
    pub partitions: Vec<CommitPartition>,
}

/// A partition's offset to commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitPartition {
    /// The topic, which exists: the shell refuses the others itself (UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID).
    pub topic: Name,
    /// Its id if the request named it by id (v10), else [`TopicId::ZERO`].
    pub topic_id: TopicId,
    /// The partition.
    pub partition: PartitionIndex,
    /// The offset of the next record to consume.
    pub offset: Offset,
    /// The epoch of the last record consumed; -1: unknown.
    pub leader_epoch: i32,
    /// The client's own text; null means empty.
    pub metadata: Option<Name>,
}

/// OffsetFetch (9), of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetch {
    /// The group.
    pub group_id: Name,
    /// The member that asks (v9), if it does so as one.
    pub member_id: Option<Name>,
    /// Its epoch (v9); -1: none.
    pub member_epoch: i32,
    /// Whether offsets that a transaction is about to commit make the partition UNSTABLE_OFFSET_COMMIT (KIP-447).
    pub require_stable: bool,
    /// Which partitions; `None`: all that have an offset.
    pub partitions: Option<Vec<FetchPartition>>,
}

/// A partition whose offset is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchPartition {
    /// The topic.
    pub topic: Name,
    /// Its id if the request named it by id (v10), else [`TopicId::ZERO`].
    pub topic_id: TopicId,
    /// The partition.
    pub partition: PartitionIndex,
}

/// OffsetDelete (47).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetDelete {
    /// The group.
    pub group_id: Name,
    /// Whose offsets; the answer has one error for each, in this order.
    pub partitions: Vec<(Name, PartitionIndex)>,
}

/// ListGroups (16): of one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListGroups {
    /// Only groups in these states, in any case (v4); empty: all.
    pub states: Vec<Name>,
    /// Only groups of these types, in any case (v5); empty: all.
    pub types: Vec<Name>,
}

/// Partitions of a topic, by the topic's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPartitions {
    /// The topic.
    pub topic_id: TopicId,
    /// Its partitions.
    pub partitions: Vec<PartitionIndex>,
}

/// ConsumerGroupHeartbeat (68).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerHeartbeat {
    /// The group.
    pub group_id: Name,
    /// The member; empty only in version 0, when it joins.
    pub member_id: Name,
    /// 0: joins; -1: leaves; -2: a static member that will be back; else the epoch that it is in.
    pub member_epoch: i32,
    /// Its instance, if it is static.
    pub instance_id: Option<Name>,
    /// Its rack; `None`: as before.
    pub rack_id: Option<Name>,
    /// How long it may take to give partitions up; -1: as before.
    pub rebalance_timeout_ms: i32,
    /// Its topics; `None`: as before.
    pub subscribed_topic_names: Option<Vec<Name>>,
    /// A pattern of topics (v1); `None`: as before; empty: none any more.
    pub subscribed_topic_regex: Option<Name>,
    /// The assignor that it prefers; `None`: as before.
    pub server_assignor: Option<Name>,
    /// The partitions that it owns; `None`: as before.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
    /// The version of the request: the client makes its own id from version 1.
    pub version: i16,
    /// Who asks.
    pub client: Client,
    /// What the id of a new member is made of.
    pub fresh: Uuid,
}

/// All that a shard answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A member of a classic group joins or rejoins. The answer may take as long as a rebalance.
    JoinGroup(JoinGroup),
    /// A member asks for its assignment, or the leader gives everyone's. The answer may take as long as a rebalance.
    SyncGroup(SyncGroup),
    /// A member of a classic group lives.
    Heartbeat(Heartbeat),
    /// Members leave.
    LeaveGroup(LeaveGroup),
    /// Offsets are committed.
    OffsetCommit(OffsetCommit),
    /// Committed offsets are asked for.
    OffsetFetch(OffsetFetch),
    /// Committed offsets are deleted.
    OffsetDelete(OffsetDelete),
    /// DeleteGroups (42), of one group.
    DeleteGroup(Name),
    /// DescribeGroups (15), of one group.
    DescribeGroup(Name),
    /// ConsumerGroupDescribe (69), of one group.
    DescribeConsumerGroup(Name),
    /// The groups of this shard.
    ListGroups(ListGroups),
    /// A member of a consumer group joins, lives, changes its mind or leaves.
    ConsumerHeartbeat(ConsumerHeartbeat),
}

impl Request {
    /// The group that decides which shard is asked; `None` for what every shard is asked.
    pub fn group_id(&self) -> Option<&Name> {
        match self {
            Request::JoinGroup(request) => Some(&request.group_id),
            Request::SyncGroup(request) => Some(&request.group_id),
            Request::Heartbeat(request) => Some(&request.group_id),
            Request::LeaveGroup(request) => Some(&request.group_id),
            Request::OffsetCommit(request) => Some(&request.group_id),
            Request::OffsetFetch(request) => Some(&request.group_id),
            Request::OffsetDelete(request) => Some(&request.group_id),
            Request::DeleteGroup(group) | Request::DescribeGroup(group) => Some(group),
            Request::DescribeConsumerGroup(group) => Some(group),
            Request::ListGroups(_) => None,
            Request::ConsumerHeartbeat(request) => Some(&request.group_id),
        }
    }
}

/// The circumstances of an event. Both clocks are the shell's: the wall's goes into records, the monotonic one runs
/// time-outs and is never compared with another node's.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// The wall clock.
    pub now: Millis,
    /// A clock that never goes back.
    pub clock: Millis,
    /// The cluster as this node sees it.
    pub view: &'a dyn super::View,
}
