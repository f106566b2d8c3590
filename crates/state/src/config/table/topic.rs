//! Keys of one topic.

use super::rows::*;

keys! { TOPIC, Topic;
    "cleanup.policy", List = "delete", ListOfOrEmpty(&["compact", "delete"]), Medium, ClusterWide, public, Acts,
        "";
    "compression.gzip.level", Int = "-1", GzipLevel, Medium, ClusterWide, public, Acts,
        "";
    "compression.lz4.level", Int = "9", Range(1, 17), Medium, ClusterWide, public, Acts,
        "";
    "compression.type", String = "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), Medium, ClusterWide, public, Acts,
        "";
    "compression.zstd.level", Int = "3", Range(-131072, 22), Medium, ClusterWide, public, Acts,
        "";
    "delete.retention.ms", Long = "86400000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "file.delete.delay.ms", Long = "60000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "flush.messages", Long = "1", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "flush.ms", Long = "9223372036854775807", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "follower.replication.throttled.replicas", List = "", ThrottledReplicas, Medium, ClusterWide, public, Acts,
        "";
    "index.interval.bytes", Int = "4096", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "internal.segment.bytes", Int = null, Any, Medium, ClusterWide, internal, Acts,
        "";
    "leader.replication.throttled.replicas", List = "", ThrottledReplicas, Medium, ClusterWide, public, Acts,
        "";
    "local.retention.bytes", Long = "-2", Min(-2), Medium, ClusterWide, public, Acts,
        "";
    "local.retention.ms", Long = "-2", Min(-2), Medium, ClusterWide, public, Acts,
        "";
    "max.compaction.lag.ms", Long = "9223372036854775807", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "max.message.bytes", Int = "1048588", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "message.timestamp.after.max.ms", Long = "3600000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "message.timestamp.before.max.ms", Long = "9223372036854775807", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "message.timestamp.type", String = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide, public, Acts,
        "";
    "min.cleanable.dirty.ratio", Double = "0.5", RangeF(0.0, 1.0), Medium, ClusterWide, public, Acts,
        "";
    "min.compaction.lag.ms", Long = "0", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "min.insync.replicas", Int = "1", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "preallocate", Boolean = "false", Any, Medium, ClusterWide, public, Acts,
        "";
    "remote.log.copy.disable", Boolean = "false", Any, Medium, ClusterWide, public, Acts,
        "";
    "remote.log.delete.on.disable", Boolean = "false", Any, Medium, ClusterWide, public, Acts,
        "";
    "remote.storage.enable", Boolean = "false", Any, Medium, ClusterWide, public, Acts,
        "";
    "retention.bytes", Long = "-1", Any, Medium, ClusterWide, public, Acts,
        "";
    "retention.ms", Long = "604800000", Min(-1), Medium, ClusterWide, public, Acts,
        "";
    "segment.bytes", Int = "1073741824", Min(1048576), Medium, ClusterWide, public, Acts,
        "";
    "segment.index.bytes", Int = "10485760", Min(4), Medium, ClusterWide, public, Acts,
        "";
    "segment.jitter.ms", Long = "0", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "segment.ms", Long = "604800000", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "unclean.leader.election.enable", Boolean = "false", Any, Medium, ClusterWide, public, Acts,
        "";
}
