//! The same number of replicas and of leaderships on every broker, with the fewest moves.
//!
//! First replicas that share a rack without need, then the number of replicas, both by moving as few as there are too many
//! somewhere; last the leaderships, which costs no move, since the replicas of a partition only change their order.

use std::collections::{BTreeMap, VecDeque};

use super::{Brokers, Move, Placed, changes};

/// What must change.
pub fn rebalance(brokers: &Brokers, partitions: &[Placed]) -> Vec<Move> {
    let mut after = partitions.to_vec();
    for partition in after.iter_mut().filter(|partition| !partition.is_moving) {
        partition.leader = None;
    }
    spread_over_racks(brokers, &mut after);
    even_replicas(brokers, &mut after);
    even_leaders(brokers, &mut after);
    changes(partitions, &after)
}

fn spread_over_racks(brokers: &Brokers, partitions: &mut [Placed]) {
    let mut load = brokers.load(partitions);
    for partition in partitions.iter_mut().filter(|partition| !partition.is_moving) {
        while let Some((at, next)) = wider(brokers, &load, &partition.replicas) {
            let before = std::mem::replace(&mut partition.replicas[at], next);
            shift(&mut load, before, next);
        }
    }
}

/// A replica that can go where it brings the partition into one more rack: from the fullest broker to the emptiest.
fn wider(brokers: &Brokers, load: &BTreeMap<i32, usize>, replicas: &[i32]) -> Option<(usize, i32)> {
    let now = brokers.racks(replicas);
    let mut best: Option<((usize, std::cmp::Reverse<usize>), usize, i32)> = None;
    for (at, old) in replicas.iter().enumerate().filter(|(_, old)| brokers.is_live(**old)) {
        for (next, to) in load.iter().filter(|(next, _)| !replicas.contains(next)) {
            let rank = (*to, std::cmp::Reverse(load[old]));
            if brokers.racks(&with(replicas, at, *next)) > now && best.is_none_or(|(other, ..)| rank < other)
            {
                best = Some((rank, at, *next));
            }
        }
    }
    best.map(|(_, at, next)| (at, next))
}

fn even_replicas(brokers: &Brokers, partitions: &mut [Placed]) {
    let mut load = brokers.load(partitions);
    while let Some((found, at, next)) = relief(brokers, &load, partitions) {
        let before = std::mem::replace(&mut partitions[found].replicas[at], next);
        shift(&mut load, before, next);
    }
}

/// The replica whose move evens the numbers most: from the fullest broker to the emptiest that can take it.
fn relief(
    brokers: &Brokers,
    load: &BTreeMap<i32, usize>,
    partitions: &[Placed],
) -> Option<(usize, usize, i32)> {
    let mut pairs: Vec<(i32, i32)> = load
        .iter()
        .flat_map(|(from, much)| {
            load.iter().filter(move |(_, little)| *much >= **little + 2).map(move |(to, _)| (*from, *to))
        })
        .collect();
    pairs.sort_by_key(|(from, to)| (std::cmp::Reverse(load[from] - load[to]), *from, *to));
    pairs.into_iter().find_map(|(from, to)| {
        let candidates = partitions.iter().enumerate().filter(|(_, partition)| !partition.is_moving);
        let fitting = candidates.filter_map(|(found, partition)| {
            let at = partition.replicas.iter().position(|id| *id == from)?;
            let fits = !partition.replicas.contains(&to)
                && brokers.racks(&with(&partition.replicas, at, to)) >= brokers.racks(&partition.replicas);
            fits.then_some((found, at))
        });
        // Of the topic that is most uneven between the two.
        let best = fitting.max_by_key(|(found, _)| {
            let topic = &partitions[*found].name.0;
            (excess(partitions, topic, from, to), std::cmp::Reverse(*found))
        });
        best.map(|(found, at)| (found, at, to))
    })
}

fn excess(partitions: &[Placed], topic: &str, from: i32, to: i32) -> i64 {
    let of_topic = partitions.iter().filter(|partition| partition.name.0 == topic);
    of_topic.fold(0, |sum, partition| {
        sum + i64::from(partition.replicas.contains(&from)) - i64::from(partition.replicas.contains(&to))
    })
}

fn even_leaders(brokers: &Brokers, partitions: &mut [Placed]) {
    let mut leads = brokers.preferred(partitions);
    while let Some(path) = path(brokers, &leads, partitions) {
        // From the end, so that each broker on the way gives one away before it gets one.
        for (found, next) in path.into_iter().rev() {
            let replicas = &mut partitions[found].replicas;
            let at = replicas.iter().position(|id| *id == next).expect("the way leads over its replicas");
            let before = replicas[0];
            replicas.swap(0, at);
            shift(&mut leads, before, next);
        }
    }
}

/// A way on which a leadership is handed on, from a broker with many to one with at least two fewer: which partition, to whom.
fn path(brokers: &Brokers, leads: &BTreeMap<i32, usize>, partitions: &[Placed]) -> Option<Vec<(usize, i32)>> {
    let mut fullest: Vec<i32> = leads.keys().copied().collect();
    fullest.sort_by_key(|id| std::cmp::Reverse(leads[id]));
    fullest.into_iter().find_map(|from| {
        let mut came: BTreeMap<i32, (usize, i32)> = BTreeMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(here) = queue.pop_front() {
            if leads[&here] + 2 <= leads[&from] {
                return Some(way_back(&came, partitions, from, here));
            }
            let led = partitions
                .iter()
                .enumerate()
                .filter(|(_, partition)| !partition.is_moving && partition.replicas.first() == Some(&here));
            for (found, partition) in led {
                for next in partition.replicas[1..].iter().filter(|next| brokers.is_live(**next)) {
                    if *next != from && !came.contains_key(next) {
                        came.insert(*next, (found, here));
                        queue.push_back(*next);
                    }
                }
            }
        }
        None
    })
}

fn way_back(
    came: &BTreeMap<i32, (usize, i32)>,
    partitions: &[Placed],
    from: i32,
    to: i32,
) -> Vec<(usize, i32)> {
    let mut way = Vec::new();
    let mut here = to;
    while here != from {
        let (found, before) = came[&here];
        debug_assert_eq!(partitions[found].replicas[0], before);
        way.push((found, here));
        here = before;
    }
    way.reverse();
    way
}

fn with(replicas: &[i32], at: usize, next: i32) -> Vec<i32> {
    let mut replicas = replicas.to_vec();
    replicas[at] = next;
    replicas
}

fn shift(counts: &mut BTreeMap<i32, usize>, from: i32, to: i32) {
    if let Some(count) = counts.get_mut(&from) {
        *count -= 1;
    }
    if let Some(count) = counts.get_mut(&to) {
        *count += 1;
    }
}
