//! What the machine is in, for those who judge it from outside: the simulation's invariants.

use chronik_types::{LeaderEpoch, NodeId, Offset};

use crate::{EpochStart, Raft, ReplicaKey, Role, SnapshotId};

/// A member of the quorum at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// Who it is.
    pub key: ReplicaKey,
    /// What it is to the quorum.
    pub role: Role,
    /// The epoch it is in.
    pub epoch: LeaderEpoch,
    /// The leader of that epoch, where known.
    pub leader: Option<NodeId>,
    /// Whom it voted for in that epoch.
    pub voted: Option<ReplicaKey>,
    /// The first offset of its log.
    pub log_start: Offset,
    /// The offset of the next record.
    pub log_end: Offset,
    /// The offset after the last record that is on its disk.
    pub durable_end: Offset,
    /// The offset after the last record that it knows as committed.
    pub high_watermark: Option<Offset>,
    /// The epochs in its log, ascending.
    pub epochs: Vec<EpochStart>,
    /// The voters that it knows, by id.
    pub voters: Vec<NodeId>,
    /// Its latest snapshot.
    pub snapshot: Option<SnapshotId>,
    /// Proposals that were refused since this node does not lead: always 0 where only a leader can propose.
    pub refused_proposals: u64,
}

impl Raft {
    /// Shows the machine as it is.
    pub fn inspect(&self) -> Inspection {
        Inspection {
            key: self.key(),
            role: self.role(),
            epoch: self.state.epoch,
            leader: self.state.leader,
            voted: self.state.voted,
            log_start: self.log.start(),
            log_end: self.log.end().offset,
            durable_end: self.log.durable(),
            high_watermark: self.high_watermark,
            epochs: self.log.epochs().to_vec(),
            voters: self.voters().ids().collect(),
            snapshot: self.log.snapshot(),
            refused_proposals: self.refused_proposals,
        }
    }
}
