//! Where partitions are found without looking at all of them: by broker, and by what is to be done about them.
//!
//! Derived from the partitions alone and kept by [`ClusterState::apply`], so two states with the same topics have the same
//! index. What one broker's failure touches is as much as the broker holds, not as much as the cluster holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use chronik_types::{NodeId, PartitionIndex, TopicId};
use imbl::{OrdMap, OrdSet};

use super::{ClusterState, Partition, Topic};

/// Where a partition is found.
pub(super) type Key = (TopicId, PartitionIndex);

/// A partition, with its topic and index.
pub type Located<'a> = (&'a Arc<Topic>, PartitionIndex, &'a Arc<Partition>);

/// Partitions by what they have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Index {
    /// Those that a broker has a replica of, by broker; no entry is empty.
    by_broker: OrdMap<NodeId, OrdSet<Key>>,
    leaderless: OrdSet<Key>,
    /// Those that are not led by their first replica.
    imbalanced: OrdSet<Key>,
    reassigning: OrdSet<Key>,
}

impl Index {
    /// A partition came, changed or went.
    pub(super) fn note(&mut self, key: Key, before: Option<&Partition>, after: Option<&Partition>) {
        let replicas = |partition: Option<&Partition>| -> BTreeSet<NodeId> {
            partition.map(|partition| partition.replicas.iter().copied().collect()).unwrap_or_default()
        };
        if before.map(|partition| &partition.replicas) != after.map(|partition| &partition.replicas) {
            let (old, new) = (replicas(before), replicas(after));
            for gone in old.difference(&new) {
                self.forget(*gone, key);
            }
            for come in new.difference(&old) {
                self.by_broker.entry(*come).or_default().insert(key);
            }
        }
        let mut put = |into: fn(&mut Index) -> &mut OrdSet<Key>, belongs: fn(&Partition) -> bool| {
            let (was, is) = (before.is_some_and(belongs), after.is_some_and(belongs));
            if is && !was {
                into(self).insert(key);
            } else if was && !is {
                into(self).remove(&key);
            }
        };
        put(|index| &mut index.leaderless, |partition| !partition.has_leader());
        put(|index| &mut index.imbalanced, |partition| !partition.is_led_by_preferred());
        put(|index| &mut index.reassigning, Partition::is_reassigning);
    }

    fn forget(&mut self, broker: NodeId, key: Key) {
        let Some(keys) = self.by_broker.get_mut(&broker) else { return };
        keys.remove(&key);
        if keys.is_empty() {
            self.by_broker.remove(&broker);
        }
    }
}

impl ClusterState {
    /// The partitions that a broker has a replica of, by topic id and index.
    pub fn partitions_of(&self, broker: NodeId) -> impl Iterator<Item = Located<'_>> {
        self.index.by_broker.get(&broker).into_iter().flatten().map(|key| self.locate(*key))
    }

    /// The partitions that nobody leads, by topic id and index.
    pub fn leaderless(&self) -> impl Iterator<Item = Located<'_>> {
        self.index.leaderless.iter().map(|key| self.locate(*key))
    }

    /// The partitions that are not led by their preferred replica (the first one), by topic id and index.
    pub fn imbalanced(&self) -> impl Iterator<Item = Located<'_>> {
        self.index.imbalanced.iter().map(|key| self.locate(*key))
    }

    /// The partitions whose replicas are being moved, by topic id and index.
    pub fn reassigning(&self) -> impl Iterator<Item = Located<'_>> {
        self.index.reassigning.iter().map(|key| self.locate(*key))
    }

    /// Whether a broker leads a partition.
    pub fn leads(&self, broker: NodeId) -> bool {
        self.partitions_of(broker).any(|(_, _, partition)| partition.leader == broker)
    }

    fn locate(&self, (topic, index): Key) -> Located<'_> {
        let topic = self.topics.get(&topic).expect("the index knows topics that exist");
        (topic, index, topic.partition(index).expect("the index knows partitions that exist"))
    }

    /// Notes what became of a partition.
    pub(super) fn index_partition(&mut self, key: Key, before: Option<&Partition>) {
        let topic = self.topics.get(&key.0);
        let after = topic.and_then(|topic| topic.partition(key.1)).map(Arc::clone);
        self.index.note(key, before, after.as_deref());
    }

    /// The index as it follows from a look at every partition; tests compare it with the one that is kept.
    #[doc(hidden)]
    pub fn index_is_consistent(&self) -> bool {
        let mut index = Index::default();
        for topic in self.topics() {
            for (at, partition) in &topic.partitions {
                index.note((topic.id, *at), None, Some(partition));
            }
        }
        index == self.index
    }
}
