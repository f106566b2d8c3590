//! Plans of small clusters by hand, and what holds for every plan.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn brokers(racks: &[(i32, &str)]) -> Brokers {
    let rack = |rack: &str| (!rack.is_empty()).then(|| rack.to_owned());
    Brokers(racks.iter().map(|(id, name)| (*id, rack(name))).collect())
}

fn placed(topic: &str, index: i32, replicas: &[i32]) -> Placed {
    Placed {
        name: (topic.to_owned(), index),
        replicas: replicas.to_vec(),
        isr: replicas.to_vec(),
        leader: replicas.first().copied(),
        is_moving: false,
    }
}

fn shown(moves: &[Move]) -> Vec<String> {
    moves.iter().map(|one| format!("{}-{} {:?} -> {:?}", one.name.0, one.name.1, one.from, one.to)).collect()
}

fn after(partitions: &[Placed], moves: &[Move]) -> Vec<Placed> {
    let mut after = partitions.to_vec();
    for one in moves {
        let partition = after.iter_mut().find(|partition| partition.name == one.name).unwrap();
        assert_eq!(partition.replicas, one.from);
        partition.replicas.clone_from(&one.to);
        partition.isr.clone_from(&one.to);
        partition.leader = one.to.first().copied();
    }
    after
}

#[test]
fn a_drain_hands_over_first_and_spreads_what_it_moves() {
    let four = brokers(&[(1, ""), (2, ""), (3, ""), (4, "")]);
    let partitions = [
        placed("a", 0, &[1, 2, 3]),
        placed("a", 1, &[1, 3, 2]),
        placed("a", 2, &[2, 3, 4]),
        placed("b", 0, &[1]),
    ];
    let first = hand_over(1, &four, &partitions);
    assert_eq!(shown(&first), ["a-0 [1, 2, 3] -> [3, 2, 1]", "a-1 [1, 3, 2] -> [2, 3, 1]"]);
    let partitions = after(&partitions, &first);
    let moves = drain(1, &four, &partitions).unwrap();
    assert_eq!(
        shown(&moves),
        ["a-0 [3, 2, 1] -> [3, 2, 4]", "a-1 [2, 3, 1] -> [2, 3, 4]", "b-0 [1] -> [2]"],
        "where there is least"
    );
    let partitions = after(&partitions, &moves);
    assert!(hand_over(1, &four, &partitions).is_empty() && drain(1, &four, &partitions).unwrap().is_empty());
}

#[test]
fn a_drain_that_would_cost_replicas_is_refused() {
    let three = brokers(&[(1, ""), (2, ""), (3, "")]);
    let partitions = [placed("a", 0, &[1, 2]), placed("b", 7, &[3, 1, 2])];
    let reason = drain(1, &three, &partitions).unwrap_err();
    assert!(
        reason.contains("1 partition(s), such as b-7 with 3 replicas") && reason.contains("only 2 other"),
        "{reason}"
    );
}

#[test]
fn a_drain_keeps_racks_apart() {
    let racks = brokers(&[(1, "x"), (2, "y"), (3, "x"), (4, "y")]);
    let moves = drain(1, &racks, &[placed("a", 0, &[1, 2]), placed("a", 1, &[2, 3])]).unwrap();
    assert_eq!(shown(&moves), ["a-0 [1, 2] -> [2, 3]"], "3 is in the rack that is left empty, 4 is not");
}

#[test]
fn a_replica_that_is_not_in_sync_is_not_to_lead() {
    let three = brokers(&[(1, ""), (2, ""), (3, "")]);
    let mut partition = placed("a", 0, &[1, 2, 3]);
    partition.isr = vec![1, 3];
    assert_eq!(shown(&hand_over(1, &three, &[partition])), ["a-0 [1, 2, 3] -> [3, 2, 1]"]);
}

#[test]
fn a_new_broker_gets_its_share_and_nothing_else_moves() {
    let four = brokers(&[(1, ""), (2, ""), (3, ""), (4, "")]);
    let partitions: Vec<Placed> = (0..4)
        .map(|index| placed("a", index, &[index % 3 + 1, (index + 1) % 3 + 1, (index + 2) % 3 + 1]))
        .collect();
    let moves = rebalance(&four, &partitions);
    assert_eq!(moves.iter().flat_map(Move::added).collect::<Vec<_>>(), [4, 4, 4]);
    let partitions = after(&partitions, &moves);
    assert!(four.load(&partitions).values().all(|count| *count == 3));
    assert!(four.preferred(&partitions).values().all(|count| *count == 1));
}

#[test]
fn leaderships_are_handed_on_where_no_single_step_helps() {
    let three = brokers(&[(1, ""), (2, ""), (3, "")]);
    // 1 leads two that only 2 can take, 2 leads one that only 3 can take; every broker has as much as it should.
    let mut partitions = vec![placed("a", 0, &[1, 2]), placed("a", 1, &[1, 2]), placed("a", 2, &[2, 3])];
    partitions.push(Placed { is_moving: true, ..placed("b", 0, &[9, 3]) });
    let moves = rebalance(&three, &partitions);
    assert_eq!(shown(&moves), ["a-0 [1, 2] -> [2, 1]", "a-2 [2, 3] -> [3, 2]"]);
    let partitions = after(&partitions, &moves);
    assert!(three.preferred(&partitions).values().all(|count| *count == 1));
}

#[test]
fn replicas_that_share_a_rack_without_need_part() {
    let racks = brokers(&[(1, "x"), (2, "x"), (3, "y")]);
    let moves = rebalance(&racks, &[placed("a", 0, &[1, 2])]);
    assert_eq!(moves.iter().flat_map(Move::added).collect::<Vec<_>>(), [3]);
}

prop_compose! {
    fn cluster()(nodes in 1..8_i32, racks in 0..4_i32)(
        replicas in vec((Just(nodes), vec(1..=nodes, 1..=5)), 0..40),
        nodes in Just(nodes),
        racks in Just(racks),
    ) -> (Brokers, Vec<Placed>) {
        let rack = |id: i32| (racks > 0).then(|| format!("rack-{}", id % racks));
        let brokers = Brokers((1..=nodes).map(|id| (id, rack(id))).collect());
        let partitions = replicas.into_iter().enumerate().map(|(at, (_, ids))| {
            let mut distinct: Vec<i32> = Vec::new();
            for id in ids {
                if !distinct.contains(&id) {
                    distinct.push(id);
                }
            }
            placed(if at % 3 == 0 { "a" } else { "b" }, at as i32, &distinct)
        });
        (brokers, partitions.collect())
    }
}

fn assert_sound(brokers: &Brokers, before: &[Placed], moves: &[Move]) {
    for (old, new) in before.iter().zip(after(before, moves)) {
        let distinct: BTreeSet<i32> = new.replicas.iter().copied().collect();
        assert_eq!(distinct.len(), old.replicas.len(), "as many replicas, each on a broker of its own");
        assert!(distinct.iter().all(|id| brokers.is_live(*id) || old.replicas.contains(id)));
    }
}

fn range(counts: &BTreeMap<i32, usize>) -> usize {
    counts.values().max().unwrap_or(&0) - counts.values().min().unwrap_or(&0)
}

proptest! {
    #[test]
    fn a_rebalance_is_sound_and_settles((brokers, partitions) in cluster()) {
        let moves = rebalance(&brokers, &partitions);
        assert_sound(&brokers, &partitions, &moves);
        let settled = after(&partitions, &moves);
        for (old, new) in partitions.iter().zip(&settled) {
            prop_assert!(brokers.racks(&new.replicas) >= brokers.racks(&old.replicas));
        }
        prop_assert!(rebalance(&brokers, &settled).is_empty(), "a second run finds nothing to do");
        if brokers.0.values().all(Option::is_none) {
            prop_assert!(range(&brokers.load(&settled)) <= 1);
            let load = brokers.load(&partitions);
            let total: usize = load.values().sum();
            let (fewest, over) = (total / load.len(), total % load.len());
            let mut counts: Vec<usize> = load.into_values().collect();
            counts.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
            let needed: usize = counts
                .iter()
                .enumerate()
                .map(|(at, count)| count.saturating_sub(fewest + usize::from(at < over)))
                .sum();
            prop_assert_eq!(moves.iter().flat_map(Move::added).count(), needed, "no move too many");
        }
    }

    #[test]
    fn a_drain_is_sound_and_empties_the_node((brokers, partitions) in cluster(), node in 1..8_i32) {
        let handed = hand_over(node, &brokers, &partitions);
        assert_sound(&brokers, &partitions, &handed);
        let partitions = after(&partitions, &handed);
        for partition in &partitions {
            prop_assert!(partition.leader != Some(node) || partition.replicas.len() == 1);
        }
        match drain(node, &brokers, &partitions) {
            Ok(moves) => {
                assert_sound(&brokers, &partitions, &moves);
                prop_assert!(after(&partitions, &moves).iter().all(|one| !one.replicas.contains(&node)));
                prop_assert!(moves.iter().all(|one| one.added().count() == 1));
            }
            Err(_) => {
                let others = brokers.0.len() - usize::from(brokers.is_live(node));
                prop_assert!(partitions.iter().any(|one| one.replicas.contains(&node) && one.replicas.len() > others));
            }
        }
    }
}
