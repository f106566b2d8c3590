//! The `quorum-state` file: which epoch, who leads it, whom this node voted for (Kafka's `ElectionState`).
//!
//! Kafka's `FileQuorumStateStore` writes one JSON object. `data_version` 0 belongs to static quorums
//! (`kraft.version` 0), 1 adds the directory of the voted replica (KIP-853).

use chronik_types::{LeaderEpoch, NodeId};
use thiserror::Error;

use crate::ReplicaKey;

/// What a node must never forget. Votes and leaders of an epoch never change within it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuorumState {
    /// The highest epoch seen.
    pub epoch: LeaderEpoch,
    /// Its leader, where known.
    pub leader: Option<NodeId>,
    /// Whom this node voted for in it.
    pub voted: Option<ReplicaKey>,
}

/// The file is not a quorum state.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum QuorumStateError {
    /// Not a JSON object, or a number or text where another belongs.
    #[error("quorum-state: {0}")]
    Malformed(&'static str),
    /// A `data_version` from the future.
    #[error("quorum-state: data_version {0} is not supported")]
    UnsupportedVersion(i64),
}
