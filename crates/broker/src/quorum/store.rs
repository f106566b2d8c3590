//! The quorum's files beside the metadata log: `quorum-state`, and the snapshots that replace the log's head.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chronik_log::disk::{self, Disk};
use chronik_log::{Files, LogError};
use chronik_raft::{QuorumState, SnapshotId};
use chronik_types::{LeaderEpoch, NodeId, Offset};

/// Where the quorum's files are.
pub(super) struct Store {
    dir: PathBuf,
    node_id: NodeId,
    files: Arc<Files>,
}

impl Store {
    pub(super) fn new(files: Arc<Files>, dir: PathBuf, node_id: NodeId) -> Store {
        Store { dir, node_id, files }
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
        let text = std::str::from_utf8(&bytes).map_err(|error| corrupt(&path, &error))?;
        QuorumState::from_json(text).map(Some).map_err(|error| corrupt(&path, &error))
    }

    /// Replaces the state; durable on return.
    pub(super) fn write_quorum_state(&self, content: &str) -> Result<(), LogError> {
        let path = self.dir.join("quorum-state");
        disk::replace_file(self.disk(), &path, content.as_bytes()).map_err(|error| io("write", &path, error))
    }

    /// The latest snapshot and its bytes, if there is one.
    pub(super) fn latest_snapshot(&self) -> Result<Option<(SnapshotId, PathBuf, Bytes)>, LogError> {
        let entries = self.disk().list(&self.dir).map_err(|error| io("list", &self.dir, error))?;
        let latest = entries.iter().filter_map(|entry| snapshot_id(&entry.name).map(|id| (id, &entry.name)));
        let latest = latest.max_by_key(|(id, _)| (id.offset, id.epoch));
        let Some((id, name)) = latest else { return Ok(None) };
        let path = self.dir.join(name);
        let bytes = self.read(&path)?;
        Ok(Some((id, path, bytes)))
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
    LogError::Io { what, path: path.to_owned(), source: Arc::new(error) }
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
