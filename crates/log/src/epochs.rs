//! Which leader epoch starts at which offset (KIP-101, KIP-279): Kafka's `LeaderEpochFileCache`.
//!
//! Invariant: entries rise strictly in epoch and in start offset. An epoch lasts until the next one starts.

use chronik_types::{LeaderEpoch, Offset};

/// Answer to "where does this epoch end?" (OffsetForLeaderEpoch).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// The largest known epoch that is not above the requested one.
    pub epoch: LeaderEpoch,
    /// The offset after the last record of that epoch.
    pub end_offset: Offset,
}

/// Epochs and their first offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epochs {
    entries: Vec<(LeaderEpoch, Offset)>,
}

impl Epochs {
    /// From a checkpoint. Entries that do not rise are dropped, the later one winning, as Kafka does.
    pub(crate) fn from_entries(entries: impl IntoIterator<Item = (LeaderEpoch, Offset)>) -> Epochs {
        let mut epochs = Epochs::default();
        for (epoch, start) in entries {
            epochs.assign(epoch, start);
        }
        epochs
    }

    pub(crate) fn entries(&self) -> &[(LeaderEpoch, Offset)] {
        &self.entries
    }

    /// The newest epoch.
    pub(crate) fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|&(epoch, _)| epoch)
    }

    /// Notes that `epoch` starts at `start`. Returns whether anything changed. Entries at or after it, by epoch or
    /// by offset, give way: they describe records that were truncated.
    pub(crate) fn assign(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        if epoch.0 < 0 {
            return false;
        }
        if self.entries.last().is_some_and(|&(last, at)| last == epoch && at <= start) {
            return false;
        }
        self.entries.retain(|&(other, at)| other < epoch && at < start);
        self.entries.push((epoch, start));
        true
    }

    /// The epoch of the record at `offset`.
    pub(crate) fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.entries.partition_point(|&(_, start)| start <= offset);
        after.checked_sub(1).map(|at| self.entries[at].0)
    }

    /// Where the largest epoch not above `epoch` ends, in a log that ends at `end`; `None` if the log knows of no
    /// such epoch (then the answer to the client is unknown: -1, -1), or of none above it when it is older.
    pub(crate) fn end_offset(&self, epoch: LeaderEpoch, end: Offset) -> Option<EpochEnd> {
        if epoch.0 < 0 {
            return None;
        }
        if self.latest() == Some(epoch) {
            return Some(EpochEnd { epoch, end_offset: end });
        }
        let after = self.entries.partition_point(|&(other, _)| other <= epoch);
        let &(_, next_start) = self.entries.get(after)?;
        match after.checked_sub(1) {
            Some(at) => Some(EpochEnd { epoch: self.entries[at].0, end_offset: next_start }),
            // Older than all that is known: it ended, at the latest, where the first known one starts.
            None => Some(EpochEnd { epoch, end_offset: next_start }),
        }
    }

    /// Forgets epochs that start at `end` or after it. Returns whether anything changed.
    pub(crate) fn truncate_from_end(&mut self, end: Offset) -> bool {
        let before = self.entries.len();
        self.entries.retain(|&(_, start)| start < end);
        self.entries.len() != before
    }

    /// Forgets epochs that end at or before `start`; the epoch that covers `start` then starts there. Returns whether
    /// anything changed.
    pub(crate) fn truncate_from_start(&mut self, start: Offset) -> bool {
        let covering = self.entries.partition_point(|&(_, at)| at <= start);
        if covering == 0 || (covering == 1 && self.entries[0].1 == start) {
            return false;
        }
        self.entries.drain(..covering - 1);
        self.entries[0].1 = start;
        true
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> Epochs {
        Epochs::from_entries(entries.iter().map(|&(epoch, start)| (LeaderEpoch(epoch), Offset(start))))
    }

    fn end(epochs: &Epochs, epoch: i32) -> Option<(i32, i64)> {
        epochs.end_offset(LeaderEpoch(epoch), Offset(100)).map(|end| (end.epoch.0, end.end_offset.0))
    }

    #[test]
    fn an_epoch_ends_where_the_next_starts() {
        let epochs = epochs(&[(2, 10), (4, 20), (5, 30)]);
        assert_eq!(end(&epochs, 5), Some((5, 100)));
        assert_eq!(end(&epochs, 4), Some((4, 30)));
        assert_eq!(end(&epochs, 3), Some((2, 20)));
        assert_eq!(end(&epochs, 1), Some((1, 10)));
        assert_eq!(end(&epochs, 6), None);
        assert_eq!(end(&epochs, -1), None);
        assert_eq!(end(&Epochs::default(), 3), None);
        assert_eq!(epochs.epoch_at(Offset(19)), Some(LeaderEpoch(2)));
        assert_eq!(epochs.epoch_at(Offset(9)), None);
    }

    #[test]
    fn a_new_assignment_replaces_what_it_contradicts() {
        let mut all = epochs(&[(1, 0), (2, 10), (3, 20)]);
        assert!(!all.assign(LeaderEpoch(3), Offset(25)));
        assert!(all.assign(LeaderEpoch(4), Offset(15)));
        assert_eq!(all, epochs(&[(1, 0), (2, 10), (4, 15)]));
    }

    #[test]
    fn truncation_keeps_the_epoch_that_covers_the_cut() {
        let mut all = epochs(&[(1, 0), (2, 10), (3, 20)]);
        assert!(all.truncate_from_end(Offset(20)));
        assert!(!all.truncate_from_end(Offset(20)));
        assert_eq!(all.latest(), Some(LeaderEpoch(2)));
        assert!(all.truncate_from_start(Offset(5)));
        assert_eq!(all, epochs(&[(1, 5), (2, 10)]));
        assert!(all.truncate_from_start(Offset(10)));
        assert_eq!(all, epochs(&[(2, 10)]));
        assert!(!all.truncate_from_start(Offset(10)));
        assert!(!all.truncate_from_start(Offset(3)));
    }
}
