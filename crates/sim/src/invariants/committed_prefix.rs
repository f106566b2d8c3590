//! State machine safety (Raft paper 5.4.3): what is committed at an offset is the same on every node, for ever, byte for byte.
//!
//! The first node that knows a batch as committed decides what is right.

use std::collections::BTreeMap;
use std::time::Duration;

use chronik_broker::MetadataBatch;
use chronik_log::batch::{BatchIter, Records};
use chronik_state::records::{Change, Record};
use chronik_types::{LeaderEpoch, NodeId, Offset};

use super::Violation;

/// The committed metadata log of the cluster.
#[derive(Default)]
pub struct Committed {
    batches: BTreeMap<Offset, (Duration, MetadataBatch)>,
    end: Offset,
}

/// A change that is committed.
#[derive(Debug)]
pub struct CommittedChange {
    /// When the first node knew.
    pub at: Duration,
    /// The base offset of its batch, whose changes come about together.
    pub in_batch: Offset,
    /// What it says.
    pub record: Record,
}

impl Committed {
    pub(super) fn check(
        &mut self,
        node: NodeId,
        now: Duration,
        batch: &MetadataBatch,
    ) -> Result<(), Violation> {
        if batch.base_offset == self.end {
            self.end = batch.end_offset;
            self.batches.insert(batch.base_offset, (now, batch.clone()));
            return Ok(());
        }
        let first = self.batches.get(&batch.base_offset).map(|(_, batch)| batch);
        if first == Some(batch) {
            return Ok(());
        }
        let shown = |batch: &MetadataBatch| {
            format!("{}..{} of epoch {}", batch.base_offset, batch.end_offset, batch.epoch)
        };
        let what = format!(
            "{node} committed {}, where {} is committed (all up to {})",
            shown(batch),
            first.map_or("nothing".to_owned(), shown),
            self.end
        );
        Err(Violation::new("committed prefix", what))
    }

    /// The offset after the last committed record, and that record's epoch.
    pub fn last(&self) -> Option<(Offset, LeaderEpoch)> {
        self.batches.last_key_value().map(|(_, (_, batch))| (batch.end_offset, batch.epoch))
    }

    /// The offset after the last committed record.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Every committed change.
    pub fn changes(&self) -> impl Iterator<Item = CommittedChange> + '_ {
        self.batches.values().flat_map(|(at, batch)| {
            let in_batch = batch.base_offset;
            changes_of(batch).into_iter().map(move |record| CommittedChange { at: *at, in_batch, record })
        })
    }
}

fn changes_of(batch: &MetadataBatch) -> Vec<Record> {
    let mut found = Vec::new();
    for batch in BatchIter::new(&batch.bytes) {
        let batch = batch.expect("the node read it");
        if batch.header().is_control() {
            continue;
        }
        for record in Records::new(batch.header(), batch.body()) {
            let record = record.expect("the node read it");
            let value = bytes::Bytes::copy_from_slice(record.value.unwrap_or_default());
            let change = Change::decode(&value).expect("the node applied it");
            found.push(change.record);
        }
    }
    found
}
