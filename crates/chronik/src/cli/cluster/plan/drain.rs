//! Taking everything off a node: first what it leads, then what it holds.

use std::collections::BTreeMap;

use super::{Brokers, Move, Placed, changes};

/// Puts a node last among the replicas of each partition, so that others lead: no record moves. Leaderships are spread over
/// the others that are in sync.
pub fn hand_over(node: i32, brokers: &Brokers, partitions: &[Placed]) -> Vec<Move> {
    let mut leads = brokers.preferred(partitions);
    let mut after = partitions.to_vec();
    for partition in &mut after {
        let concerned = partition.replicas.first() == Some(&node) || partition.leader == Some(node);
        let in_sync = |id: &i32| *id != node && brokers.is_live(*id) && partition.isr.contains(id);
        if !concerned || !partition.replicas.contains(&node) || partition.is_moving {
            continue;
        }
        let Some(next) = least(&leads, partition.replicas.iter().copied().filter(in_sync)) else { continue };
        if let Some(before) = partition.replicas.first().and_then(|id| leads.get_mut(id)) {
            *before -= 1;
        }
        *leads.entry(next).or_default() += 1;
        partition.replicas.retain(|id| *id != node && *id != next);
        partition.replicas.insert(0, next);
        partition.replicas.push(node);
    }
    changes(partitions, &after)
}

/// Puts another broker in the node's place everywhere: in a rack that the partition is not in, if there is one, and where
/// there is least.
///
/// # Errors
/// Partitions that no other broker can take, in words.
pub fn drain(node: i32, brokers: &Brokers, partitions: &[Placed]) -> Result<Vec<Move>, String> {
    let mut load = brokers.load(partitions);
    let mut after = partitions.to_vec();
    let mut stuck: Vec<&Placed> = Vec::new();
    for (partition, before) in after.iter_mut().zip(partitions) {
        if !partition.replicas.contains(&node) {
            continue;
        }
        let left: Vec<i32> = partition.replicas.iter().copied().filter(|id| *id != node).collect();
        let free = brokers.0.keys().copied().filter(|id| *id != node && !left.contains(id));
        let spread = |id: i32| brokers.racks(&[&left[..], &[id]].concat());
        let widest = free.clone().map(spread).max();
        match least(&load, free.filter(|id| Some(spread(*id)) == widest)) {
            Some(next) => {
                *load.entry(next).or_default() += 1;
                partition.replicas = left;
                partition.replicas.push(next);
            }
            None => stuck.push(before),
        }
    }
    match stuck.first() {
        None => Ok(changes(partitions, &after)),
        Some(first) => Err(format!(
            "node {node} cannot be drained: {} partition(s), such as {}-{} with {} replicas, would have fewer, since only {} \
             other broker(s) live; start more brokers, or delete these topics or give them fewer replicas",
            stuck.len(),
            first.name.0,
            first.name.1,
            first.replicas.len(),
            brokers.0.keys().filter(|id| **id != node).count(),
        )),
    }
}

/// The one with the least, and of those the first.
fn least(counts: &BTreeMap<i32, usize>, among: impl Iterator<Item = i32>) -> Option<i32> {
    among.min_by_key(|id| (counts.get(id).copied().unwrap_or_default(), *id))
}
