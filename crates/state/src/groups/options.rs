//! What the node's configuration says about groups (`group.*`, `offset*`), with Kafka's defaults.

/// Between which protocols a group may be converted while it is in use (`group.consumer.migration.policy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationPolicy {
    /// Neither way.
    Disabled,
    /// Consumer groups become classic ones when the last member that speaks the new protocol leaves.
    Downgrade,
    /// Classic groups become consumer groups when a member that speaks the new protocol joins.
    Upgrade,
    /// Both.
    Bidirectional,
}

impl MigrationPolicy {
    /// By the name that the configuration gives it, in any case.
    pub fn named(name: &str) -> Option<MigrationPolicy> {
        let all = [
            ("disabled", MigrationPolicy::Disabled),
            ("downgrade", MigrationPolicy::Downgrade),
            ("upgrade", MigrationPolicy::Upgrade),
            ("bidirectional", MigrationPolicy::Bidirectional),
        ];
        all.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, policy)| policy)
    }

    pub(crate) fn upgrades(self) -> bool {
        matches!(self, MigrationPolicy::Upgrade | MigrationPolicy::Bidirectional)
    }

    pub(crate) fn downgrades(self) -> bool {
        matches!(self, MigrationPolicy::Downgrade | MigrationPolicy::Bidirectional)
    }
}

/// A time of consumer groups: the default, and the bounds that a group's own configuration is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// `group.consumer.*.ms`.
    pub default: i32,
    /// `group.consumer.min.*.ms`.
    pub min: i32,
    /// `group.consumer.max.*.ms`.
    pub max: i32,
}

/// The coordinator's options. Each field is the key of the same name, `group.` and `.ms` added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`.
    pub max_size: usize,
    /// `group.consumer.session.timeout.ms`.
    pub consumer_session_timeout_ms: Bounded,
    /// `group.consumer.heartbeat.interval.ms`.
    pub consumer_heartbeat_interval_ms: Bounded,
    /// `group.consumer.assignment.interval.ms` (KIP-1263).
    pub consumer_assignment_interval_ms: Bounded,
    /// `group.consumer.max.size`.
    pub consumer_max_size: usize,
    /// `group.consumer.assignors`: names out of `uniform` and `range`, the default first.
    pub consumer_assignors: Vec<String>,
    /// `group.consumer.migration.policy`.
    pub migration_policy: MigrationPolicy,
    /// `group.consumer.regex.refresh.interval.ms`.
    pub regex_refresh_interval_ms: i64,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval_ms: i64,
    /// The largest batch that `__consumer_offsets` takes (`max.message.bytes`): what does not fit is refused, not appended.
    pub batch_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            max_size: i32::MAX as usize,
            consumer_session_timeout_ms: Bounded { default: 45_000, min: 45_000, max: 60_000 },
            consumer_heartbeat_interval_ms: Bounded { default: 5_000, min: 5_000, max: 15_000 },
            consumer_assignment_interval_ms: Bounded { default: 1_000, min: 0, max: 15_000 },
            consumer_max_size: i32::MAX as usize,
            consumer_assignors: vec!["uniform".to_owned(), "range".to_owned()],
            migration_policy: MigrationPolicy::Bidirectional,
            regex_refresh_interval_ms: 600_000,
            offset_metadata_max_bytes: 4_096,
            offsets_retention_ms: 10_080 * 60_000,
            offsets_retention_check_interval_ms: 600_000,
            batch_bytes_max: 1_048_588,
        }
    }
}
