//! The limits and intervals of a broker, typed.
//!
//! IncrementalAlterConfigs may change some of them while the node runs, so this is resolved again when a broker's
//! configuration changes; it cannot fail, since values were checked when they were set. Who the node is, and what only a
//! restart changes, is in [`super::NodeConfig`].

use std::sync::Arc;

use super::synonyms::effective;
use super::{CoordinatorConfig, Layers, Nothing, Scope, TopicConfig, Value};

/// Everything else that the broker acts on, dynamic keys included.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerConfig {
    /// Sockets.
    pub network: NetworkConfig,
    /// Requests.
    pub requests: RequestLimits,
    /// What a new topic gets.
    pub topics: TopicCreation,
    /// Background work on logs.
    pub chores: LogChores,
    /// Compaction.
    pub cleaner: CleanerConfig,
    /// How replicas are kept.
    pub replication: ReplicationConfig,
    /// How groups are coordinated.
    pub groups: CoordinatorConfig,
    /// What a topic without overrides has.
    pub defaults: TopicConfig,
}

/// Limits of connections and sockets.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkConfig {
    /// `max.connections`.
    pub connections_max: u32,
    /// `max.connections.per.ip`.
    pub connections_per_ip_max: u32,
    /// `max.connections.per.ip.overrides`: host or address and its limit.
    pub connections_per_ip_overrides: Vec<(Arc<str>, u32)>,
    /// `max.connection.creation.rate`, per second.
    pub connection_rate_max: u32,
    /// `connections.max.idle.ms`; `None` never closes.
    pub idle_ms_max: Option<u64>,
    /// `socket.receive.buffer.bytes`; `None` is the system's.
    pub receive_buffer_bytes: Option<u32>,
    /// `socket.send.buffer.bytes`; `None` is the system's.
    pub send_buffer_bytes: Option<u32>,
    /// `socket.listen.backlog.size`.
    pub listen_backlog: u32,
    /// `socket.request.max.bytes`: the largest request.
    pub request_bytes_max: u32,
    /// `queued.max.request.bytes`: bytes of requests in progress over all connections before reading stops; `None` leaves it to the node.
    pub queued_request_bytes_max: Option<u64>,
}

/// Limits of requests and of what they leave behind.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestLimits {
    /// `fetch.max.bytes`.
    pub fetch_bytes_max: u32,
    /// `max.incremental.fetch.session.cache.slots`.
    pub fetch_sessions_max: u32,
    /// `max.request.partition.size.limit`.
    pub describe_partitions_max: u32,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: u64,
    /// `producer.id.expiration.check.interval.ms`.
    pub producer_id_check_interval_ms: u64,
}

/// How topics come and go.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicCreation {
    /// `num.partitions`.
    pub num_partitions: u32,
    /// `default.replication.factor`.
    pub default_replication_factor: u16,
    /// `auto.create.topics.enable`.
    pub auto_create: bool,
    /// `delete.topic.enable`.
    pub delete_enabled: bool,
}

/// Intervals of the work on logs. Milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct LogChores {
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval_ms: u64,
    /// `log.flush.scheduler.interval.ms`.
    pub flush_check_interval_ms: u64,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub recovery_point_checkpoint_interval_ms: u64,
}

/// How logs are compacted.
#[derive(Clone, Debug, PartialEq)]
pub struct CleanerConfig {
    /// `log.cleaner.enable`.
    pub enable: bool,
    /// `log.cleaner.threads`: logs that are compacted at the same time.
    pub threads: u32,
    /// `log.cleaner.dedupe.buffer.size`: of all threads together.
    pub dedupe_buffer_bytes: u64,
    /// `log.cleaner.io.buffer.load.factor`: how full the key table may get.
    pub load_factor: f64,
    /// `log.cleaner.io.buffer.size`: what is read at a time.
    pub io_buffer_bytes: u64,
    /// `log.cleaner.io.max.bytes.per.second`: read and written.
    pub io_bytes_per_second: f64,
    /// `log.cleaner.backoff.ms`.
    pub backoff_ms: u64,
}

/// How replicas follow their leaders, and when they count as in sync.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicationConfig {
    /// `num.replica.fetchers`: connections to each leader.
    pub fetchers: u32,
    /// `replica.fetch.backoff.ms`: the longest pause after a failed fetch.
    pub backoff_ms: u64,
    /// `replica.fetch.max.bytes`: of one partition in one answer.
    pub partition_bytes_max: u32,
    /// `replica.fetch.min.bytes`: what is worth waiting for.
    pub bytes_min: u32,
    /// `replica.fetch.response.max.bytes`: of all partitions in one answer.
    pub response_bytes_max: u32,
    /// `replica.fetch.wait.max.ms`: how long a fetch waits for data.
    pub wait_ms: u64,
    /// `replica.socket.timeout.ms`: after this long without an answer the connection is given up.
    pub timeout_ms: u64,
    /// `replica.lag.time.max.ms`: who has not caught up for this long is not in sync.
    pub lag_max_ms: u64,
    /// `replica.high.watermark.checkpoint.interval.ms`.
    pub checkpoint_interval_ms: u64,
    /// `leader.replication.throttled.rate`, bytes per second; `None` is without limit.
    pub leader_rate_max: Option<u64>,
    /// `follower.replication.throttled.rate`, bytes per second; `None` is without limit.
    pub follower_rate_max: Option<u64>,
    /// `replication.quota.window.num`.
    pub quota_windows: u32,
    /// `replication.quota.window.size.seconds`, in milliseconds.
    pub quota_window_ms: u64,
    /// `replica.selector.class` is the one that chooses by rack; otherwise consumers read from leaders.
    pub rack_aware: bool,
}

impl BrokerConfig {
    /// What is in force now.
    pub fn resolve(layers: &Layers<'_>) -> BrokerConfig {
        BrokerConfig {
            network: network(layers),
            requests: requests(layers),
            topics: topics(layers),
            chores: chores(layers),
            cleaner: cleaner(layers),
            replication: replication(layers),
            groups: CoordinatorConfig::resolve(layers),
            defaults: TopicConfig::resolve(&Nothing, layers),
        }
    }
}

fn network(layers: &Layers<'_>) -> NetworkConfig {
    let read = Reader(layers);
    NetworkConfig {
        connections_max: read.size("max.connections") as u32,
        connections_per_ip_max: read.size("max.connections.per.ip") as u32,
        connections_per_ip_overrides: read
            .text("max.connections.per.ip.overrides")
            .split(',')
            .filter_map(|entry| entry.trim().rsplit_once(':'))
            .filter_map(|(host, limit)| Some((host.trim().into(), limit.trim().parse().ok()?)))
            .collect(),
        connection_rate_max: read.size("max.connection.creation.rate") as u32,
        idle_ms_max: read.limit("connections.max.idle.ms"),
        receive_buffer_bytes: read.limit("socket.receive.buffer.bytes").map(|bytes| bytes as u32),
        send_buffer_bytes: read.limit("socket.send.buffer.bytes").map(|bytes| bytes as u32),
        listen_backlog: read.size("socket.listen.backlog.size") as u32,
        request_bytes_max: read.size("socket.request.max.bytes") as u32,
        queued_request_bytes_max: read.limit("queued.max.request.bytes").filter(|bytes| *bytes > 0),
    }
}

fn requests(layers: &Layers<'_>) -> RequestLimits {
    let read = Reader(layers);
    RequestLimits {
        fetch_bytes_max: read.size("fetch.max.bytes") as u32,
        fetch_sessions_max: read.size("max.incremental.fetch.session.cache.slots") as u32,
        describe_partitions_max: read.size("max.request.partition.size.limit") as u32,
        producer_id_expiration_ms: read.size("producer.id.expiration.ms"),
        producer_id_check_interval_ms: read.size("producer.id.expiration.check.interval.ms"),
    }
}

fn topics(layers: &Layers<'_>) -> TopicCreation {
    let read = Reader(layers);
    TopicCreation {
        num_partitions: read.size("num.partitions") as u32,
        default_replication_factor: read.size("default.replication.factor") as u16,
        auto_create: read.flag("auto.create.topics.enable"),
        delete_enabled: read.flag("delete.topic.enable"),
    }
}

fn chores(layers: &Layers<'_>) -> LogChores {
    let read = Reader(layers);
    LogChores {
        retention_check_interval_ms: read.size("log.retention.check.interval.ms"),
        flush_check_interval_ms: read.size("log.flush.scheduler.interval.ms"),
        recovery_point_checkpoint_interval_ms: read.size("log.flush.offset.checkpoint.interval.ms"),
    }
}

fn cleaner(layers: &Layers<'_>) -> CleanerConfig {
    let read = Reader(layers);
    CleanerConfig {
        enable: read.flag("log.cleaner.enable"),
        threads: read.size("log.cleaner.threads") as u32,
        dedupe_buffer_bytes: read.size("log.cleaner.dedupe.buffer.size"),
        load_factor: read.ratio("log.cleaner.io.buffer.load.factor"),
        io_buffer_bytes: read.size("log.cleaner.io.buffer.size"),
        io_bytes_per_second: read.ratio("log.cleaner.io.max.bytes.per.second"),
        backoff_ms: read.size("log.cleaner.backoff.ms"),
    }
}

/// Reads broker keys that have a default and whose values were checked when they were set.
pub(super) struct Reader<'a>(pub(super) &'a Layers<'a>);

impl Reader<'_> {
    pub(super) fn value(&self, name: &str) -> Value {
        effective(Scope::Broker, name, &Nothing, self.0).expect("every key read here has a default")
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.value(name).to_string()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.value(name) == Value::Boolean(true)
    }

    fn ratio(&self, name: &str) -> f64 {
        match self.value(name) {
            Value::Double(ratio) => ratio,
            other => other.as_integer().expect("the key is a number") as f64,
        }
    }

    /// A number that is never negative.
    pub(super) fn size(&self, name: &str) -> u64 {
        self.limit(name).unwrap_or(0)
    }

    /// A number that is "without limit" when nobody sets it.
    pub(super) fn rate(&self, name: &str) -> Option<u64> {
        let value = effective(Scope::Broker, name, &Nothing, self.0)?;
        value.as_integer().and_then(|rate| u64::try_from(rate).ok())
    }

    /// A number that is "without limit" when negative.
    pub(super) fn limit(&self, name: &str) -> Option<u64> {
        u64::try_from(self.value(name).as_integer().expect("the key is a number")).ok()
    }
}

fn replication(layers: &Layers<'_>) -> ReplicationConfig {
    let read = Reader(layers);
    ReplicationConfig {
        fetchers: read.size("num.replica.fetchers") as u32,
        backoff_ms: read.size("replica.fetch.backoff.ms"),
        partition_bytes_max: read.size("replica.fetch.max.bytes") as u32,
        bytes_min: read.size("replica.fetch.min.bytes") as u32,
        response_bytes_max: read.size("replica.fetch.response.max.bytes") as u32,
        wait_ms: read.size("replica.fetch.wait.max.ms"),
        timeout_ms: read.size("replica.socket.timeout.ms"),
        lag_max_ms: read.size("replica.lag.time.max.ms"),
        checkpoint_interval_ms: read.size("replica.high.watermark.checkpoint.interval.ms"),
        leader_rate_max: read.rate("leader.replication.throttled.rate"),
        follower_rate_max: read.rate("follower.replication.throttled.rate"),
        quota_windows: read.size("replication.quota.window.num") as u32,
        quota_window_ms: read.size("replication.quota.window.size.seconds").saturating_mul(1000),
        rack_aware: effective(Scope::Broker, "replica.selector.class", &Nothing, layers)
            .is_some_and(|class| class.to_string().ends_with(".RackAwareReplicaSelector")),
    }
}
