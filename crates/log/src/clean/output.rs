//! The segment that a group of segments is copied into: `.cleaned` files until it takes their place.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Source;
use crate::batch::Batch;
use crate::disk::{Disk, File, Mode};
use crate::error::{Context, LogError};
use crate::files::Files;
use crate::index::{self, AbortedTxn};
use crate::options::LogOptions;
use crate::segment::{Kind, Segment, SegmentFiles};

/// What the files end in (`UnifiedLog.CLEANED_FILE_SUFFIX`).
pub(crate) const CLEANED: &str = ".cleaned";
/// The kinds of files that a cleaned segment can have.
const KINDS: [Kind; 4] = [Kind::Log, Kind::OffsetIndex, Kind::TimeIndex, Kind::TxnIndex];

/// A segment in the making.
#[derive(Debug)]
pub(crate) struct Output {
    segment: Segment,
    log: Arc<dyn File>,
    path: PathBuf,
    interval: u32,
    /// Batches that are not in the file yet.
    buffer: Vec<u8>,
    /// Something of the originals is not in it.
    pub(super) has_changed: bool,
}

/// A group that is clean, durably on disk beside its originals.
#[derive(Debug)]
#[must_use]
pub struct Cleaned {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: Arc<Path>,
    pub(crate) generation: u64,
    pub(crate) segment: Segment,
    /// Those that it replaces, each with its size.
    pub(crate) originals: Vec<(Arc<SegmentFiles>, u32)>,
    /// Its files.
    pub(crate) kinds: Vec<Kind>,
}

impl Output {
    pub(super) fn create(
        files: &Files,
        dir: &Arc<Path>,
        first: &Source,
        options: &LogOptions,
    ) -> Result<Output, LogError> {
        let base = first.files.base();
        let mut segment = Segment::new(dir, base, 0, first.begun);
        segment.gauge = Some(Box::default());
        let path = dir.join(Kind::Log.name(base) + CLEANED);
        let log = files.disk().open(&path, Mode::Truncate).context("make", &path)?;
        let interval = options.index_interval_bytes;
        Ok(Output { segment, log, path, interval, buffer: Vec::new(), has_changed: false })
    }

    pub(super) fn push(&mut self, batch: Batch<'_>) {
        let position = self.segment.size;
        self.segment.note(batch.header(), position, self.interval);
        self.buffer.extend_from_slice(batch.as_bytes());
    }

    /// Aborted transactions whose markers have been kept.
    pub(super) fn aborted(&mut self, kept: Vec<AbortedTxn>) {
        self.segment.aborted.extend(kept);
    }

    /// Writes what was pushed; returns how many bytes.
    pub(super) fn flush(&mut self) -> Result<u64, LogError> {
        let len = self.buffer.len() as u64;
        let at = u64::from(self.segment.size) - len;
        if len > 0 {
            self.log.write_all_at(&mut [IoSlice::new(&self.buffer)], at).context("write", &self.path)?;
        }
        self.buffer.clear();
        Ok(len)
    }

    /// Removes the file.
    pub(super) fn discard(self, files: &Files, dir: &Path) -> Result<(), LogError> {
        remove(&**files.disk(), &dir.join(Kind::Log.name(self.segment.base()) + CLEANED))
    }

    /// Writes the indexes and makes all durable, but for the directory's entries.
    pub(super) fn finish(
        mut self,
        files: &Files,
        dir: &Arc<Path>,
        originals: &[Source],
        generation: u64,
    ) -> Result<Cleaned, LogError> {
        self.flush()?;
        self.log.sync_data().context("sync", &self.path)?;
        let segment = &mut self.segment;
        let newest = segment.newest.filter(|newest| newest.timestamp.0 >= 0);
        let newest = newest.map(|newest| segment.time_entry(newest));
        let mut gauge = segment.gauge.take().unwrap_or_default();
        gauge.push_time(newest);
        let mut aborted = Vec::new();
        segment.aborted.iter().for_each(|entry| entry.encode(&mut aborted));
        segment.aborted_written = segment.aborted.len();
        if let Some(last) = originals.last() {
            segment.begun = last.begun;
        }
        let mut kinds = vec![Kind::Log];
        let contents = [
            (Kind::OffsetIndex, index::encode(&gauge.offsets)),
            (Kind::TimeIndex, index::encode(&gauge.times)),
            (Kind::TxnIndex, aborted),
        ];
        for (kind, bytes) in contents {
            if kind == Kind::TxnIndex && bytes.is_empty() {
                continue;
            }
            let path = dir.join(kind.name(segment.base()) + CLEANED);
            let write = || {
                let file = files.disk().open(&path, Mode::Truncate)?;
                file.write_all_at(&mut [IoSlice::new(&bytes)], 0)?;
                file.sync_data()
            };
            write().context("write", &path)?;
            kinds.push(kind);
        }
        Ok(Cleaned {
            disk: Arc::clone(files.disk()),
            dir: Arc::clone(dir),
            generation,
            segment: self.segment,
            originals: originals.iter().map(|source| (Arc::clone(&source.files), source.size)).collect(),
            kinds,
        })
    }
}

impl Cleaned {
    /// Removes the files: the log is not what it was.
    pub fn discard(self) -> Result<(), LogError> {
        let base = self.segment.base();
        KINDS.into_iter().try_for_each(|kind| remove(&*self.disk, &self.dir.join(kind.name(base) + CLEANED)))
    }

    /// Bytes of batches before and after.
    pub fn sizes(&self) -> (u64, u64) {
        let before = self.originals.iter().map(|&(_, size)| u64::from(size)).sum();
        (before, u64::from(self.segment.size))
    }
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<(), LogError> {
    match disk.remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.context("remove", path),
    }
}
