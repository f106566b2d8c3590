//! Records about nodes: brokers' and controllers' registrations and what happens to them (KIP-631, KIP-919).

use chronik_types::{BrokerEpoch, NodeId};
use uuid::Uuid;

use super::codec::Name;
use super::schema::{element, record};

element! {
    /// Where a node listens.
    EndpointRecord {
        /// The listener's name.
        name: Name;
        /// The host to connect to.
        host: Name;
        /// The port to connect to.
        port: u16;
        /// Kafka's number of the protocol: 0 PLAINTEXT, 1 SSL, 2 `SASL_PLAINTEXT`, 3 `SASL_SSL`.
        security_protocol: i16;
    }
}

element! {
    /// The levels of one feature that a node can work at.
    FeatureRangeRecord {
        /// The feature's name.
        name: Name;
        /// The lowest level.
        min_supported_version: i16;
        /// The highest level.
        max_supported_version: i16;
    }
}

record! {
    /// A broker process introduced itself.
    RegisterBrokerRecord {
        /// The broker.
        0.. broker_id: NodeId;
        /// Left over from the migration off ZooKeeper.
        2.. is_migrating_zk_broker: bool;
        /// One run of the broker's process.
        0.. incarnation_id: Uuid;
        /// The offset of this record.
        0.. broker_epoch: BrokerEpoch;
        /// Where clients and other brokers reach it.
        0.. end_points: Vec<EndpointRecord>;
        /// What it can do.
        0.. features: Vec<FeatureRangeRecord>;
        /// `broker.rack`.
        0.. rack: Option<Name>;
        /// Whether it may not lead yet.
        0.. fenced: bool = true;
        /// Whether it is handing its leaderships over.
        1.. in_controlled_shutdown: bool;
        tagged {
            /// Its log directories that work (KIP-858).
            0 @ 3.. log_dirs: Vec<Uuid>;
            /// Its log directories that take no new replicas (KIP-1066); unknown until its first heartbeat.
            1 @ 4.. cordoned_log_dirs: Option<Vec<Uuid>>;
        }
    }
}

record! {
    /// A broker left the cluster for good.
    UnregisterBrokerRecord {
        /// The broker.
        0.. broker_id: NodeId;
        /// Its registration.
        0.. broker_epoch: BrokerEpoch;
    }
}

record! {
    /// A broker may not lead (superseded by [`BrokerRegistrationChangeRecord`]).
    FenceBrokerRecord {
        /// The broker.
        0.. id: NodeId;
        /// Its registration.
        0.. epoch: BrokerEpoch;
    }
}

record! {
    /// A broker may lead again (superseded by [`BrokerRegistrationChangeRecord`]).
    UnfenceBrokerRecord {
        /// The broker.
        0.. id: NodeId;
        /// Its registration.
        0.. epoch: BrokerEpoch;
    }
}

record! {
    /// Something about a broker's registration changed while it runs.
    BrokerRegistrationChangeRecord {
        /// The broker.
        0.. broker_id: NodeId;
        /// Its registration.
        0.. broker_epoch: BrokerEpoch;
        tagged {
            /// -1: unfenced now, 1: fenced now, 0: as before.
            0 @ 0.. fenced: i8;
            /// 1: in controlled shutdown now, 0: as before.
            1 @ 1.. in_controlled_shutdown: i8;
            /// Its log directories that work; empty: as before.
            2 @ 2.. log_dirs: Vec<Uuid>;
            /// Its log directories that take no new replicas; `None`: as before.
            3 @ 3.. cordoned_log_dirs: Option<Vec<Uuid>>;
        }
    }
}

record! {
    /// A controller process introduced itself.
    RegisterControllerRecord {
        /// The node.
        0.. controller_id: NodeId;
        /// One run of its process.
        0.. incarnation_id: Uuid;
        /// Left over from the migration off ZooKeeper.
        0.. zk_migration_ready: bool;
        /// Where brokers and other controllers reach it.
        0.. end_points: Vec<EndpointRecord>;
        /// What it can do.
        0.. features: Vec<FeatureRangeRecord>;
    }
}
