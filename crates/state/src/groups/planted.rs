//! Faults that the simulation plants in the coordinator, to see that it finds them. Compiled with the feature `planted` only.

use super::Shard;

/// A fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlantedFault {
    /// A member of the consumer protocol gets its target at once, although others did not give it up yet.
    GiveBeforeRevoked,
    /// A classic member may commit in a generation that is over.
    TakeStaleCommits,
    /// The former self of a static member may commit.
    TakeFencedCommits,
}

impl PlantedFault {
    /// All of them.
    pub const ALL: [PlantedFault; 3] =
        [PlantedFault::GiveBeforeRevoked, PlantedFault::TakeStaleCommits, PlantedFault::TakeFencedCommits];
}

impl<T> Shard<T> {
    /// Gives the shard a fault.
    pub fn plant(&mut self, fault: Option<PlantedFault>) {
        self.planted = fault;
    }

    pub(super) fn has_planted(&self, fault: PlantedFault) -> bool {
        self.planted == Some(fault)
    }
}
