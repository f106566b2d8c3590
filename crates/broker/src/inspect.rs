//! A node as one sees it from outside, for those who judge it: the simulation's invariants. Nothing here changes anything.

use std::sync::Arc;

use bytes::Bytes;
use chronik_log::LogError;
use chronik_state::image::MetadataImage;
use chronik_types::{LeaderEpoch, Offset};

use crate::node::Node;

/// A node at one moment.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Its part in the quorum.
    pub quorum: chronik_raft::Inspection,
    /// The cluster as it knows it.
    pub image: Arc<MetadataImage>,
}

/// A batch of the metadata log, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataBatch {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset after its last record.
    pub end_offset: Offset,
    /// The epoch of the leader that wrote it.
    pub epoch: LeaderEpoch,
    /// All of it.
    pub bytes: Bytes,
}

impl Node {
    /// Shows the node as it is.
    pub fn inspect(&self) -> Inspection {
        Inspection { quorum: self.quorum().inspect(), image: self.image() }
    }

    /// The batches of its metadata log from the one that holds `from` on, or from the log's start, committed or not.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn metadata_batches(&self, from: Offset) -> Result<Vec<MetadataBatch>, LogError> {
        self.quorum().batches(from)
    }
}
