//! Making it durable, outside of the owner's lock: [`Log::begin_sync`], [`SyncJob::run`], [`Log::finish_sync`].
//!
//! A job covers everything appended before it began. Several may be under way; the durable offset advances over those
//! that are done without a gap. A sync that fails is never retried, since the kernel drops the dirty pages it could not
//! write: the log is poisoned.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;

use chronik_types::Offset;
use smallvec::SmallVec;

use super::Log;
use crate::disk::{Disk, File};
use crate::error::LogError;

/// What has been written and not synced, and the syncs under way.
#[derive(Debug, Default)]
pub(super) struct SyncState {
    pub(super) durable: Offset,
    pub(super) poisoned: bool,
    /// Files with data that no sync under way covers. Held open until then.
    pub(super) dirty: SmallVec<[Arc<dyn File>; 1]>,
    /// The last of `dirty` is the active segment's.
    active_is_dirty: bool,
    /// The log's directory has new entries.
    dir_is_dirty: bool,
    /// The log's directory is itself new.
    dir_is_new: bool,
    next_id: u64,
    under_way: VecDeque<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    id: u64,
    end: Offset,
    done: bool,
}

impl SyncState {
    /// The active segment's file has been written to.
    pub(super) fn written(&mut self, file: Arc<dyn File>) {
        if !self.active_is_dirty {
            self.dirty.push(file);
            self.active_is_dirty = true;
        }
    }

    /// A new, empty active segment has been made.
    pub(super) fn new_file(&mut self, file: Arc<dyn File>) {
        self.dirty.push(file);
        self.active_is_dirty = true;
        self.dir_is_dirty = true;
    }

    /// `partition.metadata` has been written.
    pub(super) fn new_metadata(&mut self, file: Arc<dyn File>) {
        // Before the active segment's file, which is the last one if it is dirty.
        self.dirty.insert(0, file);
        self.dir_is_dirty = true;
    }

    /// The log's directory has been made.
    pub(super) fn new_directory(&mut self) {
        self.dir_is_dirty = true;
        self.dir_is_new = true;
    }

    /// The log has been cut, durably, to end at `end`, and possibly given another active segment.
    pub(super) fn truncated(&mut self, end: Offset) {
        self.durable = self.durable.min(end);
        for under_way in &mut self.under_way {
            under_way.end = under_way.end.min(end);
        }
        self.active_is_dirty = false;
    }

    /// Whether a sync would have something to do.
    pub(super) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || self.dir_is_dirty
    }

    fn finish(&mut self, id: u64) {
        for under_way in &mut self.under_way {
            under_way.done |= under_way.id == id;
        }
        while let Some(first) = self.under_way.pop_front_if(|first| first.done) {
            self.durable = self.durable.max(first.end);
        }
    }
}

/// A sync that has begun. Run it on any thread, then give the result to [`Log::finish_sync`]: always, or the durable
/// offset stands still.
#[derive(Debug)]
#[must_use]
pub struct SyncJob {
    id: u64,
    end: Offset,
    disk: Arc<dyn Disk>,
    files: SmallVec<[Arc<dyn File>; 1]>,
    /// Directories with new entries: synced after the files, innermost first.
    dirs: SmallVec<[Arc<Path>; 2]>,
}

/// A sync that has ended, well or badly.
#[derive(Debug)]
#[must_use]
pub struct Synced {
    id: u64,
    result: io::Result<()>,
}

impl SyncJob {
    /// The log's end when the job began: what will be durable.
    pub fn end_offset(&self) -> Offset {
        self.end
    }

    /// Syncs. Blocks; needs no lock.
    pub fn run(self) -> Synced {
        let sync = || {
            self.files.iter().try_for_each(|file| file.sync_data())?;
            self.dirs.iter().try_for_each(|dir| self.disk.sync_dir(dir))
        };
        Synced { id: self.id, result: sync() }
    }
}

impl Log {
    /// Starts making everything below the end durable. `None` if nothing has been written since the last begun sync
    /// (which may be under way still). Cheap: no I/O.
    pub fn begin_sync(&mut self) -> Option<SyncJob> {
        let sync = &mut self.sync;
        if !sync.is_dirty() || sync.poisoned {
            return None;
        }
        let id = sync.next_id;
        sync.next_id += 1;
        sync.under_way.push_back(UnderWay { id, end: self.end, done: false });
        sync.active_is_dirty = false;
        let mut dirs = SmallVec::new();
        if std::mem::take(&mut sync.dir_is_dirty) {
            dirs.push(self.dir.clone());
        }
        if std::mem::take(&mut sync.dir_is_new) {
            dirs.extend(self.dir.parent().map(Arc::from));
        }
        let files = std::mem::take(&mut sync.dirty);
        Some(SyncJob { id, end: self.end, disk: self.files.disk().clone(), files, dirs })
    }

    /// Notes the end of a sync and returns the durable offset.
    ///
    /// Error: the sync failed; the log is poisoned and the directory should go offline.
    pub fn finish_sync(&mut self, synced: Synced) -> Result<Offset, LogError> {
        if let Err(error) = synced.result {
            self.sync.poisoned = true;
            let path = self.dir.to_path_buf();
            return Err(LogError::Io { what: "sync", path, source: Arc::new(error) });
        }
        // After a failure the kernel no longer knows what it lost: later successes prove nothing.
        self.refuse_if_poisoned()?;
        self.sync.finish(synced.id);
        Ok(self.sync.durable)
    }

    /// Makes everything below the end durable, here and now: for shells and tests that have nothing else to do.
    pub fn sync(&mut self) -> Result<Offset, LogError> {
        match self.begin_sync() {
            Some(job) => {
                let synced = job.run();
                self.finish_sync(synced)
            }
            None => {
                self.refuse_if_poisoned()?;
                Ok(self.sync.durable)
            }
        }
    }
}
