//! A controller without a quorum: every batch is committed at once, and the commands and what came of them are told.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write;

use chronik_state::cluster::{
    Activate, Ask, ClusterMachine, ClusterState, CreateTopics, Heartbeat, NewTopic, Options, Partition,
    RegisterBroker, SUPPORTED_FEATURES, Seed,
};
use chronik_state::image::ImageBuilder;
use chronik_state::leader::Leader;
use chronik_state::records::{Change, EndpointRecord, FeatureRangeRecord, Name, Record};
use chronik_types::{BrokerEpoch, LeaderEpoch, Millis, NodeId, Offset, PartitionIndex};
use uuid::Uuid;

pub struct Cluster {
    pub leader: Leader<ClusterMachine, ()>,
    /// What every other node would have.
    pub committed: ImageBuilder,
    pub transcript: String,
}

pub fn options() -> Options {
    Options { cluster_id: "the-cluster".to_owned(), ..Options::default() }
}

impl Cluster {
    /// An empty log.
    pub fn unformed() -> Cluster {
        let machine = ClusterMachine::new(options(), ClusterState::default());
        Cluster {
            leader: Leader::new(machine, LeaderEpoch(1), Offset(0), Offset(0)),
            committed: ImageBuilder::new(ClusterState::default(), Offset(0), LeaderEpoch(0)),
            transcript: String::new(),
        }
    }

    /// A new cluster with brokers 1 to `brokers`, unfenced; nothing told yet.
    pub fn of(brokers: i32) -> Cluster {
        let mut cluster = Cluster::unformed();
        cluster.ask(Activate::default());
        for id in 1..=brokers {
            let epoch = cluster.ask(registration(id)).unwrap();
            cluster.ask(heartbeat(id, epoch)).unwrap();
        }
        cluster.transcript.clear();
        cluster
    }

    pub fn state(&self) -> &ClusterState {
        self.leader.machine().state()
    }

    /// Asks, logs, commits and answers; the speculative and the committed copy must agree afterwards.
    pub fn ask<A: Ask + std::fmt::Debug>(&mut self, command: A) -> A::Answer
    where
        A::Answer: std::fmt::Debug,
    {
        let batch = self.leader.submit(Millis(1), command.into(), ());
        for (at, change) in batch.iter().flat_map(|batch| batch.changes.iter().enumerate()) {
            let offset = batch.as_ref().unwrap().base_offset.plus(at as i64);
            writeln!(self.transcript, "{offset} {}", show(change)).unwrap();
            // Through the encoding, as on every other node.
            let decoded = Change::decode(&change.encode()).unwrap();
            assert_eq!(&decoded, change);
            self.committed.apply(offset, LeaderEpoch(1), &decoded);
        }
        let mut ready = self.leader.committed(self.leader.end());
        assert_eq!(self.committed.state(), self.leader.machine().state());
        let answer = A::answer(ready.remove(0).1);
        writeln!(self.transcript, "-> {answer:?}").unwrap();
        answer
    }

    pub fn partition(&self, topic: &str, index: i32) -> Partition {
        let topic = self.state().topic_named(topic).unwrap();
        Partition::clone(topic.partition(PartitionIndex(index)).unwrap())
    }

    pub fn epoch(&self, broker: i32) -> BrokerEpoch {
        self.state().broker(NodeId(broker)).unwrap().epoch
    }
}

pub fn name(text: &str) -> Name {
    Name::from(text)
}

pub fn directory(broker: i32) -> Uuid {
    Uuid::from_u128((1 << 96) + broker as u128)
}

pub fn features() -> Vec<FeatureRangeRecord> {
    let range = |feature: &chronik_state::cluster::Feature| FeatureRangeRecord {
        name: name(feature.name),
        min_supported_version: feature.min,
        max_supported_version: feature.max,
        ..Default::default()
    };
    SUPPORTED_FEATURES.iter().map(range).collect()
}

pub fn registration(id: i32) -> RegisterBroker {
    RegisterBroker {
        id: NodeId(id),
        cluster_id: "the-cluster".to_owned(),
        incarnation: Uuid::from_u128(id as u128),
        endpoints: vec![EndpointRecord {
            name: name("PLAINTEXT"),
            host: name("localhost"),
            port: 9092,
            ..Default::default()
        }],
        features: features(),
        rack: None,
        log_dirs: vec![directory(id)],
        previous_epoch: BrokerEpoch(-1),
        session_is_valid: true,
    }
}

pub fn heartbeat(id: i32, epoch: BrokerEpoch) -> Heartbeat {
    Heartbeat {
        id: NodeId(id),
        epoch,
        metadata_offset: Offset(epoch.0),
        want_fence: false,
        want_shut_down: false,
        offline_log_dirs: Vec::new(),
        cordoned_log_dirs: None,
        shutdown_is_known: false,
    }
}

pub fn topic(topic_name: &str, partitions: i32, replication_factor: i16) -> NewTopic {
    NewTopic {
        name: name(topic_name),
        partitions,
        replication_factor,
        assignments: Vec::new(),
        configs: Vec::new(),
    }
}

pub fn create(topics: Vec<NewTopic>) -> CreateTopics {
    CreateTopics { topics, validate_only: false, seed: Seed(42) }
}

/// A change in one line, without what every one of its kind has.
pub fn show(change: &Change) -> String {
    let text = match &change.record {
        Record::RegisterBroker(broker) => {
            format!("{} fenced={} epoch={}", broker.broker_id, broker.fenced, broker.broker_epoch)
        }
        Record::Partition(p) => format!(
            "{}-{} replicas={:?} isr={:?} leader={} epoch={}/{}",
            p.topic_id, p.partition_id, p.replicas, p.isr, p.leader, p.leader_epoch, p.partition_epoch
        ),
        Record::PartitionChange(p) => {
            let mut text = format!("{}-{}", p.topic_id, p.partition_id);
            let lists = [
                ("isr", &p.isr),
                ("replicas", &p.replicas),
                ("adding", &p.adding_replicas),
                ("removing", &p.removing_replicas),
                ("elr", &p.eligible_leader_replicas),
                ("last_known_elr", &p.last_known_elr),
            ];
            for (field, nodes) in lists {
                if let Some(nodes) = nodes {
                    write!(text, " {field}={nodes:?}").unwrap();
                }
            }
            if let Some(directories) = &p.directories {
                let short: Vec<u32> = directories.iter().map(|id| id.as_fields().3[7].into()).collect();
                write!(text, " directories={short:?}").unwrap();
            }
            if p.leader.0 != -2 {
                write!(text, " leader={}", p.leader).unwrap();
            }
            if p.leader_recovery_state != -1 {
                write!(text, " recovering={}", p.leader_recovery_state == 1).unwrap();
            }
            text
        }
        Record::BrokerRegistrationChange(b) => {
            format!("{} fenced={} in_controlled_shutdown={}", b.broker_id, b.fenced, b.in_controlled_shutdown)
        }
        other => {
            let debug = format!("{other:?}");
            let inner = debug.split_once(" { ").map_or("", |(_, inner)| inner);
            inner.replace(", unknown: Tags([]) })", "").replace("unknown: Tags([]) })", "")
        }
    };
    format!("{} v{} {text}", change.record.name(), change.version).trim_end().to_owned()
}
