//! The quorum's configuration: who votes, whom to ask, and the timeouts.

use std::sync::Arc;

use chronik_types::NodeId;

/// One `id@host:port` of `controller.quorum.voters`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// The controller's node id.
    pub id: NodeId,
    /// Host name or address.
    pub host: Arc<str>,
    /// Port.
    pub port: u16,
}

/// Everything `controller.quorum.*`. Durations in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumConfig {
    /// The static voters; empty when the voters are in the log (KIP-853).
    pub voters: Vec<Voter>,
    /// Whom to ask for the quorum, as host and port.
    pub bootstrap_servers: Vec<(Arc<str>, u16)>,
    /// A candidate without a decision starts again after this.
    pub election_timeout_ms: u64,
    /// Upper bound of the random pause between elections.
    pub election_backoff_max_ms: u64,
    /// A follower that could not fetch for this long becomes a candidate.
    pub fetch_timeout_ms: u64,
    /// How long the leader collects records before it writes them.
    pub append_linger_ms: u64,
    /// How long a request to another node of the quorum may take.
    pub request_timeout_ms: u64,
    /// Pause before a request is repeated.
    pub retry_backoff_ms: u64,
    /// Whether a controller adds itself to the voters.
    pub auto_join: bool,
    /// Bytes of a fetch on the metadata log.
    pub fetch_bytes_max: u32,
    /// Bytes of a snapshot chunk.
    pub fetch_snapshot_bytes_max: u32,
}
