//! What clients were told, and whether what they find agrees with it.
//!
//! - An acknowledged acks=all batch is in the log, at the offset that was acknowledged (DESIGN section 9).
//! - No record is there twice, and each producer's records are in the order they were sent, without a gap.
//! - What a reader saw at an offset stays there: nothing below the high watermark is ever lost or changed.
//!
//! A request whose answer was lost is unknown: its record may be there or not, but not twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A partition of the workload's topic.
pub type Partition = i32;

/// Which producer sent a record, and the how-many-eth of its records it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordId {
    /// The producer.
    pub producer: u64,
    /// Counted from 0 for each producer.
    pub number: u64,
}

/// Collects what is known; clones share it.
#[derive(Clone, Default)]
pub struct Oracle {
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    acked: BTreeMap<Partition, BTreeMap<i64, RecordId>>,
    seen: BTreeMap<Partition, BTreeMap<i64, RecordId>>,
    violations: Vec<String>,
}

impl Oracle {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch that begins with `first` and has `count` records was acknowledged at `offset`.
    pub fn acked(&self, partition: Partition, offset: i64, first: RecordId, count: u64) {
        let mut known = self.lock();
        let acked = known.acked.entry(partition).or_default();
        let mut violations = Vec::new();
        for at in 0..count {
            let (offset, id) = (offset + at as i64, RecordId { number: first.number + at, ..first });
            if let Some(other) = acked.insert(offset, id).filter(|other| *other != id) {
                violations
                    .push(format!("{partition}@{offset} was acknowledged for {other:?} and for {id:?}"));
            }
        }
        known.violations.extend(violations);
    }

    /// A reader saw a record.
    pub fn saw(&self, partition: Partition, offset: i64, id: RecordId) {
        let mut known = self.lock();
        let before = known.seen.entry(partition).or_default().insert(offset, id);
        if let Some(other) = before.filter(|other| *other != id) {
            known.violations.push(format!("{partition}@{offset} was {other:?} and is now {id:?}"));
        }
    }

    /// Something impossible happened.
    pub fn violated(&self, what: String) {
        crate::journal::note(&what);
        self.lock().violations.push(what);
    }

    /// How many records were acknowledged.
    pub fn acked_count(&self) -> usize {
        self.lock().acked.values().map(BTreeMap::len).sum()
    }

    /// Judges the whole content of a partition, read after everything has come to rest.
    pub fn judge(&self, partition: Partition, log: &[(i64, RecordId)]) {
        let content: BTreeMap<i64, RecordId> = log.iter().copied().collect();
        let mut known = self.lock();
        let mut found = Vec::new();
        for (what, expected) in [("acknowledged", &known.acked), ("seen", &known.seen)] {
            for (offset, id) in expected.get(&partition).into_iter().flatten() {
                if content.get(offset) != Some(id) {
                    let is = content.get(offset);
                    found.push(format!("{partition}@{offset}: {id:?} was {what}, but there is {is:?}"));
                }
            }
        }
        let mut next: BTreeMap<u64, u64> = BTreeMap::new();
        for (at, (offset, id)) in log.iter().enumerate() {
            if *offset != at as i64 {
                found.push(format!("{partition}: offset {offset} follows {at} records"));
            }
            let expected = next.entry(id.producer).or_insert(0);
            if id.number != *expected {
                found.push(format!("{partition}@{offset}: {id:?}, but number {expected} was due"));
            }
            *expected = id.number + 1;
        }
        known.violations.extend(found);
    }

    /// Everything that was wrong.
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A0: RecordId = RecordId { producer: 1, number: 0 };
    const A1: RecordId = RecordId { producer: 1, number: 1 };

    fn judged(log: &[(i64, RecordId)]) -> usize {
        let oracle = Oracle::default();
        oracle.acked(0, 0, A0, 1);
        oracle.saw(0, 1, A1);
        oracle.judge(0, log);
        oracle.violations().len()
    }

    #[test]
    fn losses_doubles_and_gaps_are_found() {
        assert_eq!(judged(&[(0, A0), (1, A1)]), 0);
        assert!(judged(&[(0, A0)]) > 0, "what was seen is lost");
        assert!(judged(&[(0, A1), (1, A0)]) > 0, "the order is wrong");
        assert!(judged(&[(0, A0), (1, A1), (2, A1)]) > 0, "one is doubled");
        assert!(judged(&[(1, A0), (2, A1)]) > 0, "an offset is missing");
    }
}
