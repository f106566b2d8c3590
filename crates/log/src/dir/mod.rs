//! The directory that holds the logs of one disk (an entry of `log.dirs`): its lock, its checkpoints, its logs.
//!
//! All files are Kafka's own. A checkpoint is replaced as a whole and durably, or not at all.

mod name;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chronik_types::{BrokerEpoch, Offset, TopicId, TopicPartition};
use uuid::Uuid;

use crate::checkpoint::{MetaProperties, clean_shutdown, offsets, partition_metadata, properties};
use crate::disk::{Lock, Space, read_file, replace_file};
use crate::error::{Context, LogError};
use crate::files::Files;

pub use name::{DirKind, DirName};

const LOCK: &str = ".lock";
const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
const START_OFFSETS: &str = "log-start-offset-checkpoint";
const CLEANED_TO: &str = "cleaner-offset-checkpoint";
const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";

type Offsets = BTreeMap<TopicPartition, Offset>;

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
    /// Checkpoints that could not be parsed and count as empty, each with its reason: worth a warning.
    pub damaged: Vec<String>,
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
    /// From `cleaner-offset-checkpoint`, if compaction has been there.
    pub cleaned_to: Option<Offset>,
}

impl LogDir {
    /// Makes the directory if need be and locks it (`.lock`).
    ///
    /// Errors: `Io` with `WouldBlock` when another process has it.
    pub fn open(files: &Arc<Files>, path: &Path) -> Result<LogDir, LogError> {
        let disk = files.disk();
        // A directory's name is durable when the directory above it has been synced.
        let mut made = Vec::new();
        for dir in path.ancestors().filter(|dir| !dir.as_os_str().is_empty()) {
            if disk.exists(dir).context("look at", dir)? {
                break;
            }
            made.push(dir);
        }
        disk.create_dir_all(path).context("make", path)?;
        for parent in made.into_iter().filter_map(Path::parent) {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            disk.sync_dir(parent).context("sync", parent)?;
        }
        let lock_path = path.join(LOCK);
        let lock = disk.lock(&lock_path).context("lock", &lock_path)?;
        Ok(LogDir { files: files.clone(), path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that logs in this directory are opened with.
    pub fn files(&self) -> &Arc<Files> {
        &self.files
    }

    /// Where a partition's log is, whether it exists or not.
    pub fn log_path(&self, topic_partition: &TopicPartition) -> PathBuf {
        self.path.join(topic_partition.to_string())
    }

    /// Looks at everything in the directory. A clean-shutdown marker is read and removed: from now on a crash is a crash.
    pub fn scan(&self) -> Result<Found, LogError> {
        let mut found = Found::default();
        if let Some(text) = self.read_text(clean_shutdown::NAME)? {
            found.clean = true;
            found.broker_epoch = clean_shutdown::parse(&text);
            let path = self.path.join(clean_shutdown::NAME);
            self.files.disk().remove_file(&path).context("remove", &path)?;
            self.files.disk().sync_dir(&self.path).context("sync", &self.path)?;
        }
        let recovery_points = self.read_offsets(RECOVERY_POINTS, &mut found)?;
        let start_offsets = self.read_offsets(START_OFFSETS, &mut found)?;
        let high_watermarks = self.read_offsets(HIGH_WATERMARKS, &mut found)?;
        let cleaned = self.read_offsets(CLEANED_TO, &mut found)?;
        for entry in self.files.disk().list(&self.path).context("list", &self.path)? {
            let Some(DirName { topic_partition, kind }) =
                DirName::parse(&entry.name).filter(|_| entry.is_dir)
            else {
                continue;
            };
            let path = self.path.join(&entry.name);
            if kind == DirKind::Deleted {
                found.deleted.push(path);
                continue;
            }
            let metadata = self.read_text(&format!("{}/{}", entry.name, partition_metadata::NAME))?;
            let of = |offsets: &Offsets| offsets.get(&topic_partition).copied().unwrap_or_default();
            found.logs.push(FoundLog {
                topic_id: metadata.and_then(|text| partition_metadata::parse(&text).ok()),
                recovery_point: of(&recovery_points),
                start_offset: of(&start_offsets),
                high_watermark: of(&high_watermarks),
                cleaned_to: cleaned.get(&topic_partition).copied(),
                path,
                topic_partition,
                kind,
            });
        }
        Ok(found)
    }

    /// `meta.properties`, if there is one.
    ///
    /// Errors: `Corrupt` if it cannot be parsed, or is not version 1.
    pub fn meta(&self) -> Result<Option<MetaProperties>, LogError> {
        let path = self.path.join(properties::NAME);
        let parse =
            |text: String| MetaProperties::parse(&text).map_err(|reason| LogError::corrupt(&path, reason));
        self.read_text(properties::NAME)?.map(parse).transpose()
    }

    /// Writes `meta.properties`.
    pub fn write_meta(&self, meta: &MetaProperties) -> Result<(), LogError> {
        self.replace(properties::NAME, &meta.format())
    }

    /// Replaces `recovery-point-offset-checkpoint`.
    pub fn write_recovery_points(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
    ) -> Result<(), LogError> {
        self.replace(RECOVERY_POINTS, &offsets::format(&offsets.into_iter().collect()))
    }

    /// Replaces `log-start-offset-checkpoint`. Kafka lists only logs whose start is above their first segment's.
    pub fn write_start_offsets(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
    ) -> Result<(), LogError> {
        self.replace(START_OFFSETS, &offsets::format(&offsets.into_iter().collect()))
    }

    /// Replaces `replication-offset-checkpoint` (the high watermarks).
    pub fn write_high_watermarks(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
    ) -> Result<(), LogError> {
        self.replace(HIGH_WATERMARKS, &offsets::format(&offsets.into_iter().collect()))
    }

    /// Replaces `cleaner-offset-checkpoint`: up to where compaction has got.
    pub fn write_cleaned(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
    ) -> Result<(), LogError> {
        self.replace(CLEANED_TO, &offsets::format(&offsets.into_iter().collect()))
    }

    /// Leaves the marker of a clean shutdown (`.kafka_cleanshutdown`). Only after every log has been closed, and the
    /// recovery points have been written.
    pub fn write_clean_shutdown(&self, broker_epoch: BrokerEpoch) -> Result<(), LogError> {
        self.replace(clean_shutdown::NAME, &clean_shutdown::format(broker_epoch))
    }

    /// Renames a log's directory to `<topic>-<partition>.<unique>-delete`, durably: the log is gone, its files wait for
    /// [`LogDir::remove`]. `unique` is any fresh id. `None` if there is no such directory (nothing was ever appended).
    pub fn mark_deleted(
        &self,
        topic_partition: &TopicPartition,
        unique: Uuid,
    ) -> Result<Option<PathBuf>, LogError> {
        let from = self.log_path(topic_partition);
        let to = self.path.join(DirName::with_suffix(topic_partition, DirKind::Deleted, unique));
        match self.files.disk().rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.context("rename", &from)?,
        }
        self.files.disk().sync_dir(&self.path).context("sync", &self.path)?;
        Ok(Some(to))
    }

    /// Removes a directory that was marked as deleted. Blocks for as long as the files are large.
    pub fn remove(&self, path: &Path) -> Result<(), LogError> {
        self.files.disk().remove_dir_all(path).context("remove", path)
    }

    /// Room on the disk.
    pub fn space(&self) -> Result<Space, LogError> {
        self.files.disk().space(&self.path).context("measure", &self.path)
    }

    fn replace(&self, name: &str, text: &str) -> Result<(), LogError> {
        let path = self.path.join(name);
        replace_file(&**self.files.disk(), &path, text.as_bytes()).context("write", &path)
    }

    fn read_text(&self, name: &str) -> Result<Option<String>, LogError> {
        let path = self.path.join(name);
        match read_file(&**self.files.disk(), &path) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LogError::io("read", &path, error)),
        }
    }

    /// A checkpoint's offsets; none if it is not there, or damaged, which is noted.
    fn read_offsets(&self, name: &'static str, found: &mut Found) -> Result<Offsets, LogError> {
        let Some(text) = self.read_text(name)? else { return Ok(Offsets::new()) };
        Ok(offsets::parse(&text).unwrap_or_else(|reason| {
            found.damaged.push(format!("{}: {reason}", self.path.join(name).display()));
            Offsets::new()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;
    use crate::disk::memory::MemoryDisk;
    use chronik_types::NodeId;

    fn open(disk: &MemoryDisk) -> LogDir {
        LogDir::open(&Files::new(Arc::new(disk.clone()), 10), Path::new("/data/a")).unwrap()
    }

    #[test]
    fn what_is_written_is_found_again_after_a_crash() {
        let disk = MemoryDisk::new(5);
        let dir = open(&disk);
        let (a, b) = (TopicPartition::new("a.b-c", 0), TopicPartition::new("a.b-c", 12));
        for name in ["a.b-c-0", "a.b-c-12", "lost+found", "a.b-c-1.0123-delete", "x-0.77-stray"] {
            disk.create_dir_all(&dir.path().join(name)).unwrap();
        }
        disk.sync_dir(dir.path()).unwrap();
        dir.write_recovery_points([(a.clone(), Offset(7))]).unwrap();
        dir.write_start_offsets([(b.clone(), Offset(3))]).unwrap();
        dir.write_high_watermarks([(a.clone(), Offset(9)), (b.clone(), Offset(4))]).unwrap();
        dir.write_meta(&MetaProperties { node_id: Some(NodeId(3)), ..MetaProperties::default() }).unwrap();
        disk.crash();
        let dir = open(&disk);
        let found = dir.scan().unwrap();
        assert!(!found.clean && found.damaged.is_empty());
        let of = |log: &FoundLog| (log.recovery_point.0, log.start_offset.0, log.high_watermark.0);
        let logs: Vec<_> = found.logs.iter().map(|log| (log.topic_partition.to_string(), of(log))).collect();
        let expected = [("a.b-c-0", (7, 0, 9)), ("a.b-c-12", (0, 3, 4)), ("x-0", (0, 0, 0))];
        assert_eq!(logs, expected.map(|(name, offsets)| (name.to_owned(), offsets)));
        assert_eq!(found.logs[2].kind, DirKind::Stray);
        assert_eq!(found.deleted, [dir.path().join("a.b-c-1.0123-delete")]);
        assert_eq!(dir.meta().unwrap().unwrap().node_id, Some(NodeId(3)));
    }

    #[test]
    fn a_clean_shutdown_counts_once() {
        let disk = MemoryDisk::new(5);
        let dir = open(&disk);
        dir.write_clean_shutdown(BrokerEpoch(42)).unwrap();
        let found = dir.scan().unwrap();
        assert!(found.clean);
        assert_eq!(found.broker_epoch, Some(BrokerEpoch(42)));
        disk.crash();
        assert!(!open(&disk).scan().unwrap().clean);
    }

    #[test]
    fn a_damaged_checkpoint_is_noted_and_counts_as_empty() {
        let disk = MemoryDisk::new(5);
        let dir = open(&disk);
        replace_file(&disk, &dir.path().join(RECOVERY_POINTS), b"0\n9\n").unwrap();
        let found = dir.scan().unwrap();
        assert_eq!(found.damaged.len(), 1);
        assert!(dir.meta().unwrap().is_none());
        replace_file(&disk, &dir.path().join("meta.properties"), b"version=0").unwrap();
        assert!(matches!(dir.meta(), Err(LogError::Corrupt { .. })));
    }

    #[test]
    fn only_one_holds_it() {
        let disk = MemoryDisk::new(5);
        let first = open(&disk);
        let second = LogDir::open(first.files(), first.path());
        assert!(matches!(second, Err(LogError::Io { .. })));
        drop(first);
        open(&disk);
    }

    #[test]
    fn a_deleted_log_is_renamed_then_removed() {
        let disk = MemoryDisk::new(5);
        let dir = open(&disk);
        let name = TopicPartition::new("t", 0);
        assert_eq!(dir.mark_deleted(&name, Uuid::from_u128(1)).unwrap(), None);
        disk.create_dir_all(&dir.log_path(&name)).unwrap();
        let path = dir.mark_deleted(&name, Uuid::from_u128(1)).unwrap().unwrap();
        assert!(path.to_str().unwrap().ends_with("/t-0.00000000000000000000000000000001-delete"));
        disk.crash();
        let dir = open(&disk);
        assert_eq!(dir.scan().unwrap().deleted, std::slice::from_ref(&path));
        dir.remove(&path).unwrap();
        assert!(dir.scan().unwrap().deleted.is_empty());
    }
}
