//! AlterPartition (56): a partition's leader proposes who is in sync (KIP-497, KIP-903, KIP-966).
//!
//! The proposal names the leader epoch and the partition epoch that it is based on; another one is refused.

use chronik_types::{BrokerEpoch, ErrorCode, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId};

use super::{Change, Context, Decision, Refused};

/// A leader proposes who is in sync.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartition {
    /// The leader.
    pub broker: NodeId,
    /// Its registration.
    pub broker_epoch: BrokerEpoch,
    /// Its proposals.
    pub partitions: Vec<ProposedIsr>,
}

/// A proposal for one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposedIsr {
    /// The topic.
    pub topic: TopicId,
    /// The partition.
    pub partition: PartitionIndex,
    /// The epoch in which the broker leads.
    pub leader_epoch: LeaderEpoch,
    /// The registration that it knows.
    pub partition_epoch: PartitionEpoch,
    /// Who is in sync, each with its broker epoch (-1: not known).
    pub isr: Vec<(NodeId, BrokerEpoch)>,
    /// Whether the leader is still recovering from an unclean election.
    pub recovering: bool,
}

/// What became of one proposal.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionState {
    /// The topic.
    pub topic: TopicId,
    /// The partition.
    pub partition: PartitionIndex,
    /// The partition as it is now.
    pub result: Result<super::super::Partition, ErrorCode>,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: AlterPartition,
) -> Decision<Change, Result<Vec<PartitionState>, Refused>> {
    let _ = (context, command);
    unimplemented!()
}
