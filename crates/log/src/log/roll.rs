//! Beginning a new segment: by size, by time, when an index is full, when offsets no longer fit (`LogSegment.shouldRoll`).
//!
//! Order: the old segment's indexes and the producers' snapshot are written first, then the new file is made; a failure
//! anywhere leaves the old segment active and complete.

use std::io::{self, IoSlice};
use std::path::Path;

use chronik_types::{Millis, Offset, TopicId};

use super::append::Extent;
use super::{Context, Log};
use crate::disk::Mode;
use crate::error::LogError;
use crate::segment::{Gauge, Kind, Segment};

impl Log {
    /// Begins a new segment if the active one has anything in it.
    pub fn roll(&mut self, now: Millis) -> Result<(), LogError> {
        self.refuse_if_poisoned()?;
        if self.segments.last().is_none_or(|segment| segment.size == 0) {
            return Ok(());
        }
        self.load_gauge().context("read the index of", &self.dir.clone())?;
        self.roll_at(self.end, now)
    }

    pub(super) fn must_roll(&mut self, extent: Extent, now: Millis) -> Result<bool, LogError> {
        let options = self.options.clone();
        let (files, dir) = (self.files.clone(), self.dir.clone());
        let segment = self.active();
        let offsets_fit = extent.last.0 - segment.base().0 <= i64::from(i32::MAX);
        if segment.size == 0 {
            return Ok(!offsets_fit);
        }
        let full = u64::from(segment.size) + extent.size as u64 > u64::from(options.segment_bytes)
            || segment.gauge.as_ref().is_some_and(|gauge| gauge.is_full(options.segment_index_bytes));
        if full || !offsets_fit {
            return Ok(true);
        }
        let first = segment.first_timestamp(&files).context("read", &segment.files.path(Kind::Log))?;
        let waited = match first.filter(|first| first.0 >= 0) {
            Some(first) => extent.timestamp.0.saturating_sub(first.0),
            None => now.0.saturating_sub(segment.begun.0),
        };
        // The active segment is not compacted: it must not hold a record back for longer than the lag.
        let lag = if options.compact { options.max_compaction_lag_ms.max(1) } else { i64::MAX };
        let segment_ms = options.segment_ms.min(lag);
        let jitter_max = options.segment_jitter_ms.min(segment_ms);
        let jitter = if jitter_max > 0 { jitter_of(&dir, segment.base()) % jitter_max } else { 0 };
        Ok(waited > segment_ms - jitter)
    }

    /// Brings the active segment's index into memory.
    pub(super) fn load_gauge(&mut self) -> io::Result<()> {
        let files = self.files.clone();
        let Some(segment) = self.segments.last_mut() else { return Ok(()) };
        if segment.gauge.is_some() {
            return Ok(());
        }
        let mut gauge = Gauge::default();
        if segment.size > 0 {
            gauge = Gauge::load(&files, &segment.files, u32::MAX)?;
            let last = gauge.offsets.last().map_or(0, |entry| entry.position);
            gauge.set_since_entry(segment.size.saturating_sub(last));
            segment.newest(&files)?;
        }
        segment.gauge = Some(Box::new(gauge));
        Ok(())
    }

    /// Makes the directory and the first segment.
    pub(super) fn begin_first(&mut self, now: Millis) -> Result<(), LogError> {
        let dir = self.dir.clone();
        let disk = self.files.disk().clone();
        disk.create_dir_all(&dir).context("make", &dir)?;
        self.sync.new_directory();
        if self.topic_id != TopicId::ZERO {
            self.write_topic_id()?;
        }
        self.begin_segment(self.end, now)
    }

    /// Makes an empty segment, the new active one.
    pub(super) fn begin_segment(&mut self, base: Offset, now: Millis) -> Result<(), LogError> {
        let mut segment = Segment::new(&self.dir, base, 0, now);
        let path = segment.files.path(Kind::Log);
        let file = segment.files.create_log(&self.files).context("make", &path)?;
        segment.gauge = Some(Box::default());
        self.segments.push(segment);
        self.sync.new_file(file);
        self.checkpoint.changed = true;
        Ok(())
    }

    pub(super) fn roll_at(&mut self, base: Offset, now: Millis) -> Result<(), LogError> {
        self.write_indexes(true)?;
        self.write_snapshot(base)?;
        self.sync_if_compacted()?;
        let old = self.segments.len() - 1;
        self.begin_segment(base, now)?;
        let old = &mut self.segments[old];
        old.gauge = None;
        let old_base = old.base();
        self.checkpoint.unsynced.insert(old_base);
        Ok(())
    }

    /// A compacted log's segment is on disk before the next one begins: a gap that a crash leaves at its end could not be
    /// told from one that compaction leaves.
    fn sync_if_compacted(&mut self) -> Result<(), LogError> {
        if !self.options.compact {
            return Ok(());
        }
        let files = self.files.clone();
        let segment = self.active();
        let path = segment.files.path(Kind::Log);
        let synced = segment.files.log(&files).and_then(|log| log.sync_data());
        self.sync.poisoned |= synced.is_err();
        synced.context("sync", &path)
    }

    /// Writes what the active segment's index files lack; when it is sealed, its largest timestamp too.
    pub(super) fn write_indexes(&mut self, seal: bool) -> Result<(), LogError> {
        let files = self.files.clone();
        let Some(segment) = self.segments.last_mut() else { return Ok(()) };
        let base = segment.base();
        let newest = segment.newest.filter(|newest| seal && newest.timestamp.0 >= 0);
        let newest = newest.map(|newest| segment.time_entry(newest));
        if let Some(gauge) = &mut segment.gauge {
            gauge.push_time(newest);
            gauge
                .write(&files, &segment.files)
                .context("write the indexes of", &segment.files.path(Kind::Log))?;
            self.checkpoint.unsynced.insert(base);
        }
        if segment.write_txn_index(&files).context("write", &segment.files.path(Kind::TxnIndex))? {
            self.checkpoint.unsynced.insert(base);
        }
        Ok(())
    }

    /// Writes the producers as of `offset`, which must be the log's end.
    pub(super) fn write_snapshot(&mut self, offset: Offset) -> Result<(), LogError> {
        let path = self.dir.join(Kind::Snapshot.name(offset));
        let bytes = self.producers.to_snapshot();
        let write = || {
            let file = self.files.disk().open(&path, Mode::Truncate)?;
            file.write_all_at(&mut [IoSlice::new(&bytes)], 0)
        };
        write().context("write", &path)?;
        self.checkpoint.unsynced.insert(offset);
        Ok(())
    }
}

/// A number that differs from log to log and from segment to segment, for the jitter.
fn jitter_of(dir: &Path, base: Offset) -> i64 {
    let seed = dir.as_os_str().as_encoded_bytes();
    let hash = seed.iter().fold(base.0 as u64 ^ 0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 1) as i64
}
