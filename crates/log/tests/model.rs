//! The log against a model, with a power failure at every operation that changes the disk, and with errors injected.
//!
//! A script of operations is run once to count what it does to the disk; then again and again, and each time the power
//! goes one operation later. After each failure the log is opened again and must hold: everything that was reported as
//! durable, byte for byte; nothing that was never appended; offsets without gaps; indexes, epochs and producers that agree
//! with its batches. Then the script goes on.

#[path = "model/world.rs"]
mod world;

use chronik_log::disk::memory::{Failure, Fault};
use proptest::prelude::*;
use proptest::test_runner::Config;
use world::{Op, World};

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..3u8, 1..4u8).prop_map(|(producer, records)| Op::Append { producer, records }),
        2 => (1..4u8).prop_map(|records| Op::AppendPlain { records }),
        1 => (0..3u8, 0..5u8).prop_map(|(producer, back)| Op::Retry { producer, back }),
        1 => any::<bool>().prop_map(|commit| Op::Transaction { commit }),
        5 => Just(Op::Sync),
        2 => Just(Op::BeginSync),
        2 => Just(Op::FinishSync),
        2 => Just(Op::Checkpoint),
        1 => Just(Op::Roll),
        1 => Just(Op::NewEpoch),
        1 => Just(Op::Retention),
        1 => (0..100u8).prop_map(|percent| Op::DeleteRecords { percent }),
        1 => (40..100u8).prop_map(|percent| Op::Truncate { percent }),
        1 => Just(Op::StartOver),
        2 => Just(Op::CloseAndOpen),
        1 => Just(Op::Crash),
    ]
}

fn script() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..40)
}

/// Few cases by default; `PROPTEST_CASES` asks for more.
fn config(default: u32) -> Config {
    let config = Config::default();
    // The library's own default means that nothing was asked for.
    let cases = if config.cases == 256 { default } else { config.cases };
    Config { cases, failure_persistence: None, max_shrink_iters: 200, ..config }
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

proptest! {
    #![proptest_config(config(10))]

    #[test]
    fn nothing_durable_is_lost_whenever_the_power_goes(script in script(), seed: u64) {
        let mut calm = World::new(seed);
        let before = calm.disk.operations();
        run(&mut calm, &script);
        let operations = calm.disk.operations() - before;
        for at in 0..operations {
            let mut world = World::new(seed.wrapping_add(at));
            world.disk.power_off_after(at);
            let done = run(&mut world, &script);
            run(&mut world, &script[done..]);
            world.run(Op::CloseAndOpen);
            world.check();
        }
    }
}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn an_error_anywhere_leaves_a_log_that_works_or_says_that_it_does_not(
        script in script(), seed: u64, full: bool,
    ) {
        let mut calm = World::new(seed);
        let before = calm.disk.operations();
        run(&mut calm, &script);
        let operations = calm.disk.operations() - before;
        for at in 0..operations {
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

    #[test]
    fn a_full_disk_refuses_and_recovers(script in script(), seed: u64, room in 0u64..3000) {
        let mut world = World::new(seed);
        let (filling, freed) = script.split_at(script.len() / 2);
        let used = world.disk.used_bytes();
        world.disk.set_capacity(used + room);
        run(&mut world, filling);
        world.check();
        world.disk.set_capacity(u64::MAX);
        run(&mut world, freed);
        let end = world.log().end_offset();
        world.run(Op::AppendPlain { records: 2 });
        prop_assert_eq!(world.log().end_offset(), end.plus(2));
        world.check();
        world.crash();
        world.check();
    }
}

#[test]
fn an_error_while_a_log_starts_over_leaves_no_old_producers() {
    let script = [
        Op::Append { producer: 0, records: 1 },
        Op::Checkpoint,
        Op::CloseAndOpen,
        Op::StartOver,
        Op::Transaction { commit: false },
        Op::Append { producer: 0, records: 1 },
        Op::Append { producer: 0, records: 1 },
        Op::CloseAndOpen,
    ];
    for at in 0..60 {
        let mut world = World::new(9_913_628_325_960_u64.wrapping_add(at));
        let failure = Failure::Error(std::io::ErrorKind::Other);
        world.disk.inject(Fault { operation: None, path: String::new(), after: at, times: 1, failure });
        run(&mut world, &script);
        world.check();
        world.crash();
        world.check();
    }
}
