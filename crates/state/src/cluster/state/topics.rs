//! Topics and partitions.

use std::sync::Arc;

use chronik_types::{LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId};
use imbl::OrdMap;
use smallvec::SmallVec;
use uuid::Uuid;

use super::features::MetadataVersion;
use crate::records::{
    Change, NO_LEADER_CHANGE, NO_RECOVERY_CHANGE, Name, PartitionChangeRecord, PartitionRecord,
};

/// A list of nodes in a partition: replicas, in-sync replicas and the like.
pub type Nodes = SmallVec<[NodeId; 4]>;

/// The replica was made before directories were recorded (`DirectoryId.MIGRATING`).
pub const MIGRATING_DIRECTORY: Uuid = Uuid::from_u128(0);
/// No directory is known for this replica yet (`DirectoryId.UNASSIGNED`).
pub const UNASSIGNED_DIRECTORY: Uuid = Uuid::from_u128(1);
/// The replica's directory is offline (`DirectoryId.LOST`).
pub const LOST_DIRECTORY: Uuid = Uuid::from_u128(2);
/// Ids below this one name no directory but mean something (`DirectoryId.reserved`).
pub const RESERVED_DIRECTORIES: Uuid = Uuid::from_u128(100);

/// A topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// Its identity.
    pub id: TopicId,
    /// Its name.
    pub name: Name,
    /// Its partitions, by index.
    pub partitions: OrdMap<PartitionIndex, Arc<Partition>>,
}

impl Topic {
    /// Whether it is one of the cluster's own.
    pub fn is_internal(&self) -> bool {
        crate::cluster::is_internal_topic(&self.name)
    }

    /// One of its partitions.
    pub fn partition(&self, index: PartitionIndex) -> Option<&Arc<Partition>> {
        self.partitions.get(&index)
    }
}

/// A partition (`org.apache.kafka.metadata.PartitionRegistration`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Who holds it, the preferred leader first.
    pub replicas: Nodes,
    /// The log directory of each replica, in the replicas' order.
    pub directories: SmallVec<[Uuid; 1]>,
    /// Who is in sync.
    pub isr: Nodes,
    /// Who is to lose its replica.
    pub removing_replicas: Vec<NodeId>,
    /// Who is to get a replica.
    pub adding_replicas: Vec<NodeId>,
    /// Who may lead though out of sync (KIP-966).
    pub elr: Vec<NodeId>,
    /// Who was eligible last.
    pub last_known_elr: Vec<NodeId>,
    /// Who leads; [`NodeId::NONE`]: nobody.
    pub leader: NodeId,
    /// Whether the leader was elected uncleanly and is still recovering.
    pub recovering: bool,
    /// Raised with every change of the leader.
    pub leader_epoch: LeaderEpoch,
    /// Raised with every change of the partition.
    pub partition_epoch: PartitionEpoch,
}

impl Partition {
    /// Whether somebody leads.
    pub fn has_leader(&self) -> bool {
        self.leader != NodeId::NONE
    }

    /// Whether its first replica, the preferred one, leads.
    pub fn is_led_by_preferred(&self) -> bool {
        self.has_leader() && self.replicas.first() == Some(&self.leader)
    }

    /// Whether `after` is led by a replica that was neither in sync nor eligible here: what was acknowledged may be lost
    /// (`PartitionRegistration.electionWasClean`). Other than in Kafka, the last one that was eligible is not among them:
    /// it comes back after a crash with what its disk kept, as every single replica does.
    pub fn is_unclean_to(&self, after: &Partition) -> bool {
        let may_lead = [&self.isr[..], &self.elr, &self.last_known_elr]
            .iter()
            .any(|nodes| nodes.contains(&after.leader));
        after.has_leader() && after.leader != self.leader && after.recovering && !may_lead
    }

    /// The leader that a change elects uncleanly, if it does.
    pub fn unclean_leader(&self, change: &PartitionChangeRecord) -> Option<NodeId> {
        if change.leader == NO_LEADER_CHANGE || change.leader == NodeId::NONE {
            return None;
        }
        let mut after = self.clone();
        after.merge(change);
        self.is_unclean_to(&after).then_some(after.leader)
    }

    /// The broker that says with a change that its replica is in another log directory, where nobody else has all
    /// records: a disk that was lost, or the directory's contents moved.
    pub fn last_copy_moved(&self, change: &PartitionChangeRecord) -> Option<NodeId> {
        let mut having = [&self.isr[..], &self.elr, &self.last_known_elr].into_iter().flatten().copied();
        let last = having.next().filter(|last| having.all(|other| other == *last))?;
        let mut after = self.clone();
        after.merge(change);
        let is_real = |directory: &Uuid| *directory >= RESERVED_DIRECTORIES;
        let was = self.directory(last).filter(is_real)?;
        let is = after.directory(last).filter(is_real)?;
        (!self.has_leader() && was != is).then_some(last)
    }

    /// Whether replicas are being moved.
    pub fn is_reassigning(&self) -> bool {
        !self.adding_replicas.is_empty() || !self.removing_replicas.is_empty()
    }

    /// The log directory of a node's replica.
    pub fn directory(&self, node: NodeId) -> Option<Uuid> {
        let at = self.replicas.iter().position(|&replica| replica == node)?;
        self.directories.get(at).copied()
    }

    pub(crate) fn from_record(record: &PartitionRecord) -> Partition {
        let mut directories = SmallVec::from_slice(&record.directories);
        directories.resize(record.replicas.len(), MIGRATING_DIRECTORY);
        Partition {
            replicas: Nodes::from_slice(&record.replicas),
            directories,
            isr: Nodes::from_slice(&record.isr),
            removing_replicas: record.removing_replicas.clone(),
            adding_replicas: record.adding_replicas.clone(),
            elr: record.eligible_leader_replicas.clone().unwrap_or_default(),
            last_known_elr: record.last_known_elr.clone().unwrap_or_default(),
            leader: record.leader,
            recovering: record.leader_recovery_state == 1,
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
        }
    }

    pub(crate) fn to_change(
        &self,
        topic: TopicId,
        index: PartitionIndex,
        version: MetadataVersion,
    ) -> Change {
        let some = |nodes: &[NodeId]| (!nodes.is_empty()).then(|| nodes.to_vec());
        let record = PartitionRecord {
            partition_id: index,
            topic_id: topic,
            replicas: self.replicas.to_vec(),
            isr: self.isr.to_vec(),
            removing_replicas: self.removing_replicas.clone(),
            adding_replicas: self.adding_replicas.clone(),
            leader: self.leader,
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
            directories: self.directories.to_vec(),
            leader_recovery_state: i8::from(self.recovering),
            eligible_leader_replicas: some(&self.elr),
            last_known_elr: some(&self.last_known_elr),
            ..Default::default()
        };
        Change::versioned(record, version.partition_record())
    }

    /// The partition after a change (`PartitionRegistration.merge`).
    pub(crate) fn merge(&mut self, change: &PartitionChangeRecord) {
        if let Some(replicas) = &change.replicas {
            let moved: SmallVec<[Uuid; 1]> =
                replicas.iter().map(|&node| self.directory(node).unwrap_or(UNASSIGNED_DIRECTORY)).collect();
            self.replicas = Nodes::from_slice(replicas);
            self.directories = moved;
        }
        if let Some(directories) = &change.directories {
            self.directories = SmallVec::from_slice(directories);
            self.directories.resize(self.replicas.len(), UNASSIGNED_DIRECTORY);
        }
        if let Some(isr) = &change.isr {
            self.isr = Nodes::from_slice(isr);
        }
        if let Some(removing) = &change.removing_replicas {
            self.removing_replicas.clone_from(removing);
        }
        if let Some(adding) = &change.adding_replicas {
            self.adding_replicas.clone_from(adding);
        }
        if let Some(elr) = &change.eligible_leader_replicas {
            self.elr.clone_from(elr);
        }
        if let Some(last_known_elr) = &change.last_known_elr {
            self.last_known_elr.clone_from(last_known_elr);
        }
        if change.leader != NO_LEADER_CHANGE {
            self.leader = change.leader;
            self.leader_epoch = LeaderEpoch(self.leader_epoch.0.wrapping_add(1));
        }
        if change.leader_recovery_state != NO_RECOVERY_CHANGE {
            self.recovering = change.leader_recovery_state == 1;
        }
        self.partition_epoch = PartitionEpoch(self.partition_epoch.0.wrapping_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_copy_moves_when_nobody_else_has_all_records() {
        let [here, there] = [201, 202].map(Uuid::from_u128);
        let led_by = |leader, isr: &[i32]| {
            Partition::from_record(&PartitionRecord {
                replicas: vec![NodeId(1), NodeId(2)],
                isr: isr.iter().copied().map(NodeId).collect(),
                leader: NodeId(leader),
                directories: vec![here, here],
                ..Default::default()
            })
        };
        let puts = |directories: [Uuid; 2]| PartitionChangeRecord {
            directories: Some(directories.to_vec()),
            ..Default::default()
        };
        let dead = led_by(-1, &[1]);
        assert_eq!(dead.last_copy_moved(&puts([there, here])), Some(NodeId(1)));
        assert_eq!(dead.last_copy_moved(&puts([here, there])), None, "it had no records that count");
        assert_eq!(dead.last_copy_moved(&puts([LOST_DIRECTORY, here])), None, "it may come back");
        assert_eq!(dead.last_copy_moved(&PartitionChangeRecord::default()), None);
        assert_eq!(led_by(1, &[1]).last_copy_moved(&puts([there, here])), None, "it is led from there");
        assert_eq!(led_by(-1, &[1, 2]).last_copy_moved(&puts([there, here])), None, "2 has all records too");
    }
}
