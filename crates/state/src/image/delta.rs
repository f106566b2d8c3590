//! What is different between two images, collected from the changes in between.

use std::collections::{BTreeMap, BTreeSet};

use chronik_types::{NodeId, PartitionIndex, TopicId};

use crate::cluster::{ClusterState, ConfigResource, ResourceKind};
use crate::records::{Change, Name, Record};

/// What is different between two images that follow each other. It may name things that came and went, or that
/// changed back: compare the images for what is so now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageDelta {
    /// Partitions that were made or changed, and not removed since.
    pub partitions: BTreeSet<(TopicId, PartitionIndex)>,
    /// Topics that were made, and not removed since.
    pub topics_created: BTreeSet<TopicId>,
    /// Topics that were removed, with the names they had; not those that were made since the older image.
    pub topics_removed: BTreeMap<TopicId, Name>,
    /// Resources whose configuration changed; a removed topic's is not listed.
    pub configs: BTreeSet<ConfigResource>,
    /// Brokers whose registration changed or went.
    pub brokers: BTreeSet<NodeId>,
    /// Whether a feature's level changed.
    pub features: bool,
    /// Whether a controller's registration changed.
    pub controllers: bool,
    /// Whether a quota changed.
    pub quotas: bool,
    /// Whether an access control entry changed.
    pub acls: bool,
    /// Whether a SCRAM credential or a delegation token changed.
    pub credentials: bool,
    /// Whether a record came that this code does not know.
    pub unknown: bool,
}

impl ImageDelta {
    /// Whether nothing is known to be different.
    pub fn is_empty(&self) -> bool {
        *self == ImageDelta::default()
    }

    /// What is different between two states of which nobody knows the changes in between.
    pub fn between(before: &ClusterState, after: &ClusterState) -> ImageDelta {
        let mut delta = ImageDelta::default();
        for topic in before.topics().filter(|topic| after.topic(topic.id).is_none()) {
            delta.topics_removed.insert(topic.id, topic.name.clone());
        }
        for topic in after.topics() {
            let old = before.topic(topic.id);
            if old.is_none() {
                delta.topics_created.insert(topic.id);
            }
            for (index, partition) in &topic.partitions {
                if old.and_then(|old| old.partition(*index)).is_none_or(|old| old != partition) {
                    delta.partitions.insert((topic.id, *index));
                }
            }
        }
        let brokers = before.brokers().chain(after.brokers()).map(|broker| broker.id);
        delta.brokers = brokers.filter(|id| before.broker(*id) != after.broker(*id)).collect();
        let resources = before.configs().chain(after.configs()).map(|(resource, _)| resource);
        let changed = resources.filter(|resource| before.config(resource) != after.config(resource));
        delta.configs = changed.cloned().collect();
        delta.features = !before.features().eq(after.features());
        delta.controllers = !before.controllers().eq(after.controllers());
        delta.quotas = !before.quotas().eq(after.quotas());
        delta.acls = !before.acls().eq(after.acls());
        delta.credentials = true;
        delta.unknown = !before.unknown().eq(after.unknown());
        delta
    }

    /// Notes what `change` will do to `before`.
    pub(super) fn note(&mut self, before: &ClusterState, change: &Change) {
        match &change.record {
            Record::Topic(record) => {
                self.topics_created.insert(record.topic_id);
            }
            Record::RemoveTopic(record) => self.note_removal(before, record.topic_id),
            Record::Partition(record) => {
                self.partitions.insert((record.topic_id, record.partition_id));
            }
            Record::PartitionChange(record) => {
                self.partitions.insert((record.topic_id, record.partition_id));
            }
            Record::ClearElr(record) => self.note_cleared_elrs(before, &record.topic_name),
            Record::RegisterBroker(record) => self.note_broker(record.broker_id),
            Record::UnregisterBroker(record) => self.note_broker(record.broker_id),
            Record::FenceBroker(record) => self.note_broker(record.id),
            Record::UnfenceBroker(record) => self.note_broker(record.id),
            Record::BrokerRegistrationChange(record) => self.note_broker(record.broker_id),
            Record::RegisterController(_) => self.controllers = true,
            Record::Config(record) => {
                let kind = ResourceKind::from_code(record.resource_type);
                self.configs.insert(ConfigResource { kind, name: record.resource_name.clone() });
            }
            Record::FeatureLevel(_) => self.features = true,
            Record::ClientQuota(_) => self.quotas = true,
            Record::AccessControlEntry(_) | Record::RemoveAccessControlEntry(_) => self.acls = true,
            Record::UserScramCredential(_)
            | Record::RemoveUserScramCredential(_)
            | Record::DelegationToken(_)
            | Record::RemoveDelegationToken(_) => self.credentials = true,
            Record::Unknown { .. } => self.unknown = true,
            Record::ProducerIds(_)
            | Record::NoOp(_)
            | Record::ZkMigrationState(_)
            | Record::BeginTransaction(_)
            | Record::EndTransaction(_)
            | Record::AbortTransaction(_) => {}
        }
    }

    fn note_broker(&mut self, id: NodeId) {
        self.brokers.insert(id);
    }

    fn note_removal(&mut self, before: &ClusterState, id: TopicId) {
        let Some(topic) = before.topic(id) else { return };
        for index in topic.partitions.keys() {
            self.partitions.remove(&(id, *index));
        }
        self.configs.remove(&ConfigResource::topic(topic.name.clone()));
        if !self.topics_created.remove(&id) {
            self.topics_removed.insert(id, topic.name.clone());
        }
    }

    fn note_cleared_elrs(&mut self, before: &ClusterState, name: &str) {
        for topic in before.topics().filter(|topic| name.is_empty() || &*topic.name == name) {
            let has_elr =
                topic.partitions.iter().filter(|(_, p)| !p.elr.is_empty() || !p.last_known_elr.is_empty());
            self.partitions.extend(has_elr.map(|(index, _)| (topic.id, *index)));
        }
    }
}
