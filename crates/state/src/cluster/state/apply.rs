//! What each record does to the state. This is the only code that changes a [`ClusterState`].
//!
//! It cannot fail: a record that speaks of a topic or a broker that is not there is a bug of whoever decided it, or
//! damage that the log's checksums missed, and no state that follows could be trusted, so it panics. Only the
//! deletion of what is already gone is taken as done.

use std::sync::Arc;

use chronik_types::TopicId;

use super::config::{ConfigResource, ResourceKind};
use super::nodes::{Broker, Controller};
use super::topics::{Partition, Topic};
use super::{ClusterState, quota_entity};
use crate::records::{
    BrokerRegistrationChangeRecord, Change, ClientQuotaRecord, ConfigRecord, FeatureLevelRecord, Name,
    PartitionChangeRecord, PartitionRecord, Record, TopicRecord,
};

impl ClusterState {
    /// Applies one committed (or speculative) fact.
    ///
    /// # Panics
    /// If the fact contradicts the state.
    pub fn apply(&mut self, change: &Change) {
        match &change.record {
            Record::Topic(record) => self.add_topic(record),
            Record::RemoveTopic(record) => self.remove_topic(record.topic_id),
            Record::Partition(record) => self.set_partition(record),
            Record::PartitionChange(record) => self.change_partition(record),
            Record::ClearElr(record) => self.clear_elr(&record.topic_name),
            Record::RegisterBroker(record) => {
                self.brokers.insert(record.broker_id, Arc::new(Broker::from_record(record)));
            }
            Record::UnregisterBroker(record) => {
                self.brokers.remove(&record.broker_id);
            }
            Record::FenceBroker(record) => self.broker_mut(record.id).fenced = true,
            Record::UnfenceBroker(record) => self.broker_mut(record.id).fenced = false,
            Record::BrokerRegistrationChange(record) => self.change_broker(record),
            Record::RegisterController(record) => {
                self.controllers.insert(record.controller_id, Arc::new(Controller::from_record(record)));
            }
            Record::Config(record) => self.set_config(record),
            Record::FeatureLevel(record) => self.set_feature(record),
            Record::ProducerIds(record) => self.next_producer_id = Some(record.next_producer_id),
            Record::ClientQuota(record) => self.set_quota(record),
            Record::AccessControlEntry(record) => {
                self.acls.insert(record.id, Arc::new(record.clone()));
            }
            Record::RemoveAccessControlEntry(record) => {
                self.acls.remove(&record.id);
            }
            Record::UserScramCredential(record) => {
                self.scram.insert((record.name.clone(), record.mechanism), Arc::new(record.clone()));
            }
            Record::RemoveUserScramCredential(record) => {
                self.scram.remove(&(record.name.clone(), record.mechanism));
            }
            Record::DelegationToken(record) => {
                self.tokens.insert(record.token_id.clone(), Arc::new(record.clone()));
            }
            Record::RemoveDelegationToken(record) => {
                self.tokens.remove(&record.token_id);
            }
            Record::ZkMigrationState(record) => self.zk_migration_state = Some(record.zk_migration_state),
            Record::NoOp(_) => {}
            Record::BeginTransaction(_) => self.begin_transaction(),
            Record::EndTransaction(_) => {
                assert!(
                    self.before_transaction.take().is_some(),
                    "a metadata transaction ends that never began"
                );
            }
            Record::AbortTransaction(_) => {
                let before = self
                    .before_transaction
                    .take()
                    .expect("a metadata transaction is aborted that never began");
                *self = Arc::unwrap_or_clone(before);
            }
            Record::Unknown { .. } => self.unknown.push_back(change.clone()),
        }
    }

    fn begin_transaction(&mut self) {
        assert!(self.before_transaction.is_none(), "a metadata transaction begins inside another");
        self.before_transaction = Some(Arc::new(self.clone()));
    }

    fn add_topic(&mut self, record: &TopicRecord) {
        let topic = Topic { id: record.topic_id, name: record.name.clone(), partitions: Default::default() };
        let replaced = self.topic_ids.insert(topic.name.clone(), topic.id);
        assert!(replaced.is_none(), "topic {} is created while it exists", topic.name);
        if let Some(key) = collision_key(&topic.name) {
            self.collisions.entry(key).or_default().insert(topic.name.clone());
        }
        let replaced = self.topics.insert(topic.id, Arc::new(topic));
        assert!(replaced.is_none(), "topic id {} is used twice", record.topic_id);
    }

    fn remove_topic(&mut self, id: TopicId) {
        let topic =
            self.topics.remove(&id).unwrap_or_else(|| panic!("topic {id} is removed, but there is none"));
        for (index, partition) in &topic.partitions {
            self.index_partition((id, *index), Some(partition));
        }
        self.topic_ids.remove(&topic.name);
        self.configs.remove(&ConfigResource::topic(topic.name.clone()));
        if let Some(key) = collision_key(&topic.name)
            && let Some(names) = self.collisions.get_mut(&key)
        {
            names.remove(&topic.name);
            if names.is_empty() {
                self.collisions.remove(&key);
            }
        }
    }

    fn topic_mut(&mut self, id: TopicId) -> &mut Topic {
        let topic =
            self.topics.get_mut(&id).unwrap_or_else(|| panic!("topic {id} changes, but there is none"));
        Arc::make_mut(topic)
    }

    fn set_partition(&mut self, record: &PartitionRecord) {
        let partition = Arc::new(Partition::from_record(record));
        let before = self.topic_mut(record.topic_id).partitions.insert(record.partition_id, partition);
        self.index_partition((record.topic_id, record.partition_id), before.as_deref());
    }

    fn change_partition(&mut self, record: &PartitionChangeRecord) {
        let topic = self.topic_mut(record.topic_id);
        let index = record.partition_id;
        let Some(partition) = topic.partitions.get_mut(&index) else {
            panic!("partition {}-{index} changes, but there is none", topic.name)
        };
        let before = Partition::clone(partition);
        Arc::make_mut(partition).merge(record);
        self.index_partition((record.topic_id, index), Some(&before));
    }

    fn clear_elr(&mut self, name: &Name) {
        if name.is_empty() {
            let ids: Vec<TopicId> = self.topics.keys().copied().collect();
            for id in ids {
                self.clear_elr_of(id);
            }
        } else {
            let id = self
                .topic_id(name)
                .unwrap_or_else(|| panic!("topic {name} loses its ELRs, but there is none"));
            self.clear_elr_of(id);
        }
    }

    fn clear_elr_of(&mut self, id: TopicId) {
        let has_elr =
            |partition: &Partition| !partition.elr.is_empty() || !partition.last_known_elr.is_empty();
        let topic = self.topics.get(&id).expect("the caller found it");
        let touched: Vec<_> =
            topic.partitions.iter().filter(|(_, p)| has_elr(p)).map(|(index, _)| *index).collect();
        for index in touched {
            self.change_partition(&PartitionChangeRecord {
                partition_id: index,
                topic_id: id,
                eligible_leader_replicas: Some(Vec::new()),
                last_known_elr: Some(Vec::new()),
                ..Default::default()
            });
        }
    }

    fn broker_mut(&mut self, id: chronik_types::NodeId) -> &mut Broker {
        let broker =
            self.brokers.get_mut(&id).unwrap_or_else(|| panic!("broker {id} changes, but is not registered"));
        Arc::make_mut(broker)
    }

    fn change_broker(&mut self, record: &BrokerRegistrationChangeRecord) {
        let broker = self.broker_mut(record.broker_id);
        assert_eq!(broker.epoch, record.broker_epoch, "broker {} changes in another epoch", record.broker_id);
        match record.fenced {
            0 => {}
            fenced => broker.fenced = fenced > 0,
        }
        if record.in_controlled_shutdown != 0 {
            broker.in_controlled_shutdown = true;
        }
        if !record.log_dirs.is_empty() {
            broker.log_dirs.clone_from(&record.log_dirs);
            super::nodes::sort_directories(&mut broker.log_dirs);
        }
        if record.cordoned_log_dirs.is_some() {
            broker.cordoned_log_dirs.clone_from(&record.cordoned_log_dirs);
        }
    }

    fn set_config(&mut self, record: &ConfigRecord) {
        let kind = ResourceKind::from_code(record.resource_type);
        let resource = ConfigResource { kind, name: record.resource_name.clone() };
        match &record.value {
            Some(value) => {
                self.configs.entry(resource).or_default().insert(record.name.clone(), value.clone());
            }
            None => {
                let Some(overrides) = self.configs.get_mut(&resource) else { return };
                overrides.remove(&record.name);
                if overrides.is_empty() {
                    self.configs.remove(&resource);
                }
            }
        }
    }

    fn set_feature(&mut self, record: &FeatureLevelRecord) {
        if record.feature_level == 0 {
            self.features.remove(&record.name);
        } else {
            self.features.insert(record.name.clone(), record.feature_level);
        }
    }

    fn set_quota(&mut self, record: &ClientQuotaRecord) {
        let entity = quota_entity(&record.entity);
        if !record.remove {
            self.quotas.entry(entity).or_default().insert(record.key.clone(), record.value);
        } else if let Some(quotas) = self.quotas.get_mut(&entity) {
            quotas.remove(&record.key);
            if quotas.is_empty() {
                self.quotas.remove(&entity);
            }
        }
    }
}

/// The name that a topic's metrics would get, if it has a character that metrics replace
/// (`org.apache.kafka.common.internals.Topic.unifyCollisionChars`).
pub(crate) fn collision_key(name: &str) -> Option<Name> {
    name.contains(['.', '_']).then(|| Name::from(name.replace('.', "_")))
}
