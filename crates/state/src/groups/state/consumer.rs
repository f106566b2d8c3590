//! A consumer group (KIP-848) as its records tell it.

use std::collections::BTreeMap;

use chronik_types::{PartitionIndex, TopicId};

use crate::groups::records::{AssignedTopic, CurrentValue, MemberValue, PatternValue, TargetTopic};
use crate::records::Name;

/// Partitions by topic, as assignments hold them.
pub(crate) type Partitions = BTreeMap<TopicId, Vec<PartitionIndex>>;

/// What a member does on its way to its target (`MemberState`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberState {
    /// It has what it is to have in its epoch.
    #[default]
    Stable,
    /// It has been told to give partitions up and has not said yet that it did.
    UnrevokedPartitions,
    /// It waits for partitions that others have not given up.
    UnreleasedPartitions,
    /// Written by a newer broker.
    Unknown,
}

impl MemberState {
    /// The state for Kafka's number.
    pub fn from_code(code: i8) -> MemberState {
        match code {
            0 => MemberState::Stable,
            1 => MemberState::UnrevokedPartitions,
            2 => MemberState::UnreleasedPartitions,
            _ => MemberState::Unknown,
        }
    }

    /// Kafka's number.
    pub fn code(self) -> i8 {
        match self {
            MemberState::Stable => 0,
            MemberState::UnrevokedPartitions => 1,
            MemberState::UnreleasedPartitions => 2,
            MemberState::Unknown => 127,
        }
    }
}

/// A member of a consumer group. What it owns carries the epoch in which it got each partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerMember {
    /// How it introduced itself.
    pub metadata: MemberValue,
    /// The epoch that it is in; -2: a static member that said it will be back.
    pub epoch: i32,
    /// The epoch before.
    pub previous_epoch: i32,
    /// What it does.
    pub state: MemberState,
    /// What it owns.
    pub assigned: BTreeMap<TopicId, BTreeMap<PartitionIndex, i32>>,
    /// What it was told to give up.
    pub pending_revocation: BTreeMap<TopicId, BTreeMap<PartitionIndex, i32>>,
}

impl ConsumerMember {
    /// A member that has no epoch yet.
    pub(in crate::groups) fn fresh() -> ConsumerMember {
        ConsumerMember { previous_epoch: -1, ..ConsumerMember::default() }
    }

    /// Whether it speaks the classic protocol.
    pub fn is_classic(&self) -> bool {
        self.metadata.classic.is_some()
    }

    pub(super) fn set_current(&mut self, value: Option<&CurrentValue>) {
        let none = CurrentValue::default();
        let known = value.unwrap_or(&none);
        self.epoch = known.member_epoch;
        self.previous_epoch = if value.is_some() { known.previous_member_epoch } else { -1 };
        self.state = MemberState::from_code(known.state);
        self.assigned = with_epochs(&known.assigned, known.member_epoch);
        self.pending_revocation = with_epochs(&known.pending_revocation, known.member_epoch);
    }

    /// The record of what it has.
    pub fn current(&self) -> CurrentValue {
        CurrentValue {
            member_epoch: self.epoch,
            previous_member_epoch: self.previous_epoch,
            state: self.state.code(),
            assigned: without_epochs(&self.assigned),
            pending_revocation: without_epochs(&self.pending_revocation),
        }
    }
}

fn with_epochs(topics: &[AssignedTopic], otherwise: i32) -> BTreeMap<TopicId, BTreeMap<PartitionIndex, i32>> {
    let partitions = |topic: &AssignedTopic| {
        let epochs = topic.assignment_epochs.clone().unwrap_or_default();
        let epoch = |at: usize| epochs.get(at).copied().unwrap_or(otherwise);
        topic.partitions.iter().enumerate().map(|(at, partition)| (*partition, epoch(at))).collect()
    };
    topics.iter().map(|topic| (topic.topic_id, partitions(topic))).collect()
}

fn without_epochs(topics: &BTreeMap<TopicId, BTreeMap<PartitionIndex, i32>>) -> Vec<AssignedTopic> {
    let topic = |(topic_id, partitions): (&TopicId, &BTreeMap<PartitionIndex, i32>)| AssignedTopic {
        topic_id: *topic_id,
        partitions: partitions.keys().copied().collect(),
        assignment_epochs: Some(partitions.values().copied().collect()),
    };
    topics.iter().map(topic).collect()
}

/// A consumer group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroup {
    /// Raised with every change that asks for a new assignment.
    pub epoch: i32,
    /// A hash of what the assignment depends on of the cluster; 0: unknown.
    pub metadata_hash: i64,
    /// The epoch of the target assignment.
    pub target_epoch: i32,
    /// When the target assignment was made, by the wall clock; 0: unknown.
    pub target_timestamp: i64,
    /// What each member is to have.
    pub target: BTreeMap<Name, BTreeMap<TopicId, Vec<PartitionIndex>>>,
    /// Everyone in it.
    pub members: BTreeMap<Name, ConsumerMember>,
    /// What each pattern matches.
    pub patterns: BTreeMap<Name, PatternValue>,
    /// Whether an older broker left a record of the group's topics, which the next change of the epoch deletes.
    pub has_partition_metadata: bool,
    /// Whether the record of its epoch is there.
    pub(super) is_written: bool,
    /// Who owns a partition or was told to give it up: the epoch of that member. Derived from `members`.
    pub(super) owners: BTreeMap<TopicId, BTreeMap<PartitionIndex, i32>>,
}

impl ConsumerGroup {
    /// The epoch of the member that has the partition, or has not given it up yet.
    pub fn owner_epoch(&self, topic: TopicId, partition: PartitionIndex) -> Option<i32> {
        self.owners.get(&topic)?.get(&partition).copied()
    }

    /// The member with this instance id.
    pub fn static_member(&self, instance: &str) -> Option<(&Name, &ConsumerMember)> {
        self.members.iter().find(|(_, member)| member.metadata.instance_id.as_deref() == Some(instance))
    }

    /// Whether any member subscribes to the topic, by name or by pattern.
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        self.members.values().any(|member| {
            member.metadata.subscribed_topic_names.iter().any(|name| **name == *topic)
                || self.pattern_topics(member).iter().any(|name| **name == *topic)
        })
    }

    /// What a member's pattern matches.
    pub fn pattern_topics(&self, member: &ConsumerMember) -> &[Name] {
        let pattern = member.metadata.subscribed_topic_regex.as_ref();
        pattern.and_then(|pattern| self.patterns.get(pattern)).map_or(&[], |resolved| &resolved.topics)
    }

    /// `Empty`, `Assigning`, `Reconciling` or `Stable` (`ConsumerGroupState`).
    pub fn state_name(&self) -> &'static str {
        let is_settled = |member: &ConsumerMember| {
            member.state == MemberState::Stable && member.epoch == self.target_epoch
        };
        if self.members.is_empty() {
            "Empty"
        } else if self.epoch > self.target_epoch {
            "Assigning"
        } else if self.members.values().all(is_settled) {
            "Stable"
        } else {
            "Reconciling"
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        !self.is_written
            && self.members.is_empty()
            && self.target.is_empty()
            && self.patterns.is_empty()
            && !self.has_partition_metadata
            && self.target_epoch == 0
    }

    pub(super) fn own(&mut self, member: &Name) {
        let Some(member) = self.members.get(member) else { return };
        for (topic, partitions) in member.assigned.iter().chain(&member.pending_revocation) {
            let owners = self.owners.entry(*topic).or_default();
            owners.extend(partitions.keys().map(|partition| (*partition, member.epoch)));
        }
    }

    pub(super) fn disown(&mut self, member: &Name) {
        let Some(member) = self.members.get(member) else { return };
        for (topic, partitions) in member.assigned.iter().chain(&member.pending_revocation) {
            let Some(owners) = self.owners.get_mut(topic) else { continue };
            // A record of the new owner may have come before that of the old one.
            owners.retain(|partition, epoch| !(partitions.contains_key(partition) && *epoch == member.epoch));
            if owners.is_empty() {
                self.owners.remove(topic);
            }
        }
    }
}

pub(super) fn target(topics: &[TargetTopic]) -> Partitions {
    topics.iter().map(|topic| (topic.topic_id, topic.partitions.clone())).collect()
}
