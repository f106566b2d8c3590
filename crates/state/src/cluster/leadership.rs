//! What becomes of partitions when replicas come, go or fall out of sync: who leads, who is in sync, who may lead
//! though it is not (`org.apache.kafka.controller.PartitionChangeBuilder`, KIP-966).
//!
//! With eligible leader replicas on, an ISR may be empty: a replica that leaves it while it is smaller than
//! `min.insync.replicas` stays eligible, since it holds all that was acknowledged. A leader is only ever chosen from
//! the ISR and the ELR, except by an unclean election, which marks the partition as recovering.

use std::collections::BTreeSet;

use chronik_types::{NodeId, PartitionIndex, TopicId};

use super::{ConfigResource, Context, ELIGIBLE_LEADER_REPLICAS_VERSION, Partition, Topic, configuration};
use crate::config::TopicConfig;
use crate::records::{Change, NO_LEADER_CHANGE, NO_RECOVERY_CHANGE, PartitionChangeRecord};

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
    /// Whether a shrinking ISR raises the leader epoch.
    pub(crate) raise_epoch_on_isr_shrink: bool,
}

impl Rules {
    /// The rules for a topic.
    pub(crate) fn of(context: &Context<'_>, topic: &Topic) -> Rules {
        let resource = ConfigResource::topic(topic.name.clone());
        let config = TopicConfig::resolve(
            configuration::overrides(context.state, &resource),
            &configuration::layers(context),
        );
        let replicas = topic.partitions.values().next().map_or(1, |first| first.replicas.len());
        let metadata_version = context.state.metadata_version();
        Rules {
            min_isr: (config.min_insync_replicas as usize).min(replicas),
            unclean: config.unclean_leader_election,
            elr: context.state.feature_level(ELIGIBLE_LEADER_REPLICAS_VERSION) > 0,
            version: metadata_version.partition_change_record(),
            raise_epoch_on_isr_shrink: metadata_version.raises_epoch_on_isr_shrink(),
        }
    }
}

/// What a partition is to become, as far as its leader is not yet decided.
pub(crate) struct Target<'a> {
    partition: &'a Partition,
    replicas: Vec<NodeId>,
    isr: Vec<NodeId>,
    elr: Vec<NodeId>,
    last_known_elr: Vec<NodeId>,
    removing: Vec<NodeId>,
    adding: Vec<NodeId>,
    recovering: bool,
    unclean_shutdown: Option<NodeId>,
}

impl<'a> Target<'a> {
    /// The partition as it is.
    pub(crate) fn of(partition: &'a Partition) -> Self {
        Target {
            partition,
            replicas: partition.replicas.to_vec(),
            isr: partition.isr.to_vec(),
            elr: partition.elr.clone(),
            last_known_elr: partition.last_known_elr.clone(),
            removing: partition.removing_replicas.clone(),
            adding: partition.adding_replicas.clone(),
            recovering: partition.recovering,
            unclean_shutdown: None,
        }
    }

    /// With these nodes in sync.
    pub(crate) fn isr(mut self, isr: Vec<NodeId>) -> Self {
        self.isr = isr;
        self
    }

    /// With the leader recovering from an unclean election, or done with it.
    pub(crate) fn recovering(mut self, recovering: bool) -> Self {
        self.recovering = recovering;
        self
    }

    /// With a replica that may have lost what it had: it is eligible no more.
    pub(crate) fn unclean_shutdown(mut self, node: NodeId) -> Self {
        self.unclean_shutdown = Some(node);
        self
    }

    /// The change that leads there, or `None` if there is none. `acceptable`: who may lead at all.
    pub(crate) fn change(
        mut self,
        topic: TopicId,
        index: PartitionIndex,
        rules: &Rules,
        acceptable: &dyn Fn(NodeId) -> bool,
    ) -> Option<Change> {
        let mut record = PartitionChangeRecord { partition_id: index, topic_id: topic, ..Default::default() };
        self.complete_reassignment();
        if rules.elr {
            self.settle_elr(rules);
        }
        self.elect(rules, acceptable, &mut record);
        if record.isr.is_none()
            && (rules.elr || !self.isr.is_empty())
            && self.isr != self.partition.isr.to_vec()
        {
            record.isr = Some(self.isr.clone());
        }
        self.raise_epoch(rules, &mut record);
        if rules.elr {
            self.record_elr(&mut record);
        }
        self.record_assignment(&mut record);
        if self.recovering != self.partition.recovering && record.leader_recovery_state == NO_RECOVERY_CHANGE
        {
            record.leader_recovery_state = i8::from(self.recovering);
        }
        let nothing = PartitionChangeRecord { partition_id: index, topic_id: topic, ..Default::default() };
        (record != nothing).then(|| Change::versioned(record, rules.version))
    }

    /// A move of replicas is done once every replica that was to be added is in sync.
    fn complete_reassignment(&mut self) {
        if self.adding.is_empty() && self.removing.is_empty() {
            return;
        }
        let stays = |node: &NodeId| !self.removing.contains(node);
        let isr: Vec<NodeId> = self.isr.iter().copied().filter(stays).collect();
        let replicas: Vec<NodeId> = self.replicas.iter().copied().filter(stays).collect();
        if isr.is_empty() || replicas.is_empty() || !self.adding.iter().all(|node| isr.contains(node)) {
            return;
        }
        self.isr = isr;
        self.replicas = replicas;
        self.adding.clear();
        self.removing.clear();
    }

    /// Who is eligible: nobody while enough are in sync, otherwise whoever left the ISR since then.
    fn settle_elr(&mut self, rules: &Rules) {
        if self.isr.len() >= rules.min_isr.min(self.replicas.len()) {
            self.elr.clear();
            self.last_known_elr.clear();
            return;
        }
        let isr = &self.isr;
        let before: BTreeSet<NodeId> = self.elr.iter().chain(&self.partition.isr).copied().collect();
        let elr: Vec<NodeId> = before
            .iter()
            .copied()
            .filter(|node| !isr.contains(node) && self.unclean_shutdown != Some(*node))
            .collect();
        let known: BTreeSet<NodeId> = before.iter().chain(&self.last_known_elr).copied().collect();
        self.last_known_elr =
            known.into_iter().filter(|node| !isr.contains(node) && !elr.contains(node)).collect();
        self.elr = elr;
    }

    fn elect(
        &mut self,
        rules: &Rules,
        acceptable: &dyn Fn(NodeId) -> bool,
        record: &mut PartitionChangeRecord,
    ) {
        let (leader, unclean) = self.candidate(rules, acceptable);
        if leader != NodeId::NONE && !self.isr.contains(&leader) && (unclean || self.elr.contains(&leader)) {
            // Whoever leads is in sync, and after an election from outside the ISR nobody else is.
            self.isr = vec![leader];
            self.elr.retain(|node| *node != leader);
            self.last_known_elr.retain(|node| *node != leader);
            record.isr = Some(self.isr.clone());
            if unclean && !self.partition.recovering {
                record.leader_recovery_state = 1;
            }
        }
        if leader != self.partition.leader {
            record.leader = leader;
        }
    }

    /// Who is to lead, and whether that loses what was acknowledged.
    fn candidate(&self, rules: &Rules, acceptable: &dyn Fn(NodeId) -> bool) -> (NodeId, bool) {
        let valid = |node: NodeId| (self.isr.contains(&node) || self.elr.contains(&node)) && acceptable(node);
        if valid(self.partition.leader) {
            return (self.partition.leader, false);
        }
        if let Some(node) = self.replicas.iter().copied().find(|node| valid(*node)) {
            return (node, false);
        }
        if rules.elr
            && self.elr.is_empty()
            && self.isr.is_empty()
            && let [last] = self.last_known_elr[..]
            && acceptable(last)
        {
            return (last, true);
        }
        let survivor = self.replicas.iter().copied().find(|node| rules.unclean && acceptable(*node));
        survivor.map_or((NodeId::NONE, false), |node| (node, true))
    }

    /// A leader whose followers are not who it believes must learn of it by a new epoch.
    fn raise_epoch(&self, rules: &Rules, record: &mut PartitionChangeRecord) {
        if record.leader != NO_LEADER_CHANGE {
            return;
        }
        let loses_replica = self.partition.replicas.iter().any(|node| !self.replicas.contains(node));
        let shrinks = rules.raise_epoch_on_isr_shrink
            && record
                .isr
                .as_ref()
                .is_some_and(|isr| self.partition.isr.iter().any(|node| !isr.contains(node)));
        if loses_replica || shrinks {
            record.leader = self.partition.leader;
        }
    }

    fn record_elr(&mut self, record: &mut PartitionChangeRecord) {
        if self.elr != self.partition.elr {
            record.eligible_leader_replicas = Some(self.elr.clone());
        }
        // When the last in-sync replica goes, who led last is all that a recovery can go by.
        let nobody_in_sync = record.isr.as_ref().is_some_and(Vec::is_empty);
        if nobody_in_sync && self.partition.last_known_elr != [self.partition.leader] {
            self.last_known_elr = vec![self.partition.leader];
        }
        if self.last_known_elr != self.partition.last_known_elr {
            record.last_known_elr = Some(self.last_known_elr.clone());
        }
    }

    fn record_assignment(&self, record: &mut PartitionChangeRecord) {
        if self.replicas != self.partition.replicas.to_vec() {
            record.replicas = Some(self.replicas.clone());
            let directories = self
                .replicas
                .iter()
                .map(|node| self.partition.directory(*node).unwrap_or(super::UNASSIGNED_DIRECTORY));
            let directories: Vec<_> = directories.collect();
            if directories != self.partition.directories.to_vec() {
                record.directories = Some(directories);
            }
        }
        if self.removing != self.partition.removing_replicas {
            record.removing_replicas = Some(self.removing.clone());
        }
        if self.adding != self.partition.adding_replicas {
            record.adding_replicas = Some(self.adding.clone());
        }
    }
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
    changes_where(context, event, |_, partition| match event {
        Event::Gone(node) => partition.isr.contains(&node),
        Event::Crashed(node) => partition.isr.contains(&node) || partition.elr.contains(&node),
        Event::Back(_) => !partition.has_leader(),
    })
}

/// The changes of the partitions that `concerned` picks.
pub(crate) fn changes_where(
    context: &Context<'_>,
    event: Event,
    concerned: impl Fn(PartitionIndex, &Partition) -> bool,
) -> Vec<Change> {
    let active = |node: NodeId| context.state.broker(node).is_some_and(|broker| broker.is_active());
    let acceptable = |node: NodeId| match event {
        Event::Gone(gone) | Event::Crashed(gone) => node != gone && active(node),
        Event::Back(back) => node == back || active(node),
    };
    let mut changes = Vec::new();
    for topic in context.state.topics() {
        let mut rules = None;
        for (index, partition) in
            topic.partitions.iter().filter(|(index, partition)| concerned(**index, partition))
        {
            let rules = rules.get_or_insert_with(|| Rules::of(context, topic));
            let target = Target::of(partition);
            let without = |gone: NodeId| partition.isr.iter().copied().filter(|node| *node != gone).collect();
            let target = match event {
                Event::Gone(gone) => target.isr(without(gone)),
                Event::Crashed(gone) => target.isr(without(gone)).unclean_shutdown(gone),
                Event::Back(_) => target,
            };
            changes.extend(target.change(topic.id, *index, rules, &acceptable));
        }
    }
    changes
}
