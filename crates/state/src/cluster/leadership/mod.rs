//! What becomes of partitions when replicas come, go or fall out of sync: who leads, who is in sync, who may lead
//! though it is not (KIP-966).
//!
//! [`Target`] says what one partition is to become and what record leads there; here are the rules that depend on its
//! topic, who may lead at all, and what becomes of all the partitions that one event concerns
//! (`ReplicationControlManager.generateLeaderAndIsrUpdates`).

mod target;

use chronik_types::NodeId;

use super::{
    ConfigResource, Context, ELIGIBLE_LEADER_REPLICAS_VERSION, Located, Partition, Topic, configuration,
};
use crate::config::{Lookup, Nothing, TopicConfig};
use crate::records::Change;

pub(crate) use target::Target;

/// What the partitions of one topic have in common when their leadership is decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// `min.insync.replicas` of the topic, never more than a partition has replicas.
    pub(crate) min_isr: usize,
    /// `unclean.leader.election.enable` of the topic.
    pub(crate) unclean: bool,
    /// Whether the cluster has eligible leader replicas.
    pub(crate) elr: bool,
    /// The version of the change record, which decides what it can hold.
    pub(crate) version: i16,
    /// Whether the log directory of each replica is recorded.
    pub(crate) has_directories: bool,
    /// Whether a shrinking ISR raises the leader epoch.
    pub(crate) raise_epoch_on_isr_shrink: bool,
}

impl Rules {
    fn resolve(context: &Context<'_>, overrides: &dyn Lookup) -> Rules {
        let config = TopicConfig::resolve(overrides, &configuration::layers(context));
        let metadata_version = context.state.metadata_version();
        Rules {
            min_isr: config.min_insync_replicas as usize,
            unclean: config.unclean_leader_election,
            elr: context.state.feature_level(ELIGIBLE_LEADER_REPLICAS_VERSION) > 0,
            version: metadata_version.partition_change_record(),
            has_directories: metadata_version.has_directories(),
            raise_epoch_on_isr_shrink: metadata_version.raises_epoch_on_isr_shrink(),
        }
    }

    /// No partition can have more in sync than it has replicas.
    fn within(mut self, topic: &Topic) -> Rules {
        let replicas = topic.partitions.values().next().map_or(1, |first| first.replicas.len());
        self.min_isr = self.min_isr.min(replicas);
        self
    }
}

/// The rules of many topics: what nearly all of them have in common is worked out once.
pub(crate) struct Rulebook<'a> {
    context: &'a Context<'a>,
    /// The rules for a topic that overrides nothing.
    default: Rules,
}

impl<'a> Rulebook<'a> {
    /// The rules as they are now.
    pub(crate) fn open(context: &'a Context<'a>) -> Self {
        Rulebook { context, default: Rules::resolve(context, &Nothing) }
    }

    /// The rules for a topic.
    pub(crate) fn of(&self, topic: &Topic) -> Rules {
        let overrides = self.context.state.config(&ConfigResource::topic(topic.name.clone()));
        overrides.map_or(self.default, |overrides| Rules::resolve(self.context, overrides)).within(topic)
    }
}

/// Who may lead a partition: an active broker whose log directory with the replica works
/// (`ReplicationControlManager.LeaderAcceptor`).
pub(crate) fn may_lead(context: &Context<'_>, partition: &Partition, node: NodeId) -> bool {
    has_replica_online(context, partition, node)
        && context.state.broker(node).is_some_and(|broker| broker.is_active())
}

fn has_replica_online(context: &Context<'_>, partition: &Partition, node: NodeId) -> bool {
    let Some(directory) = partition.directory(node) else { return false };
    context.state.broker(node).is_some_and(|broker| broker.has_online_directory(directory))
}

/// A broker's part in a change of many partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It may lead no more and is in sync with nothing.
    Gone(NodeId),
    /// Its process died without warning: what it had may be lost.
    Crashed(NodeId),
    /// It may lead again.
    Back(NodeId),
}

/// The changes of every partition that the event concerns, in order of topic id and index.
pub(crate) fn changes(context: &Context<'_>, event: Event) -> Vec<Change> {
    let state = context.state;
    match event {
        Event::Gone(node) => {
            let in_sync = state.partitions_of(node).filter(|(_, _, partition)| partition.isr.contains(&node));
            changes_of(context, event, in_sync)
        }
        Event::Crashed(node) => {
            let concerned =
                |partition: &Partition| partition.isr.contains(&node) || partition.elr.contains(&node);
            changes_of(
                context,
                event,
                state.partitions_of(node).filter(|(_, _, partition)| concerned(partition)),
            )
        }
        Event::Back(_) => changes_of(context, event, state.leaderless()),
    }
}

/// The changes of these partitions, sorted by topic.
pub(crate) fn changes_of<'a>(
    context: &Context<'_>,
    event: Event,
    partitions: impl Iterator<Item = Located<'a>>,
) -> Vec<Change> {
    let rulebook = Rulebook::open(context);
    let mut changes = Vec::new();
    let mut of_topic = None;
    for (topic, index, partition) in partitions {
        let rules = match of_topic {
            Some((id, rules)) if id == topic.id => rules,
            _ => rulebook.of(topic),
        };
        of_topic = Some((topic.id, rules));
        let acceptable = |node: NodeId| match event {
            Event::Gone(gone) | Event::Crashed(gone) => node != gone && may_lead(context, partition, node),
            Event::Back(back) if node == back => has_replica_online(context, partition, node),
            Event::Back(_) => may_lead(context, partition, node),
        };
        let target = Target::of(partition);
        let without = |gone: NodeId| partition.isr.iter().copied().filter(|node| *node != gone).collect();
        let target = match event {
            Event::Gone(gone) => target.isr(without(gone)),
            Event::Crashed(gone) => target.isr(without(gone)).unclean_shutdown(gone),
            Event::Back(_) => target,
        };
        changes.extend(target.change(topic.id, index, &rules, &acceptable));
    }
    changes
}
