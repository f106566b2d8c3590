//! The quorum's files beside the metadata log: `quorum-state`, and the snapshots that replace the log's head.

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chronik_log::batch::BatchIter;
use chronik_log::disk::{self, Disk, Mode};
use chronik_log::{Files, LogError};
use chronik_raft::{ControlRecord, QuorumState, SnapshotId};
use chronik_state::config::MetadataLogConfig;
use chronik_state::records::Name;
use chronik_types::{LeaderEpoch, Millis, NodeId, Offset};

use super::committed::control_records;
use super::snapshots::Piece;

/// What the file of a snapshot that is being fetched ends with.
const FETCHED: &str = ".checkpoint.part";

/// Where the quorum's files are.
#[derive(Clone)]
pub(super) struct Store {
    dir: PathBuf,
    node_id: NodeId,
    files: Arc<Files>,
    latest: Option<SnapshotId>,
    bootstrap_features: Vec<(Name, i16)>,
}

impl Store {
    pub(super) fn new(files: Arc<Files>, dir: PathBuf, node_id: NodeId) -> Store {
        Store { dir, node_id, files, latest: None, bootstrap_features: Vec::new() }
    }

    /// With the feature levels that the formatter left for the first leader.
    pub(super) fn with_bootstrap_features(self, bootstrap_features: Vec<(Name, i16)>) -> Store {
        Store { bootstrap_features, ..self }
    }

    /// The feature levels that the formatter left for the first leader.
    pub(super) fn bootstrap_features(&self) -> &[(Name, i16)] {
        &self.bootstrap_features
    }

    pub(super) fn node_id(&self) -> NodeId {
        self.node_id
    }

    fn disk(&self) -> &dyn Disk {
        &**self.files.disk()
    }

    /// The state of the last run, if there was one.
    pub(super) fn read_quorum_state(&self) -> Result<Option<QuorumState>, LogError> {
        let path = self.dir.join("quorum-state");
        if !self.disk().exists(&path).map_err(|error| io("look for", &path, error))? {
            return Ok(None);
        }
        let bytes = self.read(&path)?;
        let damaged = |error: &dyn std::fmt::Display| {
            let advice = "it says whom this node voted for: restore it. The only voter of a quorum may start without the \
                          file; one of several must not, but come back with an empty metadata directory";
            corrupt(&path, &format_args!("{error}; {advice}"))
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| damaged(&error))?;
        QuorumState::from_json(text).map(Some).map_err(|error| damaged(&error))
    }

    /// Replaces the state; durable on return.
    pub(super) fn write_quorum_state(&self, content: &str) -> Result<(), LogError> {
        let path = self.dir.join("quorum-state");
        disk::replace_file(self.disk(), &path, content.as_bytes()).map_err(|error| io("write", &path, error))
    }

    /// The latest snapshot's name.
    pub(super) fn latest_id(&self) -> Option<SnapshotId> {
        self.latest
    }

    /// A snapshot was written.
    pub(super) fn note_snapshot(&mut self, id: SnapshotId) {
        self.latest = Some(id);
    }

    /// The latest snapshot and its bytes, if there is one. What an interrupted writer left is removed.
    pub(super) fn load_latest(&mut self) -> Result<Option<(SnapshotId, PathBuf, Bytes)>, LogError> {
        let mut latest = None;
        self.disk().create_dir_all(&self.dir).map_err(|error| io("create", &self.dir, error))?;
        // A vote is as durable as the directories that it is written in.
        let parent = self.dir.parent().unwrap_or(&self.dir);
        for dir in [&self.dir, parent] {
            self.disk().sync_dir(dir).map_err(|error| io("sync", dir, error))?;
        }
        for entry in self.disk().list(&self.dir).map_err(|error| io("list", &self.dir, error))? {
            let path = self.dir.join(&entry.name);
            if entry.name.ends_with(FETCHED) || entry.name.ends_with(".checkpoint.tmp") {
                self.disk().remove_file(&path).map_err(|error| io("remove", &path, error))?;
            }
            let id = snapshot_id(&entry.name);
            latest = latest.max(id.map(|id| ((id.offset, id.epoch), path)));
        }
        let Some(((offset, epoch), path)) = latest else { return Ok(None) };
        let id = SnapshotId { offset, epoch };
        self.latest = Some(id);
        let bytes = self.read(&path)?;
        Ok(Some((id, path, bytes)))
    }

    fn path_of(&self, id: SnapshotId) -> PathBuf {
        self.dir.join(format!("{:020}-{:010}.checkpoint", id.offset.0, id.epoch.0))
    }

    fn fetched_path_of(&self, id: SnapshotId) -> PathBuf {
        self.dir.join(format!("{:020}-{:010}{FETCHED}", id.offset.0, id.epoch.0))
    }

    /// Writes a snapshot; durable on return.
    pub(super) fn write_snapshot(&self, id: SnapshotId, bytes: &[u8]) -> Result<(), LogError> {
        let path = self.path_of(id);
        disk::replace_file(self.disk(), &path, bytes).map_err(|error| io("write", &path, error))
    }

    /// Writes a piece of a snapshot that is being fetched; position 0 begins it anew.
    pub(super) fn write_piece(&self, id: SnapshotId, position: u64, bytes: &[u8]) -> Result<(), LogError> {
        let path = self.fetched_path_of(id);
        let write = || {
            let file = self.disk().open(&path, Mode::Create)?;
            if position == 0 {
                file.set_len(0)?;
            }
            file.write_all_at(&mut [IoSlice::new(bytes)], position)
        };
        write().map_err(|error| io("write", &path, error))
    }

    /// A snapshot that was fetched, as far as it came.
    pub(super) fn read_fetched(&self, id: SnapshotId) -> Result<(PathBuf, Bytes), LogError> {
        let path = self.fetched_path_of(id);
        let bytes = self.read(&path)?;
        Ok((path, bytes))
    }

    /// Makes a fetched snapshot the latest; durable on return.
    pub(super) fn accept_fetched(&mut self, id: SnapshotId) -> Result<(), LogError> {
        let (from, to) = (self.fetched_path_of(id), self.path_of(id));
        let accept = || {
            self.disk().open(&from, Mode::Write)?.sync_data()?;
            self.disk().rename(&from, &to)?;
            self.disk().sync_dir(&self.dir)
        };
        accept().map_err(|error| io("rename", &from, error))?;
        self.latest = Some(id);
        Ok(())
    }

    /// A piece of a snapshot, at most `max` bytes.
    pub(super) fn read_piece(&self, id: SnapshotId, position: u64, max: usize) -> Result<Piece, LogError> {
        let path = self.path_of(id);
        let read = || {
            if !self.disk().exists(&path)? {
                return Ok(Piece::NotFound);
            }
            let file = self.disk().open(&path, Mode::Read)?;
            let size = file.len()?;
            if position >= size {
                return Ok(Piece::OutOfRange);
            }
            let mut bytes = vec![0; usize::try_from(size - position).unwrap_or(max).min(max)];
            let count = file.read_at(&mut bytes, position)?;
            bytes.truncate(count);
            Ok(Piece::Found { size, bytes: bytes.into() })
        };
        read().map_err(|error| io("read", &path, error))
    }

    /// Removes what is too much or too old, but never the latest. Returns the oldest that is left, if any was removed or
    /// could let the log's head go.
    pub(super) fn remove_old_snapshots(
        &self,
        config: &MetadataLogConfig,
        log_bytes: u64,
        now: Millis,
    ) -> Result<Option<SnapshotId>, LogError> {
        let entries = self.disk().list(&self.dir).map_err(|error| io("list", &self.dir, error))?;
        let mut all: Vec<SnapshotId> = entries.iter().filter_map(|entry| snapshot_id(&entry.name)).collect();
        all.sort_by_key(|id| (id.offset, id.epoch));
        let mut bytes = log_bytes;
        let mut sizes = Vec::new();
        for id in &all {
            let path = self.path_of(*id);
            let size = self.disk().open(&path, Mode::Read).and_then(|file| file.len());
            sizes.push(size.map_err(|error| io("look at", &path, error))?);
        }
        bytes += sizes.iter().sum::<u64>();
        let mut removed = 0;
        while all.len() - removed > 1 {
            let path = self.path_of(all[removed]);
            let too_much = config.retention_bytes >= 0 && bytes > config.retention_bytes as u64;
            let is_too_old = config.retention_ms >= 0 && self.is_older(&path, now.0 - config.retention_ms)?;
            if !(too_much || is_too_old) {
                break;
            }
            self.disk().remove_file(&path).map_err(|error| io("remove", &path, error))?;
            bytes -= sizes[removed];
            removed += 1;
        }
        Ok((removed > 0).then(|| all[removed]))
    }

    /// Whether the last record in a snapshot was written before `then`, in ms since the Unix epoch.
    fn is_older(&self, path: &Path, then: i64) -> Result<bool, LogError> {
        let bytes = self.read(path)?;
        let mut at = None;
        if let Some(Ok(first)) = BatchIter::new(&bytes).next() {
            let found = control_records(first, |_, key, value| {
                if let Ok(Some(ControlRecord::SnapshotHeader(header))) = ControlRecord::decode(key, value) {
                    at = Some(header.last_contained_log_timestamp);
                }
            });
            found.map_err(|error| corrupt(path, &error))?;
        }
        Ok(at.is_some_and(|at| at < then))
    }

    fn read(&self, path: &Path) -> Result<Bytes, LogError> {
        disk::read_file(self.disk(), path).map(Bytes::from).map_err(|error| io("read", path, error))
    }
}

/// `00000000000000000042-0000000003.checkpoint`: the end offset and the epoch (KIP-630).
fn snapshot_id(name: &str) -> Option<SnapshotId> {
    let (offset, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
    let is_padded = offset.len() == 20 && epoch.len() == 10;
    let id =
        || Some(SnapshotId { offset: Offset(offset.parse().ok()?), epoch: LeaderEpoch(epoch.parse().ok()?) });
    is_padded.then(id).flatten()
}

pub(super) fn io(what: &'static str, path: &Path, error: std::io::Error) -> LogError {
    LogError::io(what, path, error)
}

pub(super) fn corrupt(path: &Path, reason: &dyn std::fmt::Display) -> LogError {
    LogError::Corrupt { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_padded_names_are_snapshots() {
        let id = snapshot_id("00000000000000000042-0000000003.checkpoint").unwrap();
        assert_eq!((id.offset, id.epoch), (Offset(42), LeaderEpoch(3)));
        for name in
            ["bootstrap.checkpoint", "42-3.checkpoint", "00000000000000000042-0000000003.checkpoint.part"]
        {
            assert_eq!(snapshot_id(name), None);
        }
    }
}
