//! AlterPartition (56): a partition's leader proposes who is in sync (KIP-497, KIP-841, KIP-903, KIP-966).
//!
//! The proposal names the leader epoch and the partition epoch that it is based on; another one is refused. A replica
//! that is fenced, shutting down or registered anew since the leader last heard of it can't be in sync.

use std::collections::BTreeSet;

use chronik_types::{BrokerEpoch, ErrorCode, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId};

use super::{Change, Context, Decision, Refused, broker_in_epoch};
use crate::cluster::Partition;
use crate::cluster::leadership::{self, Rulebook, Target};
use crate::records::Record;

/// A leader proposes who is in sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterPartition {
    /// The leader.
    pub broker: NodeId,
    /// Its registration.
    pub broker_epoch: BrokerEpoch,
    /// Its proposals.
    pub partitions: Vec<ProposedIsr>,
}

/// A proposal for one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedIsr {
    /// The topic.
    pub topic: TopicId,
    /// The partition.
    pub partition: PartitionIndex,
    /// The epoch in which the broker leads.
    pub leader_epoch: LeaderEpoch,
    /// The registration of the partition that it knows.
    pub partition_epoch: PartitionEpoch,
    /// Who is in sync, each with its broker epoch (-1: not known).
    pub isr: Vec<(NodeId, BrokerEpoch)>,
    /// Whether the leader is still recovering from an unclean election.
    pub recovering: bool,
}

/// What became of one proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// The topic.
    pub topic: TopicId,
    /// The partition.
    pub partition: PartitionIndex,
    /// The partition as it is now.
    pub result: Result<Partition, ErrorCode>,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: AlterPartition,
) -> Decision<Change, Result<Vec<PartitionState>, Refused>> {
    if let Err(refused) = broker_in_epoch(context, command.broker, command.broker_epoch) {
        return Decision::reply(Err(refused));
    }
    let rulebook = Rulebook::open(context);
    let mut named: BTreeSet<(TopicId, PartitionIndex)> = BTreeSet::new();
    let mut changes: Vec<Change> = Vec::new();
    let mut states: Vec<PartitionState> = Vec::new();
    for proposal in &command.partitions {
        let (topic, partition) = (proposal.topic, proposal.partition);
        let result = if named.insert((topic, partition)) {
            alter(context, &rulebook, command.broker, proposal).map(|(change, partition)| {
                changes.extend(change);
                partition
            })
        } else {
            Err(ErrorCode::InvalidRequest)
        };
        let result = match result {
            // The proposal completed a reassignment, and the one who made it leads no more.
            Ok(now) if now.leader != command.broker => Err(ErrorCode::NewLeaderElected),
            result => result,
        };
        states.push(PartitionState { topic, partition, result });
    }
    Decision { changes, reply: Ok(states) }
}

fn alter(
    context: &Context<'_>,
    rulebook: &Rulebook<'_>,
    broker: NodeId,
    proposal: &ProposedIsr,
) -> Result<(Option<Change>, Partition), ErrorCode> {
    let topic = context.state.topic(proposal.topic).ok_or(ErrorCode::UnknownTopicId)?;
    let partition = topic.partition(proposal.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    check(context, broker, partition, proposal)?;
    let isr = proposal.isr.iter().map(|(node, _)| *node).collect();
    let acceptable = |node: NodeId| leadership::may_lead(context, partition, node);
    let change = Target::of(partition).isr(isr).recovering(proposal.recovering).change(
        topic.id,
        proposal.partition,
        &rulebook.of(topic),
        &acceptable,
    );
    let mut now = Partition::clone(partition);
    if let Some(Change { record: Record::PartitionChange(record), .. }) = &change {
        now.merge(record);
    }
    Ok((change, now))
}

fn check(
    context: &Context<'_>,
    broker: NodeId,
    partition: &Partition,
    proposal: &ProposedIsr,
) -> Result<(), ErrorCode> {
    if proposal.leader_epoch > partition.leader_epoch || proposal.partition_epoch > partition.partition_epoch
    {
        // The broker knows more than we do: we are not the controller any more and have not noticed.
        return Err(ErrorCode::NotController);
    }
    if proposal.leader_epoch < partition.leader_epoch {
        return Err(ErrorCode::FencedLeaderEpoch);
    }
    if broker != partition.leader {
        return Err(ErrorCode::InvalidRequest);
    }
    if proposal.partition_epoch < partition.partition_epoch {
        return Err(ErrorCode::InvalidUpdateVersion);
    }
    let nodes: Vec<NodeId> = proposal.isr.iter().map(|(node, _)| *node).collect();
    let is_repeated = |(at, node): (usize, &NodeId)| nodes[..at].contains(node);
    if !nodes.contains(&partition.leader)
        || nodes.iter().any(|node| !partition.replicas.contains(node))
        || nodes.iter().enumerate().any(is_repeated)
        || (proposal.recovering && (nodes.len() > 1 || !partition.recovering))
    {
        return Err(ErrorCode::InvalidRequest);
    }
    let is_eligible = |(node, epoch): &(NodeId, BrokerEpoch)| {
        let current = |epoch: BrokerEpoch, broker: BrokerEpoch| epoch == BrokerEpoch(-1) || epoch == broker;
        context.state.broker(*node).is_some_and(|broker| broker.is_active() && current(*epoch, broker.epoch))
    };
    if proposal.isr.iter().all(is_eligible) { Ok(()) } else { Err(ErrorCode::IneligibleReplica) }
}
