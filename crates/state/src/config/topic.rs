//! The configuration of one topic, typed: what the log and the broker act on.
//!
//! Each value comes from the topic's overrides, then the brokers' dynamic ones, then the file, then the default, through
//! the synonyms of [`super::synonyms`]. Resolving cannot fail: overrides were checked before they were logged, and a value
//! that does not parse all the same (another version wrote it) counts as absent.

use super::synonyms::effective;
use super::{Layers, Lookup, Nothing, Scope, Value};

/// In which codec batches are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionType {
    /// As the producer sent them.
    Producer,
    /// Not at all.
    Uncompressed,
    /// With gzip.
    Gzip,
    /// With snappy.
    Snappy,
    /// With lz4.
    Lz4,
    /// With zstd.
    Zstd,
}

/// Which time a record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The leader's, when it appends.
    LogAppendTime,
}

/// One topic's configuration. Durations in milliseconds, sizes in bytes; the doc comment of each field is its key.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    /// `cleanup.policy` contains `delete`.
    pub cleanup_delete: bool,
    /// `cleanup.policy` contains `compact`.
    pub cleanup_compact: bool,
    /// `compression.type`.
    pub compression_type: CompressionType,
    /// `compression.gzip.level`; -1 is the codec's default.
    pub compression_gzip_level: i32,
    /// `compression.lz4.level`.
    pub compression_lz4_level: i32,
    /// `compression.zstd.level`.
    pub compression_zstd_level: i32,
    /// `delete.retention.ms`.
    pub delete_retention_ms: u64,
    /// `file.delete.delay.ms`.
    pub file_delete_delay_ms: u64,
    /// `flush.messages`: 1 makes every append durable before it is acknowledged; `u64::MAX >> 1` is never.
    pub flush_messages: u64,
    /// `flush.ms`; `u64::MAX >> 1` is never.
    pub flush_ms: u64,
    /// `follower.replication.throttled.replicas`, as text.
    pub follower_throttled_replicas: String,
    /// `leader.replication.throttled.replicas`, as text.
    pub leader_throttled_replicas: String,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u32,
    /// `segment.index.bytes`.
    pub segment_index_bytes: u32,
    /// `max.message.bytes`: the largest batch.
    pub max_message_bytes: u32,
    /// `max.compaction.lag.ms`.
    pub max_compaction_lag_ms: u64,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: u64,
    /// `min.cleanable.dirty.ratio`.
    pub min_cleanable_dirty_ratio: f64,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max_ms: u64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: u64,
    /// `min.insync.replicas`.
    pub min_insync_replicas: u32,
    /// `retention.ms`; `None` keeps for ever.
    pub retention_ms: Option<u64>,
    /// `retention.bytes`; `None` is without limit.
    pub retention_bytes: Option<u64>,
    /// `segment.bytes`.
    pub segment_bytes: u32,
    /// `segment.ms`.
    pub segment_ms: u64,
    /// `segment.jitter.ms`.
    pub segment_jitter_ms: u64,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election: bool,
}

impl TopicConfig {
    /// What is in force for a topic with these overrides.
    pub fn resolve(overrides: &dyn Lookup, layers: &Layers<'_>) -> TopicConfig {
        let read = Reader { overrides, layers };
        let policy = read.value("cleanup.policy");
        let has = |word: &str| policy.elements().iter().any(|element| **element == *word);
        let small_segments = effective(Scope::Topic, "internal.segment.bytes", overrides, layers);
        TopicConfig {
            cleanup_delete: has("delete"),
            cleanup_compact: has("compact"),
            compression_type: compression_type(&read.text("compression.type")),
            compression_gzip_level: read.number("compression.gzip.level") as i32,
            compression_lz4_level: read.number("compression.lz4.level") as i32,
            compression_zstd_level: read.number("compression.zstd.level") as i32,
            delete_retention_ms: read.size("delete.retention.ms"),
            file_delete_delay_ms: read.size("file.delete.delay.ms"),
            flush_messages: read.size("flush.messages"),
            flush_ms: read.size("flush.ms"),
            follower_throttled_replicas: read.text("follower.replication.throttled.replicas"),
            leader_throttled_replicas: read.text("leader.replication.throttled.replicas"),
            index_interval_bytes: read.size("index.interval.bytes") as u32,
            segment_index_bytes: read.size("segment.index.bytes") as u32,
            max_message_bytes: read.size("max.message.bytes") as u32,
            max_compaction_lag_ms: read.size("max.compaction.lag.ms"),
            min_compaction_lag_ms: read.size("min.compaction.lag.ms"),
            min_cleanable_dirty_ratio: match read.value("min.cleanable.dirty.ratio") {
                Value::Double(ratio) => ratio,
                _ => 0.5,
            },
            timestamp_type: match read.text("message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            timestamp_before_max_ms: read.size("message.timestamp.before.max.ms"),
            timestamp_after_max_ms: read.size("message.timestamp.after.max.ms"),
            min_insync_replicas: read.size("min.insync.replicas") as u32,
            retention_ms: read.limit("retention.ms"),
            retention_bytes: read.limit("retention.bytes"),
            segment_bytes: small_segments.map_or_else(|| read.size("segment.bytes"), |value| unsigned(&value))
                as u32,
            segment_ms: read.size("segment.ms"),
            segment_jitter_ms: read.size("segment.jitter.ms"),
            unclean_leader_election: read.flag("unclean.leader.election.enable"),
        }
    }
}

impl Default for TopicConfig {
    /// Nobody set anything.
    fn default() -> Self {
        TopicConfig::resolve(&Nothing, &Layers::none())
    }
}

struct Reader<'a> {
    overrides: &'a dyn Lookup,
    layers: &'a Layers<'a>,
}

impl Reader<'_> {
    fn value(&self, name: &str) -> Value {
        effective(Scope::Topic, name, self.overrides, self.layers).expect("every key read here has a default")
    }

    fn text(&self, name: &str) -> String {
        self.value(name).to_string()
    }

    fn flag(&self, name: &str) -> bool {
        self.value(name) == Value::Boolean(true)
    }

    fn number(&self, name: &str) -> i64 {
        self.value(name).as_integer().expect("the key is a number")
    }

    /// A number that is never negative.
    fn size(&self, name: &str) -> u64 {
        unsigned(&self.value(name))
    }

    /// A number that is "without limit" when negative.
    fn limit(&self, name: &str) -> Option<u64> {
        u64::try_from(self.number(name)).ok()
    }
}

fn unsigned(value: &Value) -> u64 {
    value.as_integer().and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}

fn compression_type(name: &str) -> CompressionType {
    match name {
        "uncompressed" => CompressionType::Uncompressed,
        "gzip" => CompressionType::Gzip,
        "snappy" => CompressionType::Snappy,
        "lz4" => CompressionType::Lz4,
        "zstd" => CompressionType::Zstd,
        _ => CompressionType::Producer,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Overrides = BTreeMap<&'static str, &'static str>;

    #[test]
    fn defaults_are_kafkas_but_for_the_flush() {
        let topic = TopicConfig::default();
        assert_eq!(topic.retention_ms, Some(7 * 24 * 3_600_000));
        assert_eq!(topic.retention_bytes, None);
        assert_eq!(topic.segment_bytes, 1 << 30);
        assert_eq!(topic.segment_ms, 7 * 24 * 3_600_000);
        assert_eq!(topic.max_message_bytes, 1_048_588);
        assert_eq!(topic.flush_messages, 1);
        assert_eq!(topic.flush_ms, i64::MAX as u64);
        assert_eq!(topic.timestamp_after_max_ms, 3_600_000);
        assert!(topic.cleanup_delete && !topic.cleanup_compact);
        assert_eq!(topic.compression_type, CompressionType::Producer);
    }

    #[test]
    fn the_most_specific_layer_wins() {
        let file: Overrides =
            [("log.retention.hours", "1"), ("log.segment.bytes", "2000000"), ("log.roll.hours", "2")].into();
        let cluster: Overrides = [("message.max.bytes", "777")].into();
        let broker: Overrides = [("log.segment.bytes", "3000000"), ("message.max.bytes", "888")].into();
        let layers = Layers { broker: &broker, cluster: &cluster, file: &file };
        let topic = TopicConfig::resolve(&Nothing, &layers);
        assert_eq!(topic.retention_ms, Some(3_600_000));
        assert_eq!(
            (topic.segment_bytes, topic.max_message_bytes, topic.segment_ms),
            (3_000_000, 888, 7_200_000)
        );
        let overrides: Overrides = [("retention.ms", "-1"), ("segment.bytes", "4000000")].into();
        let topic = TopicConfig::resolve(&overrides, &layers);
        assert_eq!((topic.retention_ms, topic.segment_bytes), (None, 4_000_000));
    }

    #[test]
    fn milliseconds_take_precedence_over_minutes_and_hours() {
        let file: Overrides = [("log.retention.hours", "1"), ("log.retention.minutes", "2")].into();
        let layers = Layers { file: &file, ..Layers::none() };
        assert_eq!(TopicConfig::resolve(&Nothing, &layers).retention_ms, Some(120_000));
        let cluster: Overrides = [("log.retention.ms", "3")].into();
        let layers = Layers { cluster: &cluster, ..layers };
        assert_eq!(TopicConfig::resolve(&Nothing, &layers).retention_ms, Some(3));
    }

    #[test]
    fn an_override_that_does_not_parse_counts_as_absent() {
        let overrides: Overrides = [("retention.ms", "soon"), ("internal.segment.bytes", "100")].into();
        let topic = TopicConfig::resolve(&overrides, &Layers::none());
        assert_eq!(topic.retention_ms, Some(604_800_000));
        assert_eq!(topic.segment_bytes, 100);
    }
}
