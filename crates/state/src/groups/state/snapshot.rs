//! The records that lead to a state again: what compaction would leave of its log.

use super::GroupState;
use super::consumer::{ConsumerGroup, ConsumerMember, Partitions};
use crate::groups::records::{
    Change, EpochValue, GroupKey, MemberKey, OffsetKey, PartitionMetadataValue, PatternKey, TargetEpochValue,
    TargetTopic, TargetValue,
};
use crate::records::Name;

impl GroupState {
    /// The changes that lead from nothing to this state.
    pub fn snapshot(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (group, value) in &self.classic {
            changes.push(Change::Group(GroupKey { group: group.clone() }, Some(value.clone())));
        }
        for (name, group) in &self.consumer {
            snapshot(name, group, &mut changes);
        }
        for (group, offsets) in &self.offsets {
            for (topic, partition, value) in offsets.iter() {
                let key = OffsetKey { group: group.clone(), topic: topic.clone(), partition };
                changes.push(Change::Offset(key, Some(value.clone())));
            }
        }
        changes
    }
}

/// The record of what a member is to have.
pub(crate) fn target_value(partitions: &Partitions) -> TargetValue {
    let topic =
        |(id, partitions): (&_, &Vec<_>)| TargetTopic { topic_id: *id, partitions: partitions.clone() };
    TargetValue { topics: partitions.iter().map(topic).collect() }
}

fn snapshot(name: &Name, group: &ConsumerGroup, changes: &mut Vec<Change>) {
    let key = || GroupKey { group: name.clone() };
    let member_key = |member: &Name| MemberKey { group: name.clone(), member: member.clone() };
    for (id, member) in &group.members {
        changes.push(Change::Member(member_key(id), Some(member.metadata.clone())));
    }
    if group.has_partition_metadata {
        changes.push(Change::PartitionMetadata(key(), Some(PartitionMetadataValue::default())));
    }
    if group.is_written {
        let value = EpochValue { epoch: group.epoch, metadata_hash: group.metadata_hash };
        changes.push(Change::Epoch(key(), Some(value)));
    }
    for (pattern, value) in &group.patterns {
        let key = PatternKey { group: name.clone(), pattern: pattern.clone() };
        changes.push(Change::Pattern(key, Some(value.clone())));
    }
    for (id, target) in &group.target {
        changes.push(Change::Target(member_key(id), Some(target_value(target))));
    }
    let value = TargetEpochValue {
        assignment_epoch: group.target_epoch,
        assignment_timestamp: group.target_timestamp,
    };
    if value != TargetEpochValue::default() {
        changes.push(Change::TargetEpoch(key(), Some(value)));
    }
    let none = ConsumerMember::fresh();
    for (id, member) in group.members.iter().filter(|(_, member)| member.current() != none.current()) {
        changes.push(Change::Current(member_key(id), Some(member.current())));
    }
}
