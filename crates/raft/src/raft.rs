//! The machine: one member of the quorum, or an observer of it.

use std::time::Duration;

use bytes::Bytes;
use chronik_types::{LeaderEpoch, NodeId, Offset};
use thiserror::Error;

use crate::{Action, Boot, Event, Options, QuorumState, VoterSet};

/// What a node is to the quorum at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Knows an epoch, but no leader in it.
    Unattached,
    /// Sounds out whether it would be elected.
    Prospective,
    /// Stands for election.
    Candidate,
    /// Decides.
    Leader,
    /// Fetches from the leader; an observer if it is not in the voter set.
    Follower,
    /// Led this epoch and gave it up.
    Resigned,
}

/// A batch that the leader's client wants in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// How many records (offsets) it has; at least one.
    pub record_count: u32,
    /// The batch in Kafka's format. Base offset and epoch are put in when it is appended.
    pub batch: Bytes,
}

/// What became of a proposal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposed {
    /// The offset of the first record. It is committed when the high watermark is past the last.
    pub base_offset: Offset,
    /// To be carried out like those of an event.
    pub actions: Vec<Action>,
}

/// The node does not lead in the epoch of the proposal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("not the leader in that epoch (epoch is {epoch}, leader {leader:?})")]
pub struct NotLeader {
    /// The epoch the node is in.
    pub epoch: LeaderEpoch,
    /// The leader it knows.
    pub leader: Option<NodeId>,
}

/// The state machine.
#[derive(Debug)]
pub struct Raft {
    options: Options,
    quorum_state: QuorumState,
    role: Role,
}

impl Raft {
    /// Brings a node up from what its disk holds. `now` begins the clock that all later calls use.
    ///
    /// A node that is the quorum's only voter leads at once, in the next epoch.
    pub fn start(now: Duration, options: Options, boot: Boot) -> (Raft, Vec<Action>) {
        let _ = now;
        let quorum_state =
            boot.quorum_state.unwrap_or(QuorumState { epoch: LeaderEpoch(0), leader: None, voted: None });
        (Raft { options, quorum_state, role: Role::Unattached }, Vec::new())
    }

    /// Takes in one event and says what is to be done.
    pub fn step(&mut self, now: Duration, event: Event) -> Vec<Action> {
        let _ = (now, event);
        Vec::new()
    }

    /// Puts a batch into the log, if this node leads in `epoch`.
    ///
    /// # Errors
    /// `NotLeader` if it does not: the caller's `Leader` value is out of date and about to be dropped.
    pub fn propose(
        &mut self,
        now: Duration,
        epoch: LeaderEpoch,
        proposal: Proposal,
    ) -> Result<Proposed, NotLeader> {
        let _ = (now, epoch, proposal);
        Err(NotLeader { epoch: self.epoch(), leader: self.leader() })
    }

    /// What this node is at the moment.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The highest epoch it has seen.
    pub fn epoch(&self) -> LeaderEpoch {
        self.quorum_state.epoch
    }

    /// The leader of that epoch, if known.
    pub fn leader(&self) -> Option<NodeId> {
        self.quorum_state.leader
    }

    /// The offset after the last committed record; `None` until it is known.
    pub fn high_watermark(&self) -> Option<Offset> {
        None
    }

    /// The offset of the next record.
    pub fn log_end(&self) -> Offset {
        Offset::ZERO
    }

    /// The voters in force (the latest in the log, committed or not).
    pub fn voters(&self) -> &VoterSet {
        &self.options.static_voters
    }

    /// The `kraft.version` in force.
    pub fn kraft_version(&self) -> i16 {
        0
    }
}
