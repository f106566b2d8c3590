//! What is too old, too much, or below the start offset goes: whole segments, from the front
//! (`UnifiedLog.deleteOldSegments`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chronik_types::{Millis, Offset};

use super::{Context, Log};
use crate::disk::Disk;
use crate::error::LogError;
use crate::segment::{Kind, Segment};

/// What files that wait for their removal end in.
pub(super) const DELETED: &str = ".deleted";

/// Files that have been renamed to `*.deleted` and wait for their removal (`file.delete.delay.ms` later, so that readers
/// that hold them can finish). They are also removed when the log is opened.
#[derive(Debug)]
#[must_use]
pub struct RemovalJob {
    disk: Arc<dyn Disk>,
    dir: Arc<Path>,
    segments: Vec<Offset>,
    paths: Vec<PathBuf>,
}

impl RemovalJob {
    pub(super) fn new(disk: &Arc<dyn Disk>, dir: &Arc<Path>) -> RemovalJob {
        RemovalJob { disk: Arc::clone(disk), dir: Arc::clone(dir), segments: Vec::new(), paths: Vec::new() }
    }

    /// Makes durable that the files have other names. Blocks; needs no lock.
    pub fn make_durable(&self) -> Result<(), LogError> {
        self.disk.sync_dir(&self.dir).context("sync", &self.dir)
    }

    /// Segments that are gone, by base offset.
    pub fn segments(&self) -> &[Offset] {
        &self.segments
    }

    /// Removes the files. Blocks; needs no lock.
    pub fn run(self) -> Result<(), LogError> {
        for path in &self.paths {
            match self.disk.remove_file(path) {
                // The whole log may have been deleted meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other.context("remove", path)?,
            }
        }
        Ok(())
    }
}

impl Log {
    /// Applies `retention.ms`, `retention.bytes` and the start offset. Only segments wholly below `high_watermark` go. The
    /// active segment goes too if it is wholly expired; an empty one takes its place. Returns `None` if nothing was to be
    /// done. The start offset may have risen.
    pub fn apply_retention(
        &mut self,
        now: Millis,
        high_watermark: Offset,
    ) -> Result<Option<RemovalJob>, LogError> {
        self.refuse_if_poisoned()?;
        let count = self.expired_segments(now, high_watermark)?;
        if count == 0 {
            return Ok(None);
        }
        if count == self.segments.len() {
            self.roll(now)?;
        }
        let mut job = RemovalJob::new(self.files.disk(), &self.dir);
        let renamed = (0..count).try_for_each(|_| self.set_first_aside(&mut job));
        let first = self.segments.first().map_or(self.end, |segment| segment.base());
        self.raise_start(first);
        // Those that were renamed before an error are found when the log is opened again.
        renamed.map(|()| Some(job))
    }

    /// How many segments, from the first on, are to go.
    fn expired_segments(&mut self, now: Millis, high_watermark: Offset) -> Result<usize, LogError> {
        let options = self.options.clone();
        let files = self.files.clone();
        let mut excess = match options.retention_bytes {
            bytes if bytes >= 0 && options.delete => self.size_bytes().saturating_sub(bytes as u64),
            _ => 0,
        };
        for at in 0..self.segments.len() {
            let next = self.segments.get(at + 1).map(|segment| segment.base());
            let start = self.start;
            let end = next.unwrap_or(self.end);
            let segment = &mut self.segments[at];
            let size = u64::from(segment.size);
            if end > high_watermark || (next.is_none() && size == 0) {
                return Ok(at);
            }
            let below_start = next.is_some_and(|next| next <= start);
            let too_much = excess >= size && excess > 0;
            let mut too_old = false;
            if !below_start && !too_much && options.delete && options.retention_ms >= 0 {
                let newest = segment.newest(&files).context("read", &segment.files.path(Kind::TimeIndex))?;
                let newest = newest.map_or(segment.begun, |newest| newest.timestamp);
                too_old = now.0.saturating_sub(newest.0) > options.retention_ms;
            }
            if !below_start && !too_much && !too_old {
                return Ok(at);
            }
            excess = excess.saturating_sub(size);
        }
        Ok(self.segments.len())
    }

    /// Renames the files of the first segment and forgets it.
    fn set_first_aside(&mut self, job: &mut RemovalJob) -> Result<(), LogError> {
        let disk = self.files.disk().clone();
        self.segments[0].let_go(&self.files)?;
        set_aside(&self.segments[0], Kind::ALL, &*disk, job)?;
        let segment = self.segments.remove(0);
        self.checkpoint.unsynced.remove(&segment.base());
        Ok(())
    }

    /// Raises the start offset to `to` (DeleteRecords, or a leader's start offset on a follower); a lower `to` changes
    /// nothing. What is below can no longer be read; [`Log::apply_retention`] removes its segments. Durable when the
    /// owner has written the start offsets ([`crate::LogDir::write_start_offsets`]).
    ///
    /// `to` must not be above the log's end (the high watermark, for a leader), which the owner checks; it is limited to
    /// the end. Returns whether the start changed.
    pub fn delete_records(&mut self, to: Offset) -> bool {
        self.raise_start(to.min(self.end))
    }

    fn raise_start(&mut self, to: Offset) -> bool {
        if to <= self.start {
            return false;
        }
        self.start = to;
        self.epochs_unwritten |= self.epochs.truncate_from_start(to);
        self.producers.start_raised(to);
        self.checkpoint.changed = true;
        true
    }
}

/// Renames a segment's files to `*.deleted`.
pub(super) fn set_aside(
    segment: &Segment,
    kinds: impl IntoIterator<Item = Kind>,
    disk: &dyn Disk,
    job: &mut RemovalJob,
) -> Result<(), LogError> {
    for kind in kinds {
        let path = segment.files.path(kind);
        let mut aside = path.clone().into_os_string();
        aside.push(DELETED);
        let aside = PathBuf::from(aside);
        match disk.rename(&path, &aside) {
            Ok(()) => job.paths.push(aside),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // Without its log, an index is an orphan, and removed as one.
            Err(_) if kind != Kind::Log => {}
            Err(error) => return Err(LogError::io("rename", &path, error)),
        }
    }
    job.segments.push(segment.base());
    Ok(())
}
