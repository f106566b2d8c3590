//! The history of a partition as the log tells it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod support;

use std::fmt::Write;

use chronik_state::cluster::*;
use chronik_state::config::AlterOp;
use chronik_state::leader::Batch;
use chronik_state::records::Change;
use chronik_state::why::{History, Place, Why};
use chronik_types::{BrokerEpoch, Millis, NodeId, Offset, PartitionIndex};
use expect_test::expect;
use support::*;
use uuid::Uuid;

/// A controller whose log is kept.
struct Kept {
    cluster: Cluster,
    log: Vec<Batch<Change>>,
}

impl Kept {
    fn ask<A: Ask>(&mut self, command: A) -> A::Answer {
        let batch = self.cluster.leader.submit(Millis(1000 + self.log.len() as i64), command.into(), ());
        self.log.extend(batch);
        let end = self.cluster.leader.end();
        A::answer(self.cluster.leader.committed(end).remove(0).1)
    }

    fn places(batch: &Batch<Change>) -> impl Iterator<Item = (Place, &Change)> {
        batch.changes.iter().enumerate().map(|(at, change)| {
            let offset = batch.base_offset.plus(at as i64);
            (Place { offset, batch: batch.base_offset, epoch: batch.epoch, timestamp: Millis(7) }, change)
        })
    }

    fn why(&self, index: i32) -> History {
        let mut why = Why::of("t", PartitionIndex(index));
        for (place, change) in self.log.iter().flat_map(Kept::places) {
            why.read(place, change);
        }
        why.finish().unwrap()
    }

    fn restart(&mut self, id: i32) {
        let incarnation = Uuid::from_u128(500 + self.log.len() as u128);
        let previous_epoch = self.cluster.epoch(id);
        let again =
            RegisterBroker { incarnation, previous_epoch, session_is_valid: false, ..registration(id) };
        let epoch = self.ask(again).unwrap();
        self.ask(heartbeat(id, epoch)).unwrap();
    }

    fn propose(&mut self, isr: &[i32]) {
        let now = self.cluster.partition("t", 0);
        let proposal = ProposedIsr {
            topic: self.cluster.state().topic_id("t").unwrap(),
            partition: PartitionIndex(0),
            leader_epoch: now.leader_epoch,
            partition_epoch: now.partition_epoch,
            isr: isr.iter().map(|node| (NodeId(*node), BrokerEpoch(-1))).collect(),
            recovering: false,
        };
        let broker_epoch = self.cluster.epoch(now.leader.0);
        self.ask(AlterPartition { broker: now.leader, broker_epoch, partitions: vec![proposal] }).unwrap();
    }

    fn fence(&mut self, id: i32) {
        let epoch = self.cluster.epoch(id);
        self.ask(FenceBroker { id: NodeId(id), epoch }).unwrap();
    }
}

fn kept() -> Kept {
    let mut kept = Kept { cluster: Cluster::of(4), log: Vec::new() };
    let assignments = vec![(PartitionIndex(0), vec![NodeId(1), NodeId(2), NodeId(3)])];
    kept.ask(create(vec![NewTopic { assignments, ..topic("t", -1, -1) }, topic("other", 3, 3)]));
    kept
}

fn told(history: &History) -> String {
    let mut text = String::new();
    for step in &history.steps {
        write!(text, "{:3} {}", step.place.offset, step.cause).unwrap();
        if let Some(now) = &step.after {
            write!(text, ": leader={} isr={:?} replicas={:?}", now.leader, now.isr, now.replicas).unwrap();
        }
        text.push('\n');
    }
    let leader = history.now().map_or(NodeId::NONE, |now| now.leader);
    writeln!(text, "leader {leader} since {}", history.leading_since().place.offset).unwrap();
    text
}

#[test]
fn what_became_of_a_partition_is_told_with_its_causes() {
    let mut kept = kept();
    kept.fence(1);
    kept.restart(1);
    kept.propose(&[1, 2, 3]);
    kept.ask(BalanceLeaders);
    let epoch = kept.cluster.epoch(1);
    kept.ask(Heartbeat { want_shut_down: true, ..heartbeat(1, epoch) }).unwrap();
    kept.propose(&[2]);
    kept.fence(2);
    kept.ask(ElectLeaders { election: Election::Unclean, partitions: None });
    kept.restart(2);
    let moves = vec![(PartitionIndex(0), Some(vec![NodeId(4)]))];
    let reassign = AlterPartitionReassignments {
        topics: vec![(name("t"), moves)],
        allow_replication_factor_change: true,
    };
    kept.ask(reassign.clone());
    let cancelled = vec![(name("t"), vec![(PartitionIndex(0), None)])];
    kept.ask(AlterPartitionReassignments { topics: cancelled, ..reassign.clone() });
    kept.ask(reassign);
    kept.propose(&[3, 4]);
    kept.ask(UnregisterBroker { id: NodeId(4) }).unwrap();
    let operations = vec![(name("min.insync.replicas"), AlterOp::Set, Some(name("1")))];
    let resources = vec![(ConfigResource::topic("t"), operations)];
    kept.ask(AlterConfigs { resources, validate_only: false });
    kept.ask(DeleteTopics { topics: vec![TopicRef::Name(name("t"))] });
    expect![[r#"
         18 created: leader=1 isr=[1, 2, 3] replicas=[1, 2, 3]
         25 broker 1 was fenced (offset 26): leader=2 isr=[2, 3] replicas=[1, 2, 3]
         29 leader 2 proposed who is in sync: leader=2 isr=[1, 2, 3] replicas=[1, 2, 3]
         30 preferred replica elected: leader=1 isr=[1, 2, 3] replicas=[1, 2, 3]
         32 broker 1 is shutting down (offset 31): leader=2 isr=[2, 3] replicas=[1, 2, 3]
         33 leader 2 proposed who is in sync: leader=2 isr=[2] replicas=[1, 2, 3]
         37 broker 2 was fenced (offset 38): leader=-1 isr=[] replicas=[1, 2, 3]
         39 unclean election: records may be lost: leader=3 isr=[3] replicas=[1, 2, 3]
         42 replicas are to move: leader=3 isr=[3] replicas=[4, 1, 2, 3]
         43 move of replicas cancelled: leader=3 isr=[3] replicas=[1, 2, 3]
         44 replicas are to move: leader=3 isr=[3] replicas=[4, 1, 2, 3]
         45 replicas have moved: leader=4 isr=[4] replicas=[4]
         48 broker 4 was unregistered (offset 49): leader=-1 isr=[] replicas=[4]
         51 min.insync.replicas changed: leader=-1 isr=[] replicas=[4]
         52 topic deleted
        leader -1 since 48
    "#]]
    .assert_eq(&told(&kept.why(0)));
}

#[test]
fn an_unclean_election_is_told_whatever_broker_made_it_possible() {
    let mut kept = kept();
    let operations = vec![(name("unclean.leader.election.enable"), AlterOp::Set, Some(name("true")))];
    let resources = vec![(ConfigResource::topic("t"), operations)];
    kept.ask(AlterConfigs { resources, validate_only: false });
    kept.propose(&[1]);
    kept.fence(2);
    kept.fence(3);
    kept.fence(1);
    kept.restart(3);
    kept.propose(&[3]);
    kept.restart(2);
    kept.fence(3);
    expect![[r#"
         18 created: leader=1 isr=[1, 2, 3] replicas=[1, 2, 3]
         24 leader 1 proposed who is in sync: leader=1 isr=[1] replicas=[1, 2, 3]
         34 broker 1 was fenced (offset 35): leader=-1 isr=[] replicas=[1, 2, 3]
         38 unclean election: records may be lost: leader=3 isr=[3] replicas=[1, 2, 3]
         39 leader 3 proposed who is in sync: leader=3 isr=[3] replicas=[1, 2, 3]
         42 unclean election: records may be lost: leader=2 isr=[2] replicas=[1, 2, 3]
        leader 2 since 42
    "#]]
    .assert_eq(&told(&kept.why(0)));
}

#[test]
fn a_history_starts_with_the_snapshot_that_swallowed_the_rest() {
    let mut kept = kept();
    kept.fence(1);
    let snapshot = kept.cluster.leader.machine().state().snapshot();
    let end = kept.cluster.leader.end();
    let in_snapshot = Offset(end.0 - 1);
    let from = kept.log.len();
    kept.fence(2);
    let mut why = Why::of("t", PartitionIndex(0));
    let epoch = kept.cluster.leader.epoch();
    let place = Place { offset: in_snapshot, batch: in_snapshot, epoch, timestamp: Millis(5) };
    for change in &snapshot {
        why.read_snapshot(place, change);
    }
    for (place, change) in kept.log[from..].iter().flat_map(Kept::places) {
        why.read(place, change);
    }
    expect![[r#"
         26 a snapshot says so: leader=2 isr=[2, 3] replicas=[1, 2, 3]
         30 broker 2 was fenced (offset 31): leader=3 isr=[3] replicas=[1, 2, 3]
        leader 3 since 30
    "#]]
    .assert_eq(&told(&why.finish().unwrap()));
    assert_eq!(Why::of("nonesuch", PartitionIndex(0)).finish(), None);
}

/// The log of a real Kafka, with a crash in it.
#[test]
fn kafkas_log_is_told_too() {
    let mut why = Why::of("cfg", PartitionIndex(1));
    for (offset, line) in (0..).map(Offset).zip(include_str!("fixtures/kafka-4.3.1-log.txt").lines()) {
        let hex = line.rsplit(' ').next().unwrap().as_bytes();
        let bytes = hex.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
        let change = Change::decode(&bytes.collect::<Vec<u8>>().into()).unwrap();
        // Where the batches of the crash, the registration and the unfencing start.
        let batch = [56, 62, 68, 69, 75].into_iter().rfind(|start| *start <= offset.0);
        let place = Place {
            offset,
            batch: Offset(batch.unwrap_or(0)),
            epoch: chronik_types::LeaderEpoch(1),
            timestamp: Millis(0),
        };
        why.read(place, &change);
    }
    expect![[r#"
         27 created: leader=1 isr=[1] replicas=[1]
         57 broker 1 was fenced (offset 61): leader=-1 isr=[] replicas=[1]
         63 broker 1 registered anew (offset 67): leader=-1 isr=[] replicas=[1]
         71 broker 1 was unfenced (offset 69): leader=1 isr=[1] replicas=[1]
        leader 1 since 71
    "#]]
    .assert_eq(&told(&why.finish().unwrap()));
}
