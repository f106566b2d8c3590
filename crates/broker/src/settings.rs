//! What a topic's configuration means to its partitions: one shared value per topic, replaced when it changes.

use std::sync::Arc;

use chronik_log::batch::{Codec, Compression, Origin, TimestampType, TopicCompression, ValidateOptions};
use chronik_log::{LogOptions, ProducerOptions};
use chronik_state::config::{self, CompressionType, TopicConfig};
use chronik_types::Millis;

/// Records that must be decoded (another codec, keys to be checked) may not become larger than this.
const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;

/// A topic's settings, ready for use.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// As resolved from all layers.
    pub(crate) topic: TopicConfig,
    /// The part that the log acts on.
    pub(crate) log: Arc<LogOptions>,
    /// The part that batches are checked against; `now` is filled in for each.
    validate: ValidateOptions,
    /// A fault that the topic's partitions are to have.
    #[cfg(feature = "planted")]
    pub(crate) planted: Option<crate::PlantedFault>,
}

impl Settings {
    /// Derives everything from a resolved configuration.
    pub(crate) fn new(topic: TopicConfig, producer_id_expiration_ms: u64) -> Arc<Settings> {
        let log = Arc::new(log_options(&topic, producer_id_expiration_ms));
        let validate = validate_options(&topic);
        Arc::new(Settings {
            topic,
            log,
            validate,
            #[cfg(feature = "planted")]
            planted: None,
        })
    }

    /// The same with a planted fault.
    #[cfg(feature = "planted")]
    pub(crate) fn with_fault(self: Arc<Self>, planted: Option<crate::PlantedFault>) -> Arc<Settings> {
        let Settings { topic, log, validate, .. } = Arc::unwrap_or_clone(self);
        Arc::new(Settings { topic, log, validate, planted })
    }

    /// What a client's batch is checked against at `now`.
    pub(crate) fn validate_options(&self, now: Millis) -> ValidateOptions {
        ValidateOptions { now, ..self.validate }
    }

    /// How many replicas must be in sync for acks=all, of so many that there are (`Partition.effectiveMinIsr`).
    pub(crate) fn min_in_sync(&self, replicas: usize) -> usize {
        (self.topic.min_insync_replicas as usize).min(replicas)
    }

    /// Whether an append must be on disk before it counts as committed (`flush.messages=1`).
    pub(crate) fn durable_first(&self) -> bool {
        self.topic.flush_messages <= 1
    }
}

fn log_options(topic: &TopicConfig, producer_id_expiration_ms: u64) -> LogOptions {
    LogOptions {
        segment_bytes: topic.segment_bytes,
        segment_ms: signed(topic.segment_ms),
        segment_jitter_ms: signed(topic.segment_jitter_ms),
        segment_index_bytes: topic.segment_index_bytes,
        index_interval_bytes: topic.index_interval_bytes,
        retention_ms: topic.retention_ms.map_or(-1, signed),
        retention_bytes: topic.retention_bytes.map_or(-1, signed),
        delete: topic.cleanup_delete,
        compact: topic.cleanup_compact,
        min_compaction_lag_ms: signed(topic.min_compaction_lag_ms),
        max_compaction_lag_ms: signed(topic.max_compaction_lag_ms),
        delete_retention_ms: signed(topic.delete_retention_ms),
        producers: ProducerOptions { expiration_ms: signed(producer_id_expiration_ms) },
    }
}

fn validate_options(topic: &TopicConfig) -> ValidateOptions {
    ValidateOptions {
        batch_bytes_max: topic.max_message_bytes as usize,
        compression: compression(topic),
        timestamp_type: match topic.timestamp_type {
            config::TimestampType::CreateTime => TimestampType::CreateTime,
            config::TimestampType::LogAppendTime => TimestampType::LogAppendTime,
        },
        timestamp_before_max_ms: signed(topic.timestamp_before_max_ms),
        timestamp_after_max_ms: signed(topic.timestamp_after_max_ms),
        keys_required: topic.cleanup_compact,
        decompressed_bytes_max: DECOMPRESSED_BYTES_MAX,
        ..ValidateOptions::new(Origin::Client, Millis(0))
    }
}

fn compression(topic: &TopicConfig) -> TopicCompression {
    TopicCompression::Fixed(match topic.compression_type {
        CompressionType::Producer => return TopicCompression::Producer,
        CompressionType::Uncompressed => Compression::None,
        CompressionType::Gzip => u32::try_from(topic.compression_gzip_level)
            .map_or(Compression::of(Codec::Gzip), Compression::Gzip),
        CompressionType::Snappy => Compression::Snappy,
        CompressionType::Lz4 => Compression::Lz4,
        CompressionType::Zstd => Compression::Zstd(topic.compression_zstd_level),
    })
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
