//! A leader commits what a majority of the voters has on disk (Raft paper 5.3), and only up to a record of its own epoch
//! (5.4.2).
//!
//! Who acknowledged a committed record keeps it: whoever it votes for has it too. So a disk that was seen to hold the
//! record holds it still, whether its node is up or not.

use std::collections::BTreeMap;

use chronik_raft::{EpochStart, Inspection, Role};
use chronik_types::{LeaderEpoch, NodeId, Offset};

use super::Violation;

/// What each node's disk was last seen to hold.
#[derive(Default)]
pub(super) struct Disks(BTreeMap<NodeId, Disk>);

struct Disk {
    durable_end: Offset,
    snapshot: Offset,
    epochs: Vec<EpochStart>,
}

impl Disks {
    pub(super) fn note(&mut self, node: NodeId, seen: &Inspection) {
        let snapshot = seen.snapshot.map_or(Offset::ZERO, |id| id.offset);
        let disk = Disk { durable_end: seen.durable_end, snapshot, epochs: seen.epochs.clone() };
        self.0.insert(node, disk);
    }

    pub(super) fn check(
        &self,
        node: NodeId,
        before: Option<&Inspection>,
        seen: &Inspection,
    ) -> Result<(), Violation> {
        let Some(mark) = seen.high_watermark.filter(|_| seen.role == Role::Leader) else { return Ok(()) };
        // What it knew before it led, others had committed.
        let led_before =
            before.is_some_and(|before| before.role == Role::Leader && before.epoch == seen.epoch);
        if !led_before || before.is_some_and(|before| before.high_watermark == seen.high_watermark) {
            return Ok(());
        }
        let epoch = epoch_before(&seen.epochs, mark);
        if epoch != Some(seen.epoch) {
            let what = format!("{node} in epoch {} commits up to {mark}, a record of {epoch:?}", seen.epoch);
            return Err(Violation::new("commits its own epoch", what));
        }
        let has = |id: &&NodeId| self.0.get(id).is_some_and(|disk| disk.holds(mark, seen.epoch));
        let have = seen.voters.iter().filter(has).count();
        if have > seen.voters.len() / 2 {
            return Ok(());
        }
        let what = format!(
            "{node} in epoch {} commits up to {mark}, which {have} of {:?} have on disk",
            seen.epoch, seen.voters
        );
        Err(Violation::new("a majority has it", what))
    }
}

impl Disk {
    fn holds(&self, mark: Offset, epoch: LeaderEpoch) -> bool {
        self.snapshot >= mark || (self.durable_end >= mark && epoch_before(&self.epochs, mark) == Some(epoch))
    }
}

fn epoch_before(epochs: &[EpochStart], end: Offset) -> Option<LeaderEpoch> {
    let after = epochs.partition_point(|entry| entry.start_offset < end);
    epochs.get(after.checked_sub(1)?).map(|entry| entry.epoch)
}
