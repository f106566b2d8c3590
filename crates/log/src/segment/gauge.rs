//! The indexes of a segment that is being written, in memory, and the places of its last batches.
//!
//! Entries are Kafka's: before a batch that comes more than `index.interval.bytes` after the last entry, its last offset
//! and position go to the offset index, and the largest timestamp so far, if it has grown, to the time index.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use super::{Kind, SegmentFiles};
use crate::disk::Mode;
use crate::files::Files;
use crate::index::{self, IndexEntry, OffsetEntry, TimeEntry};

/// How many batches are found without a search.
const RECENT_MAX: usize = 64;

/// The place of a batch. Offsets are relative to the segment's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recent {
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) position: u32,
    pub(crate) size: u32,
}

/// Index entries in memory.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    pub(crate) offsets: Vec<OffsetEntry>,
    pub(crate) times: Vec<TimeEntry>,
    offsets_written: usize,
    times_written: usize,
    since_entry: u32,
    recent: VecDeque<Recent>,
}

impl Gauge {
    /// The entries of the files, as far as they rise and are at most at `last` (relative to the base).
    pub(crate) fn load(files: &Files, segment: &SegmentFiles, last: u32) -> io::Result<Gauge> {
        let mut offsets: Vec<OffsetEntry> = read(files, segment, Kind::OffsetIndex)?;
        offsets.truncate(offsets.partition_point(|entry| entry.offset <= last));
        let mut times: Vec<TimeEntry> = read(files, segment, Kind::TimeIndex)?;
        times.truncate(times.partition_point(|entry| entry.offset <= last));
        Ok(Gauge {
            offsets_written: offsets.len(),
            times_written: times.len(),
            offsets,
            times,
            ..Gauge::default()
        })
    }

    pub(super) fn note(&mut self, batch: Recent, newest: Option<TimeEntry>, interval: u32) {
        if self.since_entry > interval {
            self.offsets.push(OffsetEntry { offset: batch.last, position: batch.position });
            self.push_time(newest);
            self.since_entry = 0;
        }
        self.since_entry = self.since_entry.saturating_add(batch.size);
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(batch);
    }

    /// Adds a time index entry if the timestamp has grown.
    pub(crate) fn push_time(&mut self, newest: Option<TimeEntry>) {
        let last = self.times.last().map_or(-1, |entry| entry.timestamp);
        self.times.extend(newest.filter(|newest| newest.timestamp > last));
    }

    /// Counts bytes that are in the segment since the last entry, when it is opened again.
    pub(crate) fn set_since_entry(&mut self, bytes: u32) {
        self.since_entry = bytes;
    }

    /// Whether one more entry would exceed `segment.index.bytes`; the time index keeps room for the one at sealing.
    pub(crate) fn is_full(&self, index_bytes: u32) -> bool {
        let entries = |len: usize| index_bytes as usize / len;
        self.offsets.len() >= entries(OffsetEntry::LEN) || self.times.len() + 1 >= entries(TimeEntry::LEN)
    }

    /// The position of an indexed batch at or before the one that holds `offset`.
    pub(crate) fn floor(&self, offset: u32) -> u32 {
        index::search(&self.offsets, |entry| entry.offset <= offset).map_or(0, |entry| entry.position)
    }

    /// The position of an indexed batch at or before `position`.
    pub(super) fn floor_position(&self, position: u32) -> u32 {
        index::search(&self.offsets, |entry| entry.position <= position).map_or(0, |entry| entry.position)
    }

    /// The batches from the one that holds `offset` on, if it is among the recent ones.
    pub(crate) fn recent_from(&self, offset: u32) -> Option<impl Iterator<Item = &Recent>> {
        let at = self.recent.partition_point(|batch| batch.last < offset);
        let oldest = self.recent.front()?;
        let known = at > 0 || oldest.first <= offset || oldest.position == 0;
        (known && at < self.recent.len()).then(|| self.recent.range(at..))
    }

    /// Forgets the batches at `size` and beyond.
    pub(crate) fn truncate(&mut self, size: u32) {
        self.offsets.truncate(self.offsets.partition_point(|entry| entry.position < size));
        self.offsets_written = self.offsets_written.min(self.offsets.len());
    }

    /// Prepares for noting again the batches from the last entry's on, whose last offset is `last` (`None`: from the
    /// first batch on).
    pub(crate) fn restart(&mut self, last: Option<u32>) {
        let kept = |entry: &TimeEntry| last.is_some_and(|last| entry.offset <= last);
        self.times.truncate(self.times.partition_point(kept));
        self.times_written = self.times_written.min(self.times.len());
        self.recent.clear();
        self.since_entry = 0;
    }

    /// Writes the entries that the files do not have yet, and cuts the files to what there is.
    pub(crate) fn write(&mut self, files: &Files, segment: &SegmentFiles) -> io::Result<()> {
        write(files, segment, Kind::OffsetIndex, &self.offsets, self.offsets_written)?;
        self.offsets_written = self.offsets.len();
        write(files, segment, Kind::TimeIndex, &self.times, self.times_written)?;
        self.times_written = self.times.len();
        Ok(())
    }
}

fn read<E: IndexEntry>(files: &Files, segment: &SegmentFiles, kind: Kind) -> io::Result<Vec<E>> {
    match crate::disk::read_file(&**files.disk(), &segment.path(kind)) {
        Ok(bytes) => Ok(index::decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn write<E: IndexEntry>(
    files: &Files,
    segment: &SegmentFiles,
    kind: Kind,
    entries: &[E],
    written: usize,
) -> io::Result<()> {
    let file = files.disk().open(&segment.path(kind), Mode::Create)?;
    let bytes = index::encode(&entries[written..]);
    file.write_all_at(&mut [IoSlice::new(&bytes)], (written * E::LEN) as u64)?;
    // Kafka preallocates; and a cut may have left more than there is.
    let len = (entries.len() * E::LEN) as u64;
    if file.len()? != len { file.set_len(len) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(n: u32) -> Recent {
        Recent { first: n * 10, last: n * 10 + 9, position: n * 100, size: 100 }
    }

    #[test]
    fn entries_come_every_interval() {
        let mut gauge = Gauge::default();
        for n in 0..10 {
            let newest = TimeEntry { timestamp: 1000 + i64::from(n / 4), offset: n * 10 + 9 };
            gauge.note(batch(n), Some(newest), 250);
        }
        // After 300 bytes, since 200 are not more than 250.
        let positions: Vec<u32> = gauge.offsets.iter().map(|entry| entry.position).collect();
        assert_eq!(positions, [300, 600, 900]);
        let times: Vec<i64> = gauge.times.iter().map(|entry| entry.timestamp).collect();
        assert_eq!(times, [1000, 1001, 1002]);
        assert_eq!(gauge.floor(38), 0);
        assert_eq!(gauge.floor(39), 300);
        assert_eq!(gauge.floor(1000), 900);
        assert!(gauge.is_full(24) && !gauge.is_full(100));
    }

    #[test]
    fn recent_batches_are_found_exactly() {
        let mut gauge = Gauge::default();
        assert!(gauge.recent_from(0).is_none());
        for n in 0..100 {
            gauge.note(batch(n), None, 4096);
        }
        assert!(gauge.recent_from(355).is_none(), "no longer known");
        assert_eq!(gauge.recent_from(365).unwrap().next(), Some(&batch(36)));
        assert_eq!(gauge.recent_from(990).unwrap().count(), 1);
        assert!(gauge.recent_from(1000).is_none());
        gauge.truncate(9000);
        gauge.restart(Some(899));
        assert!(gauge.recent_from(899).is_none());
    }
}
