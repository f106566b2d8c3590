//! `range`: each topic's partitions in order, in as even pieces as there are subscribers, so that members with the same
//! subscriptions get the same partitions of topics of the same size (co-partitioning). Not sticky.
//!
//! Members are ordered by instance id, static ones first, then by member id (`RangeAssignor`).

use std::collections::BTreeMap;

use chronik_types::PartitionIndex;

use super::{Assignment, Spec, Subscriber};
use crate::records::Name;

/// Assigns.
pub(in crate::groups) fn range(spec: &Spec) -> BTreeMap<Name, Assignment> {
    let mut order: Vec<(&Name, &Subscriber)> = spec.members.iter().collect();
    order.sort_by_key(|(id, member)| {
        (member.instance_id.is_none(), member.instance_id.clone(), (*id).clone())
    });
    let mut assigned: BTreeMap<Name, Assignment> =
        spec.members.keys().map(|id| (id.clone(), Assignment::new())).collect();
    for (topic, count) in &spec.partitions {
        let subscribers: Vec<&Name> = order
            .iter()
            .filter(|(_, member)| member.topics.binary_search(topic).is_ok())
            .map(|(id, _)| *id)
            .collect();
        let mut next = 0;
        for (at, id) in subscribers.iter().enumerate() {
            let quota = count / subscribers.len() + usize::from(at < count % subscribers.len());
            if quota > 0 {
                let partitions = (next..next + quota).map(|index| PartitionIndex(index as i32)).collect();
                assigned.entry((*id).clone()).or_default().insert(*topic, partitions);
            }
            next += quota;
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::super::tests::topic;
    use super::*;

    #[test]
    fn pieces_are_in_order_and_the_first_are_larger() {
        let member = |instance: Option<&str>| Subscriber {
            instance_id: instance.map(Name::from),
            topics: vec![topic(1), topic(2)],
            target: Assignment::new(),
        };
        let members = [("a", member(None)), ("b", member(Some("i")))];
        let spec = Spec {
            members: members.into_iter().map(|(id, member)| (Name::from(id), member)).collect(),
            partitions: BTreeMap::from([(topic(1), 3), (topic(2), 1)]),
        };
        let assigned = range(&spec);
        let partitions = |list: &[i32]| list.iter().copied().map(PartitionIndex).collect::<Vec<_>>();
        assert_eq!(
            assigned["b"],
            BTreeMap::from([(topic(1), partitions(&[0, 1])), (topic(2), partitions(&[0]))])
        );
        assert_eq!(assigned["a"], BTreeMap::from([(topic(1), partitions(&[2]))]));
    }
}
