//! What the records of one partition of `__consumer_offsets` add up to: committed offsets, classic groups, consumer
//! groups. It changes in [`GroupState::apply`] only.
//!
//! A log that was compacted, or cut by a failing disk, may hold any record without those that came before it, so applying
//! is total: what names nothing changes nothing.

mod apply;
mod consumer;
mod offsets;
mod pending;
mod snapshot;

use std::collections::BTreeMap;

use crate::groups::records::GroupValue;
use crate::records::Name;

pub use consumer::{ConsumerGroup, ConsumerMember, MemberState};
pub use offsets::Offsets;
pub(super) use snapshot::target_value;

/// The durable state of a coordinator's shard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupState {
    /// The committed offsets of each group that has any.
    pub(super) offsets: BTreeMap<Name, Offsets>,
    /// The generation of each classic group that was written last.
    pub(super) classic: BTreeMap<Name, GroupValue>,
    /// The consumer groups.
    pub(super) consumer: BTreeMap<Name, ConsumerGroup>,
    /// What open transactions have written.
    pending: pending::Pending,
}

impl GroupState {
    /// A state that holds one consumer group and nothing else.
    pub(super) fn with_consumer(name: &Name, group: Option<&ConsumerGroup>) -> GroupState {
        let consumer = group.map(|group| (name.clone(), group.clone())).into_iter().collect();
        GroupState { consumer, ..GroupState::default() }
    }

    /// The committed offsets of a group.
    pub fn offsets(&self, group: &str) -> Option<&Offsets> {
        self.offsets.get(group)
    }

    /// Every group that has committed offsets.
    pub fn groups_with_offsets(&self) -> impl ExactSizeIterator<Item = (&Name, &Offsets)> {
        self.offsets.iter()
    }

    /// The generation of a classic group that was written last.
    pub fn classic(&self, group: &str) -> Option<&GroupValue> {
        self.classic.get(group)
    }

    /// A consumer group.
    pub fn consumer(&self, group: &str) -> Option<&ConsumerGroup> {
        self.consumer.get(group)
    }

    /// Every classic group.
    pub fn classic_groups(&self) -> impl ExactSizeIterator<Item = (&Name, &GroupValue)> {
        self.classic.iter()
    }

    /// Every consumer group.
    pub fn consumer_groups(&self) -> impl ExactSizeIterator<Item = (&Name, &ConsumerGroup)> {
        self.consumer.iter()
    }
}
