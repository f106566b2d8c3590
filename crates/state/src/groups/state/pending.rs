//! Offsets that transactions have written and not committed yet (KIP-98): nobody's until the marker comes.

use std::collections::BTreeMap;

use chronik_types::{PartitionIndex, ProducerId};

use super::GroupState;
use crate::groups::records::Change;
use crate::records::Name;

/// What each open transaction has written, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pending(BTreeMap<ProducerId, Vec<Change>>);

impl GroupState {
    /// A record of an open transaction.
    pub(in crate::groups) fn write_pending(&mut self, producer: ProducerId, change: Change) {
        self.pending.0.entry(producer).or_default().push(change);
    }

    /// A transaction ended: what it wrote counts from now on, or never did.
    pub(in crate::groups) fn end_pending(&mut self, producer: ProducerId, committed: bool) {
        let changes = self.pending.0.remove(&producer).unwrap_or_default();
        for change in changes.iter().filter(|_| committed) {
            self.apply(change);
        }
    }

    /// Whether an open transaction has written an offset of the partition.
    pub fn is_pending(&self, group: &str, topic: &str, partition: PartitionIndex) -> bool {
        let is_same = |name: &Name, other: &str| **name == *other;
        self.pending.0.values().flatten().any(|change| match change {
            Change::Offset(key, _) => {
                is_same(&key.group, group) && is_same(&key.topic, topic) && key.partition == partition
            }
            _ => false,
        })
    }
}
