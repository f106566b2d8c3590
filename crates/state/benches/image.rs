//! What the cluster's metadata costs at 10,000 topics with 3 partitions of 3 replicas: memory, copies, a change, a
//! broker's death, a snapshot. `cargo bench -p chronik-state --bench image [-- TOPICS]` prints the figures.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot go on fails, and prints")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chronik_state::cluster::*;
use chronik_state::records::Change;
use chronik_types::{LeaderEpoch, Millis, NodeId};
use support::*;

const BROKERS: i32 = 3;

fn main() {
    let topics = std::env::args().filter_map(|argument| argument.parse().ok()).next_back().unwrap_or(10_000);
    let partitions = topics * 3;
    println!("{topics} topics, {partitions} partitions, {BROKERS} brokers");
    let snapshot = creation(topics);
    let (state, took) = timed(|| {
        let changes = snapshot.iter().map(|value| Change::decode(value).unwrap()).collect::<Vec<_>>();
        restore(&changes)
    });
    say("snapshot decoded and restored", took);
    drop(state);
    memory(&snapshot, partitions);
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

fn say(what: &str, took: Duration) {
    println!("{what}: {:.3} ms", took.as_secs_f64() * 1e3);
}

/// One command per topic, each committed and published by itself, as with real clients; then what else is done to such
/// a cluster. Returns the snapshot's encoded records.
fn creation(topics: usize) -> Vec<Bytes> {
    let mut cluster = Cluster::of(BROKERS);
    let create_one = |cluster: &mut Cluster, at: usize| {
        let command = CreateTopics {
            topics: vec![topic(&format!("topic-{at}"), 3, 3)],
            validate_only: false,
            seed: Seed((at as u128) << 64 | 7),
        };
        commit(cluster, command.into())
    };
    let mut tenths = Vec::new();
    for tenth in 0..10 {
        let range = topics * tenth / 10..topics * (tenth + 1) / 10;
        let ((), took) = timed(|| {
            for at in range {
                create_one(&mut cluster, at);
            }
        });
        tenths.push(format!("{:.0}", took.as_secs_f64() * 1e3));
    }
    println!(
        "topics created one per command, decided, applied twice and published, by tenths: {} ms",
        tenths.join(" ")
    );
    let (_, took) = timed(|| create_one(&mut cluster, topics + 1));
    say("one more topic", took);

    let state = cluster.committed.state();
    let ((), took) = timed(|| (0..1000).for_each(|_| drop(black_box(state.clone()))));
    println!("copy of the state: {:.3} us", took.as_secs_f64() * 1e3);
    let (records, took) = timed(|| state.snapshot());
    say("snapshot taken", took);
    let (values, took) = timed(|| records.iter().map(Change::encode).collect::<Vec<Bytes>>());
    say("snapshot encoded", took);
    println!("snapshot: {} records, {} bytes", values.len(), values.iter().map(Bytes::len).sum::<usize>());

    let epoch = cluster.epoch(1);
    let (changes, took) = timed(|| commit(&mut cluster, FenceBroker { id: NodeId(1), epoch }.into()));
    say("a broker of three dies, everything moves and is published", took);
    println!("  {changes} changes");
    let (changes, took) = timed(|| commit(&mut cluster, BalanceLeaders.into()));
    say("balance of leaders finds nothing to do", took);
    assert_eq!(changes, 0);
    values
}

/// Decides, commits, applies to the committed copy and publishes, as a leading node does. Returns how many changes.
fn commit(cluster: &mut Cluster, command: Command) -> usize {
    let batch = cluster.leader.submit(Millis(1), command, ());
    let mut count = 0;
    if let Some(batch) = batch {
        count = batch.changes.len();
        for (at, change) in batch.changes.iter().enumerate() {
            cluster.committed.apply(batch.base_offset.plus(at as i64), LeaderEpoch(1), change);
        }
    }
    cluster.leader.committed(cluster.leader.end());
    black_box(cluster.committed.publish());
    count
}

/// The memory of a state: what the later of several copies add, when all that was free before is used up.
fn memory(snapshot: &[Bytes], partitions: usize) {
    const FILLERS: usize = 4;
    const COUNTED: usize = 4;
    let restored = || {
        let mut state = ClusterState::default();
        for value in snapshot {
            state.apply(&Change::decode(value).unwrap());
        }
        state
    };
    let fillers: Vec<ClusterState> = (0..FILLERS).map(|_| restored()).collect();
    let before = resident();
    let counted: Vec<ClusterState> = (0..COUNTED).map(|_| restored()).collect();
    let one = (resident() - before) / COUNTED;
    black_box((fillers, counted));
    println!("memory: {} bytes per partition ({} KiB in all)", one / partitions, one / 1024);
}

/// Resident bytes of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
