//! Records about the cluster as a whole: configuration, features, producer ids, quotas, and the log's own marks.

use chronik_types::{BrokerEpoch, NodeId, ProducerId};

use super::codec::Name;
use super::schema::{element, record};

record! {
    /// A configuration key was set or, without a value, deleted.
    ConfigRecord {
        /// Kafka's number of the kind of resource: 2 topic, 4 broker, 16 client metrics, 32 group.
        0.. resource_type: i8;
        /// The resource; a broker's empty name is the default of all brokers.
        0.. resource_name: Name;
        /// The key.
        0.. name: Name;
        /// Its value as text.
        0.. value: Option<Name>;
    }
}

record! {
    /// A feature is at this level from here on; 0: off.
    FeatureLevelRecord {
        /// The feature.
        0.. name: Name;
        /// Its level.
        0.. feature_level: i16;
    }
}

record! {
    /// A broker got a block of producer ids; the next block starts at `next_producer_id`.
    ProducerIdsRecord {
        /// Who got the block.
        0.. broker_id: NodeId;
        /// Its registration.
        0.. broker_epoch: BrokerEpoch;
        /// The first id that nobody has.
        0.. next_producer_id: ProducerId;
    }
}

element! {
    /// One part of whom a quota is for.
    QuotaEntityRecord {
        /// `user`, `client-id` or `ip`.
        entity_type: Name;
        /// Which; `None`: the default of its type.
        entity_name: Option<Name>;
    }
}

record! {
    /// A quota was set or removed (KIP-546).
    ClientQuotaRecord {
        /// Whom it is for.
        0.. entity: Vec<QuotaEntityRecord>;
        /// Which quota.
        0.. key: Name;
        /// How much.
        0.. value: f64;
        /// Whether it is gone.
        0.. remove: bool;
    }
}

record! {
    /// Nothing: it shows that the controller lives and moves the high watermark (KIP-835).
    NoOpRecord {}
}

record! {
    /// Left over from the migration off ZooKeeper.
    ZkMigrationStateRecord {
        /// Kafka's number of the state.
        0.. zk_migration_state: i8;
    }
}

record! {
    /// What follows becomes visible at [`EndTransactionRecord`], or never (KIP-868).
    BeginTransactionRecord {
        tagged {
            /// What the transaction is for.
            0 @ 0.. name: Option<Name>;
        }
    }
}

record! {
    /// What came since [`BeginTransactionRecord`] is visible.
    EndTransactionRecord {}
}

record! {
    /// What came since [`BeginTransactionRecord`] never was.
    AbortTransactionRecord {
        tagged {
            /// Why.
            0 @ 0.. reason: Option<Name>;
        }
    }
}
