//! Making it durable, outside of the owner's lock: [`Log::begin_sync`], [`SyncJob::run`], [`Log::finish_sync`].
//!
//! A job covers everything appended before it began. Several may be under way; the durable offset advances over those
//! that are done without a gap. A sync that fails is never retried, since the kernel drops the dirty pages it could not
//! write: the log is poisoned.

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
}

/// A sync that has begun. Run it on any thread, then give the result to [`Log::finish_sync`]: always, or the durable
/// offset stands still.
#[derive(Debug)]
#[must_use]
pub struct SyncJob {
    id: u64,
    end: Offset,
    disk: Arc<dyn Disk>,
    files: SmallVec<[Arc<dyn File>; 2]>,
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
        todo!()
    }

    /// Notes the end of a sync and returns the durable offset.
    ///
    /// Error: the sync failed; the log is poisoned and the directory should go offline.
    pub fn finish_sync(&mut self, synced: Synced) -> Result<Offset, LogError> {
        let _ = synced;
        todo!()
    }
}
