//! Keys of logs on disk, and what a topic without overrides has.

use super::rows::*;

keys! { LOG, Broker;
    "compression.gzip.level", Int = "-1", GzipLevel, Medium, ClusterWide, public, Acts,
        "Gzip level when the broker compresses; -1 is the codec's default.";
    "compression.lz4.level", Int = "9", Range(1, 17), Medium, ClusterWide, public, Acts,
        "Lz4 level when the broker compresses.";
    "compression.type", String = "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip",
        "producer"]), High, ClusterWide, public, Acts,
        "The codec that batches are stored in; producer keeps what was sent.";
    "compression.zstd.level", Int = "3", Range(-131_072, 22), Medium, ClusterWide, public, Acts,
        "Zstd level when the broker compresses.";
    "log.cleaner.backoff.ms", Long = "15000", Min(0), Medium, ClusterWide, public, Acts,
        "Pause of the compaction when there is nothing to do.";
    "log.cleaner.dedupe.buffer.size", Long = "134217728", Any, Medium, ClusterWide, public,
        Acts,
        "Memory for the compaction's key tables; more than 1 MiB for each of its threads.";
    "log.cleaner.delete.retention.ms", Long = "86400000", Min(0), Medium, ClusterWide, public,
        Acts,
        "How long the markers of deleted keys stay in compacted topics.";
    "log.cleaner.enable", Boolean = "true", Any, Medium, ReadOnly, public, Acts,
        "Whether compaction runs.";
    "log.cleaner.io.buffer.load.factor", Double = "0.9", Any, Medium, ClusterWide, public, Acts,
        "How full the compaction's key table may get.";
    "log.cleaner.io.buffer.size", Int = "524288", Min(0), Medium, ClusterWide, public, Acts,
        "Bytes that the compaction reads at a time.";
    "log.cleaner.io.max.bytes.per.second", Double = "1.7976931348623157E308", Any, Medium, ClusterWide,
        public, Acts,
        "Most bytes per second that the compaction reads and writes.";
    "log.cleaner.max.compaction.lag.ms", Long = "9223372036854775807", Min(1), Medium, ClusterWide, public,
        Acts,
        "A record is compacted at the latest after this time.";
    "log.cleaner.min.cleanable.ratio", Double = "0.5", RangeF(0.0, 1.0), Medium, ClusterWide, public,
        Acts,
        "Share of uncompacted bytes in a log at which it is compacted.";
    "log.cleaner.min.compaction.lag.ms", Long = "0", Min(0), Medium, ClusterWide, public, Acts,
        "A record stays uncompacted for at least this time.";
    "log.cleaner.threads", Int = "1", Min(0), Medium, ClusterWide, public, Acts,
        "How many logs are compacted at the same time.";
    "log.cleanup.policy", List = "delete", ListOfOrEmpty(&["compact", "delete"]), Medium, ClusterWide,
        public, Acts,
        "What happens to old records: delete removes segments, compact keeps the last of each key; empty keeps all.";
    "log.dir", List = "/tmp/kafka-logs", SomeTexts, High, ReadOnly, public, Acts,
        "Where the data is kept; log.dirs takes precedence.";
    "log.dir.failure.timeout.ms", Long = "30000", Min(1), Low, ReadOnly, public,
        NotYet("stopping a node that cannot report a failed log directory"),
        "A broker that cannot report a failed log directory for this long stops.";
    "log.dirs", List = null, SomeTexts, High, ReadOnly, public, Acts,
        "Directories in which the data is kept.";
    "log.flush.interval.messages", Long = "1", Min(1), High, ClusterWide, public, Acts,
        "Messages after which a log is synced to disk; 1 syncs before each acknowledgement, many appends at a time.";
    "log.flush.interval.ms", Long = null, Any, High, ClusterWide, public, Acts,
        "Time after which a log with unsynced messages is synced; unset is log.flush.scheduler.interval.ms.";
    "log.flush.offset.checkpoint.interval.ms", Int = "60000", Min(0), High, ReadOnly, public, Acts,
        "How often the recovery points are written.";
    "log.flush.scheduler.interval.ms", Long = "9223372036854775807", Any, High, ReadOnly, public, Acts,
        "How often logs are looked at for time-based syncs.";
    "log.flush.start.offset.checkpoint.interval.ms", Int = "60000", Min(0), High, ReadOnly, public,
        NoMeaning(CHECKPOINTS),
        "How often the log start offsets are written.";
    "log.index.interval.bytes", Int = "4096", Min(0), Medium, ClusterWide, public, Acts,
        "Bytes of a log between two entries of its offset index.";
    "log.index.size.max.bytes", Int = "10485760", Min(4), Medium, ClusterWide, public, Acts,
        "Largest offset or time index.";
    "log.initial.task.delay.ms", Long = "30000", Min(0), Low, ReadOnly, internal,
        NoMeaning("background work begins with the node"),
        "How long after the start the background work on logs begins.";
    "log.local.retention.bytes", Long = "-2", Min(-2), Medium, ClusterWide, public, NotYet(TIERED),
        "Bytes of a tiered log that stay on local disk; -2 follows log.retention.bytes.";
    "log.local.retention.ms", Long = "-2", Min(-2), Medium, ClusterWide, public, NotYet(TIERED),
        "How long a tiered log stays on local disk; -2 follows log.retention.ms.";
    "log.message.timestamp.after.max.ms", Long = "3600000", Min(0), Medium, ClusterWide, public, Acts,
        "How far a producer's timestamp may lie in the future.";
    "log.message.timestamp.before.max.ms", Long = "9223372036854775807", Min(0), Medium, ClusterWide, public,
        Acts,
        "How far a producer's timestamp may lie in the past.";
    "log.message.timestamp.type", String = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), Medium,
        ClusterWide, public, Acts,
        "Whether records carry the producer's time or that of the append.";
    "log.preallocate", Boolean = "false", Any, Medium, ClusterWide, public, NoMeaning(SEGMENTS),
        "Whether a new segment gets its full size at once.";
    "log.retention.bytes", Long = "-1", Any, High, ClusterWide, public, Acts,
        "Size of a partition beyond which its oldest segments are deleted; -1 is without limit.";
    "log.retention.check.interval.ms", Long = "300000", Min(1), Medium, ReadOnly, public, Acts,
        "How often logs are looked at for segments to delete.";
    "log.retention.hours", Int = "168", Any, High, ReadOnly, public, Acts,
        "How long segments are kept, in hours.";
    "log.retention.minutes", Int = null, Any, High, ReadOnly, public, Acts,
        "How long segments are kept, in minutes; takes precedence over hours.";
    "log.retention.ms", Long = null, Any, High, ClusterWide, public, Acts,
        "How long segments are kept; -1 is for ever; takes precedence over minutes and hours.";
    "log.roll.hours", Int = "168", Min(1), High, ReadOnly, public, Acts,
        "Age at which a new segment is started, in hours.";
    "log.roll.jitter.hours", Int = "0", Min(0), High, ReadOnly, public, Acts,
        "Largest random part subtracted from the age, in hours.";
    "log.roll.jitter.ms", Long = null, Any, High, ClusterWide, public, Acts,
        "Largest random part subtracted from the age, so that logs do not roll all at once.";
    "log.roll.ms", Long = null, Any, High, ClusterWide, public, Acts,
        "Age at which a new segment is started; takes precedence over hours.";
    "log.segment.bytes", Int = "1073741824", Min(1_048_576), High, ClusterWide, public, Acts,
        "Size at which a new segment is started.";
    "log.segment.delete.delay.ms", Long = "60000", Min(0), High, ClusterWide, public, Acts,
        "How long a deleted segment's files stay on disk.";
    "message.max.bytes", Int = "1048588", Min(0), High, ClusterWide, public, Acts,
        "Largest batch in bytes.";
    "num.recovery.threads.per.data.dir", Int = "2", Min(1), High, ClusterWide, public, NoMeaning(THREADS),
        "Logs of one directory that are recovered at the same time.";
}
