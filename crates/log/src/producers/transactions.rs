//! The transactions that hold back readers of committed records.
//!
//! An open one does from its first record on; a completed one until its marker is below the high watermark, since a new
//! leader may not have the marker.

use std::collections::BTreeMap;

use chronik_types::{Offset, ProducerId};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Transactions {
    /// By first offset.
    open: BTreeMap<Offset, ProducerId>,
    /// First offset to the marker's.
    completed: BTreeMap<Offset, Offset>,
}

impl Transactions {
    pub(super) fn begin(&mut self, producer_id: ProducerId, first_offset: Offset) {
        self.open.insert(first_offset, producer_id);
    }

    /// Returns the last stable offset as of the marker, for the transaction index: the start of the first transaction that
    /// another producer has open, or what follows the marker.
    pub(super) fn complete(&mut self, producer_id: ProducerId, first: Offset, marker: Offset) -> Offset {
        self.open.remove(&first);
        self.completed.insert(first, marker);
        let other = self.open.iter().find(|&(_, &id)| id != producer_id);
        other.map_or(marker.next(), |(&first, _)| first)
    }

    pub(super) fn last_stable_offset(&mut self, high_watermark: Offset) -> Offset {
        while let Some(entry) = self.completed.first_entry()
            && *entry.get() < high_watermark
        {
            entry.remove();
        }
        let first =
            |offset: Option<Offset>| offset.map_or(high_watermark, |offset| offset.min(high_watermark));
        first(self.open.keys().next().copied()).min(first(self.completed.keys().next().copied()))
    }

    pub(super) fn start_raised(&mut self, start: Offset) {
        self.completed.retain(|_, marker| *marker >= start);
    }
}
