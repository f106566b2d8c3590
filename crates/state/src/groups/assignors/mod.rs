//! Server-side assignors of consumer groups: one file each, pure.

mod range;
mod uniform;

use std::collections::BTreeMap;

use chronik_types::{PartitionIndex, TopicId};

use crate::records::Name;

pub(in crate::groups) use range::range;
pub(in crate::groups) use uniform::uniform;

/// Partitions by topic, sorted.
pub(in crate::groups) type Assignment = BTreeMap<TopicId, Vec<PartitionIndex>>;

/// A member, as an assignor sees it.
#[derive(Clone, Debug, Default)]
pub(in crate::groups) struct Subscriber {
    /// Its instance, if it is static: such members keep their place when they come back under another id.
    pub(in crate::groups) instance_id: Option<Name>,
    /// The topics that it subscribes to and that exist, sorted.
    pub(in crate::groups) topics: Vec<TopicId>,
    /// What it was to have so far.
    pub(in crate::groups) target: Assignment,
}

/// What there is to assign.
#[derive(Clone, Debug, Default)]
pub(in crate::groups) struct Spec {
    /// Who is in the group.
    pub(in crate::groups) members: BTreeMap<Name, Subscriber>,
    /// How many partitions each subscribed topic has.
    pub(in crate::groups) partitions: BTreeMap<TopicId, usize>,
}

/// An assignor.
pub(in crate::groups) type Assignor = fn(&Spec) -> BTreeMap<Name, Assignment>;

/// The assignor of this name.
pub(in crate::groups) fn named(name: &str) -> Option<Assignor> {
    match name {
        "uniform" => Some(uniform),
        "range" => Some(range),
        _ => None,
    }
}

#[cfg(test)]
pub(in crate::groups) mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    pub(in crate::groups) fn topic(id: u128) -> TopicId {
        TopicId(Uuid::from_u128(id))
    }

    /// A group whose members subscribe to some of four topics.
    fn spec() -> impl Strategy<Value = Spec> {
        let members = proptest::collection::vec((any::<bool>(), 0u8..16), 1..9);
        (members, proptest::collection::vec(0usize..9, 4)).prop_map(|(members, counts)| {
            let partitions: BTreeMap<TopicId, usize> =
                counts.iter().enumerate().map(|(at, count)| (topic(at as u128), *count)).collect();
            let member = |(at, (is_static, topics)): (usize, &(bool, u8))| {
                let subscribed = (0..4u128).filter(|bit| (topics >> bit) & 1 == 1).map(topic).collect();
                let subscriber = Subscriber {
                    instance_id: is_static.then(|| format!("i{at}").into()),
                    topics: subscribed,
                    target: BTreeMap::new(),
                };
                (Name::from(format!("m{at}")), subscriber)
            };
            Spec { members: members.iter().enumerate().map(member).collect(), partitions }
        })
    }

    fn check(spec: &Spec, assigned: &BTreeMap<Name, Assignment>) {
        let mut seen = BTreeMap::new();
        for (member, assignment) in assigned {
            for (topic, partitions) in assignment {
                assert!(spec.members[member].topics.contains(topic), "{member} did not subscribe to {topic}");
                assert!(!partitions.is_empty() && partitions.is_sorted());
                for partition in partitions {
                    assert_eq!(seen.insert((*topic, *partition), member), None, "two owners");
                }
            }
        }
        for (topic, count) in &spec.partitions {
            if spec.members.values().any(|member| member.topics.contains(topic)) {
                let assigned = seen.keys().filter(|(of, _)| of == topic).count();
                assert_eq!(assigned, *count, "every partition of a subscribed topic has an owner");
            }
        }
    }

    fn loads(assigned: &BTreeMap<Name, Assignment>) -> BTreeMap<Name, usize> {
        let load = |assignment: &Assignment| assignment.values().map(Vec::len).sum();
        assigned.iter().map(|(member, assignment)| (member.clone(), load(assignment))).collect()
    }

    proptest! {
        #[test]
        fn each_partition_of_a_subscribed_topic_has_one_owner(spec in spec()) {
            check(&spec, &range(&spec));
            check(&spec, &uniform(&spec));
        }

        #[test]
        fn uniform_is_even_and_moves_nothing_without_need(mut spec in spec(), gone in 0usize..8) {
            let all: Vec<TopicId> = spec.partitions.keys().copied().collect();
            for member in spec.members.values_mut() {
                member.topics.clone_from(&all);
            }
            let first = uniform(&spec);
            let even = |assigned: &BTreeMap<Name, Assignment>| {
                let loads = loads(assigned);
                loads.values().max().unwrap() - loads.values().min().unwrap() <= 1
            };
            prop_assert!(even(&first));
            for (member, assignment) in &first {
                spec.members.get_mut(member).unwrap().target.clone_from(assignment);
            }
            prop_assert_eq!(&uniform(&spec), &first);
            if spec.members.len() > 1 {
                let name = spec.members.keys().nth(gone % spec.members.len()).unwrap().clone();
                spec.members.remove(&name);
                let second = uniform(&spec);
                prop_assert!(even(&second));
                check(&spec, &second);
                for (member, assignment) in &second {
                    for (topic, partitions) in &first[member] {
                        let kept = assignment.get(topic);
                        prop_assert!(partitions.iter().all(|one| kept.is_some_and(|kept| kept.contains(one))));
                    }
                }
            }
        }

        #[test]
        fn uniform_leaves_no_gap_that_one_move_would_close(spec in spec()) {
            let assigned = uniform(&spec);
            let loads = loads(&assigned);
            for (from, assignment) in &assigned {
                for (to, member) in &spec.members {
                    let can_move = assignment.keys().any(|topic| member.topics.contains(topic));
                    prop_assert!(!can_move || loads[from] <= loads[to] + 1, "{from} has more than {to}");
                }
            }
        }
    }
}
