//! Where the replicas of new partitions go (`org.apache.kafka.metadata.placement.StripedReplicaPlacer`, KIP-631).
//!
//! Brokers are striped over the racks: each replica of a partition comes from the next rack, each partition starts
//! at the next rack, and within a rack brokers are taken in a rotation in random order. So replicas spread over as
//! many racks as there are, leaderships and replicas over all brokers, and a fenced broker never comes first.

use std::collections::BTreeMap;

use chronik_types::NodeId;

use super::{Nodes, Random};
use crate::records::Name;

/// A broker that can hold replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The broker.
    pub id: NodeId,
    /// Its rack.
    pub rack: Option<Name>,
    /// Whether it is fenced: it can hold a replica, but not the first one.
    pub fenced: bool,
}

/// What to place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// How many partitions.
    pub partitions: i32,
    /// How many replicas each.
    pub replication_factor: i16,
}

/// Why it can't be placed, in Kafka's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// Fewer replicas than one.
    #[error("Invalid replication factor {0}: the replication factor must be positive.")]
    NotPositive(i16),
    /// No broker can lead.
    #[error("All brokers are currently fenced.")]
    AllFenced,
    /// More replicas than brokers.
    #[error(
        "The target replication factor of {wanted} cannot be reached because only {brokers} broker(s) are registered or some brokers have all their log directories cordoned."
    )]
    TooFewBrokers {
        /// How many replicas were asked for.
        wanted: i16,
        /// How many brokers could hold one.
        brokers: usize,
    },
}

/// The replicas of each partition in turn, the first one to lead.
///
/// # Errors
/// If there are not enough brokers.
pub fn place(
    placement: Placement,
    slots: &[Slot],
    random: &mut Random,
) -> Result<Vec<Nodes>, PlacementError> {
    let wanted = placement.replication_factor;
    if wanted <= 0 {
        return Err(PlacementError::NotPositive(wanted));
    }
    if slots.iter().all(|slot| slot.fenced) {
        return Err(PlacementError::AllFenced);
    }
    if slots.len() < wanted as usize {
        return Err(PlacementError::TooFewBrokers { wanted, brokers: slots.len() });
    }
    let mut racks = Racks::new(slots, random);
    let mut placed = Vec::with_capacity(placement.partitions.max(0) as usize);
    for partition in 0..placement.partitions.max(0) as usize {
        if partition > 0 && partition % slots.len() == 0 {
            // Every broker has led once; another order makes other neighbours.
            racks.shuffle(random);
        }
        placed.push(racks.next(wanted as usize));
    }
    Ok(placed)
}

/// Brokers in a fixed order that each partition enters one further on.
#[derive(Default)]
struct Ring {
    brokers: Vec<NodeId>,
    start: usize,
    taken: usize,
}

impl Ring {
    fn turn(&mut self) {
        self.taken = 0;
        if !self.brokers.is_empty() {
            self.start = (self.start + 1) % self.brokers.len();
        }
    }

    fn take(&mut self) -> Option<NodeId> {
        if self.taken == self.brokers.len() {
            return None;
        }
        let broker = self.brokers[(self.start + self.taken) % self.brokers.len()];
        self.taken += 1;
        Some(broker)
    }

    fn shuffle(&mut self, random: &mut Random) {
        random.shuffle(&mut self.brokers);
        self.start = if self.brokers.is_empty() { 0 } else { random.below(self.brokers.len()) };
    }
}

#[derive(Default)]
struct Rack {
    unfenced: Ring,
    fenced: Ring,
}

struct Racks {
    racks: Vec<Rack>,
    start: usize,
}

impl Racks {
    fn new(slots: &[Slot], random: &mut Random) -> Self {
        let mut by_name: BTreeMap<&Option<Name>, Rack> = BTreeMap::new();
        for slot in slots {
            let rack = by_name.entry(&slot.rack).or_default();
            let ring = if slot.fenced { &mut rack.fenced } else { &mut rack.unfenced };
            ring.brokers.push(slot.id);
        }
        let mut racks = Racks { racks: by_name.into_values().collect(), start: 0 };
        racks.shuffle(random);
        racks
    }

    fn shuffle(&mut self, random: &mut Random) {
        for rack in &mut self.racks {
            rack.unfenced.shuffle(random);
            rack.fenced.shuffle(random);
        }
        random.shuffle(&mut self.racks);
    }

    /// One partition's replicas. There are at least `count` brokers, one of them unfenced.
    fn next(&mut self, count: usize) -> Nodes {
        let racks = self.racks.len();
        for rack in &mut self.racks {
            rack.unfenced.turn();
            rack.fenced.turn();
        }
        let mut replicas = Nodes::new();
        let mut at = self.start;
        self.start = (self.start + 1) % racks;
        while replicas.is_empty() {
            replicas.extend(self.racks[at].unfenced.take());
            at = (at + 1) % racks;
        }
        while replicas.len() < count {
            let rack = &mut self.racks[at];
            replicas.extend(rack.unfenced.take().or_else(|| rack.fenced.take()));
            at = (at + 1) % racks;
        }
        replicas
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::cluster::Seed;

    fn slot(id: i32, rack: Option<&str>, fenced: bool) -> Slot {
        Slot { id: NodeId(id), rack: rack.map(Name::from), fenced }
    }

    fn placed(partitions: i32, replication_factor: i16, slots: &[Slot], seed: u128) -> Vec<Nodes> {
        let placement = Placement { partitions, replication_factor };
        place(placement, slots, &mut Random::new(Seed(seed))).expect("there are enough brokers")
    }

    #[test]
    fn refusals_are_in_kafkas_words() {
        let one = [slot(1, None, false)];
        let refused = |slots: &[Slot], rf| {
            let placement = Placement { partitions: 1, replication_factor: rf };
            place(placement, slots, &mut Random::new(Seed(1))).expect_err("it cannot be placed").to_string()
        };
        assert_eq!(
            refused(&one, 0),
            "Invalid replication factor 0: the replication factor must be positive."
        );
        assert_eq!(refused(&[slot(1, None, true)], 1), "All brokers are currently fenced.");
        assert!(
            refused(&one, 3)
                .starts_with("The target replication factor of 3 cannot be reached because only 1 ")
        );
        assert_eq!(refused(&[], 1), "All brokers are currently fenced.");
    }

    #[test]
    fn leaders_and_replicas_are_balanced_without_racks() {
        let slots: Vec<Slot> = (1..=6).map(|id| slot(id, None, false)).collect();
        let mut leaders: BTreeMap<NodeId, usize> = BTreeMap::new();
        let mut replicas: BTreeMap<NodeId, usize> = BTreeMap::new();
        for nodes in placed(60, 3, &slots, 5) {
            *leaders.entry(nodes[0]).or_default() += 1;
            nodes.iter().for_each(|node| *replicas.entry(*node).or_default() += 1);
        }
        assert!(leaders.values().all(|&count| count == 10), "{leaders:?}");
        assert!(replicas.values().all(|&count| count == 30), "{replicas:?}");
    }

    proptest! {
        #[test]
        fn replicas_are_distinct_spread_over_racks_and_led_by_the_unfenced(
            brokers in prop::collection::vec((0..4u8, prop::bool::weighted(0.2)), 1..12),
            partitions in 1..40i32, rf in 1..6i16, seed: u128,
        ) {
            let slots: Vec<Slot> =
                brokers.iter().enumerate().map(|(id, (rack, fenced))| slot(id as i32, Some(&rack.to_string()), *fenced)).collect();
            prop_assume!(slots.iter().any(|slot| !slot.fenced) && slots.len() >= rf as usize);
            let rack_of = |id: NodeId| slots[id.0 as usize].rack.clone();
            let racks: BTreeSet<_> = slots.iter().map(|slot| slot.rack.clone()).collect();
            for nodes in placed(partitions, rf, &slots, seed) {
                prop_assert_eq!(nodes.len(), rf as usize);
                prop_assert!(!slots[nodes[0].0 as usize].fenced);
                let distinct: BTreeSet<_> = nodes.iter().collect();
                prop_assert_eq!(distinct.len(), nodes.len());
                let used: BTreeSet<_> = nodes.iter().map(|id| rack_of(*id)).collect();
                // The leader's rack may not be the first in turn if its brokers are all fenced, so one rack may repeat.
                prop_assert!(used.len() + 1 >= racks.len().min(nodes.len()));
            }
        }
    }
}
