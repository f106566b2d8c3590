//! Cutting off the end: what a follower does when its log has diverged from its leader's.
//!
//! Files go from the end towards the start, so that a crash in between leaves a log that ends somewhere in the cut. A
//! failure in between poisons the log: opening it again finds out what is there.

use std::io;

use chronik_types::{Millis, Offset};

use super::checkpoint::EPOCHS;
use super::{Context, Log};
use crate::batch::Header;
use crate::checkpoint::epochs;
use crate::disk::{is_full, replace_file};
use crate::error::LogError;
use crate::producers::Producers;
use crate::segment::{HeaderScan, Kind, ScanError};

/// What a truncation took away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// The first offset that is gone; the log now ends here.
    pub from: Offset,
    /// The log's end before.
    pub to: Offset,
    /// Bytes of batches that are gone.
    pub bytes: u64,
}

impl Log {
    /// Cuts the log so that it ends at `end`, or at the start of the batch that holds `end`. Producers, epochs and indexes
    /// go back with it. Durable when it returns. Returns `None` if the log already ended there.
    ///
    /// The owner writes the recovery points ([`crate::LogDir::write_recovery_points`]) BEFORE it calls this, with this
    /// log's limited to `end`: after a crash, what is appended in place of what was cut must not be trusted unread.
    ///
    /// Errors: `Io`; the log is poisoned.
    pub fn truncate_to(&mut self, end: Offset, now: Millis) -> Result<Option<Truncation>, LogError> {
        self.refuse_if_poisoned()?;
        if end >= self.end {
            // A leader that appended nothing has left the start of its epoch behind, at the very end.
            self.epochs_unwritten |= self.epochs.truncate_from_end(self.end);
            return Ok(None);
        }
        if self.segments.first().is_none_or(|first| end < first.base()) {
            return self.truncate_fully_and_start_at(end, now).map(Some);
        }
        let bytes = self.size_bytes();
        let to = self.end;
        self.poison_on_error(|log| log.cut(end, now))?;
        Ok(Some(Truncation { from: self.end, to, bytes: bytes - self.size_bytes() }))
    }

    /// Holds the recovery point at or below `end` until the log has been cut there, or `None`: lets it rise again. To be
    /// called before the recovery points are written that a truncation needs, so that no checkpoint raises this one
    /// meanwhile.
    pub fn hold_recovery_point(&mut self, end: Option<Offset>) {
        self.checkpoint.held_at = end;
    }

    /// Removes everything; the log goes on at `start`: a follower that is behind its leader's start, or the metadata log
    /// after a snapshot. Durable when it returns. The same rule about recovery points as for [`Log::truncate_to`].
    ///
    /// Errors: `Io`; the log is poisoned.
    pub fn truncate_fully_and_start_at(
        &mut self,
        start: Offset,
        now: Millis,
    ) -> Result<Truncation, LogError> {
        self.refuse_if_poisoned()?;
        let truncation = Truncation { from: start, to: self.end, bytes: self.size_bytes() };
        self.poison_on_error(|log| log.start_over(start, now))?;
        Ok(truncation)
    }

    fn poison_on_error(
        &mut self,
        action: impl FnOnce(&mut Log) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let result = action(self);
        self.sync.poisoned |= result.is_err();
        result
    }

    fn cut(&mut self, end: Offset, now: Millis) -> Result<(), LogError> {
        self.was_cut(end);
        let keep = self.segments.partition_point(|segment| segment.base() <= end);
        self.remove_segments_from(keep)?;
        self.load_gauge().context("read the index of", &self.dir.clone())?;
        let (position, end) = self.place_of(end)?;
        let files = self.files.clone();
        let segment = self.active();
        let path = segment.files.path(Kind::Log);
        let log = segment.files.log(&files).context("open", &path)?;
        log.set_len(u64::from(position)).context("cut", &path)?;
        log.sync_data().context("sync", &path)?;
        segment.files.clear_hints();
        segment.size = position;
        segment.forget_aborted_from(&files, end).context("cut the transaction index of", &path)?;
        let base = segment.base();
        self.checkpoint.unsynced.insert(base);
        self.end = end;
        self.sync.truncated(end);
        self.checkpoint.recovery_point = self.checkpoint.recovery_point.min(end);
        self.checkpoint.held_at = None;
        self.reindex_active(position)?;
        self.start = self.start.min(end);
        self.epochs_unwritten |= self.epochs.truncate_from_end(end);
        self.finish_cut(now)
    }

    /// Removes segments, newest first, with all their files.
    pub(super) fn remove_segments_from(&mut self, keep: usize) -> Result<(), LogError> {
        while self.segments.len() > keep {
            let Some(segment) = self.segments.pop() else { break };
            segment.let_go(&self.files)?;
            for kind in Kind::ALL {
                self.remove_if_there(&kind.name(segment.base()))?;
            }
            self.checkpoint.unsynced.remove(&segment.base());
            // The order of removals must not be lost in a crash.
            self.files.disk().sync_dir(&self.dir).context("sync", &self.dir)?;
        }
        Ok(())
    }

    pub(super) fn remove_if_there(&self, name: &str) -> Result<(), LogError> {
        let path = self.dir.join(name);
        match self.files.disk().remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.context("remove", &path),
        }
    }

    /// Where in the active segment the log is cut to end at or before `end`, and where it ends then.
    fn place_of(&mut self, end: Offset) -> Result<(u32, Offset), LogError> {
        let files = self.files.clone();
        let segment = self.active();
        let path = segment.files.path(Kind::Log);
        let log = segment.files.log(&files).context("open", &path)?;
        let relative = segment.files.relative(end);
        let floor = segment.gauge.as_ref().map_or(0, |gauge| gauge.floor(relative));
        for found in HeaderScan::new(&*log, floor, segment.size) {
            let (position, bytes) = found.map_err(ScanError::into_io).context("read", &path)?;
            let header =
                Header::parse(&bytes).map_err(|error| LogError::corrupt(&path, error.to_string()))?;
            if header.last_offset() >= end {
                return Ok((position, end.min(header.base_offset()).max(segment.base())));
            }
        }
        Ok((segment.size, end))
    }

    /// Makes the active segment's index end at `size`, reading again what comes after the last entry that stays.
    fn reindex_active(&mut self, size: u32) -> Result<(), LogError> {
        let interval = self.options.index_interval_bytes;
        let files = self.files.clone();
        let segment = self.active();
        let path = segment.files.path(Kind::Log);
        let from = segment.restart_index(size);
        let log = segment.files.log(&files).context("open", &path)?;
        for found in HeaderScan::new(&*log, from, size) {
            let (position, bytes) = found.map_err(ScanError::into_io).context("read", &path)?;
            let header =
                Header::parse(&bytes).map_err(|error| LogError::corrupt(&path, error.to_string()))?;
            segment.note(header, position, interval);
        }
        Ok(())
    }

    /// Brings producers, snapshots, epochs and the directory to the log's new end.
    fn finish_cut(&mut self, now: Millis) -> Result<(), LogError> {
        let snapshots = self.snapshots()?;
        for &offset in snapshots.iter().filter(|&&offset| offset > self.end) {
            self.remove_if_there(&Kind::Snapshot.name(offset))?;
        }
        self.load_producers(&snapshots, self.end, now)?;
        if self.epochs_unwritten {
            let path = self.dir.join(EPOCHS);
            let text = epochs::format(self.epochs.entries());
            match replace_file(&**self.files.disk(), &path, text.as_bytes()) {
                Ok(()) => self.epochs_unwritten = false,
                // The next checkpoint writes them. Recovery believes the file up to the recovery point only.
                Err(error) if is_full(&error) => {}
                Err(error) => return Err(LogError::io("write", &path, error)),
            }
        }
        self.checkpoint.changed = true;
        self.files.disk().sync_dir(&self.dir).context("sync", &self.dir)
    }

    pub(super) fn start_over(&mut self, start: Offset, now: Millis) -> Result<(), LogError> {
        self.was_cut(start);
        self.cleaned_to = None;
        self.remove_segments_from(0)?;
        self.start = start;
        self.end = start;
        self.sync.truncated(start);
        self.sync.durable = start;
        self.checkpoint.recovery_point = start;
        self.checkpoint.held_at = None;
        self.producers = Producers::default();
        self.epochs.clear();
        self.epochs_unwritten = true;
        if self.files.disk().exists(&self.dir).context("look at", &self.dir)? {
            for offset in self.snapshots()? {
                self.remove_if_there(&Kind::Snapshot.name(offset))?;
            }
            self.begin_segment(start, now)?;
        } else {
            // Only a segment's name remembers where an empty log goes on.
            self.begin_first(now)?;
        }
        self.finish_cut(now)?;
        let synced = self.sync()?;
        debug_assert_eq!(synced, start);
        Ok(())
    }
}
