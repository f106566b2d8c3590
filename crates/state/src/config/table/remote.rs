//! Keys of tiered storage.

use super::rows::*;

keys! { REMOTE, Broker;
    "follower.fetch.last.tiered.offset.enable", Boolean = "false", Any, Medium, ClusterWide, public,
        NotYet(TIERED),
        "Whether a new follower starts at the last offset that is in remote storage.";
    "remote.fetch.max.wait.ms", Int = "500", Min(1), Medium, ClusterWide, public, NotYet(TIERED),
        "How long a fetch waits for remote storage.";
    "remote.list.offsets.request.timeout.ms", Long = "30000", Min(1), Medium, ClusterWide, public,
        NotYet(TIERED),
        "How long a lookup of offsets waits for remote storage.";
    "remote.log.index.file.cache.total.size.bytes", Long = "1073741824", Min(1), Low, ClusterWide, public,
        NotYet(TIERED),
        "Disk for the cache of remote indexes.";
    "remote.log.index.file.cache.ttl.ms", Long = "900000", Min(-1), Low, ReadOnly, internal, NotYet(TIERED),
        "How long an unused remote index stays in the cache.";
    "remote.log.manager.copier.thread.pool.size", Int = "10", Min(1), Medium, ClusterWide, public,
        NotYet(TIERED),
        "How many threads copy segments to remote storage.";
    "remote.log.manager.copy.max.bytes.per.second", Long = "9223372036854775807", Min(1), Medium,
        ClusterWide, public, NotYet(TIERED),
        "Most bytes per second copied to remote storage.";
    "remote.log.manager.copy.quota.window.num", Int = "11", Min(1), Medium, ReadOnly, public, NotYet(TIERED),
        "How many samples that quota remembers.";
    "remote.log.manager.copy.quota.window.size.seconds", Int = "1", Min(1), Medium, ReadOnly, public,
        NotYet(TIERED),
        "Length of each of these samples.";
    "remote.log.manager.expiration.thread.pool.size", Int = "10", Min(1), Medium, ClusterWide, public,
        NotYet(TIERED),
        "How many threads delete remote segments.";
    "remote.log.manager.fetch.max.bytes.per.second", Long = "9223372036854775807", Min(1), Medium,
        ClusterWide, public, NotYet(TIERED),
        "Most bytes per second read from remote storage.";
    "remote.log.manager.fetch.quota.window.num", Int = "11", Min(1), Medium, ReadOnly, public, NotYet(TIERED),
        "How many samples that quota remembers.";
    "remote.log.manager.fetch.quota.window.size.seconds", Int = "1", Min(1), Medium, ReadOnly, public,
        NotYet(TIERED),
        "Length of each of these samples.";
    "remote.log.manager.follower.thread.pool.size", Int = "2", Min(1), Medium, ClusterWide, public,
        NotYet(TIERED),
        "How many threads follow the remote state of replicas.";
    "remote.log.manager.task.interval.ms", Long = "30000", Min(1), Low, ReadOnly, public, NotYet(TIERED),
        "How often partitions are looked at for remote work.";
    "remote.log.manager.task.retry.backoff.max.ms", Long = "30000", Min(1), Low, ReadOnly, internal,
        NotYet(TIERED),
        "Longest pause before remote work is tried again.";
    "remote.log.manager.task.retry.backoff.ms", Long = "500", Min(1), Low, ReadOnly, internal, NotYet(TIERED),
        "First pause before remote work is tried again.";
    "remote.log.manager.task.retry.jitter", Double = "0.2", RangeF(0.0, 0.5), Low, ReadOnly, internal,
        NotYet(TIERED),
        "Random part of that pause.";
    "remote.log.manager.thread.pool.size", Int = "2", Min(1), Medium, ReadOnly, public, NotYet(TIERED),
        "How many threads schedule remote work.";
    "remote.log.metadata.custom.metadata.max.bytes", Int = "128", Min(0), Low, ReadOnly, public,
        NotYet(TIERED),
        "Largest note that a storage plugin may attach to a segment.";
    "remote.log.metadata.manager.class.name",
        String = "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager", NonEmpty, Medium, ReadOnly, public, NotYet(TIERED),
        "Java class that keeps the remote metadata.";
    "remote.log.metadata.manager.class.path", String = null, Any, Medium, ReadOnly, public, NotYet(TIERED),
        "Where that class is found.";
    "remote.log.metadata.manager.impl.prefix", String = "rlmm.config.", NonEmpty, Medium, ReadOnly, public,
        NotYet(TIERED),
        "Prefix of the keys that it is given.";
    "remote.log.metadata.manager.listener.name", String = null, NonEmpty, Medium, ReadOnly, public,
        NotYet(TIERED),
        "Listener that it connects to.";
    "remote.log.reader.max.pending.tasks", Int = "100", Min(1), Medium, ReadOnly, public, NotYet(TIERED),
        "Most reads of remote storage that wait.";
    "remote.log.reader.threads", Int = "10", Min(1), Medium, ClusterWide, public, NotYet(TIERED),
        "How many threads read remote storage.";
    "remote.log.storage.manager.class.name", String = null, NonEmpty, Medium, ReadOnly, public,
        NotYet(TIERED),
        "Java class of the remote storage.";
    "remote.log.storage.manager.class.path", String = null, Any, Medium, ReadOnly, public, NotYet(TIERED),
        "Where that class is found.";
    "remote.log.storage.manager.impl.prefix", String = "rsm.config.", NonEmpty, Medium, ReadOnly, public,
        NotYet(TIERED),
        "Prefix of the keys that it is given.";
    "remote.log.storage.system.enable", Boolean = "false", Any, Medium, ReadOnly, public, Refused(TIERED),
        "Whether tiered storage is on.";
}
