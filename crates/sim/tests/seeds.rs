//! A few seeds of each scenario, and the promise that a seed is one run only. `cargo run -p chronik-sim` runs many more.

use chronik_sim::journal;
use chronik_sim::scenarios::{self, Outcome, Scenario};
use chronik_sim::world::quiet_halts;

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
