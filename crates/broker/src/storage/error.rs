//! Why a node's directories cannot be used. Each text says what to do.

use std::path::PathBuf;

use chronik_log::LogError;
use chronik_types::NodeId;

/// The directories cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The disk's fault, or a damaged file.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Another process has the directory.
    #[error("{} is in use by another process: stop that one, or point log.dirs to another directory", path.display())]
    InUse {
        /// Which directory.
        path: PathBuf,
    },
    /// The directory is another node's.
    #[error(
        "{} belongs to node {stored}, but node.id is {configured}: point log.dirs to another directory, or set node.id={stored}",
        path.display()
    )]
    OtherNode {
        /// Which directory.
        path: PathBuf,
        /// Whose it is.
        stored: NodeId,
        /// Who we are.
        configured: NodeId,
    },
    /// The directory is another cluster's.
    #[error(
        "{} belongs to cluster {stored}, but this node's cluster is {configured}: point log.dirs to another directory, \
         or correct cluster.id",
        path.display()
    )]
    OtherCluster {
        /// Which directory.
        path: PathBuf,
        /// Whose it is.
        stored: String,
        /// Ours.
        configured: String,
    },
    /// Two directories have the same id: one is a copy of the other.
    #[error("{} has the same directory.id {id} as another of log.dirs: one of them is a copy, leave it out", path.display())]
    SameId {
        /// The second of them.
        path: PathBuf,
        /// Their id.
        id: String,
    },
    /// There is data, but nothing that says whose.
    #[error(
        "{} holds {found} but no meta.properties: restore that file, or point log.dirs to an empty directory",
        path.display()
    )]
    NotEmpty {
        /// Which directory.
        path: PathBuf,
        /// Something in it.
        found: String,
    },
    /// An empty directory of a configured cluster, and no `cluster.id`.
    #[error(
        "the data directories are empty and the configuration does not say which cluster this node belongs to: set \
         cluster.id to the same value on every node (`chronik random-uuid` makes one)"
    )]
    NoClusterId,
    /// The configuration does not say whether the node begins a cluster or joins one.
    #[error(
        "the data directories are empty, and controller.quorum.bootstrap.servers does not say whether this controller \
         begins a cluster: run `chronik format` with --standalone, --initial-controllers or --no-initial-controllers"
    )]
    Undecided,
    /// `format` found a directory that is formatted.
    #[error("{} is already formatted: use --ignore-formatted to leave it as it is and format the others", path.display())]
    Formatted {
        /// Which directory.
        path: PathBuf,
    },
    /// The initial voters do not fit this node.
    #[error("{0}")]
    Voters(String),
}
