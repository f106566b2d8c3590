//! Where replicas should be: pure functions from the cluster as it is to the partitions that change.
//!
//! Every plan keeps each partition's number of replicas, never puts two on one broker, moves only to brokers that live, and
//! never leaves a partition in fewer racks than it was in, unless a node that is drained was the last of its rack. The same
//! cluster gives the same plan, so that a run that was interrupted is continued by another.

mod drain;
mod rebalance;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use drain::{drain, hand_over};
pub use rebalance::rebalance;

/// A partition's name.
pub type Name = (String, i32);

/// The brokers that live, and where they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brokers(pub BTreeMap<i32, Option<String>>);

/// A partition as it is, or as it will be once the move that is under way is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub name: Name,
    /// The first is preferred as leader.
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub leader: Option<i32>,
    /// A move is under way.
    pub is_moving: bool,
}

/// A partition that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    pub name: Name,
    pub from: Vec<i32>,
    pub to: Vec<i32>,
}

impl Move {
    /// Brokers that get a copy: what the move costs.
    pub fn added(&self) -> impl Iterator<Item = i32> + '_ {
        self.to.iter().copied().filter(|to| !self.from.contains(to))
    }
}

impl Brokers {
    fn rack(&self, id: i32) -> Option<&str> {
        self.0.get(&id).and_then(Option::as_deref)
    }

    fn is_live(&self, id: i32) -> bool {
        self.0.contains_key(&id)
    }

    /// In how many racks these are; a broker without one counts as a rack of its own.
    fn racks(&self, replicas: &[i32]) -> usize {
        let racks: BTreeSet<(Option<&str>, i32)> = replicas
            .iter()
            .map(|id| match self.rack(*id) {
                Some(rack) => (Some(rack), 0),
                None => (None, *id),
            })
            .collect();
        racks.len()
    }

    /// How many replicas each has, among those that live.
    fn load(&self, partitions: &[Placed]) -> BTreeMap<i32, usize> {
        self.count(partitions.iter().flat_map(|partition| partition.replicas.iter().copied()))
    }

    /// How many partitions prefer each as their leader, among those that live.
    fn preferred(&self, partitions: &[Placed]) -> BTreeMap<i32, usize> {
        self.count(partitions.iter().filter_map(|partition| partition.replicas.first().copied()))
    }

    fn count(&self, ids: impl Iterator<Item = i32>) -> BTreeMap<i32, usize> {
        let mut counts: BTreeMap<i32, usize> = self.0.keys().map(|id| (*id, 0)).collect();
        for id in ids {
            if let Some(count) = counts.get_mut(&id) {
                *count += 1;
            }
        }
        counts
    }
}

/// What differs between two states of the same partitions.
fn changes(before: &[Placed], after: &[Placed]) -> Vec<Move> {
    let pairs = before.iter().zip(after).filter(|(before, after)| before.replicas != after.replicas);
    pairs
        .map(|(before, after)| Move {
            name: before.name.clone(),
            from: before.replicas.clone(),
            to: after.replicas.clone(),
        })
        .collect()
}
