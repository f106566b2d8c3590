//! What holds whatever is asked: `apply` never panics, copies agree at equal offsets, a snapshot restores the state, no
//! reply overtakes what it read, and partitions stay sane.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use chronik_state::cluster::*;
use chronik_state::config::AlterOp;
use chronik_state::image::ImageBuilder;
use chronik_state::records::Change;
use chronik_types::{
    BrokerEpoch, LeaderEpoch, Millis, NodeId, Offset, PartitionEpoch, PartitionIndex, TopicId,
};
use proptest::prelude::*;
use support::*;
use uuid::Uuid;

/// A command whose epochs and ids are chosen when the state is known: right ones mostly, wrong ones sometimes.
#[derive(Clone, Debug)]
struct Move {
    kind: u8,
    broker: i32,
    topic: u8,
    number: i32,
    wrong: bool,
    flags: u8,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = (0u8..22, 1i32..5, 0u8..4, 0i32..6, prop::bool::weighted(0.1), any::<u8>()).prop_map(
        |(kind, broker, topic, number, wrong, flags)| Move { kind, broker, topic, number, wrong, flags },
    );
    prop::collection::vec(one, 1..60)
}

fn topic_name(of: u8) -> String {
    ["a", "b.c", "b_c", "no/name"][of as usize].to_owned()
}

impl Move {
    fn flag(&self, bit: u8) -> bool {
        self.flags >> bit & 1 == 1
    }

    fn command(&self, state: &ClusterState) -> Command {
        let epoch = state.broker(NodeId(self.broker)).map_or(BrokerEpoch(-1), |broker| broker.epoch);
        let epoch = if self.wrong { BrokerEpoch(epoch.0 + 1) } else { epoch };
        let id = NodeId(self.broker);
        let named = name(&topic_name(self.topic));
        let seed = Seed(self.flags.into());
        match self.kind {
            0 => Activate::default().into(),
            1 | 2 => RegisterBroker {
                incarnation: Uuid::from_u128(u128::from(self.flags) + 1),
                session_is_valid: self.wrong,
                previous_epoch: if self.flag(0) { epoch } else { BrokerEpoch(-1) },
                rack: self.flag(1).then(|| name("r")),
                ..registration(self.broker)
            }
            .into(),
            3..=5 => Heartbeat {
                want_fence: self.number == 0,
                want_shut_down: self.number == 1,
                shutdown_is_known: self.flag(0),
                offline_log_dirs: if self.number == 2 { vec![directory(self.broker)] } else { Vec::new() },
                cordoned_log_dirs: self.flag(1).then(|| vec![directory(self.broker)]),
                ..heartbeat(self.broker, epoch)
            }
            .into(),
            6 => FenceBroker { id, epoch }.into(),
            7 | 8 => CreateTopics {
                topics: vec![topic(&topic_name(self.topic), self.number, (self.flags % 4) as i16)],
                validate_only: self.wrong,
                seed,
            }
            .into(),
            9 => DeleteTopics {
                topics: vec![if self.flag(0) {
                    TopicRef::Name(named)
                } else {
                    TopicRef::Id(state.topic_id(&named).unwrap_or(TopicId::ZERO))
                }],
            }
            .into(),
            10 => CreatePartitions {
                topics: vec![MorePartitions { name: named, count: self.number, assignments: None }],
                validate_only: false,
                seed,
            }
            .into(),
            11 => {
                let key = ["retention.ms", "min.insync.replicas", "unclean.leader.election.enable"];
                let value = ["1", "2", "true"][self.number as usize % 3];
                let op = if self.flag(0) { AlterOp::Set } else { AlterOp::Delete };
                let resource =
                    if self.flag(1) { ConfigResource::all_brokers() } else { ConfigResource::topic(named) };
                let operation = (name(key[self.flags as usize % 3]), op, Some(name(value)));
                AlterConfigs { resources: vec![(resource, vec![operation])], validate_only: self.wrong }
                    .into()
            }
            12 => AllocateProducerIds { broker: id, broker_epoch: epoch }.into(),
            13 => UpdateFeatures {
                updates: vec![FeatureUpdate {
                    name: name(SUPPORTED_FEATURES[self.number as usize].name),
                    level: (self.flags % 3) as i16,
                    upgrade: if self.wrong { FeatureUpgrade::Upgrade } else { FeatureUpgrade::SafeDowngrade },
                }],
                validate_only: false,
                controller: NodeId(1),
            }
            .into(),
            14 => ElectLeaders {
                election: if self.flag(0) { Election::Preferred } else { Election::Unclean },
                partitions: self.flag(1).then(|| vec![(named, vec![PartitionIndex(self.number); 2])]),
            }
            .into(),
            15 => {
                let replicas = (1..5).map(NodeId).filter(|node| self.flag(node.0 as u8)).collect();
                let wanted = (!self.wrong).then_some(replicas);
                AlterPartitionReassignments {
                    topics: vec![(named, vec![(PartitionIndex(self.number), wanted)])],
                    allow_replication_factor_change: self.flag(0),
                }
                .into()
            }
            16 => {
                let id = state.topic_id(&named).unwrap_or(TopicId::ZERO);
                let topics = vec![(id, vec![PartitionIndex(self.number)])];
                let directory = if self.flag(0) { directory(self.broker) } else { LOST_DIRECTORY };
                let directories = vec![(directory, topics)];
                AssignReplicasToDirs { broker: NodeId(self.broker), broker_epoch: epoch, directories }.into()
            }
            17 if self.flag(0) => UnregisterBroker { id }.into(),
            17 => ElectUncleanLeaders.into(),
            18 => BalanceLeaders.into(),
            19 => FormMeta { expected: vec![id], led_ms: self.number.into(), grace_ms: 3, seed }.into(),
            _ => self.alter_partition(state, &named, epoch),
        }
    }

    fn alter_partition(&self, state: &ClusterState, topic: &str, broker_epoch: BrokerEpoch) -> Command {
        let index = PartitionIndex(self.number);
        let partitions = state.topic_named(topic).and_then(|topic| {
            let now = topic.partition(index)?;
            let isr = now.replicas.iter().filter(|node| **node == now.leader || self.flag(node.0 as u8));
            Some(ProposedIsr {
                topic: topic.id,
                partition: index,
                leader_epoch: now.leader_epoch,
                partition_epoch: PartitionEpoch(now.partition_epoch.0 - i32::from(self.wrong)),
                isr: isr.map(|node| (*node, BrokerEpoch(-1))).collect(),
                recovering: self.flag(0),
            })
        });
        AlterPartition {
            broker: NodeId(self.broker),
            broker_epoch,
            partitions: partitions.into_iter().collect(),
        }
        .into()
    }
}

/// What must be so in every state.
fn check(state: &ClusterState) {
    assert!(state.index_is_consistent());
    for topic in state.topics() {
        assert_eq!(state.topic_id(&topic.name), Some(topic.id));
        for (at, (index, p)) in topic.partitions.iter().enumerate() {
            assert_eq!(index.0 as usize, at, "partitions are numbered from 0");
            let within = |nodes: &[NodeId]| nodes.iter().all(|node| p.replicas.contains(node));
            assert!(within(&p.isr) && within(&p.elr), "{p:?}");
            assert!(!p.has_leader() || p.isr.contains(&p.leader), "{p:?}");
            assert!(!p.isr.iter().any(|node| p.elr.contains(node)), "{p:?}");
            assert_eq!(p.directories.len(), p.replicas.len());
            let leads = state.broker(p.leader);
            assert!(
                !p.has_leader() || leads.is_some_and(|broker| !broker.fenced),
                "a fenced broker leads: {p:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn nothing_that_is_asked_breaks_the_state(moves in moves(), lag in 0usize..4) {
        let mut cluster = Cluster::unformed();
        cluster.ask(Activate::default());
        let mut committed = ImageBuilder::new(cluster.committed.state().clone(), cluster.leader.end(), LeaderEpoch(1));
        let mut uncommitted: Vec<(Offset, Change)> = Vec::new();
        let mut asked = 0;
        let mut answered = 0;
        for step in moves {
            let command = step.command(cluster.leader.machine().state());
            let batch = cluster.leader.submit(Millis(1), command, ());
            asked += 1;
            if let Some(batch) = batch {
                let offsets = (0..).map(|at| batch.base_offset.plus(at));
                uncommitted.extend(offsets.zip(batch.changes));
            }
            check(cluster.leader.machine().state());
            // Others hear of a change only some commits later, and only of whole encodings.
            while uncommitted.len() > lag {
                let (offset, change) = uncommitted.remove(0);
                committed.apply(offset, LeaderEpoch(1), &Change::decode(&change.encode()).unwrap());
            }
            let waits_for_nothing = committed.end() == cluster.leader.end();
            answered += cluster.leader.committed(committed.end()).len();
            prop_assert_eq!(answered == asked, waits_for_nothing || answered == asked);
            if waits_for_nothing {
                prop_assert_eq!(answered, asked);
                prop_assert_eq!(committed.state(), cluster.leader.machine().state());
            }
            let published = committed.publish();
            if let Some(published) = published {
                let state = &published.image.state;
                prop_assert_eq!(&restore(&state.snapshot()), state);
                check_delta(&published);
            }
        }
    }
}

/// Whatever differs between two images is in the delta.
fn check_delta(published: &chronik_state::image::Published) {
    let (before, now, delta) = (&published.before.state, &published.image.state, &published.delta);
    for topic in now.topics() {
        assert!(before.topic(topic.id).is_some() || delta.topics_created.contains(&topic.id));
        for (index, partition) in &topic.partitions {
            let same = before.topic(topic.id).and_then(|old| old.partition(*index)) == Some(partition);
            assert!(same || delta.partitions.contains(&(topic.id, *index)));
        }
    }
    for topic in before.topics().filter(|topic| now.topic(topic.id).is_none()) {
        assert_eq!(delta.topics_removed.get(&topic.id), Some(&topic.name));
    }
    for broker in now.brokers() {
        assert!(before.broker(broker.id) == Some(broker) || delta.brokers.contains(&broker.id));
    }
    for (resource, overrides) in now.configs() {
        assert!(before.config(resource) == Some(overrides) || delta.configs.contains(resource));
    }
}

/// No step may cost what grows with the cluster: quadratic work would show as minutes here.
#[test]
fn many_partitions_are_made_and_handed_over() {
    let mut cluster = Cluster::of(3);
    let mut partitions = 0;
    for batch in 0..20 {
        let topics = (0..20).map(|at| topic(&format!("t.{batch}-{at}"), 50, 3)).collect();
        let batch = cluster.leader.submit(Millis(1), create(topics).into(), ()).unwrap();
        partitions +=
            batch.changes.iter().filter(|change| change.record.name() == "PARTITION_RECORD").count();
    }
    assert_eq!(partitions, 20_000);
    let epoch = cluster.epoch(1);
    cluster.leader.submit(Millis(1), FenceBroker { id: NodeId(1), epoch }.into(), ());
    let state = cluster.state();
    assert!(
        state
            .topics()
            .all(|topic| topic.partitions.values().all(|p| p.has_leader() && p.leader != NodeId(1)))
    );
    assert_eq!(cluster.leader.committed(cluster.leader.end()).len(), 21);
}
