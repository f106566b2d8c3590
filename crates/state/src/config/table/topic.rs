//! Keys of one topic.

use super::rows::*;

keys! { TOPIC, Topic;
    "cleanup.policy", List = "delete", ListOfOrEmpty(&["compact", "delete"]), Medium, ClusterWide, public,
        Acts,
        "What happens to old records: delete removes segments, compact keeps the last of each key; empty keeps all.";
    "compression.gzip.level", Int = "-1", GzipLevel, Medium, ClusterWide, public, Acts,
        "Gzip level when the broker compresses; -1 is the codec's default.";
    "compression.lz4.level", Int = "9", Range(1, 17), Medium, ClusterWide, public, Acts,
        "Lz4 level when the broker compresses.";
    "compression.type", String = "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip",
        "producer"]), Medium, ClusterWide, public, Acts,
        "The codec that batches are stored in; producer keeps what was sent.";
    "compression.zstd.level", Int = "3", Range(-131_072, 22), Medium, ClusterWide, public, Acts,
        "Zstd level when the broker compresses.";
    "delete.retention.ms", Long = "86400000", Min(0), Medium, ClusterWide, public, Acts,
        "How long the markers of deleted keys stay in a compacted topic.";
    "file.delete.delay.ms", Long = "60000", Min(0), Medium, ClusterWide, public, Acts,
        "How long a deleted segment's files stay on disk.";
    "flush.messages", Long = "1", Min(1), Medium, ClusterWide, public, Acts,
        "Messages after which the log is synced to disk; 1 syncs before each acknowledgement, many appends at a time.";
    "flush.ms", Long = "9223372036854775807", Min(0), Medium, ClusterWide, public, Acts,
        "Time after which unsynced messages are synced.";
    "follower.replication.throttled.replicas", List = "", ThrottledReplicas, Medium, ClusterWide, public, Acts,
        "Replicas throttled on the follower's side, as partition:broker list, or *.";
    "index.interval.bytes", Int = "4096", Min(0), Medium, ClusterWide, public, Acts,
        "Bytes of the log between two entries of its offset index.";
    "internal.segment.bytes", Int = null, Any, Medium, ClusterWide, internal, Acts,
        "Segment size without a lower bound; for tests.";
    "leader.replication.throttled.replicas", List = "", ThrottledReplicas, Medium, ClusterWide, public, Acts,
        "Replicas throttled on the leader's side, as partition:broker list, or *.";
    "local.retention.bytes", Long = "-2", Min(-2), Medium, ClusterWide, public, NotYet(TIERED),
        "Bytes that stay on local disk; -2 follows retention.bytes.";
    "local.retention.ms", Long = "-2", Min(-2), Medium, ClusterWide, public, NotYet(TIERED),
        "How long data stays on local disk; -2 follows retention.ms.";
    "max.compaction.lag.ms", Long = "9223372036854775807", Min(1), Medium, ClusterWide, public,
        Acts,
        "A record is compacted at the latest after this time.";
    "max.message.bytes", Int = "1048588", Min(0), Medium, ClusterWide, public, Acts,
        "Largest batch in bytes.";
    "message.timestamp.after.max.ms", Long = "3600000", Min(0), Medium, ClusterWide, public, Acts,
        "How far a producer's timestamp may lie in the future.";
    "message.timestamp.before.max.ms", Long = "9223372036854775807", Min(0), Medium, ClusterWide, public,
        Acts,
        "How far a producer's timestamp may lie in the past.";
    "message.timestamp.type", String = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), Medium,
        ClusterWide, public, Acts,
        "Whether records carry the producer's time or that of the append.";
    "min.cleanable.dirty.ratio", Double = "0.5", RangeF(0.0, 1.0), Medium, ClusterWide, public,
        Acts,
        "Share of uncompacted bytes at which the log is compacted.";
    "min.compaction.lag.ms", Long = "0", Min(0), Medium, ClusterWide, public, Acts,
        "A record stays uncompacted for at least this time.";
    "min.insync.replicas", Int = "1", Min(1), Medium, ClusterWide, public, Acts,
        "In-sync replicas that acks=all needs at least.";
    "preallocate", Boolean = "false", Any, Medium, ClusterWide, public, NoMeaning(SEGMENTS),
        "Whether a new segment gets its full size at once.";
    "remote.log.copy.disable", Boolean = "false", Any, Medium, ClusterWide, public, NotYet(TIERED),
        "Whether a tiered topic stops copying to remote storage.";
    "remote.log.delete.on.disable", Boolean = "false", Any, Medium, ClusterWide, public, NotYet(TIERED),
        "Whether remote data is deleted when tiering is turned off.";
    "remote.storage.enable", Boolean = "false", Any, Medium, ClusterWide, public, Refused(TIERED),
        "Whether the topic is tiered.";
    "retention.bytes", Long = "-1", Any, Medium, ClusterWide, public, Acts,
        "Size of a partition beyond which its oldest segments are deleted; -1 is without limit.";
    "retention.ms", Long = "604800000", Min(-1), Medium, ClusterWide, public, Acts,
        "How long segments are kept; -1 is for ever.";
    "segment.bytes", Int = "1073741824", Min(1_048_576), Medium, ClusterWide, public, Acts,
        "Size at which a new segment is started.";
    "segment.index.bytes", Int = "10485760", Min(4), Medium, ClusterWide, public, Acts,
        "Largest offset or time index.";
    "segment.jitter.ms", Long = "0", Min(0), Medium, ClusterWide, public, Acts,
        "Largest random part subtracted from segment.ms, so that logs do not roll all at once.";
    "segment.ms", Long = "604800000", Min(1), Medium, ClusterWide, public, Acts,
        "Age at which a new segment is started.";
    "unclean.leader.election.enable", Boolean = "false", Any, Medium, ClusterWide, public, Acts,
        "Whether a replica that is not in sync may lead when no other is left, at the price of records.";
}
