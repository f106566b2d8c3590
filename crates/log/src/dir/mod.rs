//! The directory that holds the logs of one disk (an entry of `log.dirs`): its lock, its checkpoints, its logs.
//!
//! All files are Kafka's own. A checkpoint is replaced as a whole and durably, or not at all.

mod name;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chronik_types::{BrokerEpoch, Offset, TopicId, TopicPartition};
use uuid::Uuid;

use crate::checkpoint::MetaProperties;
use crate::disk::{Lock, Space};
use crate::error::LogError;
use crate::files::Files;

pub use name::{DirKind, DirName};

/// A log directory, held exclusively.
#[derive(Debug)]
pub struct LogDir {
    files: Arc<Files>,
    path: PathBuf,
    _lock: Box<dyn Lock>,
}

/// What a scan of the directory found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The logs, by name.
    pub logs: Vec<FoundLog>,
    /// Directories of deleted logs (`-delete`) whose removal was interrupted.
    pub deleted: Vec<PathBuf>,
    /// Whether the last user shut down cleanly: logs need no recovery.
    pub clean: bool,
    /// The broker epoch that the last user had at its clean shutdown (KIP-966).
    pub broker_epoch: Option<BrokerEpoch>,
}

/// A log in the directory, and what the checkpoints say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLog {
    /// Its directory.
    pub path: PathBuf,
    /// Topic and partition by the directory's name.
    pub topic_partition: TopicPartition,
    /// Current, future or stray.
    pub kind: DirKind,
    /// From `partition.metadata`, if that is there.
    pub topic_id: Option<TopicId>,
    /// From `recovery-point-offset-checkpoint`, or 0.
    pub recovery_point: Offset,
    /// From `log-start-offset-checkpoint`, or 0.
    pub start_offset: Offset,
    /// From `replication-offset-checkpoint`, or 0.
    pub high_watermark: Offset,
}

impl LogDir {
    /// Makes the directory if need be and locks it (`.lock`).
    ///
    /// Errors: `Io` with `WouldBlock` when another process has it.
    pub fn open(files: &Arc<Files>, path: &Path) -> Result<LogDir, LogError> {
        let _ = (files, path);
        todo!()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a partition's log is, whether it exists or not.
    pub fn log_path(&self, topic_partition: &TopicPartition) -> PathBuf {
        self.path.join(topic_partition.to_string())
    }

    /// Looks at everything in the directory. A clean-shutdown marker is read and removed: from now on a crash is a crash.
    ///
    /// Errors: `Corrupt` for a checkpoint that cannot be parsed.
    pub fn scan(&self) -> Result<Found, LogError> {
        todo!()
    }

    /// `meta.properties`, if there is one.
    pub fn meta(&self) -> Result<Option<MetaProperties>, LogError> {
        todo!()
    }

    /// Writes `meta.properties`.
    pub fn write_meta(&self, meta: &MetaProperties) -> Result<(), LogError> {
        let _ = meta;
        todo!()
    }

    /// Replaces `recovery-point-offset-checkpoint`.
    pub fn write_recovery_points(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
    ) -> Result<(), LogError> {
        let _ = offsets.into_iter();
        todo!()
    }

    /// Replaces `log-start-offset-checkpoint`. Kafka lists only logs whose start is above their first segment's.
    pub fn write_start_offsets(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
    ) -> Result<(), LogError> {
        let _ = offsets.into_iter();
        todo!()
    }

    /// Replaces `replication-offset-checkpoint` (the high watermarks).
    pub fn write_high_watermarks(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
    ) -> Result<(), LogError> {
        let _ = offsets.into_iter();
        todo!()
    }

    /// Leaves the marker of a clean shutdown (`.kafka_cleanshutdown`). Only after every log has been closed, and the
    /// recovery points have been written.
    pub fn write_clean_shutdown(&self, broker_epoch: BrokerEpoch) -> Result<(), LogError> {
        let _ = broker_epoch;
        todo!()
    }

    /// Renames a log's directory to `<topic>-<partition>.<unique>-delete`, durably: the log is gone, its files wait for
    /// [`LogDir::remove`]. `unique` is any fresh id. `None` if there is no such directory (nothing was ever appended).
    pub fn mark_deleted(
        &self,
        topic_partition: &TopicPartition,
        unique: Uuid,
    ) -> Result<Option<PathBuf>, LogError> {
        let _ = (topic_partition, unique);
        todo!()
    }

    /// Removes a directory that was marked as deleted. Blocks for as long as the files are large.
    pub fn remove(&self, path: &Path) -> Result<(), LogError> {
        let _ = path;
        todo!()
    }

    /// Room on the disk.
    pub fn space(&self) -> Result<Space, LogError> {
        todo!()
    }

    /// The files that logs in this directory are opened with.
    pub fn files(&self) -> &Arc<Files> {
        &self.files
    }
}
