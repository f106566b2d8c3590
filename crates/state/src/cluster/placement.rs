//! Where the replicas of new partitions go: over as many racks as there are, and evenly over the brokers.
//!
//! Each replica goes to the rack that holds the fewest of its partition, and there to the broker that holds the fewest of
//! the topic. So within one topic no broker has two replicas or two leaderships more than another, as far as racks of
//! different sizes and fenced brokers allow. Ties are broken at random, so that every broker has many different
//! neighbours, and topics with few partitions don't pile up. Kafka's `StripedReplicaPlacer` keeps the same rules about racks
//! and fenced brokers (a fenced one never leads, and is taken only where its rack has no other) but moves a window over a
//! ring of brokers, which leaves some with a few replicas more than others.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chronik_types::NodeId;

use super::{Nodes, Random};
use crate::records::Name;

/// How many orders are tried for an even placement.
const TRIES: usize = 4;

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
    let even = Cluster::new(slots).can_be_even();
    let (mut cluster, mut placed) = attempt(placement, slots, random);
    for _ in 1..TRIES {
        // Rarely the racks' turns leave a broker with two replicas more than another; another order does not.
        if !even || cluster.spread() <= 1 {
            break;
        }
        let another = attempt(placement, slots, random);
        if another.0.spread() < cluster.spread() {
            (cluster, placed) = another;
        }
    }
    Ok(placed)
}

fn attempt(placement: Placement, slots: &[Slot], random: &mut Random) -> (Cluster, Vec<Nodes>) {
    let mut cluster = Cluster::new(slots);
    let count = placement.replication_factor as usize;
    let placed = (0..placement.partitions.max(0)).map(|_| cluster.next(count, random)).collect();
    (cluster, placed)
}

/// A broker and what it has of the topic so far.
struct Seat {
    id: NodeId,
    rack: usize,
    fenced: bool,
    replicas: usize,
    led: usize,
}

/// A rack and what its brokers have of the topic so far.
#[derive(Default)]
struct Rack {
    brokers: usize,
    replicas: usize,
    /// How many replicas of the partition at hand.
    of_partition: usize,
}

impl Rack {
    /// Replicas per broker, in thousandths.
    fn load(&self) -> usize {
        self.replicas * 1000 / self.brokers
    }
}

struct Cluster {
    seats: Vec<Seat>,
    racks: Vec<Rack>,
}

impl Cluster {
    fn new(slots: &[Slot]) -> Self {
        let mut by_name: BTreeMap<&Option<Name>, usize> = BTreeMap::new();
        let mut cluster = Cluster { seats: Vec::with_capacity(slots.len()), racks: Vec::new() };
        for slot in slots {
            let rack = *by_name.entry(&slot.rack).or_insert(cluster.racks.len());
            if rack == cluster.racks.len() {
                cluster.racks.push(Rack::default());
            }
            cluster.racks[rack].brokers += 1;
            cluster.seats.push(Seat { id: slot.id, rack, fenced: slot.fenced, replicas: 0, led: 0 });
        }
        cluster
    }

    /// One partition's replicas. There are at least `count` brokers, one of them unfenced.
    fn next(&mut self, count: usize, random: &mut Random) -> Nodes {
        random.shuffle(&mut self.seats);
        for rack in &mut self.racks {
            rack.of_partition = 0;
        }
        let racks = &self.racks;
        let unfenced = (0..self.seats.len()).filter(|at| !self.seats[*at].fenced);
        let leader = unfenced.min_by_key(|at| {
            let seat = &self.seats[*at];
            (seat.led, racks[seat.rack].load(), seat.replicas)
        });
        let leader = leader.expect("the caller found an unfenced broker");
        self.seats[leader].led += 1;
        let mut nodes = Nodes::new();
        self.seat(leader, &mut nodes);
        while nodes.len() < count {
            let racks = &self.racks;
            let free = (0..self.seats.len()).filter(|at| !nodes.contains(&self.seats[*at].id));
            // Who has led often follows, so that the others are free to lead.
            let follower = free.min_by_key(|at| {
                let seat = &self.seats[*at];
                let rack = &racks[seat.rack];
                (rack.of_partition, rack.load(), seat.fenced, seat.replicas, Reverse(seat.led))
            });
            self.seat(follower.expect("the caller counted the brokers"), &mut nodes);
        }
        nodes
    }

    /// Whether nothing stands in the way of giving every broker as much as any other.
    fn can_be_even(&self) -> bool {
        let size = self.racks.first().map(|rack| rack.brokers);
        self.racks.iter().all(|rack| Some(rack.brokers) == size) && !self.seats.iter().any(|seat| seat.fenced)
    }

    /// How many replicas the fullest broker has more than the emptiest.
    fn spread(&self) -> usize {
        let replicas = || self.seats.iter().map(|seat| seat.replicas);
        replicas().max().unwrap_or(0) - replicas().min().unwrap_or(0)
    }

    fn seat(&mut self, at: usize, nodes: &mut Nodes) {
        let seat = &mut self.seats[at];
        seat.replicas += 1;
        self.racks[seat.rack].replicas += 1;
        self.racks[seat.rack].of_partition += 1;
        nodes.push(seat.id);
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

    /// The difference between the most and the fewest that a broker has.
    fn spread(slots: &[Slot], taken: impl Iterator<Item = NodeId>) -> usize {
        let mut counts: BTreeMap<NodeId, usize> = slots.iter().map(|slot| (slot.id, 0)).collect();
        for id in taken {
            *counts.get_mut(&id).expect("a broker of the cluster") += 1;
        }
        counts.values().max().copied().unwrap_or(0) - counts.values().min().copied().unwrap_or(0)
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
                prop_assert_eq!(used.len(), racks.len().min(nodes.len()));
            }
        }

        #[test]
        fn no_broker_gets_two_more_than_another(
            racks in 1..6i32, in_each in 1..6i32, partitions in 1..60i32, rf in 1..6i16, seed: u128,
        ) {
            prop_assume!(racks * in_each >= i32::from(rf));
            let slots: Vec<Slot> =
                (0..racks * in_each).map(|id| slot(id, Some(&(id % racks).to_string()), false)).collect();
            let placed = placed(partitions, rf, &slots, seed);
            prop_assert!(spread(&slots, placed.iter().flatten().copied()) <= 1, "replicas {:?}", placed);
            prop_assert!(spread(&slots, placed.iter().map(|nodes| nodes[0])) <= 1, "leaders {:?}", placed);
            for nodes in &placed {
                let mut in_rack = vec![0; racks as usize];
                nodes.iter().for_each(|id| in_rack[(id.0 % racks) as usize] += 1);
                prop_assert!(in_rack.iter().max().unwrap() - in_rack.iter().min().unwrap() <= 1);
            }
        }
    }
}
