//! Keys of topics, replication, requests, quotas and metrics.

use super::rows::*;

keys! { TOPICS, Broker;
    "alter.config.policy.class.name", Class = null, Any, Low, ReadOnly, public, Acts,
        "";
    "alter.log.dirs.replication.quota.window.num", Int = "11", Min(1), Low, ReadOnly, public, Acts,
        "";
    "alter.log.dirs.replication.quota.window.size.seconds", Int = "1", Min(1), Low, ReadOnly, public, Acts,
        "";
    "auto.create.topics.enable", Boolean = "true", Any, High, ReadOnly, public, Acts,
        "";
    "auto.leader.rebalance.enable", Boolean = "true", Any, High, ReadOnly, public, Acts,
        "";
    "client.quota.callback.class", Class = null, Any, Low, ReadOnly, public, Acts,
        "";
    "create.topic.policy.class.name", Class = null, Any, Low, ReadOnly, public, Acts,
        "";
    "default.replication.factor", Int = "1", Any, Medium, ReadOnly, public, Acts,
        "";
    "delete.records.purgatory.purge.interval.requests", Int = "1", Any, Medium, ReadOnly, public, Acts,
        "";
    "delete.topic.enable", Boolean = "true", Any, High, ReadOnly, public, Acts,
        "";
    "fetch.max.bytes", Int = "57671680", Min(1024), Medium, ReadOnly, public, Acts,
        "";
    "fetch.purgatory.purge.interval.requests", Int = "1000", Any, Medium, ReadOnly, public, Acts,
        "";
    "follower.replication.throttled.rate", Long = "9223372036854775807", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "kafka.metrics.polling.interval.secs", Int = "10", Min(1), Low, ReadOnly, public, Acts,
        "";
    "kafka.metrics.reporters", List = "", Texts, Low, ReadOnly, public, Acts,
        "";
    "leader.imbalance.check.interval.seconds", Long = "300", Min(1), High, ReadOnly, public, Acts,
        "";
    "leader.replication.throttled.rate", Long = "9223372036854775807", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "max.incremental.fetch.session.cache.slots", Int = "1000", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "max.request.partition.size.limit", Int = "2000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "metric.reporters", List = "org.apache.kafka.common.metrics.JmxReporter", Texts, Low, ClusterWide, public, Acts,
        "";
    "metrics.num.samples", Int = "2", Min(1), Low, ReadOnly, public, Acts,
        "";
    "metrics.recording.level", String = "INFO", Any, Low, ReadOnly, public, Acts,
        "";
    "metrics.sample.window.ms", Long = "30000", Min(1), Low, ReadOnly, public, Acts,
        "";
    "min.insync.replicas", Int = "1", Min(1), High, ClusterWide, public, Acts,
        "";
    "num.partitions", Int = "1", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "num.replica.alter.log.dirs.threads", Int = null, Any, High, ReadOnly, public, Acts,
        "";
    "num.replica.fetchers", Int = "1", Min(1), High, ClusterWide, public, Acts,
        "";
    "producer.purgatory.purge.interval.requests", Int = "1000", Any, Medium, ReadOnly, public, Acts,
        "";
    "quota.window.num", Int = "11", Min(1), Low, ReadOnly, public, Acts,
        "";
    "quota.window.size.seconds", Int = "1", Min(1), Low, ReadOnly, public, Acts,
        "";
    "replica.alter.log.dirs.io.max.bytes.per.second", Long = "9223372036854775807", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "replica.fetch.backoff.ms", Int = "1000", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "replica.fetch.max.bytes", Int = "1048576", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "replica.fetch.min.bytes", Int = "1", Any, High, ReadOnly, public, Acts,
        "";
    "replica.fetch.response.max.bytes", Int = "10485760", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "replica.fetch.wait.max.ms", Int = "500", Any, High, ReadOnly, public, Acts,
        "";
    "replica.high.watermark.checkpoint.interval.ms", Long = "5000", Any, High, ReadOnly, public, Acts,
        "";
    "replica.lag.time.max.ms", Long = "30000", Any, High, ReadOnly, public, Acts,
        "";
    "replica.selector.class", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "replica.socket.receive.buffer.bytes", Int = "65536", Any, High, ReadOnly, public, Acts,
        "";
    "replica.socket.timeout.ms", Int = "30000", Any, High, ReadOnly, public, Acts,
        "";
    "replication.quota.window.num", Int = "11", Min(1), Low, ReadOnly, public, Acts,
        "";
    "replication.quota.window.size.seconds", Int = "1", Min(1), Low, ReadOnly, public, Acts,
        "";
    "telemetry.max.bytes", Int = "1048576", Min(1), Low, ReadOnly, public, Acts,
        "";
    "unclean.leader.election.enable", Boolean = "false", Any, High, ClusterWide, public, Acts,
        "";
}
