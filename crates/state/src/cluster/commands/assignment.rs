//! The replicas of new partitions, placed by us or by the client, and the partition that comes of them.

use chronik_types::{ErrorCode, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex};
use uuid::Uuid;

use super::{Context, Refused};
use crate::cluster::{Broker, Nodes, Partition, Placement, Random, Slot, UNASSIGNED_DIRECTORY, place};

/// A partition's replicas, at least one of them active.
pub(super) type Replicas = Nodes;

/// Assigns replicas, for all partitions of one command.
pub(super) struct Assigner<'a> {
    context: &'a Context<'a>,
    slots: Vec<Slot>,
}

impl<'a> Assigner<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        // Once it is fenced, a broker that was stopped is as good as any that is down: it comes back.
        let is_leaving = |broker: &Broker| broker.in_controlled_shutdown && !broker.fenced;
        let usable = context.state.brokers().filter(|broker| !is_leaving(broker) && !broker.is_cordoned());
        let slots = usable
            .map(|broker| Slot { id: broker.id, rack: broker.rack.clone(), fenced: broker.fenced })
            .collect();
        Assigner { context, slots }
    }

    /// Places partitions over the brokers.
    pub(super) fn place(
        &self,
        partitions: i32,
        replication_factor: i16,
        random: &mut Random,
    ) -> Result<Vec<Replicas>, Refused> {
        let refused = |why: &str| {
            let message = format!("Unable to replicate the partition {replication_factor} time(s): {why}");
            Refused::new(ErrorCode::InvalidReplicationFactor, message)
        };
        let placed = place(Placement { partitions, replication_factor }, &self.slots, random)
            .map_err(|error| refused(&error.to_string()))?;
        let has_active = |replicas: &Replicas| replicas.iter().any(|id| self.is_active(*id));
        if !placed.iter().all(has_active) {
            return Err(refused("All brokers are currently fenced or in controlled shutdown."));
        }
        Ok(placed)
    }

    /// Checks replicas that the client assigned to a new partition; `factor` is how many the partitions before had.
    pub(super) fn check(
        &self,
        replicas: &[NodeId],
        index: PartitionIndex,
        factor: Option<usize>,
    ) -> Result<Replicas, Refused> {
        let replicas = self.check_replicas(replicas, factor)?;
        if !replicas.iter().any(|id| self.is_active(*id)) {
            let message = format!(
                "All brokers specified in the manual partition assignment for partition {index} are fenced or in controlled shutdown."
            );
            return Err(Refused::new(ErrorCode::InvalidReplicaAssignment, message));
        }
        Ok(replicas)
    }

    /// Checks replicas that the client assigned, whether they live or not.
    pub(super) fn check_replicas(
        &self,
        replicas: &[NodeId],
        factor: Option<usize>,
    ) -> Result<Replicas, Refused> {
        let refused = |message: String| Err(Refused::new(ErrorCode::InvalidReplicaAssignment, message));
        if replicas.is_empty() {
            return refused("The manual partition assignment includes an empty replica list.".to_owned());
        }
        let mut sorted = replicas.to_vec();
        sorted.sort_unstable();
        for (at, id) in sorted.iter().enumerate() {
            if self.context.state.broker(*id).is_none() {
                return refused(format!(
                    "The manual partition assignment includes broker {id}, but no such broker is registered."
                ));
            }
            if at > 0 && sorted[at - 1] == *id {
                return refused(format!(
                    "The manual partition assignment includes the broker {id} more than once."
                ));
            }
        }
        if let Some(factor) = factor
            && factor != replicas.len()
        {
            return refused(format!(
                "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with previous partitions, which have {factor} replica(s).",
                replicas.len()
            ));
        }
        Ok(Nodes::from_slice(replicas))
    }

    fn is_active(&self, id: NodeId) -> bool {
        self.context.state.broker(id).is_some_and(|broker| broker.is_active())
    }

    /// A new partition: the active replicas are in sync, the first of them leads.
    pub(super) fn partition(&self, replicas: Replicas) -> Partition {
        let isr: Nodes = replicas.iter().copied().filter(|id| self.is_active(*id)).collect();
        Partition {
            directories: replicas.iter().map(|id| self.default_directory(*id)).collect(),
            leader: isr.first().copied().unwrap_or(NodeId::NONE),
            isr,
            replicas,
            removing_replicas: Vec::new(),
            adding_replicas: Vec::new(),
            elr: Vec::new(),
            last_known_elr: Vec::new(),
            recovering: false,
            leader_epoch: LeaderEpoch(0),
            partition_epoch: PartitionEpoch(0),
        }
    }

    /// Where a broker will put a new replica, as far as the controller can know.
    fn default_directory(&self, id: NodeId) -> Uuid {
        self.context.state.broker(id).map_or(UNASSIGNED_DIRECTORY, |broker| broker.default_directory())
    }
}
