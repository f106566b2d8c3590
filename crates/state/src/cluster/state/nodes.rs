//! The nodes that introduced themselves to the controller.

use chronik_types::{BrokerEpoch, NodeId};
use uuid::Uuid;

use super::features::MetadataVersion;
use super::topics::{LOST_DIRECTORY, MIGRATING_DIRECTORY, UNASSIGNED_DIRECTORY};
use crate::records::{
    Change, EndpointRecord, FeatureRangeRecord, Name, RegisterBrokerRecord, RegisterControllerRecord,
};

/// A broker's registration (`org.apache.kafka.metadata.BrokerRegistration`).
#[derive(Clone, Debug, PartialEq)]
pub struct Broker {
    /// Its id.
    pub id: NodeId,
    /// This registration: who acts on an older one is refused.
    pub epoch: BrokerEpoch,
    /// One run of its process.
    pub incarnation: Uuid,
    /// Where clients and other brokers reach it, by listener.
    pub endpoints: Vec<EndpointRecord>,
    /// The levels of features that it can work at.
    pub features: Vec<FeatureRangeRecord>,
    /// `broker.rack`.
    pub rack: Option<Name>,
    /// It may neither lead nor be in sync.
    pub fenced: bool,
    /// It hands its leaderships over and gets no new ones.
    pub in_controlled_shutdown: bool,
    /// Left over from the migration off ZooKeeper.
    pub is_migrating_zk_broker: bool,
    /// Its log directories that work, sorted.
    pub log_dirs: Vec<Uuid>,
    /// Its log directories that take no new replicas; unknown until its first heartbeat.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl Broker {
    /// Neither fenced nor on its way out: it may lead and be in sync.
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }

    /// The listener of this name.
    pub fn endpoint(&self, listener: &str) -> Option<&EndpointRecord> {
        self.endpoints.iter().find(|endpoint| &*endpoint.name == listener)
    }

    /// Whether every directory that could take a new replica is cordoned (KIP-1066).
    pub fn is_cordoned(&self) -> bool {
        self.cordoned_log_dirs.as_ref().is_some_and(|cordoned| {
            !cordoned.is_empty() && self.log_dirs.iter().all(|dir| cordoned.contains(dir))
        })
    }

    /// Whether a replica in this directory is there, as far as anybody knows (`DirectoryId.isOnline`).
    pub fn has_online_directory(&self, directory: Uuid) -> bool {
        match directory {
            UNASSIGNED_DIRECTORY | MIGRATING_DIRECTORY => true,
            LOST_DIRECTORY => false,
            // Before directories were recorded, none is listed.
            named => self.log_dirs.is_empty() || self.log_dirs.contains(&named),
        }
    }

    /// Where it will put a new replica, as far as the controller can know (`ClusterControlManager.defaultDir`).
    pub fn default_directory(&self) -> Uuid {
        match self.log_dirs[..] {
            [] => MIGRATING_DIRECTORY,
            [only] => only,
            _ => UNASSIGNED_DIRECTORY,
        }
    }

    pub(crate) fn from_record(record: &RegisterBrokerRecord) -> Broker {
        let mut log_dirs = record.log_dirs.clone();
        sort_directories(&mut log_dirs);
        Broker {
            id: record.broker_id,
            epoch: record.broker_epoch,
            incarnation: record.incarnation_id,
            endpoints: record.end_points.clone(),
            features: record.features.clone(),
            rack: record.rack.clone(),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            is_migrating_zk_broker: record.is_migrating_zk_broker,
            log_dirs,
            cordoned_log_dirs: record.cordoned_log_dirs.clone(),
        }
    }

    pub(crate) fn to_change(&self, version: MetadataVersion) -> Change {
        let record = RegisterBrokerRecord {
            broker_id: self.id,
            is_migrating_zk_broker: self.is_migrating_zk_broker,
            incarnation_id: self.incarnation,
            broker_epoch: self.epoch,
            end_points: self.endpoints.clone(),
            features: self.features.clone(),
            rack: self.rack.clone(),
            fenced: self.fenced,
            in_controlled_shutdown: self.in_controlled_shutdown,
            log_dirs: self.log_dirs.clone(),
            cordoned_log_dirs: self.cordoned_log_dirs.clone(),
            ..Default::default()
        };
        Change::versioned(record, version.register_broker_record())
    }
}

/// A controller's registration (`org.apache.kafka.metadata.ControllerRegistration`).
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    /// Its id.
    pub id: NodeId,
    /// One run of its process.
    pub incarnation: Uuid,
    /// Left over from the migration off ZooKeeper.
    pub zk_migration_ready: bool,
    /// Where brokers and other controllers reach it, by listener.
    pub endpoints: Vec<EndpointRecord>,
    /// The levels of features that it can work at.
    pub features: Vec<FeatureRangeRecord>,
}

impl Controller {
    pub(crate) fn from_record(record: &RegisterControllerRecord) -> Controller {
        Controller {
            id: record.controller_id,
            incarnation: record.incarnation_id,
            zk_migration_ready: record.zk_migration_ready,
            endpoints: record.end_points.clone(),
            features: record.features.clone(),
        }
    }

    pub(crate) fn to_change(&self) -> Change {
        Change::new(RegisterControllerRecord {
            controller_id: self.id,
            incarnation_id: self.incarnation,
            zk_migration_ready: self.zk_migration_ready,
            end_points: self.endpoints.clone(),
            features: self.features.clone(),
            ..Default::default()
        })
    }
}

/// Sorts directory ids as Kafka does: by their halves as signed numbers.
pub(crate) fn sort_directories(directories: &mut [Uuid]) {
    directories.sort_unstable_by_key(|id| {
        let (high, low) = id.as_u64_pair();
        (high.cast_signed(), low.cast_signed())
    });
}
