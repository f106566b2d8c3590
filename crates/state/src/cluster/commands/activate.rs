//! What a node does first when it leads: form a new cluster, or take over one
//! (`org.apache.kafka.controller.ActivationRecordsGenerator`, KIP-868).
//!
//! An empty log gets the bootstrap records in one metadata transaction: the feature levels that the formatter chose
//! and, if eligible leader replicas are among them, the cluster's `min.insync.replicas`, which they depend on.
//! A metadata transaction that an earlier leader left open is aborted.

use super::{Change, Context, Decision};
use crate::cluster::configuration;
use crate::cluster::{
    ELIGIBLE_LEADER_REPLICAS_VERSION, METADATA_VERSION, MetadataVersion, SUPPORTED_FEATURES,
};
use crate::config::{Nothing, TopicConfig};
use crate::records::{
    AbortTransactionRecord, BeginTransactionRecord, ConfigRecord, EndTransactionRecord, FeatureLevelRecord,
    Name,
};

/// Take over the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activate {
    /// The levels that a new cluster gets, in the order of `bootstrap.checkpoint`; see [`Activate::default`].
    pub bootstrap_features: Vec<(Name, i16)>,
}

impl Default for Activate {
    /// What `kafka-storage.sh format` writes without being asked for anything else: the metadata version, then the
    /// other features by name, each at its newest level. `kraft.version` is the quorum's own.
    fn default() -> Self {
        let metadata = SUPPORTED_FEATURES.iter().filter(|feature| feature.name == METADATA_VERSION);
        let is_other = |name: &str| name != METADATA_VERSION && name != crate::cluster::KRAFT_VERSION;
        let others = SUPPORTED_FEATURES.iter().filter(|feature| is_other(feature.name));
        let bootstrap_features =
            metadata.chain(others).map(|feature| (Name::from(feature.name), feature.max)).collect();
        Activate { bootstrap_features }
    }
}

impl Activate {
    /// The records of `bootstrap.checkpoint` (`kafka-storage.sh format`), between the snapshot's header and footer.
    pub fn bootstrap_records(&self) -> Vec<Change> {
        let feature = |(name, level): &(Name, i16)| {
            Change::new(FeatureLevelRecord {
                name: name.clone(),
                feature_level: *level,
                ..Default::default()
            })
        };
        self.bootstrap_features.iter().map(feature).collect()
    }

    fn level(&self, name: &str) -> i16 {
        self.bootstrap_features.iter().find(|(known, _)| &**known == name).map_or(0, |(_, level)| *level)
    }
}

/// What taking over amounted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activated {
    /// The log was empty: the cluster is formed now.
    NewCluster,
    /// The log holds a cluster.
    Existing,
}

pub(super) fn decide(context: &Context<'_>, command: Activate) -> Decision<Change, Activated> {
    let mut changes = Vec::new();
    if context.state.in_transaction() {
        let reason = Some(Name::from("Controller failover"));
        changes.push(Change::new(AbortTransactionRecord { reason, ..Default::default() }));
    }
    if !context.state.visible().is_empty() {
        return Decision { changes, reply: Activated::Existing };
    }
    let with_transaction = MetadataVersion::from_level(command.level(METADATA_VERSION)).has_transactions();
    if with_transaction {
        let name = Some(Name::from("Bootstrap records"));
        changes.push(Change::new(BeginTransactionRecord { name, ..Default::default() }));
    }
    changes.extend(command.bootstrap_records());
    if command.level(ELIGIBLE_LEADER_REPLICAS_VERSION) > 0 {
        changes.push(min_insync_replicas(context));
    }
    if with_transaction {
        changes.push(Change::new(EndTransactionRecord::default()));
    }
    Decision { changes, reply: Activated::NewCluster }
}

/// The cluster's `min.insync.replicas` as a dynamic default: what is eligible must not depend on one node's file.
pub(super) fn min_insync_replicas(context: &Context<'_>) -> Change {
    let config = TopicConfig::resolve(&Nothing, &configuration::layers(context));
    Change::new(ConfigRecord {
        resource_type: crate::cluster::ResourceKind::Broker.code(),
        resource_name: Name::from(""),
        name: Name::from(super::MIN_INSYNC_REPLICAS),
        value: Some(Name::from(config.min_insync_replicas.to_string())),
        ..Default::default()
    })
}
