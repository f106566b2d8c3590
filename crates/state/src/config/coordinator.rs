//! The configuration of the group coordinator, typed.

use super::Layers;
use super::broker::Reader;
use super::checks::assignor;
use crate::groups::{Bounded, MigrationPolicy, Options};

/// What a broker needs to know to coordinate groups.
#[derive(Clone, Debug, PartialEq)]
pub struct CoordinatorConfig {
    /// `offsets.topic.num.partitions`.
    pub topic_partitions: u32,
    /// `offsets.topic.replication.factor`.
    pub topic_replication_factor: u16,
    /// `offsets.topic.segment.bytes`.
    pub topic_segment_bytes: u32,
    /// `offsets.topic.compression.codec`: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub compression_codec: u8,
    /// `offsets.commit.timeout.ms`.
    pub commit_timeout_ms: u64,
    /// `offsets.load.buffer.size`.
    pub load_bytes: u32,
    /// `group.coordinator.rebalance.protocols` contains `consumer`.
    pub serves_consumer_protocol: bool,
    /// What the groups themselves go by.
    pub groups: Options,
}

impl CoordinatorConfig {
    /// What is in force now.
    pub(super) fn resolve(layers: &Layers<'_>) -> CoordinatorConfig {
        let read = Reader(layers);
        CoordinatorConfig {
            topic_partitions: read.size("offsets.topic.num.partitions") as u32,
            topic_replication_factor: read.size("offsets.topic.replication.factor") as u16,
            topic_segment_bytes: read.size("offsets.topic.segment.bytes") as u32,
            compression_codec: read.size("offsets.topic.compression.codec") as u8,
            commit_timeout_ms: read.size("offsets.commit.timeout.ms"),
            load_bytes: read.size("offsets.load.buffer.size") as u32,
            serves_consumer_protocol: elements(&read, "group.coordinator.rebalance.protocols")
                .iter()
                .any(|protocol| protocol == "consumer"),
            groups: groups(&read),
        }
    }
}

fn groups(read: &Reader<'_>) -> Options {
    let ms = |key: &str| read.size(key) as i32;
    let bounded = |of: &str| Bounded {
        default: ms(&format!("group.consumer.{of}.ms")),
        min: ms(&format!("group.consumer.min.{of}.ms")),
        max: ms(&format!("group.consumer.max.{of}.ms")),
    };
    let policy = read.text("group.consumer.migration.policy");
    Options {
        min_session_timeout_ms: ms("group.min.session.timeout.ms"),
        max_session_timeout_ms: ms("group.max.session.timeout.ms"),
        initial_rebalance_delay_ms: ms("group.initial.rebalance.delay.ms"),
        max_size: read.size("group.max.size") as usize,
        consumer_session_timeout_ms: bounded("session.timeout"),
        consumer_heartbeat_interval_ms: bounded("heartbeat.interval"),
        consumer_assignment_interval_ms: bounded("assignment.interval"),
        consumer_max_size: read.size("group.consumer.max.size") as usize,
        consumer_assignors: elements(read, "group.consumer.assignors")
            .iter()
            .filter_map(|text| assignor(text).map(str::to_owned))
            .collect(),
        migration_policy: MigrationPolicy::named(&policy).unwrap_or(MigrationPolicy::Bidirectional),
        regex_refresh_interval_ms: read.size("group.consumer.regex.refresh.interval.ms") as i64,
        offset_metadata_max_bytes: read.size("offset.metadata.max.bytes") as usize,
        offsets_retention_ms: read.size("offsets.retention.minutes") as i64 * 60_000,
        offsets_retention_check_interval_ms: read.size("offsets.retention.check.interval.ms") as i64,
        batch_bytes_max: read.size("message.max.bytes") as usize,
    }
}

fn elements(read: &Reader<'_>, key: &str) -> Vec<String> {
    read.value(key).elements().iter().map(ToString::to_string).collect()
}
