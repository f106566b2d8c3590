//! What a topic's configuration asks of its logs. Shared by the logs of a topic; replaced as a whole when it changes.

/// A log's options. Names are Kafka's topic configurations; sizes in bytes, times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// `segment.bytes`: a segment never grows beyond it. At most `i32::MAX`.
    pub segment_bytes: u32,
    /// `segment.ms`: the span of record timestamps in a segment.
    pub segment_ms: i64,
    /// `segment.jitter.ms`: at most this much is taken from `segment_ms`, by the segment's base offset.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`: the size an offset or time index may reach before the segment is rolled.
    pub segment_index_bytes: u32,
    /// `index.interval.bytes`: bytes of batches between two index entries.
    pub index_interval_bytes: u32,
    /// `retention.ms`; -1 is for ever.
    pub retention_ms: i64,
    /// `retention.bytes`; -1 is without limit.
    pub retention_bytes: i64,
    /// `cleanup.policy` contains `delete`. If not, only what is below the start offset is removed.
    pub delete: bool,
    /// `cleanup.policy` contains `compact`: offsets may be missing between batches.
    pub compact: bool,
    /// `min.compaction.lag.ms`: what is younger is not compacted.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: what is older should have been. A compacted log's segments span at most this time.
    pub max_compaction_lag_ms: i64,
    /// `delete.retention.ms`: how long tombstones and markers stay once compaction has seen them.
    pub delete_retention_ms: i64,
    /// What is kept about producers.
    pub producers: ProducerOptions,
}

/// Broker-wide options about producers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerOptions {
    /// `producer.id.expiration.ms`: a producer that has been silent for longer is forgotten.
    pub expiration_ms: i64,
}

impl Default for LogOptions {
    /// Kafka's defaults.
    fn default() -> Self {
        LogOptions {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3_600_000,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            retention_ms: 7 * 24 * 3_600_000,
            retention_bytes: -1,
            delete: true,
            compact: false,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            delete_retention_ms: 24 * 3_600_000,
            producers: ProducerOptions { expiration_ms: 86_400_000 },
        }
    }
}
