//! The partitions of this broker, by topic id and index. Reconcile writes it; everybody else looks things up.

use std::sync::Arc;

use chronik_types::{PartitionIndex, TopicId};
use foldhash::fast::FixedState;
use indexmap::IndexMap;
use parking_lot::RwLock;

use crate::partition::Partition;

/// The partitions that this broker has a replica of.
#[derive(Default)]
pub(crate) struct Partitions {
    by_id: RwLock<IndexMap<(TopicId, PartitionIndex), Arc<Partition>, FixedState>>,
}

impl Partitions {
    /// One partition, if it is here.
    pub(crate) fn get(&self, topic: TopicId, index: PartitionIndex) -> Option<Arc<Partition>> {
        self.by_id.read().get(&(topic, index)).cloned()
    }

    /// Adds a partition.
    pub(crate) fn insert(&self, index: PartitionIndex, partition: Arc<Partition>) {
        self.by_id.write().insert((partition.topic_id, index), partition);
    }

    /// Takes one away.
    pub(crate) fn remove(&self, topic: TopicId, index: PartitionIndex) -> Option<Arc<Partition>> {
        self.by_id.write().swap_remove(&(topic, index))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_id.read().len()
    }

    /// All of them, in the order of their names.
    pub(crate) fn all(&self) -> Vec<Arc<Partition>> {
        let mut all: Vec<Arc<Partition>> = self.by_id.read().values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}
