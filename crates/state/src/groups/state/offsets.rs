//! The committed offsets of one group.

use std::collections::BTreeMap;

use chronik_types::PartitionIndex;

use crate::groups::records::OffsetValue;
use crate::records::Name;

/// Committed offsets by topic and partition. Never empty in the state: a group without offsets has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offsets(BTreeMap<Name, BTreeMap<PartitionIndex, OffsetValue>>);

impl Offsets {
    /// What was committed for a partition.
    pub fn get(&self, topic: &str, partition: PartitionIndex) -> Option<&OffsetValue> {
        self.0.get(topic)?.get(&partition)
    }

    /// All of them, by topic and partition.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, PartitionIndex, &OffsetValue)> {
        self.0
            .iter()
            .flat_map(|(topic, of)| of.iter().map(move |(partition, value)| (topic, *partition, value)))
    }

    /// Those of one topic.
    pub fn of_topic(&self, topic: &str) -> impl Iterator<Item = (PartitionIndex, &OffsetValue)> {
        self.0.get(topic).into_iter().flatten().map(|(partition, value)| (*partition, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn set(&mut self, topic: &Name, partition: PartitionIndex, value: OffsetValue) {
        if let Some(of) = self.0.get_mut(topic) {
            of.insert(partition, value);
        } else {
            self.0.insert(topic.clone(), BTreeMap::from([(partition, value)]));
        }
    }

    pub(super) fn remove(&mut self, topic: &str, partition: PartitionIndex) {
        let Some(of) = self.0.get_mut(topic) else { return };
        of.remove(&partition);
        if of.is_empty() {
            self.0.remove(topic);
        }
    }
}
