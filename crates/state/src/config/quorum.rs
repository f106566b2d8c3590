//! The quorum's configuration: who votes, whom to ask, and the timeouts.

use std::sync::Arc;

use chronik_types::NodeId;

use super::layers::FileReader;
use super::listener::parse_address;
use super::{ConfigError, Lookup};

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
    /// The metadata log's own settings.
    pub log: MetadataLogConfig,
}

/// Everything `metadata.log.*` and `metadata.max.*`. Sizes in bytes, durations in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataLogConfig {
    /// A new segment begins beyond this size.
    pub segment_bytes: u32,
    /// And beyond this age.
    pub segment_ms: i64,
    /// So many bytes of records bring about a snapshot.
    pub snapshot_bytes: u64,
    /// So does this time, if anything has changed; 0 is never.
    pub snapshot_interval_ms: u64,
    /// Old segments and snapshots go when log and snapshots are larger; -1 is never.
    pub retention_bytes: i64,
    /// And when they are older; -1 is never.
    pub retention_ms: i64,
}

impl QuorumConfig {
    /// Reads `controller.quorum.*`.
    ///
    /// # Errors
    /// A value does not fit.
    pub fn resolve(file: &dyn Lookup) -> Result<QuorumConfig, ConfigError> {
        let read = FileReader(file);
        Ok(QuorumConfig {
            voters: read
                .list("controller.quorum.voters")?
                .iter()
                .map(|text| voter(text))
                .collect::<Result<_, _>>()?,
            bootstrap_servers: read
                .list("controller.quorum.bootstrap.servers")?
                .iter()
                .map(|text| server(text))
                .collect::<Result<_, _>>()?,
            election_timeout_ms: read.size("controller.quorum.election.timeout.ms")?,
            election_backoff_max_ms: read.size("controller.quorum.election.backoff.max.ms")?,
            fetch_timeout_ms: read.size("controller.quorum.fetch.timeout.ms")?,
            request_timeout_ms: read.size("controller.quorum.request.timeout.ms")?,
            retry_backoff_ms: read.size("controller.quorum.retry.backoff.ms")?,
            auto_join: read.flag("controller.quorum.auto.join.enable")?,
            fetch_bytes_max: read.size("controller.quorum.fetch.max.bytes")? as u32,
            fetch_snapshot_bytes_max: read.size("controller.quorum.fetch.snapshot.max.bytes")? as u32,
            log: MetadataLogConfig::resolve(&read)?,
        })
    }

    /// Whether nobody said who the quorum is: the node is one of its own.
    pub fn is_standalone(&self) -> bool {
        self.voters.is_empty() && self.bootstrap_servers.is_empty()
    }
}

impl MetadataLogConfig {
    fn resolve(read: &FileReader<'_>) -> Result<MetadataLogConfig, ConfigError> {
        let signed = |name| Ok(read.value(name)?.and_then(|value| value.as_integer()).unwrap_or(-1));
        let for_tests =
            read.value("internal.metadata.log.segment.bytes")?.and_then(|value| value.as_integer());
        Ok(MetadataLogConfig {
            segment_bytes: for_tests.unwrap_or(signed("metadata.log.segment.bytes")?) as u32,
            segment_ms: signed("metadata.log.segment.ms")?,
            snapshot_bytes: read.size("metadata.log.max.record.bytes.between.snapshots")?,
            snapshot_interval_ms: read.size("metadata.log.max.snapshot.interval.ms")?,
            retention_bytes: signed("metadata.max.retention.bytes")?,
            retention_ms: signed("metadata.max.retention.ms")?,
        })
    }
}

fn voter(text: &str) -> Result<Voter, ConfigError> {
    let parsed = text.split_once('@').and_then(|(id, address)| {
        let id: i32 = id.trim().parse().ok().filter(|id| *id >= 0)?;
        let (host, port) = parse_address(address).filter(|(host, _)| !host.is_empty())?;
        Some(Voter { id: NodeId(id), host, port })
    });
    parsed.ok_or_else(|| {
        ConfigError::Conflict(format!(
            "Invalid configuration value {text} for controller.quorum.voters. \
             Each entry should be in the form `{{id}}@{{host}}:{{port}}`."
        ))
    })
}

fn server(text: &str) -> Result<(Arc<str>, u16), ConfigError> {
    parse_address(text).filter(|(host, _)| !host.is_empty()).ok_or_else(|| {
        ConfigError::Conflict(format!(
            "Failed to parse host name from {text} for the configuration controller.quorum.bootstrap.servers. \
             Each entry should be in the form \"{{host}}:{{port}}\""
        ))
    })
}
