//! How a record changes the state.

use super::GroupState;
use super::consumer::{ConsumerGroup, target};
use crate::groups::records::{Change, CurrentValue, GroupKey, MemberKey};
use crate::records::Name;

impl GroupState {
    /// Applies one change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Offset(key, Some(value)) => {
                let offsets = entry(&mut self.offsets, &key.group);
                offsets.set(&key.topic, key.partition, value.clone());
            }
            Change::Offset(key, None) => {
                let Some(offsets) = self.offsets.get_mut(&key.group) else { return };
                offsets.remove(&key.topic, key.partition);
                if offsets.is_empty() {
                    self.offsets.remove(&key.group);
                }
            }
            Change::Group(key, Some(value)) => {
                self.classic.insert(key.group.clone(), value.clone());
            }
            Change::Group(key, None) => {
                self.classic.remove(&key.group);
            }
            _ => self.apply_consumer(change),
        }
    }

    fn apply_consumer(&mut self, change: &Change) {
        match change {
            Change::Offset(..) | Change::Group(..) => {}
            Change::Epoch(key, value) => self.consumer_group(key, value.is_some(), |group| {
                group.is_written = value.is_some();
                let value = value.clone().unwrap_or_default();
                (group.epoch, group.metadata_hash) = (value.epoch, value.metadata_hash);
            }),
            Change::PartitionMetadata(key, value) => self.consumer_group(key, value.is_some(), |group| {
                group.has_partition_metadata = value.is_some();
            }),
            Change::TargetEpoch(key, value) => self.consumer_group(key, value.is_some(), |group| {
                let value = value.clone().unwrap_or_default();
                (group.target_epoch, group.target_timestamp) =
                    (value.assignment_epoch, value.assignment_timestamp);
            }),
            Change::Member(key, value) => self.consumer_member(key, value.is_some(), |group| match value {
                Some(value) => {
                    let fresh = !group.members.contains_key(&key.member);
                    let member = group.members.entry(key.member.clone()).or_default();
                    member.metadata = value.clone();
                    if fresh {
                        member.set_current(None);
                    }
                }
                None => {
                    group.disown(&key.member);
                    group.members.remove(&key.member);
                }
            }),
            Change::Target(key, value) => self.consumer_member(key, value.is_some(), |group| {
                match value {
                    Some(value) => group.target.insert(key.member.clone(), target(&value.topics)),
                    None => group.target.remove(&key.member),
                };
            }),
            Change::Current(key, value) => self.consumer_member(key, value.is_some(), |group| {
                set_current(group, &key.member, value.as_ref());
            }),
            Change::Pattern(key, value) => {
                let of = GroupKey { group: key.group.clone() };
                self.consumer_group(&of, value.is_some(), |group| {
                    match value {
                        Some(value) => group.patterns.insert(key.pattern.clone(), value.clone()),
                        None => group.patterns.remove(&key.pattern),
                    };
                });
            }
        }
    }

    fn consumer_member(&mut self, key: &MemberKey, create: bool, change: impl FnOnce(&mut ConsumerGroup)) {
        self.consumer_group(&GroupKey { group: key.group.clone() }, create, change);
    }

    /// Changes a consumer group, which a value creates and the last tombstone removes.
    fn consumer_group(&mut self, key: &GroupKey, create: bool, change: impl FnOnce(&mut ConsumerGroup)) {
        if create {
            entry(&mut self.consumer, &key.group);
        }
        let Some(group) = self.consumer.get_mut(&key.group) else { return };
        change(group);
        if group.is_gone() {
            self.consumer.remove(&key.group);
        }
    }
}

fn set_current(group: &mut ConsumerGroup, member: &Name, value: Option<&CurrentValue>) {
    group.disown(member);
    if value.is_some() {
        entry(&mut group.members, member);
    }
    if let Some(known) = group.members.get_mut(member) {
        known.set_current(value);
    }
    group.own(member);
}

fn entry<'a, V: Default>(map: &'a mut std::collections::BTreeMap<Name, V>, key: &Name) -> &'a mut V {
    if !map.contains_key(key) {
        map.insert(key.clone(), V::default());
    }
    map.get_mut(key).expect("it was inserted")
}
