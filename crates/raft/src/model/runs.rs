//! Running the model: many seeds, the same seed twice, and the planted faults.

use std::time::Duration;

use super::world::{Plan, Tally, World};
use crate::{PlantedFault, rng::Rng};

const STEPS: u64 = 1200;
/// How much of the transcript a failure shows.
const LAST_LINES: usize = 100;

/// The shape of the cluster is the seed's choice too.
fn plan(seed: u64) -> Plan {
    let mut rng = Rng::new(seed ^ 0x5eed);
    let nodes = 1 + rng.below(7) as i32;
    let voters = 1 + rng.below(nodes as usize) as i32;
    let (dynamic, auto_join) = (rng.below(4) > 0, rng.below(2) == 0);
    Plan { seed, nodes, voters, dynamic, auto_join, fault: None, record: false }
}

/// Runs one seed; with it comes what was violated, if anything.
fn run(plan: Plan) -> (World, Option<String>) {
    let mut world = World::new(plan);
    while world.tally.steps < STEPS {
        world.disturb(plan.dynamic);
        if !world.advance() {
            world.propose_somewhere();
            world.tally.steps += 1;
        }
        if let Some(violation) = world.checks.violation.take() {
            return (world, Some(violation));
        }
    }
    world.heal();
    let violation = recover(&mut world).err();
    (world, violation)
}

/// Runs a seed that failed once more, for its last words.
fn explain(plan: Plan, violation: &str) -> String {
    let (world, _) = run(Plan { record: true, ..plan });
    let transcript = world.transcript.unwrap_or_default();
    let lines: Vec<&str> = transcript.lines().collect();
    let tail = &lines[lines.len().saturating_sub(LAST_LINES)..];
    format!("{}\n{plan:?}: {violation}", tail.join("\n"))
}

/// Liveness: without faults a leader is elected, and what it is given is committed on every node.
fn recover(world: &mut World) -> Result<(), String> {
    let until = world.now + Duration::from_secs(30);
    let mut goal = None;
    while world.now < until {
        if goal.is_none_or(|(leader, _)| world.settled_leader() != Some(leader)) {
            goal = world.settled_leader().and_then(|leader| Some((leader, world.propose(leader)?)));
        }
        if let Some((_, end)) = goal
            && world.nodes.values().all(|node| node.mark.is_some_and(|mark| mark >= end))
        {
            return Ok(());
        }
        if !world.advance() {
            break;
        }
        if let Some(violation) = world.checks.violation.take() {
            return Err(violation);
        }
    }
    let marks: Vec<_> = world.nodes.iter().map(|(id, node)| (id, node.leads, node.mark)).collect();
    Err(format!("liveness: wanted {goal:?} at {:?}, have {marks:?}", world.checks.committed_end()))
}

fn seeds() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "RAFT_SEEDS=20000 makes the test look further")]
    std::env::var("RAFT_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

fn run_seeds(from: u64, to: u64) {
    let mut sum = Tally::default();
    for seed in from..to {
        let (world, violation) = run(plan(seed));
        if let Some(violation) = violation {
            panic!("{}", explain(plan(seed), &violation));
        }
        sum.add(world.tally);
        let static_before = !plan(seed).dynamic;
        sum.upgrades += u64::from(static_before && world.checks.voters.is_some());
    }
    eprintln!("seeds {from}..{to}: {sum:?}");
    let rare = [sum.elections, sum.crashes, sum.installs, sum.truncations, sum.wipes, sum.upgrades];
    assert!(!rare.contains(&0), "something never happened: {sum:?}");
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.steps += other.steps;
        self.elections += other.elections;
        self.crashes += other.crashes;
        self.partitions += other.partitions;
        self.proposals += other.proposals;
        self.voter_changes += other.voter_changes;
        self.snapshots += other.snapshots;
        self.installs += other.installs;
        self.truncations += other.truncations;
        self.wipes += other.wipes;
        self.upgrades += other.upgrades;
    }
}

#[test]
fn invariants_hold_in_the_first_half_of_the_seeds() {
    run_seeds(0, seeds() / 2);
}

#[test]
fn invariants_hold_in_the_second_half_of_the_seeds() {
    run_seeds(seeds() / 2, seeds());
}

#[test]
fn the_same_seed_gives_the_same_transcript() {
    for seed in [1, 5, 17] {
        let once = || {
            let (world, _) = run(Plan { record: true, ..plan(seed) });
            (world.transcript.clone(), world.digest())
        };
        assert!(once() == once(), "seed {seed}");
    }
}

/// The first seed that finds the fault, and how.
fn find(fault: PlantedFault) -> (u64, String) {
    for seed in 0..2000 {
        let plan = Plan { fault: Some(fault), nodes: 5, voters: 5, ..plan(seed) };
        let outcome = std::panic::catch_unwind(|| run(plan).1);
        match outcome {
            Ok(None) => {}
            Ok(Some(violation)) => return (seed, violation),
            Err(_) => return (seed, "an assertion".to_owned()),
        }
    }
    panic!("{fault:?} was not found");
}

#[test]
fn planted_faults_are_found() {
    for fault in [
        PlantedFault::VoteTwice,
        PlantedFault::CommitOldEpoch,
        PlantedFault::CommitAlone,
        PlantedFault::SkipPersist,
        PlantedFault::AckBeforeDurable,
    ] {
        let (seed, violation) = find(fault);
        eprintln!("{fault:?} found after {} seeds: {violation}", seed + 1);
    }
}
