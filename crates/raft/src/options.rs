//! What a node is told once, at start.

use std::{sync::Arc, time::Duration};

use chronik_types::NodeId;

use crate::{DirectoryId, Endpoints, KRaftVersionRange, ReplicaKey, VoterSet};

/// The settings of one quorum member. Names and defaults are Kafka's `controller.quorum.*`.
#[derive(Clone, Debug)]
pub struct Options {
    /// `node.id`.
    pub node_id: NodeId,
    /// `directory.id` of the metadata log's directory.
    pub directory_id: DirectoryId,
    /// `cluster.id`; a request that names another is refused with `INCONSISTENT_CLUSTER_ID`.
    pub cluster_id: Arc<str>,
    /// Whether this node can vote at all (`process.roles` has `controller`). A broker only observes.
    pub can_vote: bool,
    /// The listener that quorum members call each other on (first of `controller.listener.names`).
    pub listener: Arc<str>,
    /// This node's controller listeners, as other voters shall reach it.
    pub endpoints: Endpoints,
    /// `controller.quorum.voters`; empty if the voters are in the log (KIP-853).
    pub static_voters: VoterSet,
    /// `controller.quorum.bootstrap.servers`: host and port.
    pub bootstrap_servers: Vec<(Arc<str>, u16)>,
    /// `kraft.version`s that this node speaks.
    pub versions: KRaftVersionRange,
    /// `controller.quorum.election.timeout.ms`: how long a candidate waits for votes (drawn from 1x to 2x).
    pub election_timeout: Duration,
    /// `controller.quorum.fetch.timeout.ms`: how long a follower waits for its leader.
    pub fetch_timeout: Duration,
    /// How long followers wait for each other once their leader's host says that the leader is gone, or the leader that it
    /// leads no more: the first stands within 1x, each other one 1x later; not one of Kafka's settings. Pre-votes keep them
    /// from unseating a leader that others still hear.
    pub leader_gone_timeout: Duration,
    /// `controller.quorum.election.backoff.max.ms`.
    pub election_backoff_max: Duration,
    /// `controller.quorum.request.timeout.ms`: when an unanswered request counts as failed.
    pub request_timeout: Duration,
    /// `controller.quorum.retry.backoff.ms`: the wait after a failed request.
    pub retry_backoff: Duration,
    /// How long a leader may hold a Fetch that has nothing to return (Kafka: 500 ms).
    pub fetch_max_wait: Duration,
    /// `controller.quorum.fetch.max.bytes`.
    pub fetch_max_bytes: u32,
    /// `controller.quorum.fetch.snapshot.max.bytes`.
    pub snapshot_max_bytes: u32,
    /// `controller.quorum.auto.join.enable`: an observer that can vote asks to be added.
    pub auto_join: bool,
    /// Where this node's random timeouts come from; two nodes must not share it.
    pub seed: u64,
}

impl Options {
    /// Kafka's defaults for a controller that listens on `endpoints`.
    pub fn new(
        node_id: NodeId,
        directory_id: DirectoryId,
        cluster_id: impl Into<Arc<str>>,
        endpoints: Endpoints,
    ) -> Options {
        let listener =
            endpoints.0.first().map_or_else(|| "CONTROLLER".into(), |first| first.listener.clone());
        Options {
            node_id,
            directory_id,
            cluster_id: cluster_id.into(),
            can_vote: true,
            listener,
            endpoints,
            static_voters: VoterSet::default(),
            bootstrap_servers: Vec::new(),
            versions: KRaftVersionRange { min: 0, max: 1 },
            election_timeout: Duration::from_secs(1),
            fetch_timeout: Duration::from_secs(2),
            leader_gone_timeout: Duration::from_millis(40),
            election_backoff_max: Duration::from_secs(1),
            request_timeout: Duration::from_secs(2),
            retry_backoff: Duration::from_millis(20),
            fetch_max_wait: Duration::from_millis(500),
            fetch_max_bytes: 1 << 20,
            snapshot_max_bytes: 1 << 20,
            auto_join: false,
            seed: 0,
        }
    }

    /// This node as the quorum knows it.
    pub fn key(&self) -> ReplicaKey {
        ReplicaKey::new(self.node_id, self.directory_id)
    }
}
