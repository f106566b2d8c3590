//! A few seeds of each scenario, and the promise that a seed is one run only. `cargo run -p chronik-sim` runs many more.

use chronik_broker::PlantedFault;
use chronik_raft::PlantedFault as QuorumFault;
use chronik_sim::cluster::Tally;
use chronik_sim::journal;
use chronik_sim::scenarios::{self, Outcome, Scenario};
use chronik_sim::world::quiet_halts;
use chronik_state::groups::PlantedFault as GroupFault;

fn run(scenario: Scenario, seed: u64) -> Outcome {
    quiet_halts();
    journal::collect_log_lines();
    let outcome = scenarios::run(scenario, seed, None, false);
    assert!(
        outcome.violations.is_empty(),
        "seed {seed}: {:#?}\n{}",
        outcome.violations,
        outcome.history.join("\n")
    );
    outcome
}

#[test]
fn one_node_keeps_what_it_acknowledged() {
    let (mut crashes, mut acked) = (0, 0);
    for seed in 1_000..1_004 {
        let outcome = run(scenarios::single_node::run, seed);
        crashes += outcome.tally.crashes;
        acked += outcome.tally.records;
    }
    assert!(crashes > 0 && acked > 100, "{crashes} crashes, {acked} records");
}

#[test]
fn a_seed_is_one_run() {
    let runs = [7, 7, 8].map(|seed| run(scenarios::single_node::run, seed));
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0].trace, runs[2].trace);
}

#[test]
fn a_cluster_comes_to_rest_and_has_done_what_it_said() {
    let mut sum = Tally::default();
    for seed in 0..4 {
        sum.add(&run(scenarios::cluster::run, seed).tally);
    }
    let happened = [sum.elections, sum.crashes, sum.topics, sum.records];
    assert!(!happened.contains(&0), "something never happened: {sum}");
}

#[test]
fn a_full_disk_ends_no_node() {
    let mut sum = Tally::default();
    for seed in 0..4 {
        sum.add(&run(scenarios::full_disk::run, seed).tally);
    }
    let happened = [sum.elections, sum.crashes, sum.held_up];
    assert!(!happened.contains(&0), "something never happened: {sum}");
}

/// Looks for a fault until a seed finds it, and for what is found. For faults that one seed in five finds or more; rarer
/// ones (`IgnoreDivergence`, `TrustProposedIsr`: one in twenty) take a run of `chronik-sim --planted`.
fn find(fault: PlantedFault, words: &str) {
    find_in(scenarios::cluster::run, fault, words);
}

fn find_in(scenario: Scenario, fault: PlantedFault, words: &str) {
    quiet_halts();
    journal::collect_log_lines();
    let found = |seed| {
        let outcome = scenarios::run(scenario, seed, Some(fault), false);
        outcome.violations.into_iter().find(|violation| violation.contains(words))
    };
    assert!((0..SEEDS_TO_FIND).any(|seed| found(seed).is_some()), "{fault:?} is not found");
}

const SEEDS_TO_FIND: u64 = 60;

#[test]
fn nodes_that_propose_without_leading_are_found() {
    find(PlantedFault::FollowersPropose, "Failed to propose");
}

#[test]
fn a_vote_that_is_not_persisted_is_found() {
    find(PlantedFault::Quorum(QuorumFault::SkipPersist), "epochs go up");
}

#[test]
fn a_quorum_high_watermark_without_a_majority_is_found() {
    find(PlantedFault::Quorum(QuorumFault::CommitAlone), "a majority has it");
    find(PlantedFault::Quorum(QuorumFault::AckBeforeDurable), "a majority has it");
    find(PlantedFault::Quorum(QuorumFault::CommitOldEpoch), "commits its own epoch");
}

#[test]
fn a_follower_that_cuts_its_log_wrongly_is_found() {
    find(PlantedFault::TruncateToHighWatermark, "replicas_agree");
}

#[test]
fn a_high_watermark_without_the_followers_is_found() {
    find(PlantedFault::HighWatermarkAlone, "replicas_agree");
}

#[test]
fn wrong_in_sync_replicas_are_found() {
    find(PlantedFault::JoinUnseen, "is in sync with");
}

#[test]
fn groups_come_to_rest_and_keep_what_they_committed() {
    let mut sum = Tally::default();
    for seed in 0..3 {
        sum.add(&run(scenarios::groups::run, seed).tally);
    }
    let happened = [sum.elections, sum.crashes, sum.generations, sum.commits, sum.refused];
    assert!(!happened.contains(&0), "something never happened: {sum}");
}

#[test]
fn a_partition_given_away_before_it_was_revoked_is_found() {
    find_in(scenarios::groups::run, PlantedFault::Groups(GroupFault::GiveBeforeRevoked), "one owner");
}

#[test]
fn commits_of_members_that_are_none_any_more_are_found() {
    find_in(scenarios::groups::run, PlantedFault::Groups(GroupFault::TakeStaleCommits), "commits stay");
}

#[test]
fn commits_that_are_lost_are_found() {
    find_in(scenarios::groups::run, PlantedFault::AnswerUncommitted, "commits stay");
}
