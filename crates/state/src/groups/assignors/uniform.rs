//! `uniform`: as even as subscriptions allow, and moving as little as that needs (`UniformAssignor`).
//!
//! Everyone keeps what they may, down to an even share; what is free goes to whoever has least; where subscriptions differ,
//! partitions then move from who has more to who has less until no move helps.

use std::collections::{BTreeMap, BTreeSet};

use chronik_types::{PartitionIndex, TopicId};

use super::{Assignment, Spec};
use crate::records::Name;

type Owned = BTreeSet<(TopicId, PartitionIndex)>;

/// Assigns.
pub(in crate::groups) fn uniform(spec: &Spec) -> BTreeMap<Name, Assignment> {
    let mut owned = kept(spec);
    let first = spec.members.values().next();
    let is_homogeneous =
        first.is_none_or(|first| spec.members.values().all(|one| one.topics == first.topics));
    let mut free = free(spec, &owned);
    if is_homogeneous {
        give_up_surplus(spec, &mut owned, &mut free);
    }
    give_out(spec, &mut owned, free);
    if !is_homogeneous {
        balance(spec, &mut owned);
    }
    owned.into_iter().map(|(id, owned)| (id, by_topic(owned))).collect()
}

/// What everyone was to have and may still have; of two who claim a partition, the first.
fn kept(spec: &Spec) -> BTreeMap<Name, Owned> {
    let mut taken = Owned::new();
    let mut owned = BTreeMap::new();
    for (id, member) in &spec.members {
        let mut mine = Owned::new();
        for (topic, partitions) in &member.target {
            let count = spec.partitions.get(topic).copied().unwrap_or(0);
            if member.topics.binary_search(topic).is_err() {
                continue;
            }
            for partition in partitions.iter().filter(|partition| (partition.0 as usize) < count) {
                if taken.insert((*topic, *partition)) {
                    mine.insert((*topic, *partition));
                }
            }
        }
        owned.insert(id.clone(), mine);
    }
    owned
}

/// The partitions of subscribed topics that nobody has.
fn free(spec: &Spec, owned: &BTreeMap<Name, Owned>) -> Owned {
    let subscribed: BTreeSet<TopicId> =
        spec.members.values().flat_map(|member| member.topics.iter().copied()).collect();
    let taken: Owned = owned.values().flatten().copied().collect();
    let all = spec.partitions.iter().filter(|(topic, _)| subscribed.contains(topic));
    let all = all.flat_map(|(topic, count)| (0..*count).map(|index| (*topic, PartitionIndex(index as i32))));
    all.filter(|one| !taken.contains(one)).collect()
}

/// Where all subscribe to the same, nobody keeps more than an even share, and only as many keep one more as there is rest.
fn give_up_surplus(spec: &Spec, owned: &mut BTreeMap<Name, Owned>, free: &mut Owned) {
    let members = spec.members.len().max(1);
    let total = free.len() + owned.values().map(Owned::len).sum::<usize>();
    let (share, mut rest) = (total / members, total % members);
    for mine in owned.values_mut() {
        let quota = if mine.len() > share && rest > 0 {
            rest -= 1;
            share + 1
        } else {
            share
        };
        while mine.len() > quota {
            free.extend(mine.pop_last());
        }
    }
}

/// What is free goes to whoever of its subscribers has least.
fn give_out(spec: &Spec, owned: &mut BTreeMap<Name, Owned>, free: Owned) {
    let mut topic = None;
    let mut order: BTreeSet<(usize, Name)> = BTreeSet::new();
    for one in free {
        if topic != Some(one.0) {
            topic = Some(one.0);
            let is_subscriber = |id: &Name| spec.members[id].topics.binary_search(&one.0).is_ok();
            let subscribers = owned.iter().filter(|(id, _)| is_subscriber(id));
            order = subscribers.map(|(id, mine)| (mine.len(), id.clone())).collect();
        }
        let Some((load, id)) = order.pop_first() else { continue };
        owned.entry(id.clone()).or_default().insert(one);
        order.insert((load + 1, id));
    }
}

/// Moves partitions to members that have at least two fewer. Each move makes the loads more even, so it ends.
fn balance(spec: &Spec, owned: &mut BTreeMap<Name, Owned>) {
    loop {
        let mut order: Vec<(usize, Name)> = owned.iter().map(|(id, mine)| (mine.len(), id.clone())).collect();
        order.sort();
        let Some((one, from, to)) = better(spec, owned, &order) else { return };
        owned.entry(from).or_default().remove(&one);
        owned.entry(to).or_default().insert(one);
    }
}

/// A move that helps: from who has most to who has least of those that can.
fn better(
    spec: &Spec,
    owned: &BTreeMap<Name, Owned>,
    order: &[(usize, Name)],
) -> Option<((TopicId, PartitionIndex), Name, Name)> {
    for (most, from) in order.iter().rev() {
        for (least, to) in order {
            if least + 1 >= *most {
                break;
            }
            let topics = &spec.members[to].topics;
            let found = owned[from].iter().find(|(topic, _)| topics.binary_search(topic).is_ok());
            if let Some(one) = found {
                return Some((*one, from.clone(), to.clone()));
            }
        }
    }
    None
}

fn by_topic(owned: Owned) -> Assignment {
    let mut assignment = Assignment::new();
    for (topic, partition) in owned {
        assignment.entry(topic).or_default().push(partition);
    }
    assignment
}
