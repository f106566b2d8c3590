//! Faults that the simulation plants in a node, to see that it finds them. Compiled with the feature `planted` only, which
//! `sim` alone asks for.

use chronik_raft::PlantedFault as QuorumFault;
use chronik_state::groups::PlantedFault as GroupFault;

/// A fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlantedFault {
    /// One of the raft machine.
    Quorum(QuorumFault),
    /// Every node proposes partition metadata when it sees any leader, and goes on with a state of its own when that is
    /// refused: what an earlier Chronik did (DESIGN section 2).
    FollowersPropose,
    /// A partition's new follower cuts its log at its own high watermark, instead of where the leader's differs (what KIP-101
    /// mended).
    TruncateToHighWatermark,
    /// A partition's leader serves a follower on, although their logs differ below.
    IgnoreDivergence,
    /// A partition's high watermark moves as soon as the leader has the records on its own disk.
    HighWatermarkAlone,
    /// A partition's high watermark does without the replicas that its leader wants out of those in sync, before the
    /// controller has agreed.
    TrustProposedIsr,
    /// A replica may join those in sync whatever it holds.
    JoinUnseen,
    /// One of the machine of groups.
    Groups(GroupFault),
    /// What a coordinator has decided it answers before it is committed.
    AnswerUncommitted,
    /// A coordinator that takes over loads only what it knows to be committed.
    LoadCommitted,
}

impl PlantedFault {
    /// All of them.
    pub const ALL: [PlantedFault; 16] = [
        PlantedFault::Quorum(QuorumFault::VoteTwice),
        PlantedFault::Quorum(QuorumFault::CommitOldEpoch),
        PlantedFault::Quorum(QuorumFault::CommitAlone),
        PlantedFault::Quorum(QuorumFault::AckBeforeDurable),
        PlantedFault::Quorum(QuorumFault::SkipPersist),
        PlantedFault::FollowersPropose,
        PlantedFault::TruncateToHighWatermark,
        PlantedFault::IgnoreDivergence,
        PlantedFault::HighWatermarkAlone,
        PlantedFault::TrustProposedIsr,
        PlantedFault::JoinUnseen,
        PlantedFault::Groups(GroupFault::GiveBeforeRevoked),
        PlantedFault::Groups(GroupFault::TakeStaleCommits),
        PlantedFault::Groups(GroupFault::TakeFencedCommits),
        PlantedFault::AnswerUncommitted,
        PlantedFault::LoadCommitted,
    ];

    /// The part of the machine of groups.
    pub(crate) fn of_groups(self) -> Option<GroupFault> {
        match self {
            PlantedFault::Groups(fault) => Some(fault),
            _ => None,
        }
    }

    /// The raft machine's part.
    pub(crate) fn of_quorum(self) -> Option<QuorumFault> {
        match self {
            PlantedFault::Quorum(fault) => Some(fault),
            _ => None,
        }
    }
}
