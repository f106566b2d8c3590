//! Advancing the recovery point: indexes, epochs and producers made durable, so that a scan may start later.
//!
//! A sync makes batches durable and nothing else, to be quick. What can be rebuilt from the batches waits for this.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use chronik_types::Offset;

use super::{Context, Log};
use crate::checkpoint::epochs;
use crate::disk::{Disk, Mode, is_full, replace_file};
use crate::error::LogError;
use crate::segment::Kind;

/// The epochs' file.
pub(super) const EPOCHS: &str = "leader-epoch-checkpoint";
/// Bytes of batches after which a checkpoint writes a snapshot of the producers too, in the middle of a segment.
const SNAPSHOT_INTERVAL: u32 = 32 << 20;

#[derive(Debug, Default)]
pub(super) struct CheckpointState {
    pub(super) recovery_point: Offset,
    /// The log is about to be cut here: nothing above is vouched for.
    pub(super) held_at: Option<Offset>,
    /// Something has happened since the last checkpoint.
    pub(super) changed: bool,
    /// Names (base offsets) of index and snapshot files that have been written and not synced.
    pub(super) unsynced: BTreeSet<Offset>,
    /// The last snapshot in the middle of a segment: its offset, and the position there.
    snapshot: Option<(Offset, u32)>,
}

/// Metadata files to be synced. Run it on any thread, then give the result to [`Log::finish_checkpoint`].
#[derive(Debug)]
#[must_use]
pub struct CheckpointJob {
    disk: Arc<dyn Disk>,
    dir: Arc<Path>,
    names: BTreeSet<Offset>,
    epochs: Option<String>,
    recovery_point: Offset,
}

/// A checkpoint that has ended, well or badly.
#[derive(Debug)]
#[must_use]
pub struct Checkpointed {
    job: CheckpointJob,
    result: Result<(), Failure>,
}

#[derive(Debug)]
enum Failure {
    /// Nothing is lost: it can be done again when there is room.
    Full(io::Error),
    /// What is on disk is not known any more.
    Broken(io::Error),
}

impl CheckpointJob {
    /// Syncs. Blocks; needs no lock.
    pub fn run(self) -> Checkpointed {
        let result = self.sync_indexes().map_err(Failure::Broken).and_then(|()| self.write_epochs());
        Checkpointed { job: self, result }
    }

    fn sync_indexes(&self) -> io::Result<()> {
        for &name in &self.names {
            for kind in [Kind::OffsetIndex, Kind::TimeIndex, Kind::TxnIndex, Kind::Snapshot] {
                match self.disk.open(&self.dir.join(kind.name(name)), Mode::Write) {
                    Ok(file) => file.sync_data()?,
                    // Not every segment has all of them, and retention may have removed it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        self.disk.sync_dir(&self.dir)
    }

    fn write_epochs(&self) -> Result<(), Failure> {
        let Some(text) = &self.epochs else { return Ok(()) };
        replace_file(&*self.disk, &self.dir.join(EPOCHS), text.as_bytes())
            .map_err(|error| if is_full(&error) { Failure::Full(error) } else { Failure::Broken(error) })
    }
}

impl Log {
    /// Writes what the indexes of the active segment have gathered, and returns the job that makes them and the epochs
    /// durable. `None` if there is nothing new. Call it now and then (`log.flush.offset.checkpoint.interval.ms`) and after
    /// a roll, one at a time; then write [`Log::recovery_point`] of all logs ([`crate::LogDir::write_recovery_points`]).
    pub fn begin_checkpoint(&mut self) -> Result<Option<CheckpointJob>, LogError> {
        self.refuse_if_poisoned()?;
        let behind = self.checkpoint.recovery_point < self.sync.durable;
        if !(self.checkpoint.changed || behind) || self.segments.is_empty() {
            return Ok(None);
        }
        self.seal_rest()?;
        self.write_indexes(false)?;
        self.snapshot_now_and_then()?;
        Ok(Some(self.checkpoint_job()))
    }

    /// The job for what has been written.
    pub(super) fn checkpoint_job(&mut self) -> CheckpointJob {
        self.checkpoint.changed = false;
        let epochs =
            std::mem::take(&mut self.epochs_unwritten).then(|| epochs::format(self.epochs.entries()));
        CheckpointJob {
            disk: self.files.disk().clone(),
            dir: self.dir.clone(),
            names: std::mem::take(&mut self.checkpoint.unsynced),
            epochs,
            recovery_point: self.sync.durable,
        }
    }

    /// Saves recovery from walking through much of a large segment for the producers' sake.
    fn snapshot_now_and_then(&mut self) -> Result<(), LogError> {
        let Some(segment) = self.segments.last() else { return Ok(()) };
        let (base, size) = (segment.base(), segment.size);
        let last = self.checkpoint.snapshot.filter(|&(offset, _)| offset > base);
        if size - last.map_or(0, |(_, position)| position.min(size)) < SNAPSHOT_INTERVAL {
            return Ok(());
        }
        self.write_snapshot(self.end)?;
        let before = self.checkpoint.snapshot.replace((self.end, size));
        if let Some((offset, _)) = before
            && self.segments.iter().all(|segment| segment.base() != offset)
        {
            let path = self.dir.join(Kind::Snapshot.name(offset));
            match self.files.disk().remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other.context("remove", &path)?,
            }
        }
        Ok(())
    }

    /// Notes the end of a checkpoint and returns the recovery point. Error: it failed; unless the disk
    /// is full, the log is poisoned.
    pub fn finish_checkpoint(&mut self, checkpointed: Checkpointed) -> Result<Offset, LogError> {
        let what = "sync the indexes of";
        match checkpointed.result {
            Ok(()) => {}
            Err(Failure::Full(error)) => {
                self.epochs_unwritten = true;
                self.checkpoint.changed = true;
                return Err(LogError::io(what, &self.dir, error));
            }
            Err(Failure::Broken(error)) => {
                self.sync.poisoned = true;
                let path = self.dir.to_path_buf();
                return Err(LogError::Io { what, path, source: Arc::new(error) });
            }
        }
        // The log may have been cut meanwhile.
        let reached = checkpointed.job.recovery_point.min(self.sync.durable);
        self.checkpoint.recovery_point = self.checkpoint.recovery_point.max(reached);
        Ok(self.recovery_point())
    }

    /// The offset up to which data and indexes are durable: recovery may start here. Never above the durable offset.
    pub fn recovery_point(&self) -> Offset {
        let point = self.checkpoint.recovery_point;
        self.checkpoint.held_at.map_or(point, |end| point.min(end))
    }
}
