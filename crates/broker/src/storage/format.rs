//! Formatting: `meta.properties`, the bootstrap records and the first voters, as `kafka-storage.sh format` writes them.
//!
//! `meta.properties` comes last and durably: a directory without it is unformatted, whatever else a crash left there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chronik_log::disk::{Disk, replace_file};
use chronik_log::{Files, LogDir, LogError, MetaProperties};
use chronik_raft::{DirectoryId, Endpoint, Endpoints, KRaftVersionRange, ReplicaKey, Voter, VoterSet};
use chronik_state::config::NodeConfig;
use chronik_types::{Millis, NodeId, uuid_to_text};
use uuid::Uuid;

use super::{METADATA_LOG, StorageError, checkpoint, directories, lock, metadata_dir, new_id};

/// The snapshot that the metadata log of a dynamic quorum begins with.
const FIRST_SNAPSHOT: &str = "00000000000000000000-0000000000.checkpoint";

/// Where the quorum's first voters are written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitialVoters {
    /// In the log: this node alone (`--standalone`).
    Standalone,
    /// In the log: these, this node among them (`--initial-controllers`).
    Controllers(VoterSet),
    /// Elsewhere: in `controller.quorum.voters`, or in the log of a cluster that the node will join.
    Elsewhere,
}

/// What to format for.
#[derive(Clone, Debug)]
pub struct Format<'a> {
    /// The node whose directories they are.
    pub config: &'a NodeConfig,
    /// Its cluster; without it, that of a directory which is formatted already, or a new one.
    pub cluster_id: Option<&'a str>,
    /// The first voters.
    pub voters: InitialVoters,
    /// Leave formatted directories alone instead of refusing them.
    pub ignore_formatted: bool,
}

/// What formatting did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormatOutcome {
    /// The cluster that all directories belong to.
    pub cluster_id: String,
    /// The directories that were formatted, with their ids.
    pub formatted: Vec<(PathBuf, Uuid)>,
    /// Those that already were.
    pub left_alone: Vec<PathBuf>,
}

/// Formats a node's directories (`chronik format`).
///
/// # Errors
/// A directory is formatted already, holds data of unknown origin, is in use, or cannot be written.
pub fn format_directories(
    files: &Arc<Files>,
    format: &Format<'_>,
    now: Millis,
    random: &mut dyn FnMut() -> u128,
) -> Result<FormatOutcome, StorageError> {
    let mut outcome = FormatOutcome::default();
    let mut known = format.cluster_id.map(str::to_owned);
    let mut empty = Vec::new();
    for (at, path) in directories(format.config).into_iter().enumerate() {
        let log_dir = lock(files, &path)?;
        match log_dir.meta()? {
            Some(_) if !format.ignore_formatted => return Err(StorageError::Formatted { path }),
            Some(meta) => {
                super::check(&path, &meta, format.config)?;
                join(&path, meta.cluster_id, &mut known)?;
                outcome.left_alone.push(path);
            }
            None => empty.push((log_dir, at == metadata_dir(format.config))),
        }
    }
    outcome.cluster_id = known.unwrap_or_else(|| uuid_to_text(new_id(random)));
    for (log_dir, holds_metadata) in empty {
        let own = format.own_id(holds_metadata, random)?;
        format.write(&log_dir, own, &outcome.cluster_id, holds_metadata, now)?;
        outcome.formatted.push((log_dir.path().to_owned(), own));
    }
    Ok(outcome)
}

/// Takes the cluster of a formatted directory for that of all, or sees that it is.
fn join(path: &Path, stored: Option<String>, known: &mut Option<String>) -> Result<(), StorageError> {
    match (stored, known.as_ref()) {
        (Some(stored), Some(known)) if stored != *known => {
            Err(StorageError::OtherCluster { path: path.to_owned(), stored, configured: known.clone() })
        }
        (Some(stored), None) => {
            *known = Some(stored);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The cluster id for directories that are all empty.
pub(super) fn cluster_id_for_new(
    config: &NodeConfig,
    random: &mut dyn FnMut() -> u128,
) -> Result<String, StorageError> {
    match &config.cluster_id {
        Some(id) => Ok(id.to_string()),
        None if is_alone(config) => Ok(uuid_to_text(new_id(random))),
        None => Err(StorageError::NoClusterId),
    }
}

/// Formats one directory of a node that starts. Returns the directory's id.
pub(super) fn format_empty(
    log_dir: &LogDir,
    config: &NodeConfig,
    cluster_id: &str,
    holds_metadata: bool,
    now: Millis,
    random: &mut dyn FnMut() -> u128,
) -> Result<Uuid, StorageError> {
    let voters = if holds_metadata { initial_voters(config)? } else { InitialVoters::Elsewhere };
    let format = Format { config, cluster_id: Some(cluster_id), voters, ignore_formatted: false };
    let own = new_id(random);
    format.write(log_dir, own, cluster_id, holds_metadata, now)?;
    Ok(own)
}

/// Whether nobody else can be in the quorum.
fn is_alone(config: &NodeConfig) -> bool {
    let quorum = &config.quorum;
    let is_own = |(host, port): &(Arc<str>, u16)| {
        let listeners = &config.listeners;
        let mut all = listeners.controller.iter().chain(&listeners.advertised_controller);
        let local = matches!(&**host, "localhost" | "127.0.0.1" | "::1");
        all.any(|own| own.port == *port && (local || own.host == *host))
    };
    let voters_alone = quorum.voters.iter().all(|voter| voter.id == config.node_id);
    let servers_alone = quorum.bootstrap_servers.len() <= 1 && quorum.bootstrap_servers.iter().all(is_own);
    config.is_controller && voters_alone && (servers_alone || !quorum.voters.is_empty())
}

/// What the configuration says about the first voters.
fn initial_voters(config: &NodeConfig) -> Result<InitialVoters, StorageError> {
    if !config.is_controller || !config.quorum.voters.is_empty() {
        Ok(InitialVoters::Elsewhere)
    } else if is_alone(config) {
        Ok(InitialVoters::Standalone)
    } else {
        Err(StorageError::Undecided)
    }
}

impl Format<'_> {
    /// The id of a directory: a new one, but for the metadata log's if the initial controllers name it.
    fn own_id(&self, holds_metadata: bool, random: &mut dyn FnMut() -> u128) -> Result<Uuid, StorageError> {
        let InitialVoters::Controllers(voters) = &self.voters else { return Ok(new_id(random)) };
        if !holds_metadata {
            return Ok(new_id(random));
        }
        let node = self.config.node_id;
        let own = voters.get(node).map(|voter| voter.key.directory.0);
        own.ok_or_else(|| {
            StorageError::Voters(format!("--initial-controllers does not name this node, {node}"))
        })
    }

    fn write(
        &self,
        log_dir: &LogDir,
        own: Uuid,
        cluster_id: &str,
        holds_metadata: bool,
        now: Millis,
    ) -> Result<(), StorageError> {
        let path = log_dir.path();
        let disk = &**log_dir.files().disk();
        refuse_data(disk, path)?;
        if holds_metadata {
            let file = path.join("bootstrap.checkpoint");
            replace_file(disk, &file, &checkpoint::bootstrap(now))
                .map_err(|error| io("write", &file, error))?;
            if let Some(voters) = self.voters_in_log(own)? {
                write_voters(disk, &path.join(METADATA_LOG), &checkpoint::voters(&voters, now))?;
            }
        }
        log_dir.write_meta(&MetaProperties {
            cluster_id: Some(cluster_id.to_owned()),
            node_id: Some(self.config.node_id),
            directory_id: Some(own),
            ..MetaProperties::default()
        })?;
        Ok(())
    }

    fn voters_in_log(&self, own: Uuid) -> Result<Option<VoterSet>, StorageError> {
        match &self.voters {
            InitialVoters::Elsewhere => Ok(None),
            InitialVoters::Controllers(voters) => Ok(Some(voters.clone())),
            InitialVoters::Standalone => {
                let endpoint = |own: &chronik_state::config::Endpoint| Endpoint {
                    listener: own.listener.clone(),
                    host: own.host.clone(),
                    port: own.port,
                };
                let endpoints: Vec<_> =
                    self.config.listeners.advertised_controller.iter().map(endpoint).collect();
                if endpoints.is_empty() {
                    return Err(StorageError::Voters(
                        "a node without a controller listener cannot be a quorum of its own".to_owned(),
                    ));
                }
                Ok(Some(VoterSet::new([voter(self.config.node_id, own, Endpoints(endpoints))])))
            }
        }
    }
}

fn voter(id: NodeId, directory: Uuid, endpoints: Endpoints) -> Voter {
    Voter {
        key: ReplicaKey::new(id, DirectoryId(directory)),
        endpoints,
        versions: KRaftVersionRange { min: 0, max: 1 },
    }
}

impl InitialVoters {
    /// Reads `--initial-controllers`: `id@host:port:directory` separated by commas.
    ///
    /// # Errors
    /// An entry has another form.
    pub fn parse(text: &str, listener: &str) -> Result<InitialVoters, StorageError> {
        let one = |entry: &str| {
            let (id, rest) = entry.trim().split_once('@')?;
            let (address, directory) = rest.rsplit_once(':')?;
            let (host, port) = chronik_state::config::parse_address(address)?;
            let directory = chronik_types::uuid_from_text(directory)?;
            Some(voter(NodeId(id.parse().ok()?), directory, Endpoints::one(listener, &*host, port)))
        };
        let voters: Option<Vec<Voter>> = text.split(',').map(one).collect();
        match voters {
            Some(voters) => Ok(InitialVoters::Controllers(VoterSet::new(voters))),
            None => Err(StorageError::Voters(format!(
                "--initial-controllers {text}: each entry must be of the form id@host:port:directory-id"
            ))),
        }
    }
}

fn write_voters(disk: &dyn Disk, dir: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    disk.create_dir_all(dir).map_err(|error| io("create", dir, error))?;
    let file = dir.join(FIRST_SNAPSHOT);
    replace_file(disk, &file, bytes).map_err(|error| io("write", &file, error))?;
    Ok(())
}

/// A directory with data but without `meta.properties` is not ours to format. What an interrupted formatting left is.
fn refuse_data(disk: &dyn Disk, path: &Path) -> Result<(), StorageError> {
    const OURS: &[&str] = &[".lock", "lost+found", "bootstrap.checkpoint", "meta.properties"];
    let ours = |name: &str| OURS.contains(&name.strip_suffix(".tmp").unwrap_or(name));
    let entries = disk.list(path).map_err(|error| io("list", path, error))?;
    for entry in entries.iter().filter(|entry| !ours(&entry.name)) {
        let in_metadata = || disk.list(&path.join(METADATA_LOG)).map_err(|error| io("list", path, error));
        let is_first = |name: &str| name.strip_suffix(".tmp").unwrap_or(name) == FIRST_SNAPSHOT;
        if entry.name != METADATA_LOG || in_metadata()?.iter().any(|inner| !is_first(&inner.name)) {
            return Err(StorageError::NotEmpty { path: path.to_owned(), found: entry.name.clone() });
        }
    }
    Ok(())
}

fn io(what: &'static str, path: &Path, source: std::io::Error) -> StorageError {
    StorageError::Log(LogError::io(what, path, source))
}
