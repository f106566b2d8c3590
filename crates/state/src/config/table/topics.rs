//! Keys of topics, replication, requests, quotas and metrics.

use super::rows::*;

keys! { TOPICS, Broker;
    "alter.config.policy.class.name", Class = null, Any, Low, ReadOnly, public, Refused(PLUGIN),
        "Java class that judges changes of configuration.";
    "alter.log.dirs.replication.quota.window.num", Int = "11", Min(1), Low, ReadOnly, public, NotYet(QUOTAS),
        "How many samples the quota on moves between directories remembers.";
    "alter.log.dirs.replication.quota.window.size.seconds", Int = "1", Min(1), Low, ReadOnly, public,
        NotYet(QUOTAS),
        "Length of each of these samples.";
    "auto.create.topics.enable", Boolean = "true", Any, High, ReadOnly, public, Acts,
        "Whether a topic that a client asks for and that does not exist is created.";
    "auto.leader.rebalance.enable", Boolean = "true", Any, High, ReadOnly, public, Acts,
        "Whether the controller moves leadership back to preferred replicas by itself.";
    "client.quota.callback.class", Class = null, Any, Low, ReadOnly, public, Refused(PLUGIN),
        "Java class that computes client quotas.";
    "create.topic.policy.class.name", Class = null, Any, Low, ReadOnly, public, Refused(PLUGIN),
        "Java class that judges new topics.";
    "default.replication.factor", Int = "1", Any, Medium, ReadOnly, public, Acts,
        "Replicas of a partition when nobody says how many.";
    "delete.records.purgatory.purge.interval.requests", Int = "1", Any, Medium, ReadOnly, public,
        NoMeaning("a parked request that is answered leaves nothing to purge"),
        "Answered DeleteRecords requests that are purged at a time.";
    "delete.topic.enable", Boolean = "true", Any, High, ReadOnly, public, Acts,
        "Whether topics can be deleted.";
    "fetch.max.bytes", Int = "57671680", Min(1024), Medium, ReadOnly, public, Acts,
        "Most bytes in the answer to a fetch.";
    "fetch.purgatory.purge.interval.requests", Int = "1000", Any, Medium, ReadOnly, public,
        NoMeaning("a parked request that is answered leaves nothing to purge"),
        "Answered fetches that are purged at a time.";
    "follower.replication.throttled.rate", Long = null, Min(0), Medium, ClusterWide, public, Acts,
        "Bytes per second that this broker fetches for throttled replicas.";
    "kafka.metrics.polling.interval.secs", Int = "10", Min(1), Low, ReadOnly, public, NoMeaning(JMX),
        "How often Java metrics reporters are polled.";
    "kafka.metrics.reporters", List = "", Texts, Low, ReadOnly, public, NoMeaning(JMX),
        "Java classes that report metrics.";
    "leader.imbalance.check.interval.seconds", Long = "300", Min(1), High, ReadOnly, public,
        Acts,
        "How often leadership is looked at for rebalancing.";
    "leader.replication.throttled.rate", Long = null, Min(0), Medium, ClusterWide, public, Acts,
        "Bytes per second that this broker serves to throttled replicas.";
    "max.incremental.fetch.session.cache.slots", Int = "1000", Min(0), Medium, ReadOnly, public, Acts,
        "Incremental fetch sessions that are kept.";
    "max.request.partition.size.limit", Int = "2000", Min(1), Medium, ReadOnly, public, Acts,
        "Most partitions in the answer to DescribeTopicPartitions.";
    "metric.reporters", List = "org.apache.kafka.common.metrics.JmxReporter", Texts, Low, ClusterWide,
        public, NoMeaning(JMX),
        "Java classes that report metrics.";
    "metrics.num.samples", Int = "2", Min(1), Low, ReadOnly, public, NoMeaning(JMX),
        "Samples of each Java metric.";
    "metrics.recording.level", String = "INFO", Any, Low, ReadOnly, public, NoMeaning(JMX),
        "Which Java metrics are recorded.";
    "metrics.sample.window.ms", Long = "30000", Min(1), Low, ReadOnly, public, NoMeaning(JMX),
        "Length of each sample.";
    "min.insync.replicas", Int = "1", Min(1), High, ClusterWide, public, Acts,
        "In-sync replicas that acks=all needs at least.";
    "num.partitions", Int = "1", Min(1), Medium, ReadOnly, public, Acts,
        "Partitions of a topic when nobody says how many.";
    "num.replica.alter.log.dirs.threads", Int = null, Any, High, ReadOnly, public,
        NotYet("moves between log directories"),
        "How many threads move replicas between directories.";
    "num.replica.fetchers", Int = "1", Min(1), High, ClusterWide, public, Acts,
        "Connections to each broker that replicas are fetched on.";
    "producer.purgatory.purge.interval.requests", Int = "1000", Any, Medium, ReadOnly, public,
        NoMeaning("a parked request that is answered leaves nothing to purge"),
        "Answered produce requests that are purged at a time.";
    "quota.window.num", Int = "11", Min(1), Low, ReadOnly, public, NotYet(QUOTAS),
        "How many samples client quotas remember.";
    "quota.window.size.seconds", Int = "1", Min(1), Low, ReadOnly, public, NotYet(QUOTAS),
        "Length of each of these samples.";
    "replica.alter.log.dirs.io.max.bytes.per.second", Long = null, Min(0), Medium, ClusterWide, public,
        NotYet("moves between log directories"),
        "Bytes per second of moves between directories.";
    "replica.fetch.backoff.ms", Int = "1000", Min(0), Medium, ReadOnly, public, Acts,
        "Pause of a follower after a failed fetch.";
    "replica.fetch.max.bytes", Int = "1048576", Min(0), Medium, ReadOnly, public, Acts,
        "Bytes of a partition that a follower asks for.";
    "replica.fetch.min.bytes", Int = "1", Any, High, ReadOnly, public, Acts,
        "Bytes that a follower's fetch waits for.";
    "replica.fetch.response.max.bytes", Int = "10485760", Min(0), Medium, ReadOnly, public,
        Acts,
        "Most bytes in the answer to a follower's fetch.";
    "replica.fetch.wait.max.ms", Int = "500", Any, High, ReadOnly, public, Acts,
        "How long a follower's fetch waits for data.";
    "replica.high.watermark.checkpoint.interval.ms", Long = "5000", Any, High, ReadOnly, public,
        Acts,
        "How often the high watermarks are written.";
    "replica.lag.time.max.ms", Long = "30000", Any, High, ReadOnly, public, Acts,
        "A follower that has not caught up for this long leaves the in-sync replicas.";
    "replica.selector.class", String = null, OneOf(&["org.apache.kafka.common.replica.LeaderSelector",
        "org.apache.kafka.common.replica.RackAwareReplicaSelector"]), Medium, ReadOnly, public, Acts,
        "Java class that chooses the replica that a consumer reads from.";
    "replica.socket.receive.buffer.bytes", Int = "65536", Any, High, ReadOnly, public,
        NoMeaning("the system sizes the buffers of connections to other nodes"),
        "SO_RCVBUF of connections to leaders.";
    "replica.socket.timeout.ms", Int = "30000", Any, High, ReadOnly, public, Acts,
        "How long a follower's request may take.";
    "replication.quota.window.num", Int = "11", Min(1), Low, ReadOnly, public, Acts,
        "How many samples replication quotas remember.";
    "replication.quota.window.size.seconds", Int = "1", Min(1), Low, ReadOnly, public, Acts,
        "Length of each of these samples.";
    "telemetry.max.bytes", Int = "1048576", Min(1), Low, ReadOnly, public, NotYet("client metrics (KIP-714)"),
        "Most bytes of metrics that a client may push at a time.";
    "unclean.leader.election.enable", Boolean = "false", Any, High, ClusterWide, public, Acts,
        "Whether a replica that is not in sync may lead when no other is left, at the price of records.";
}
