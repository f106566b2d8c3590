//! Records about topics and partitions (KIP-631, KIP-858, KIP-966).

use chronik_types::{LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId};
use uuid::Uuid;

use super::codec::Name;
use super::schema::record;

record! {
    /// A topic exists.
    TopicRecord {
        /// Its name.
        0.. name: Name;
        /// Its identity.
        0.. topic_id: TopicId;
    }
}

record! {
    /// A topic is gone, and its partitions and configuration with it.
    RemoveTopicRecord {
        /// Its identity.
        0.. topic_id: TopicId;
    }
}

record! {
    /// A topic's partitions have no eligible leader replicas any more.
    ClearElrRecord {
        /// The topic; empty: all of them.
        0.. topic_name: Name;
    }
}

record! {
    /// A partition, whole.
    PartitionRecord {
        /// Its index.
        0.. partition_id: PartitionIndex = PartitionIndex(-1);
        /// Its topic.
        0.. topic_id: TopicId;
        /// Who holds it, the preferred leader first.
        0.. replicas: Vec<NodeId>;
        /// Who is in sync.
        0.. isr: Vec<NodeId>;
        /// Who is to lose its replica.
        0.. removing_replicas: Vec<NodeId>;
        /// Who is to get a replica.
        0.. adding_replicas: Vec<NodeId>;
        /// Who leads; -1: nobody.
        0.. leader: NodeId = NodeId::NONE;
        /// Raised with every change of the leader.
        0.. leader_epoch: LeaderEpoch = LeaderEpoch::NONE;
        /// Raised with every change of the partition.
        0.. partition_epoch: PartitionEpoch = PartitionEpoch(-1);
        /// The log directory of each replica.
        1.. directories: Vec<Uuid>;
        tagged {
            /// 1: the leader was elected uncleanly and is still recovering.
            0 @ 0.. leader_recovery_state: i8;
            /// Who may lead though out of sync, since it holds all that was acknowledged.
            1 @ 2.. eligible_leader_replicas: Option<Vec<NodeId>>;
            /// Who was eligible last, before the partition lost them all.
            2 @ 2.. last_known_elr: Option<Vec<NodeId>>;
        }
    }
}

/// [`PartitionChangeRecord::leader`]: as before.
pub const NO_LEADER_CHANGE: NodeId = NodeId(-2);

/// [`PartitionChangeRecord::leader_recovery_state`]: as before.
pub const NO_RECOVERY_CHANGE: i8 = -1;

record! {
    /// What is different about a partition. `None`: as before. Each raises the partition epoch by one, and the leader
    /// epoch if it names a leader.
    PartitionChangeRecord {
        /// Its index.
        0.. partition_id: PartitionIndex = PartitionIndex(-1);
        /// Its topic.
        0.. topic_id: TopicId;
        tagged {
            /// Who is in sync.
            0 @ 0.. isr: Option<Vec<NodeId>>;
            /// Who leads; -1: nobody; -2: as before.
            1 @ 0.. leader: NodeId = NO_LEADER_CHANGE;
            /// Who holds it.
            2 @ 0.. replicas: Option<Vec<NodeId>>;
            /// Who is to lose its replica.
            3 @ 0.. removing_replicas: Option<Vec<NodeId>>;
            /// Who is to get a replica.
            4 @ 0.. adding_replicas: Option<Vec<NodeId>>;
            /// 0: recovered, 1: recovering, -1: as before.
            5 @ 0.. leader_recovery_state: i8 = NO_RECOVERY_CHANGE;
            /// Who may lead though out of sync.
            6 @ 2.. eligible_leader_replicas: Option<Vec<NodeId>>;
            /// Who was eligible last.
            7 @ 2.. last_known_elr: Option<Vec<NodeId>>;
            /// The log directory of each replica.
            8 @ 1.. directories: Option<Vec<Uuid>>;
        }
    }
}
