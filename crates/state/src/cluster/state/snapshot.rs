//! The state as records, and back: what a snapshot of the metadata log holds (`org.apache.kafka.image.MetadataImage.write`).
//!
//! Records are at the versions of the state's own metadata version. `restore(snapshot(s)) == s`.

use super::{ClusterState, METADATA_VERSION};
use crate::records::{
    Change, ClientQuotaRecord, ConfigRecord, FeatureLevelRecord, Name, ProducerIdsRecord, QuotaEntityRecord,
    TopicRecord, ZkMigrationStateRecord,
};
use chronik_types::{BrokerEpoch, NodeId};

/// The state that a snapshot's records add up to.
///
/// # Panics
/// If the records contradict each other.
pub fn restore<'a>(records: impl IntoIterator<Item = &'a Change>) -> ClusterState {
    let mut state = ClusterState::default();
    for change in records {
        state.apply(change);
    }
    state
}

impl ClusterState {
    /// The records that lead to this state again, in Kafka's order.
    ///
    /// # Panics
    /// If a metadata transaction is open: what it holds may never come to be, so nobody may snapshot it.
    pub fn snapshot(&self) -> Vec<Change> {
        assert!(!self.in_transaction(), "a snapshot is taken inside a metadata transaction");
        let mut out = Vec::with_capacity(self.topics.len() * 2 + 64);
        self.snapshot_features(&mut out);
        self.snapshot_nodes(&mut out);
        self.snapshot_topics(&mut out);
        self.snapshot_configs(&mut out);
        self.snapshot_quotas(&mut out);
        if let Some(next_producer_id) = self.next_producer_id {
            out.push(Change::new(ProducerIdsRecord {
                broker_id: NodeId::NONE,
                broker_epoch: BrokerEpoch(-1),
                next_producer_id,
                ..Default::default()
            }));
        }
        out.extend(self.acls.values().map(|acl| Change::new((**acl).clone())));
        out.extend(self.scram.values().map(|credential| Change::new((**credential).clone())));
        out.extend(self.tokens.values().map(|token| Change::new((**token).clone())));
        out.extend(self.unknown.iter().cloned());
        out
    }

    fn snapshot_features(&self, out: &mut Vec<Change>) {
        let feature = |name: &Name, level: i16| {
            Change::new(FeatureLevelRecord { name: name.clone(), feature_level: level, ..Default::default() })
        };
        // The metadata version goes first: a reader needs it to understand the rest.
        out.extend(self.features.get_key_value(METADATA_VERSION).map(|(name, level)| feature(name, *level)));
        let others = self.features.iter().filter(|(name, _)| &***name != METADATA_VERSION);
        out.extend(others.map(|(name, level)| feature(name, *level)));
        if let Some(zk_migration_state) = self.zk_migration_state {
            out.push(Change::new(ZkMigrationStateRecord { zk_migration_state, ..Default::default() }));
        }
    }

    fn snapshot_nodes(&self, out: &mut Vec<Change>) {
        let version = self.metadata_version();
        out.extend(self.brokers.values().map(|broker| broker.to_change(version)));
        out.extend(self.controllers.values().map(|controller| controller.to_change()));
    }

    fn snapshot_topics(&self, out: &mut Vec<Change>) {
        let version = self.metadata_version();
        for topic in self.topics.values() {
            out.push(Change::new(TopicRecord {
                name: topic.name.clone(),
                topic_id: topic.id,
                ..Default::default()
            }));
            out.extend(topic.partitions.iter().map(|(index, p)| p.to_change(topic.id, *index, version)));
        }
    }

    fn snapshot_configs(&self, out: &mut Vec<Change>) {
        for (resource, overrides) in &self.configs {
            out.extend(overrides.iter().map(|(name, value)| {
                Change::new(ConfigRecord {
                    resource_type: resource.kind.code(),
                    resource_name: resource.name.clone(),
                    name: name.clone(),
                    value: Some(value.clone()),
                    ..Default::default()
                })
            }));
        }
    }

    fn snapshot_quotas(&self, out: &mut Vec<Change>) {
        for (entity, quotas) in &self.quotas {
            let parts = entity.iter().map(|(entity_type, entity_name)| QuotaEntityRecord {
                entity_type: entity_type.clone(),
                entity_name: entity_name.clone(),
                ..Default::default()
            });
            let entity: Vec<_> = parts.collect();
            out.extend(quotas.iter().map(|(key, value)| {
                Change::new(ClientQuotaRecord {
                    entity: entity.clone(),
                    key: key.clone(),
                    value: *value,
                    ..Default::default()
                })
            }));
        }
    }
}
