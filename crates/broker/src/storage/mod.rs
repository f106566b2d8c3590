//! The directories that a node lives in: formatted if they are empty, checked, and held exclusively.
//!
//! The files are those of `kafka-storage.sh format`. A directory of another cluster or node is never touched. An empty
//! directory is formatted at start if it is clear what for: a node that is a quorum of its own makes its own cluster
//! id; any other takes `cluster.id` from its configuration. What needs a decision is left to `chronik format`.

mod checkpoint;
mod error;
mod format;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chronik_log::{Files, LogDir, LogError, MetaProperties};
use chronik_state::config::NodeConfig;
use chronik_types::{Millis, uuid_to_text};
use uuid::Uuid;

pub use error::StorageError;
pub use format::{Format, FormatOutcome, InitialVoters, format_directories};

/// The directory of the metadata log within its log directory.
pub const METADATA_LOG: &str = "__cluster_metadata-0";

/// Everything that the node has on disk, held exclusively.
#[derive(Debug)]
pub struct Storage {
    /// The cluster that the node belongs to.
    pub cluster_id: String,
    /// The log directories in the order of the configuration, and that of the metadata log if it is a separate one.
    pub dirs: Vec<Opened>,
    /// Which of them holds the metadata log.
    pub metadata_dir: usize,
}

/// A log directory that was opened.
#[derive(Debug)]
pub struct Opened {
    /// The directory.
    pub log_dir: LogDir,
    /// Its `directory.id` (KIP-858).
    pub directory_id: Uuid,
}

/// Locks the node's directories, formats those that are empty and checks the others. `random` draws ids.
///
/// # Errors
/// A directory is in use, belongs elsewhere or cannot be formatted without a decision, or the disk fails.
pub fn open(
    files: &Arc<Files>,
    config: &NodeConfig,
    now: Millis,
    random: &mut dyn FnMut() -> u128,
) -> Result<Storage, StorageError> {
    let mut held = Vec::new();
    for path in directories(config) {
        let log_dir = lock(files, &path)?;
        let meta = log_dir.meta()?;
        if let Some(meta) = &meta {
            check(&path, meta, config)?;
        }
        held.push((log_dir, meta));
    }
    let cluster_id = match common_cluster_id(&held)? {
        Some(known) => known,
        None => format::cluster_id_for_new(config, random)?,
    };
    let metadata_dir = metadata_dir(config);
    let mut dirs = Vec::new();
    for (at, (log_dir, meta)) in held.into_iter().enumerate() {
        let directory_id = match meta {
            Some(meta) => directory_id(&log_dir, meta, random)?,
            None => {
                let is_first = at == metadata_dir;
                format::format_empty(&log_dir, config, &cluster_id, is_first, now, random)?
            }
        };
        dirs.push(Opened { log_dir, directory_id });
    }
    check_ids(&dirs)?;
    Ok(Storage { cluster_id, dirs, metadata_dir })
}

/// The log directories, and the metadata log's directory at the end if it is none of them.
fn directories(config: &NodeConfig) -> Vec<PathBuf> {
    let mut all = config.log_dirs.clone();
    if !all.contains(&config.metadata_log_dir) {
        all.push(config.metadata_log_dir.clone());
    }
    all
}

fn metadata_dir(config: &NodeConfig) -> usize {
    config.log_dirs.iter().position(|dir| *dir == config.metadata_log_dir).unwrap_or(config.log_dirs.len())
}

fn lock(files: &Arc<Files>, path: &Path) -> Result<LogDir, StorageError> {
    LogDir::open(files, path).map_err(|error| match error {
        LogError::Io { ref source, .. } if source.kind() == std::io::ErrorKind::WouldBlock => {
            StorageError::InUse { path: path.to_owned() }
        }
        other => StorageError::Log(other),
    })
}

/// Whether a formatted directory is this node's.
fn check(path: &Path, meta: &MetaProperties, config: &NodeConfig) -> Result<(), StorageError> {
    if let Some(stored) = meta.node_id.filter(|stored| *stored != config.node_id) {
        return Err(StorageError::OtherNode { path: path.to_owned(), stored, configured: config.node_id });
    }
    match (&meta.cluster_id, &config.cluster_id) {
        (Some(stored), Some(configured)) if **stored != **configured => Err(StorageError::OtherCluster {
            path: path.to_owned(),
            stored: stored.clone(),
            configured: configured.to_string(),
        }),
        _ => Ok(()),
    }
}

/// The cluster that all formatted directories name; `None` if there is none of them.
fn common_cluster_id(held: &[(LogDir, Option<MetaProperties>)]) -> Result<Option<String>, StorageError> {
    let mut common: Option<&String> = None;
    for (log_dir, meta) in held {
        let Some(stored) = meta.as_ref().and_then(|meta| meta.cluster_id.as_ref()) else { continue };
        match common {
            Some(known) if known != stored => {
                return Err(StorageError::OtherCluster {
                    path: log_dir.path().to_owned(),
                    stored: stored.clone(),
                    configured: known.clone(),
                });
            }
            _ => common = Some(stored),
        }
    }
    Ok(common.cloned())
}

/// The id of a formatted directory; one that was formatted before there were such ids gets one now.
fn directory_id(
    log_dir: &LogDir,
    meta: MetaProperties,
    random: &mut dyn FnMut() -> u128,
) -> Result<Uuid, StorageError> {
    if let Some(id) = meta.directory_id {
        return Ok(id);
    }
    let id = new_id(random);
    log_dir.write_meta(&MetaProperties { directory_id: Some(id), ..meta })?;
    Ok(id)
}

fn check_ids(dirs: &[Opened]) -> Result<(), StorageError> {
    let mut seen = BTreeSet::new();
    match dirs.iter().find(|opened| !seen.insert(opened.directory_id)) {
        Some(twice) => Err(StorageError::SameId {
            path: twice.log_dir.path().to_owned(),
            id: uuid_to_text(twice.directory_id),
        }),
        None => Ok(()),
    }
}

/// A random id as Kafka draws them: version 4, not one of the reserved ones, and not starting with a dash, so that it can be
/// given on a command line (`Uuid.randomUuid`).
pub fn new_id(random: &mut dyn FnMut() -> u128) -> Uuid {
    loop {
        let id = uuid::Builder::from_random_bytes(random().to_be_bytes()).into_uuid();
        if id.as_u128() > 100 && !uuid_to_text(id).starts_with('-') {
            return id;
        }
    }
}

#[cfg(test)]
mod tests;
