//! Random requests to Kafka 4.3.1's own controller (`clients/codec/Decisions.java`): asked the same in the same state, the
//! machine gives the same answer and logs the same records.
//!
//! The records of one decision are compared as a set: Kafka goes through partitions in the order of a hash table.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use bytes::Bytes;
use chronik_state::cluster::*;
use chronik_state::machine::{At, Decision, Machine};
use chronik_state::records::{Change, FeatureRangeRecord, Record};
use chronik_types::{
    BrokerEpoch, ErrorCode, LeaderEpoch, Millis, NodeId, Offset, PartitionEpoch, PartitionIndex, TopicId,
};
use support::name;
use uuid::Uuid;

struct Words<'a>(std::str::SplitWhitespace<'a>);

impl<'a> Words<'a> {
    fn text(&mut self) -> &'a str {
        self.0.next().unwrap()
    }

    fn number(&mut self) -> i64 {
        self.text().parse().unwrap()
    }

    fn node(&mut self) -> NodeId {
        NodeId(self.number() as i32)
    }

    fn epoch(&mut self) -> BrokerEpoch {
        BrokerEpoch(self.number())
    }

    fn index(&mut self) -> PartitionIndex {
        PartitionIndex(self.number() as i32)
    }

    fn flag(&mut self) -> bool {
        self.text() == "true"
    }
}

/// Kafka's `new Uuid(high, low)`.
fn id(high: u128, low: i64) -> Uuid {
    Uuid::from_u128((high << 64) | low as u128)
}

fn register(words: &mut Words<'_>) -> Command {
    let broker = words.node();
    let incarnation = id(1, words.number());
    let (previous_epoch, session_is_valid) = (words.epoch(), words.flag());
    let feature = |feature: &str, min, max| FeatureRangeRecord {
        name: name(feature),
        min_supported_version: min,
        max_supported_version: max,
        ..Default::default()
    };
    RegisterBroker {
        id: broker,
        cluster_id: "the-cluster".to_owned(),
        incarnation,
        endpoints: Vec::new(),
        features: vec![feature("metadata.version", 7, 30), feature("eligible.leader.replicas.version", 0, 1)],
        rack: None,
        log_dirs: (1..=words.number()).map(|which| id(5, 1000 * which + i64::from(broker.0))).collect(),
        previous_epoch,
        session_is_valid,
    }
    .into()
}

fn heartbeat(words: &mut Words<'_>) -> Command {
    let (broker, epoch) = (words.node(), words.epoch());
    let (metadata_offset, want_fence, want_shut_down) = (Offset(words.number()), words.flag(), words.flag());
    let shutdown_is_known = words.flag();
    let failed = words.number();
    let offline_log_dirs = if failed == 0 { Vec::new() } else { vec![id(5, failed)] };
    Heartbeat {
        id: broker,
        epoch,
        metadata_offset,
        want_fence,
        want_shut_down,
        offline_log_dirs,
        cordoned_log_dirs: None,
        shutdown_is_known,
    }
    .into()
}

fn alter_partition(words: &mut Words<'_>, topic: TopicId) -> Command {
    let (broker, broker_epoch, partition) = (words.node(), words.epoch(), words.index());
    let leader_epoch = LeaderEpoch(words.number() as i32);
    let partition_epoch = PartitionEpoch(words.number() as i32);
    let recovering = words.flag();
    let member = |text: &str| {
        let (node, epoch) = text.split_once('@').unwrap();
        (NodeId(node.parse().unwrap()), BrokerEpoch(epoch.parse().unwrap()))
    };
    let isr = words.text().split(',').map(member).collect();
    let proposal = ProposedIsr { topic, partition, leader_epoch, partition_epoch, isr, recovering };
    AlterPartition { broker, broker_epoch, partitions: vec![proposal] }.into()
}

fn reassign(words: &mut Words<'_>) -> Command {
    let (index, allow_replication_factor_change) = (words.index(), words.flag());
    let wanted = match words.text() {
        "-" => None,
        nodes => Some(nodes.split(',').map(|node| NodeId(node.parse().unwrap())).collect()),
    };
    let topics = vec![(name("t"), vec![(index, wanted)])];
    AlterPartitionReassignments { topics, allow_replication_factor_change }.into()
}

fn command(line: &str, topic: TopicId) -> Command {
    let mut words = Words(line.split_whitespace());
    let words = &mut words;
    match words.text() {
        "register" => register(words),
        "heartbeat" => heartbeat(words),
        "fence" => FenceBroker { id: words.node(), epoch: words.epoch() }.into(),
        "unregister" => UnregisterBroker { id: words.node() }.into(),
        "alter" => alter_partition(words, topic),
        "elect" => {
            let election = if words.flag() { Election::Unclean } else { Election::Preferred };
            ElectLeaders { election, partitions: Some(vec![(name("t"), vec![words.index()])]) }.into()
        }
        "reassign" => reassign(words),
        "assign" => {
            let (broker, broker_epoch) = (words.node(), words.epoch());
            let directories = vec![(id(5, words.number()), vec![(topic, vec![words.index()])])];
            AssignReplicasToDirs { broker, broker_epoch, directories }.into()
        }
        "balance" => BalanceLeaders.into(),
        "unclean" => ElectUncleanLeaders.into(),
        other => panic!("{other}"),
    }
}

/// The answer in the words of the fixture.
fn shown(reply: Reply) -> String {
    let code =
        |result: Result<(), Refused>| result.map_or_else(|why| why.code, |()| ErrorCode::None).to_string();
    let or_code = |result: Result<String, Refused>| result.unwrap_or_else(|why| why.code.to_string());
    match reply {
        Reply::RegisterBroker(result) => or_code(result.map(|epoch| epoch.to_string())),
        Reply::Heartbeat(result) => or_code(result.map(|status| {
            let BrokerStatus { is_caught_up, is_fenced, in_controlled_shutdown, should_shut_down } = status;
            format!("{is_caught_up} {is_fenced} {in_controlled_shutdown} {should_shut_down}")
        })),
        Reply::AlterPartition(result) => or_code(result.map(|mut states| {
            states.remove(0).result.map_or_else(|code| code, |_| ErrorCode::None).to_string()
        })),
        Reply::ElectLeaders(mut results) => code(results.remove(0).1.remove(0).1),
        Reply::AlterPartitionReassignments(mut results) => code(results.remove(0).1.remove(0).1),
        Reply::AssignReplicasToDirs(result) => or_code(result.map(|mut directories| {
            let result = directories.remove(0).1.remove(0).1.remove(0).1;
            result.map_or_else(|code| code, |()| ErrorCode::None).to_string()
        })),
        Reply::FenceBroker(result) | Reply::UnregisterBroker(result) => {
            or_code(result.map(|()| String::new()))
        }
        Reply::BalanceLeaders(_) | Reply::ElectUncleanLeaders(_) => String::new(),
        other => panic!("{other:?}"),
    }
}

fn changes(hex: &str) -> Vec<Change> {
    let unhex = |text: &str| -> Bytes {
        let pairs = text.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    };
    hex.split_whitespace().map(|text| Change::decode(&unhex(text)).unwrap()).collect()
}

fn sorted(changes: &[Change]) -> Vec<String> {
    let mut shown: Vec<String> =
        changes.iter().map(|change| format!("{} {change:?}", support::show(change))).collect();
    shown.sort();
    // Kafka logs a partition twice that it has both among those in sync and among those eligible.
    shown.dedup();
    shown
}

/// Kafka fences a broker once more, and looks at its partitions again, when it may shut down while it is fenced already.
fn is_fenced_again(state: &ClusterState, command: &Command) -> bool {
    let Command::Heartbeat(heartbeat) = command else { return false };
    heartbeat.want_shut_down && state.broker(heartbeat.id).is_some_and(|broker| broker.fenced)
}

#[test]
fn what_kafka_decides_is_decided() {
    let new = || ClusterMachine::new(support::options(), ClusterState::default());
    let (mut machine, mut end, mut topic) = (new(), Offset(0), TopicId::ZERO);
    let mut decisions = 0;
    for (number, line) in include_str!("fixtures/kafka-4.3.1-decisions.txt").lines().enumerate() {
        let mut parts = line.split('|');
        let (request, answer, records) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let kafkas = changes(records);
        if request == "new" {
            (machine, end) = (new(), Offset(0));
        }
        if !["new", "apply"].contains(&request) {
            let command = command(request, topic);
            let at = At { now: Millis(1), end };
            let Decision { changes, reply } = machine.decide(at, command.clone());
            let state = machine.state();
            let now = state.topic(topic).map(|topic| format!("{:#?}", topic.partitions));
            let where_ = format!("line {}: {request}: {}", number + 1, now.unwrap_or_default());
            if !is_fenced_again(state, &command) {
                assert_eq!(sorted(&changes), sorted(&kafkas), "{where_}");
            }
            assert_eq!(shown(reply), answer, "{where_}");
            decisions += 1;
        }
        for change in &kafkas {
            machine.apply(change);
            if let Record::Topic(record) = &change.record {
                topic = record.topic_id;
            }
        }
        end = end.plus(kafkas.len() as i64);
    }
    assert!(decisions > 500, "{decisions}");
}
