//! What the cluster is: the state that the metadata log adds up to, the same struct in the controller's speculative
//! copy, in every node's committed copy and in the published image.
//!
//! All of it is in persistent maps, so that a copy costs nothing and a change costs its own size. It changes in
//! [`ClusterState::apply`] only, and [`ClusterState::snapshot`] gives the records that lead to it again.

mod apply;
mod config;
mod features;
mod index;
mod nodes;
mod snapshot;
mod topics;

use std::sync::Arc;

use chronik_types::{NodeId, ProducerId, TopicId};
use imbl::{OrdMap, OrdSet, Vector};
use uuid::Uuid;

use crate::records::{
    AccessControlEntryRecord, Change, DelegationTokenRecord, Name, QuotaEntityRecord,
    UserScramCredentialRecord,
};

pub(super) use apply::collision_key;
pub use config::{ConfigResource, ResourceKind};
pub use features::{
    ELIGIBLE_LEADER_REPLICAS_VERSION, Feature, GROUP_VERSION, KRAFT_VERSION, METADATA_VERSION,
    MetadataVersion, SHARE_VERSION, STREAMS_VERSION, SUPPORTED_FEATURES, TRANSACTION_VERSION,
};
pub use index::Located;
pub use nodes::{Broker, Controller};
pub use snapshot::restore;
pub use topics::{
    LOST_DIRECTORY, MIGRATING_DIRECTORY, Nodes, Partition, RESERVED_DIRECTORIES, Topic, UNASSIGNED_DIRECTORY,
};

/// Whom a quota is for: each type of entity with its name, or `None` for the type's default; sorted.
pub type QuotaEntity = Vec<(Name, Option<Name>)>;

/// The cluster's metadata. Anyone may read it; only [`ClusterState::apply`] writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterState {
    /// The level of each feature that is not off, `metadata.version` among them.
    pub(super) features: OrdMap<Name, i16>,
    pub(super) brokers: OrdMap<NodeId, Arc<Broker>>,
    pub(super) controllers: OrdMap<NodeId, Arc<Controller>>,
    pub(super) topics: OrdMap<TopicId, Arc<Topic>>,
    pub(super) topic_ids: OrdMap<Name, TopicId>,
    /// The names of topics by their name with every '.' as '_', since metrics cannot tell the two apart.
    pub(super) collisions: OrdMap<Name, OrdSet<Name>>,
    /// Derived from `topics`.
    index: index::Index,
    pub(super) configs: OrdMap<ConfigResource, OrdMap<Name, Name>>,
    pub(super) next_producer_id: Option<ProducerId>,
    pub(super) quotas: OrdMap<QuotaEntity, OrdMap<Name, f64>>,
    pub(super) acls: OrdMap<Uuid, Arc<AccessControlEntryRecord>>,
    pub(super) scram: OrdMap<(Name, i8), Arc<UserScramCredentialRecord>>,
    pub(super) tokens: OrdMap<Name, Arc<DelegationTokenRecord>>,
    pub(super) zk_migration_state: Option<i8>,
    /// Records that this code does not know, kept for the node that does.
    pub(super) unknown: Vector<Change>,
    /// The state before the metadata transaction that is open (KIP-868), to go back to if it is aborted.
    pub(super) before_transaction: Option<Arc<ClusterState>>,
}

impl ClusterState {
    /// A registered broker.
    pub fn broker(&self, id: NodeId) -> Option<&Arc<Broker>> {
        self.brokers.get(&id)
    }

    /// Every registered broker, by id, fenced ones included.
    pub fn brokers(&self) -> impl ExactSizeIterator<Item = &Arc<Broker>> {
        self.brokers.values()
    }

    /// Every registered controller, by id.
    pub fn controllers(&self) -> impl ExactSizeIterator<Item = &Arc<Controller>> {
        self.controllers.values()
    }

    /// A topic by its id.
    pub fn topic(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.topics.get(&id)
    }

    /// A topic by its name.
    pub fn topic_named(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(self.topic_ids.get(name)?)
    }

    /// The id of the topic of this name.
    pub fn topic_id(&self, name: &str) -> Option<TopicId> {
        self.topic_ids.get(name).copied()
    }

    /// Every topic, by id.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Arc<Topic>> {
        self.topics.values()
    }

    /// Every topic from `name` on, by name; `""` starts at the first.
    pub fn topics_from<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Arc<Topic>> {
        use std::ops::Bound;
        self.topic_ids
            .range::<_, str>((Bound::Included(name), Bound::Unbounded))
            .filter_map(|(_, id)| self.topics.get(id))
    }

    /// The overrides of a resource; `None` if it has none.
    pub fn config(&self, resource: &ConfigResource) -> Option<&OrdMap<Name, Name>> {
        self.configs.get(resource)
    }

    /// Every resource that has overrides.
    pub fn configs(&self) -> impl ExactSizeIterator<Item = (&ConfigResource, &OrdMap<Name, Name>)> {
        self.configs.iter()
    }

    /// The level of a feature; 0: off.
    pub fn feature_level(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    /// Every feature that is not off, with its level.
    pub fn features(&self) -> impl ExactSizeIterator<Item = (&Name, i16)> {
        self.features.iter().map(|(name, level)| (name, *level))
    }

    /// What may be written, and how; the oldest there is until the log says otherwise.
    pub fn metadata_version(&self) -> MetadataVersion {
        MetadataVersion::from_level(self.feature_level(METADATA_VERSION))
    }

    /// The first producer id that was never handed out.
    pub fn next_producer_id(&self) -> ProducerId {
        self.next_producer_id.unwrap_or(ProducerId(0))
    }

    /// Every access control entry, by id.
    pub fn acls(&self) -> impl ExactSizeIterator<Item = &Arc<AccessControlEntryRecord>> {
        self.acls.values()
    }

    /// Every quota.
    pub fn quotas(&self) -> impl ExactSizeIterator<Item = (&QuotaEntity, &OrdMap<Name, f64>)> {
        self.quotas.iter()
    }

    /// Records that this code did not understand; a node says so once.
    pub fn unknown(&self) -> impl ExactSizeIterator<Item = &Change> {
        self.unknown.iter()
    }

    /// Whether a metadata transaction is open, so that nothing since its begin may be shown.
    pub fn in_transaction(&self) -> bool {
        self.before_transaction.is_some()
    }

    /// The state that may be shown: the one before the open transaction, if there is one.
    pub fn visible(&self) -> &ClusterState {
        self.before_transaction.as_deref().unwrap_or(self)
    }

    /// Whether the log holds anything yet that forms a cluster.
    pub fn is_empty(&self) -> bool {
        *self == ClusterState::default()
    }
}

/// The key of a quota's entity in the state.
pub(super) fn quota_entity(entity: &[QuotaEntityRecord]) -> QuotaEntity {
    let mut key: QuotaEntity =
        entity.iter().map(|part| (part.entity_type.clone(), part.entity_name.clone())).collect();
    key.sort();
    key
}
