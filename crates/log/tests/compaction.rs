//! Compaction against a model, with a power failure at every operation that changes the disk, and with errors injected.
//!
//! Whatever happens and whenever: the compacted log gives the same last value of each key as the whole log would; offsets
//! do not move; a reader at any offset gets the next record that exists; records of aborted transactions are not shown; the
//! producers' last sequences are known.

#[path = "compaction/world.rs"]
mod world;

use chronik_log::disk::memory::{Failure, Fault};
use proptest::prelude::*;
use proptest::test_runner::Config;
use world::{Op, World};

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => (0..6u8, any::<bool>(), 0..5u8).prop_map(|(key, tombstone, codec)| Op::Put { key, tombstone, codec }),
        6 => (0..6u8, 2..5u8, 0..5u8).prop_map(|(key, records, codec)| Op::PutMany { key, records, codec }),
        3 => (0..3u8, 0..6u8).prop_map(|(producer, key)| Op::Begin { producer, key }),
        3 => (0..3u8, any::<bool>()).prop_map(|(producer, commit)| Op::End { producer, commit }),
        3 => Just(Op::Sync),
        1 => Just(Op::Checkpoint),
        2 => Just(Op::Roll),
        6 => (1..60u8, any::<bool>()).prop_map(|(keys, whole)| Op::Clean { keys, whole }),
        1 => Just(Op::Wait),
        1 => Just(Op::Retention),
        1 => (0..100u8).prop_map(|percent| Op::DeleteRecords { percent }),
        1 => (50..100u8).prop_map(|percent| Op::Truncate { percent }),
        1 => Just(Op::CloseAndOpen),
        1 => Just(Op::Crash),
    ]
}

fn script() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 5..40)
}

/// Few cases by default; `PROPTEST_CASES` asks for more.
fn config(default: u32) -> Config {
    let config = Config::default();
    let cases = if config.cases == 256 { default } else { config.cases };
    Config { cases, failure_persistence: None, max_shrink_iters: 300, ..config }
}

/// Runs the script; a fault ends it early.
fn run(world: &mut World, script: &[Op]) -> usize {
    for (at, &op) in script.iter().enumerate() {
        world.run(op);
        if world.disk.is_off() {
            world.crash();
            return at + 1;
        }
    }
    script.len()
}

fn operations(script: &[Op], seed: u64) -> u64 {
    let mut calm = World::new(seed);
    let before = calm.disk.operations();
    run(&mut calm, script);
    calm.check();
    calm.disk.operations() - before
}

proptest! {
    #![proptest_config(config(30))]

    #[test]
    fn a_compacted_log_says_the_same(script in script(), seed: u64) {
        let mut world = World::new(seed);
        for op in script {
            world.run(op);
            world.check();
        }
        world.run(Op::Roll);
        world.run(Op::Sync);
        world.run(Op::Clean { keys: 255, whole: true });
        world.check();
        world.run(Op::CloseAndOpen);
        world.check();
    }
}

proptest! {
    #![proptest_config(config(2))]

    #[test]
    fn it_does_whenever_the_power_goes(script in script(), seed: u64) {
        for at in 0..operations(&script, seed) {
            let mut world = World::new(seed.wrapping_add(at));
            world.disk.power_off_after(at);
            let done = run(&mut world, &script);
            world.check();
            run(&mut world, &script[done..]);
            world.run(Op::CloseAndOpen);
            world.check();
        }
    }

    #[test]
    fn it_does_whatever_fails(script in script(), seed: u64, full: bool) {
        for at in 0..operations(&script, seed) {
            let mut world = World::new(seed.wrapping_add(at));
            let kind = if full { std::io::ErrorKind::StorageFull } else { std::io::ErrorKind::Other };
            let failure = Failure::Error(kind);
            world.disk.inject(Fault { operation: None, path: String::new(), after: at, times: 1, failure });
            run(&mut world, &script);
            world.check();
            world.crash();
            world.check();
        }
    }
}
