//! A few seeds of the simulation; `cargo run --release -p chronik-sim -- --seeds N` runs many.

use chronik_sim::single_node;
use chronik_sim::world::quiet_halts;

#[test]
fn a_node_under_load_loses_nothing_however_often_it_crashes() {
    quiet_halts();
    let outcome = single_node::run(1).unwrap();
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    assert!(outcome.crashes > 3 && outcome.acked > 1000, "it tests nothing: {outcome:?}");
}

#[test]
fn the_same_seed_twice_is_the_same_run() {
    quiet_halts();
    assert_eq!(single_node::run(2).unwrap(), single_node::run(2).unwrap());
}
