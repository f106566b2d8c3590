//! Faults that tests plant in the machine, or in what stands around it, to see that they are found.
//!
//! They are compiled for tests and with the feature `planted`, which the simulation alone asks for.

use crate::Raft;

/// A fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlantedFault {
    /// A second vote in the same epoch.
    VoteTwice,
    /// The high watermark moves over records of former epochs because a majority has them (Raft paper, figure 8).
    CommitOldEpoch,
    /// The high watermark moves as soon as the leader has the records on its own disk.
    CommitAlone,
    /// A follower fetches on before its log is on disk.
    AckBeforeDurable,
    /// The shell does not write `quorum-state`.
    SkipPersist,
}

impl PlantedFault {
    /// All of them.
    pub const ALL: [PlantedFault; 5] = [
        PlantedFault::VoteTwice,
        PlantedFault::CommitOldEpoch,
        PlantedFault::CommitAlone,
        PlantedFault::AckBeforeDurable,
        PlantedFault::SkipPersist,
    ];
}

impl Raft {
    /// Plants a fault.
    pub fn plant(&mut self, fault: Option<PlantedFault>) {
        self.fault = fault;
    }
}
