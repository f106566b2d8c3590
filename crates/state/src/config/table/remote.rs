//! Keys of tiered storage.

use super::rows::*;

keys! { REMOTE, Broker;
    "follower.fetch.last.tiered.offset.enable", Boolean = "false", Any, Medium, ClusterWide, public, Acts,
        "";
    "remote.fetch.max.wait.ms", Int = "500", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "remote.list.offsets.request.timeout.ms", Long = "30000", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "remote.log.index.file.cache.total.size.bytes", Long = "1073741824", Min(1), Low, ClusterWide, public, Acts,
        "";
    "remote.log.index.file.cache.ttl.ms", Long = "900000", Min(-1), Low, ReadOnly, internal, Acts,
        "";
    "remote.log.manager.copier.thread.pool.size", Int = "10", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "remote.log.manager.copy.max.bytes.per.second", Long = "9223372036854775807", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "remote.log.manager.copy.quota.window.num", Int = "11", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "remote.log.manager.copy.quota.window.size.seconds", Int = "1", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "remote.log.manager.expiration.thread.pool.size", Int = "10", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "remote.log.manager.fetch.max.bytes.per.second", Long = "9223372036854775807", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "remote.log.manager.fetch.quota.window.num", Int = "11", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "remote.log.manager.fetch.quota.window.size.seconds", Int = "1", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "remote.log.manager.follower.thread.pool.size", Int = "2", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "remote.log.manager.task.interval.ms", Long = "30000", Min(1), Low, ReadOnly, public, Acts,
        "";
    "remote.log.manager.task.retry.backoff.max.ms", Long = "30000", Min(1), Low, ReadOnly, internal, Acts,
        "";
    "remote.log.manager.task.retry.backoff.ms", Long = "500", Min(1), Low, ReadOnly, internal, Acts,
        "";
    "remote.log.manager.task.retry.jitter", Double = "0.2", RangeF(0.0, 0.5), Low, ReadOnly, internal, Acts,
        "";
    "remote.log.manager.thread.pool.size", Int = "2", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "remote.log.metadata.custom.metadata.max.bytes", Int = "128", Min(0), Low, ReadOnly, public, Acts,
        "";
    "remote.log.metadata.manager.class.name", String = "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager", NonEmpty, Medium, ReadOnly, public, Acts,
        "";
    "remote.log.metadata.manager.class.path", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "remote.log.metadata.manager.impl.prefix", String = "rlmm.config.", NonEmpty, Medium, ReadOnly, public, Acts,
        "";
    "remote.log.metadata.manager.listener.name", String = null, NonEmpty, Medium, ReadOnly, public, Acts,
        "";
    "remote.log.reader.max.pending.tasks", Int = "100", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "remote.log.reader.threads", Int = "10", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "remote.log.storage.manager.class.name", String = null, NonEmpty, Medium, ReadOnly, public, Acts,
        "";
    "remote.log.storage.manager.class.path", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "remote.log.storage.manager.impl.prefix", String = "rsm.config.", NonEmpty, Medium, ReadOnly, public, Acts,
        "";
    "remote.log.storage.system.enable", Boolean = "false", Any, Medium, ReadOnly, public, Acts,
        "";
}
