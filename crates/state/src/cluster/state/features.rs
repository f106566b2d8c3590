//! Features and what follows from their levels (KIP-584, KIP-778, `MetadataVersion`, `Feature`).

/// Which records may be written, and at which version.
pub const METADATA_VERSION: &str = "metadata.version";
/// The quorum's own protocol; kept in control records, not in the metadata.
pub const KRAFT_VERSION: &str = "kraft.version";
/// Transactions (KIP-890).
pub const TRANSACTION_VERSION: &str = "transaction.version";
/// Consumer groups (KIP-848).
pub const GROUP_VERSION: &str = "group.version";
/// Eligible leader replicas (KIP-966).
pub const ELIGIBLE_LEADER_REPLICAS_VERSION: &str = "eligible.leader.replicas.version";
/// Share groups (KIP-932).
pub const SHARE_VERSION: &str = "share.version";
/// Streams groups (KIP-1071).
pub const STREAMS_VERSION: &str = "streams.version";

/// The levels of a feature that this code works at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// The lowest level.
    pub min: i16,
    /// The highest level, which a new cluster gets.
    pub max: i16,
}

/// What this code works at: Kafka 4.3's levels.
pub const SUPPORTED_FEATURES: &[Feature] = &[
    Feature { name: ELIGIBLE_LEADER_REPLICAS_VERSION, min: 0, max: 1 },
    Feature { name: GROUP_VERSION, min: 0, max: 1 },
    Feature { name: KRAFT_VERSION, min: 0, max: 1 },
    Feature { name: METADATA_VERSION, min: MetadataVersion::MIN.0, max: MetadataVersion::LATEST.0 },
    Feature { name: SHARE_VERSION, min: 0, max: 1 },
    Feature { name: STREAMS_VERSION, min: 0, max: 1 },
    Feature { name: TRANSACTION_VERSION, min: 0, max: 2 },
];

/// The level of `metadata.version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetadataVersion(pub i16);

/// Each level's name and whether it changed the records, from the oldest level on.
const LEVELS: &[(&str, bool)] = &[
    ("3.3-IV3", true),
    ("3.4-IV0", true),
    ("3.5-IV0", false),
    ("3.5-IV1", false),
    ("3.5-IV2", true),
    ("3.6-IV0", false),
    ("3.6-IV1", true),
    ("3.6-IV2", true),
    ("3.7-IV0", true),
    ("3.7-IV1", false),
    ("3.7-IV2", true),
    ("3.7-IV3", false),
    ("3.7-IV4", false),
    ("3.8-IV0", false),
    ("3.9-IV0", false),
    ("4.0-IV0", false),
    ("4.0-IV1", true),
    ("4.0-IV2", false),
    ("4.0-IV3", false),
    ("4.1-IV0", false),
    ("4.1-IV1", false),
    ("4.2-IV0", false),
    ("4.2-IV1", false),
    ("4.3-IV0", true),
];

impl MetadataVersion {
    /// 3.3-IV3, the oldest that Kafka 4 works at.
    pub const MIN: MetadataVersion = MetadataVersion(7);
    /// 4.3-IV0, which a new cluster gets.
    pub const LATEST: MetadataVersion = MetadataVersion(30);

    /// The version for a level, the oldest for a level below it.
    pub fn from_level(level: i16) -> MetadataVersion {
        MetadataVersion(level).max(MetadataVersion::MIN)
    }

    /// Kafka's name, such as `4.3-IV0`; `None` for a level that this code does not know.
    pub fn name(self) -> Option<&'static str> {
        LEVELS.get(usize::try_from(self.0 - Self::MIN.0).ok()?).map(|(name, _)| *name)
    }

    /// The version of this name: `4.3-IV0`, or `4.3` for the last of its release.
    pub fn from_name(name: &str) -> Option<MetadataVersion> {
        let is_it =
            |known: &str| known == name || known.split_once('-').is_some_and(|(release, _)| release == name);
        let at = LEVELS.iter().rposition(|(known, _)| is_it(known))?;
        Some(MetadataVersion(Self::MIN.0 + at as i16))
    }

    /// Whether going from this version to a lower one would lose something.
    pub fn changed_since(self, lower: MetadataVersion) -> bool {
        let changed = |level: i16| {
            usize::try_from(level - Self::MIN.0)
                .ok()
                .and_then(|at| LEVELS.get(at))
                .is_none_or(|(_, changed)| *changed)
        };
        (lower.0 + 1..=self.0).any(changed)
    }

    /// Metadata transactions (3.6-IV1).
    pub fn has_transactions(self) -> bool {
        self.0 >= 13
    }

    /// Controllers register (3.7-IV0).
    pub fn has_controller_registration(self) -> bool {
        self.0 >= 15
    }

    /// Replicas are assigned to log directories (3.7-IV2).
    pub fn has_directories(self) -> bool {
        self.0 >= 17
    }

    /// Eligible leader replicas may be recorded (4.0-IV1).
    pub fn has_elr(self) -> bool {
        self.0 >= 23
    }

    /// Log directories can be cordoned (4.3-IV0).
    pub fn has_cordoned_directories(self) -> bool {
        self.0 >= 30
    }

    /// Whether a shrinking ISR raises the leader epoch (until 3.6-IV0).
    pub fn raises_epoch_on_isr_shrink(self) -> bool {
        self.0 < 12
    }

    /// The version of `RegisterBrokerRecord`.
    pub fn register_broker_record(self) -> i16 {
        match self.0 {
            ..8 => 1,
            8..17 => 2,
            17..30 => 3,
            30.. => 4,
        }
    }

    /// The version of `PartitionRecord`.
    pub fn partition_record(self) -> i16 {
        match self.0 {
            ..17 => 0,
            17..23 => 1,
            23.. => 2,
        }
    }

    /// The version of `PartitionChangeRecord`.
    pub fn partition_change_record(self) -> i16 {
        self.partition_record()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_kafkas_names() {
        assert_eq!(MetadataVersion::LATEST.name(), Some("4.3-IV0"));
        assert_eq!(MetadataVersion::from_name("4.3"), Some(MetadataVersion::LATEST));
        assert_eq!(MetadataVersion::from_name("4.0"), Some(MetadataVersion(25)));
        assert_eq!(MetadataVersion::from_name("3.3-IV3"), Some(MetadataVersion::MIN));
        assert_eq!(MetadataVersion::from_name("2.8"), None);
        assert!(MetadataVersion(30).changed_since(MetadataVersion(29)));
        assert!(!MetadataVersion(29).changed_since(MetadataVersion(23)));
    }
}
