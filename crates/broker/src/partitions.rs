//! The partitions of this broker, by topic id and index. Reconcile writes it; everybody else looks things up.

use std::sync::Arc;

use chronik_types::{PartitionIndex, TopicId};
use foldhash::fast::FixedState;
use indexmap::IndexMap;
use parking_lot::{Mutex, RwLock};

use crate::partition::Partition;

/// The partitions that this broker has a replica of.
#[derive(Default)]
pub(crate) struct Partitions {
    by_id: RwLock<IndexMap<(TopicId, PartitionIndex), Arc<Partition>, FixedState>>,
    /// In the order of their names, for as long as they stay the same.
    sorted: Mutex<Option<Vec<Arc<Partition>>>>,
}

impl Partitions {
    /// One partition, if it is here.
    pub(crate) fn get(&self, topic: TopicId, index: PartitionIndex) -> Option<Arc<Partition>> {
        self.by_id.read().get(&(topic, index)).cloned()
    }

    /// Adds a partition.
    pub(crate) fn insert(&self, index: PartitionIndex, partition: Arc<Partition>) {
        let mut by_id = self.by_id.write();
        by_id.insert((partition.topic_id, index), partition);
        *self.sorted.lock() = None;
    }

    /// Takes one away.
    pub(crate) fn remove(&self, topic: TopicId, index: PartitionIndex) -> Option<Arc<Partition>> {
        let mut by_id = self.by_id.write();
        *self.sorted.lock() = None;
        by_id.swap_remove(&(topic, index))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_id.read().len()
    }

    /// All of them, in the order of their names.
    pub(crate) fn all(&self) -> Vec<Arc<Partition>> {
        let by_id = self.by_id.read();
        let mut sorted = self.sorted.lock();
        let all = sorted.get_or_insert_with(|| {
            let mut all: Vec<Arc<Partition>> = by_id.values().cloned().collect();
            all.sort_by(|a, b| a.name.cmp(&b.name));
            all
        });
        all.clone()
    }
}
