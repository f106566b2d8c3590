//! Keys of logs on disk, and what a topic without overrides has.

use super::rows::*;

keys! { LOG, Broker;
    "compression.gzip.level", Int = "-1", GzipLevel, Medium, ClusterWide, public, Acts,
        "";
    "compression.lz4.level", Int = "9", Range(1, 17), Medium, ClusterWide, public, Acts,
        "";
    "compression.type", String = "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), High, ClusterWide, public, Acts,
        "";
    "compression.zstd.level", Int = "3", Range(-131072, 22), Medium, ClusterWide, public, Acts,
        "";
    "log.cleaner.backoff.ms", Long = "15000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "log.cleaner.dedupe.buffer.size", Long = "134217728", Any, Medium, ClusterWide, public, Acts,
        "";
    "log.cleaner.delete.retention.ms", Long = "86400000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "log.cleaner.enable", Boolean = "true", Any, Medium, ReadOnly, public, Acts,
        "";
    "log.cleaner.io.buffer.load.factor", Double = "0.9", Any, Medium, ClusterWide, public, Acts,
        "";
    "log.cleaner.io.buffer.size", Int = "524288", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "log.cleaner.io.max.bytes.per.second", Double = "1.7976931348623157E308", Any, Medium, ClusterWide, public, Acts,
        "";
    "log.cleaner.max.compaction.lag.ms", Long = "9223372036854775807", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "log.cleaner.min.cleanable.ratio", Double = "0.5", RangeF(0.0, 1.0), Medium, ClusterWide, public, Acts,
        "";
    "log.cleaner.min.compaction.lag.ms", Long = "0", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "log.cleaner.threads", Int = "1", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "log.cleanup.policy", List = "delete", ListOfOrEmpty(&["compact", "delete"]), Medium, ClusterWide, public, Acts,
        "";
    "log.dir", List = "/tmp/kafka-logs", SomeTexts, High, ReadOnly, public, Acts,
        "";
    "log.dir.failure.timeout.ms", Long = "30000", Min(1), Low, ReadOnly, public, Acts,
        "";
    "log.dirs", List = null, SomeTexts, High, ReadOnly, public, Acts,
        "";
    "log.flush.interval.messages", Long = "1", Min(1), High, ClusterWide, public, Acts,
        "";
    "log.flush.interval.ms", Long = null, Any, High, ClusterWide, public, Acts,
        "";
    "log.flush.offset.checkpoint.interval.ms", Int = "60000", Min(0), High, ReadOnly, public, Acts,
        "";
    "log.flush.scheduler.interval.ms", Long = "9223372036854775807", Any, High, ReadOnly, public, Acts,
        "";
    "log.flush.start.offset.checkpoint.interval.ms", Int = "60000", Min(0), High, ReadOnly, public, Acts,
        "";
    "log.index.interval.bytes", Int = "4096", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "log.index.size.max.bytes", Int = "10485760", Min(4), Medium, ClusterWide, public, Acts,
        "";
    "log.initial.task.delay.ms", Long = "30000", Min(0), Low, ReadOnly, internal, Acts,
        "";
    "log.local.retention.bytes", Long = "-2", Min(-2), Medium, ClusterWide, public, Acts,
        "";
    "log.local.retention.ms", Long = "-2", Min(-2), Medium, ClusterWide, public, Acts,
        "";
    "log.message.timestamp.after.max.ms", Long = "3600000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "log.message.timestamp.before.max.ms", Long = "9223372036854775807", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "log.message.timestamp.type", String = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide, public, Acts,
        "";
    "log.preallocate", Boolean = "false", Any, Medium, ClusterWide, public, Acts,
        "";
    "log.retention.bytes", Long = "-1", Any, High, ClusterWide, public, Acts,
        "";
    "log.retention.check.interval.ms", Long = "300000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "log.retention.hours", Int = "168", Any, High, ReadOnly, public, Acts,
        "";
    "log.retention.minutes", Int = null, Any, High, ReadOnly, public, Acts,
        "";
    "log.retention.ms", Long = null, Any, High, ClusterWide, public, Acts,
        "";
    "log.roll.hours", Int = "168", Min(1), High, ReadOnly, public, Acts,
        "";
    "log.roll.jitter.hours", Int = "0", Min(0), High, ReadOnly, public, Acts,
        "";
    "log.roll.jitter.ms", Long = null, Any, High, ClusterWide, public, Acts,
        "";
    "log.roll.ms", Long = null, Any, High, ClusterWide, public, Acts,
        "";
    "log.segment.bytes", Int = "1073741824", Min(1048576), High, ClusterWide, public, Acts,
        "";
    "log.segment.delete.delay.ms", Long = "60000", Min(0), High, ClusterWide, public, Acts,
        "";
    "message.max.bytes", Int = "1048588", Min(0), High, ClusterWide, public, Acts,
        "";
    "num.recovery.threads.per.data.dir", Int = "2", Min(1), High, ClusterWide, public, Acts,
        "";
}
