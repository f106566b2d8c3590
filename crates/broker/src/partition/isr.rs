//! Who is in sync: the leader proposes, the controller decides (KIP-497).
//!
//! One proposal of a partition is under way at a time. What the controller refuses is forgotten, or stays proposed until
//! the image brings what it was refused for, so that the high watermark never runs ahead of a replica that the controller
//! may have counted in.

use std::time::Duration;

use chronik_state::cluster::Nodes;
use chronik_types::{BrokerEpoch, ErrorCode, LeaderEpoch, NodeId, PartitionEpoch};

use super::{Partition, Role};

/// What a leader asks the controller for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) leader_epoch: LeaderEpoch,
    pub(crate) partition_epoch: PartitionEpoch,
    /// The new in-sync replicas with the registrations they were seen in; -1: not known.
    pub(crate) isr: Vec<(NodeId, BrokerEpoch)>,
}

impl Partition {
    /// Proposes other in-sync replicas if these are to change: without who has lagged for longer than `lag_max`, with who
    /// has caught up. `own` is this broker in its registration.
    ///
    /// Once its directory has failed a leader proposes nothing: it serves nobody, so that all would seem to lag, and in sync
    /// by itself it could lead again with an empty disk.
    pub(crate) fn propose(
        &self,
        own: (NodeId, BrokerEpoch),
        now: Duration,
        lag_max: Duration,
    ) -> Option<Proposal> {
        let mut state = self.open_state().ok()?;
        let state = &mut *state;
        let end = state.log.as_ref()?.end_offset();
        let Role::Leader(leading) = &mut state.role else { return None };
        if leading.proposed.is_some() {
            return None;
        }
        let is_alone = leading.others.is_empty();
        for replica in &mut leading.others {
            replica.joining &= replica.is_caught_up(end, now, lag_max);
        }
        let lags = |id: &NodeId| {
            leading.others.iter().any(|replica| replica.id == *id && !replica.is_caught_up(end, now, lag_max))
        };
        let mut isr: Nodes = leading.isr.iter().filter(|id| !lags(id)).copied().collect();
        let candidates: Vec<NodeId> = leading.others.iter().map(|replica| replica.id).collect();
        isr.extend(candidates.into_iter().filter(|id| state.may_join(*id)));
        let Role::Leader(leading) = &mut state.role else { return None };
        if is_alone || isr == leading.isr {
            state.advance();
            return None;
        }
        let epoch_of = |id: NodeId| {
            let replica = leading.others.iter().find(|replica| replica.id == id);
            replica.map_or(BrokerEpoch(-1), |replica| replica.broker_epoch)
        };
        let with_epochs = isr.iter().map(|&id| if id == own.0 { own } else { (id, epoch_of(id)) }).collect();
        leading.proposed = Some(isr);
        Some(Proposal {
            leader_epoch: state.leader_epoch,
            partition_epoch: state.partition_epoch,
            isr: with_epochs,
        })
    }

    /// The controller has answered a proposal that was made in `epoch`. Returns whether it should be made again.
    pub(crate) fn proposal_answered(
        &self,
        epoch: LeaderEpoch,
        answer: Result<(PartitionEpoch, Nodes), ErrorCode>,
        now: Duration,
    ) -> bool {
        let mut state = self.state.lock();
        let state = &mut *state;
        if state.leader_epoch != epoch {
            return false;
        }
        let Role::Leader(leading) = &mut state.role else { return false };
        match answer {
            Ok((partition_epoch, isr)) => {
                if partition_epoch == state.partition_epoch {
                    // Nothing was different.
                    leading.proposed = None;
                }
                let others: Vec<NodeId> = leading.others.iter().map(|replica| replica.id).collect();
                state.take_isr(partition_epoch, isr, &others, now);
                false
            }
            Err(
                ErrorCode::OperationNotAttempted
                | ErrorCode::UnknownTopicOrPartition
                | ErrorCode::UnknownTopicId
                | ErrorCode::IneligibleReplica,
            ) => {
                leading.proposed = None;
                state.advance();
                false
            }
            // The image will bring what this broker does not know yet, and with it an end to the proposal.
            Err(
                ErrorCode::FencedLeaderEpoch
                | ErrorCode::InvalidUpdateVersion
                | ErrorCode::InvalidRequest
                | ErrorCode::NewLeaderElected,
            ) => false,
            Err(_) => true,
        }
    }

    /// Takes back what was proposed, to propose it anew: nobody knows what became of it, so that it goes on counting.
    pub(crate) fn repropose(&self, own: (NodeId, BrokerEpoch)) -> Option<Proposal> {
        let state = self.open_state().ok()?;
        let Role::Leader(leading) = &state.role else { return None };
        let epoch_of = |id: NodeId| {
            let replica = leading.others.iter().find(|replica| replica.id == id);
            replica.map_or(BrokerEpoch(-1), |replica| replica.broker_epoch)
        };
        let isr = leading.proposed.as_ref()?;
        let isr = isr.iter().map(|&id| if id == own.0 { own } else { (id, epoch_of(id)) }).collect();
        Some(Proposal { leader_epoch: state.leader_epoch, partition_epoch: state.partition_epoch, isr })
    }
}
