//! What a coordinator answers, one type for each API, free of wire versions.
//!
//! A refusal says its code, with Kafka's words where the API has a field for them.

use bytes::Bytes;
use chronik_types::{ErrorCode, Offset, PartitionIndex, TopicId};

use super::requests::TopicPartitions;
use crate::records::Name;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub code: ErrorCode,
    /// In words, where the API has room for them.
    pub message: Option<Name>,
}

impl Refused {
    /// A refusal in words.
    pub fn because(code: ErrorCode, message: impl Into<Name>) -> Refused {
        Refused { code, message: Some(message.into()) }
    }
}

impl From<ErrorCode> for Refused {
    fn from(code: ErrorCode) -> Refused {
        Refused { code, message: None }
    }
}

/// The answer to a JoinGroup. A refusal has the code, the member id and defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedGroup {
    /// Why it was refused; MEMBER_ID_REQUIRED: join again with `member_id`.
    pub error: ErrorCode,
    /// The new generation; -1 in a refusal.
    pub generation: i32,
    /// The group's protocol type; null before version 7 and in most refusals.
    pub protocol_type: Option<Name>,
    /// The chosen protocol; null becomes empty before version 7.
    pub protocol_name: Option<Name>,
    /// The leader's member id; empty in a refusal.
    pub leader: Name,
    /// The leader need not assign (v9).
    pub skip_assignment: bool,
    /// The member's id.
    pub member_id: Name,
    /// For the leader: everyone's metadata.
    pub members: Vec<JoinedMember>,
}

/// A member as the leader gets to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// The member.
    pub member_id: Name,
    /// Its instance, if it is static.
    pub instance_id: Option<Name>,
    /// Its metadata for the chosen protocol.
    pub metadata: Bytes,
}

/// The answer to a SyncGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncedGroup {
    /// Why it was refused.
    pub error: ErrorCode,
    /// The group's protocol type; `None` in a refusal.
    pub protocol_type: Option<Name>,
    /// The chosen protocol; `None` in a refusal.
    pub protocol_name: Option<Name>,
    /// The member's assignment; empty in a refusal.
    pub assignment: Bytes,
}

/// The answer to a LeaveGroup. Before version 3 the one member's error is the whole answer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftGroup {
    /// Why none could leave.
    pub error: ErrorCode,
    /// Each member that was named, in the same order.
    pub members: Vec<LeftMember>,
}

/// What became of a leaving member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftMember {
    /// The member, as it was named.
    pub member_id: Name,
    /// Its instance, as it was named.
    pub instance_id: Option<Name>,
    /// Why it could not leave.
    pub error: ErrorCode,
}

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedOffset {
    /// The topic.
    pub topic: Name,
    /// The partition.
    pub partition: PartitionIndex,
    /// -1: nothing committed.
    pub offset: Offset,
    /// -1: unknown.
    pub leader_epoch: i32,
    /// The client's own text.
    pub metadata: Name,
    /// UNSTABLE_OFFSET_COMMIT, or none.
    pub error: ErrorCode,
}

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    /// The group.
    pub group_id: Name,
    /// `consumer`, `connect`, ...; empty for a group that only commits.
    pub protocol_type: Name,
    /// `Empty`, `Stable`, ... (v4).
    pub state: &'static str,
    /// `classic` or `consumer` as Kafka writes it: `classic`, `consumer` (v5).
    pub kind: &'static str,
}

/// A classic group, in full. A group that does not exist is a refusal with GROUP_ID_NOT_FOUND: version 6 answers it, the
/// older ones a group in state `Dead` without an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedGroup {
    /// `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Stable` or `Dead`.
    pub state: &'static str,
    /// `consumer`, `connect`, ...; empty for a group that only commits.
    pub protocol_type: Name,
    /// The chosen protocol; empty unless the group is stable.
    pub protocol: Name,
    /// Everyone in it.
    pub members: Vec<DescribedMember>,
}

/// A member of a classic group, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedMember {
    /// The member.
    pub member_id: Name,
    /// Its instance, if it is static (v4).
    pub instance_id: Option<Name>,
    /// Its client id.
    pub client_id: Name,
    /// Where it connects from.
    pub client_host: Name,
    /// Its metadata for the chosen protocol; empty unless the group is stable.
    pub metadata: Bytes,
    /// Its assignment; empty unless the group is stable.
    pub assignment: Bytes,
}

/// A consumer group, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedConsumerGroup {
    /// `Empty`, `Assigning`, `Reconciling` or `Stable`.
    pub state: &'static str,
    /// Raised with every change that asks for a new assignment.
    pub epoch: i32,
    /// The epoch that the target assignment was made for.
    pub assignment_epoch: i32,
    /// Who assigns.
    pub assignor: Name,
    /// Everyone in it.
    pub members: Vec<DescribedConsumerMember>,
}

/// A member of a consumer group, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedConsumerMember {
    /// The member.
    pub member_id: Name,
    /// Its instance, if it is static.
    pub instance_id: Option<Name>,
    /// Its rack.
    pub rack_id: Option<Name>,
    /// Its epoch.
    pub epoch: i32,
    /// Its client id.
    pub client_id: Name,
    /// Where it connects from.
    pub client_host: Name,
    /// Its topics.
    pub subscribed_topic_names: Vec<Name>,
    /// Its pattern of topics; empty if it had one and gave it up, `None` if it has none.
    pub subscribed_topic_regex: Option<Name>,
    /// What it has.
    pub assignment: Vec<NamedPartitions>,
    /// What it is to have.
    pub target: Vec<NamedPartitions>,
    /// Which protocol it speaks: -1 unknown, 0 classic, 1 consumer (v1).
    pub member_type: i8,
}

/// Partitions of a topic that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPartitions {
    /// The topic.
    pub topic_id: TopicId,
    /// Its name.
    pub topic: Name,
    /// Its partitions.
    pub partitions: Vec<PartitionIndex>,
}

/// The answer to a member of a consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerHeartbeatReply {
    /// The member; `None` when it has left.
    pub member_id: Option<Name>,
    /// The epoch that it is in now.
    pub member_epoch: i32,
    /// When it is to be heard of again.
    pub heartbeat_interval_ms: i32,
    /// What it is to own, if that changed or it seems not to know.
    pub assignment: Option<Vec<TopicPartitions>>,
}

/// The answer to a [`super::Request`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To a JoinGroup.
    JoinGroup(JoinedGroup),
    /// To a SyncGroup.
    SyncGroup(SyncedGroup),
    /// To a Heartbeat.
    Heartbeat(ErrorCode),
    /// To a LeaveGroup.
    LeaveGroup(LeftGroup),
    /// To an OffsetCommit: each partition's error, in the request's order.
    OffsetCommit(Vec<ErrorCode>),
    /// To an OffsetFetch: in the request's order, or by topic and partition if all were asked for.
    OffsetFetch(Result<Vec<FetchedOffset>, ErrorCode>),
    /// To an OffsetDelete: each partition's error, in the request's order.
    OffsetDelete(Result<Vec<ErrorCode>, ErrorCode>),
    /// To a DeleteGroup.
    DeleteGroup(ErrorCode),
    /// To a DescribeGroup.
    DescribeGroup(Result<DescribedGroup, Refused>),
    /// To a DescribeConsumerGroup.
    DescribeConsumerGroup(Result<DescribedConsumerGroup, Refused>),
    /// To a ListGroups.
    ListGroups(Vec<ListedGroup>),
    /// To a ConsumerHeartbeat.
    ConsumerHeartbeat(Result<ConsumerHeartbeatReply, Refused>),
}
