//! What becomes of partitions, as scripts: elections, moves of replicas, brokers that leave, eligible leader replicas.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod support;

use chronik_state::cluster::*;
use chronik_state::config::AlterOp;
use chronik_types::{BrokerEpoch, ErrorCode, NodeId, PartitionIndex};
use expect_test::{Expect, expect};
use support::*;
use uuid::Uuid;

fn told(cluster: &Cluster, expected: &Expect) {
    expected.assert_eq(&cluster.transcript);
}

fn nodes(ids: &[i32]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

/// A cluster with a topic `t` of these replicas; nothing told yet.
fn with_topic(brokers: i32, replicas: &[&[i32]]) -> Cluster {
    let mut cluster = Cluster::of(brokers);
    let assignments = (0..).map(PartitionIndex).zip(replicas.iter().map(|ids| nodes(ids))).collect();
    let created = cluster.ask(create(vec![NewTopic { assignments, ..topic("t", -1, -1) }]));
    assert!(created[0].1.is_ok(), "{created:?}");
    cluster.transcript.clear();
    cluster
}

impl Cluster {
    fn fence(&mut self, id: i32) {
        let epoch = self.epoch(id);
        self.ask(FenceBroker { id: NodeId(id), epoch }).unwrap();
    }

    fn beat(&mut self, id: i32) {
        let epoch = self.epoch(id);
        self.ask(heartbeat(id, epoch)).unwrap();
    }

    /// Another process with the same id; `clean`: the one before shut down in order.
    fn restart(&mut self, id: i32, clean: bool) {
        let previous_epoch = if clean { self.epoch(id) } else { BrokerEpoch(-1) };
        let incarnation = Uuid::from_u128(1000 + self.leader.end().0 as u128);
        let again =
            RegisterBroker { incarnation, previous_epoch, session_is_valid: false, ..registration(id) };
        self.ask(again).unwrap();
        self.beat(id);
    }

    fn propose(&mut self, index: i32, isr: &[i32]) -> Option<ErrorCode> {
        let now = self.partition("t", index);
        let proposal = ProposedIsr {
            topic: self.state().topic_id("t").unwrap(),
            partition: PartitionIndex(index),
            leader_epoch: now.leader_epoch,
            partition_epoch: now.partition_epoch,
            isr: isr.iter().map(|node| (NodeId(*node), BrokerEpoch(-1))).collect(),
            recovering: false,
        };
        let broker_epoch = self.epoch(now.leader.0);
        let command = AlterPartition { broker: now.leader, broker_epoch, partitions: vec![proposal] };
        let result = self.leader_answers(command);
        result.unwrap().remove(0).result.err()
    }

    /// Asks without telling the long answer.
    fn leader_answers(&mut self, command: AlterPartition) -> Result<Vec<PartitionState>, Refused> {
        let answer = self.ask(command);
        let told = self.transcript.trim_end().rfind('\n').map_or(0, |at| at + 1);
        self.transcript.truncate(told);
        answer
    }

    fn set(&mut self, key: &str, value: &str) {
        let operations = vec![(name(key), AlterOp::Set, Some(name(value)))];
        let resources = vec![(ConfigResource::topic("t"), operations)];
        self.ask(AlterConfigs { resources, validate_only: false });
    }

    fn elect(&mut self, election: Election, partitions: &[i32]) {
        let indexes = partitions.iter().copied().map(PartitionIndex).collect();
        self.ask(ElectLeaders { election, partitions: Some(vec![(name("t"), indexes)]) });
    }

    fn reassign(&mut self, index: i32, replicas: Option<&[i32]>) {
        let moves = vec![(PartitionIndex(index), replicas.map(nodes))];
        let topics = vec![(name("t"), moves)];
        self.ask(AlterPartitionReassignments { topics, allow_replication_factor_change: true });
    }
}

#[test]
fn preferred_leaders_are_elected_where_they_can_be() {
    let mut cluster = with_topic(3, &[&[1, 2], &[2, 3], &[1, 3]]);
    cluster.fence(1);
    cluster.elect(Election::Preferred, &[0, 1, 9]);
    cluster.restart(1, true);
    cluster.elect(Election::Preferred, &[0]);
    assert_eq!(cluster.propose(0, &[1, 2]), None);
    cluster.elect(Election::Preferred, &[0, 0]);
    cluster.ask(ElectLeaders { election: Election::Preferred, partitions: None });
    cluster.ask(ElectLeaders {
        election: Election::Preferred,
        partitions: Some(vec![(name("nonesuch"), vec![PartitionIndex(0)])]),
    });
    told(
        &cluster,
        &expect![[r#"
        19 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2] leader=2
        20 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-2 isr=[3] leader=3
        21 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=1 in_controlled_shutdown=0
        -> Ok(())
        -> [("t", [(0, Err(Refused { code: PREFERRED_LEADER_NOT_AVAILABLE, message: Some("The preferred leader was not available.") })), (1, Err(Refused { code: ELECTION_NOT_NEEDED, message: Some("Leader election not needed for topic partition.") })), (9, Err(Refused { code: UNKNOWN_TOPIC_OR_PARTITION, message: Some("No such partition as t-9") }))])]
        22 REGISTER_BROKER_RECORD v4 1 fenced=true epoch=22
        -> Ok(22)
        23 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=-1 in_controlled_shutdown=0
        -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
        -> [("t", [(0, Err(Refused { code: PREFERRED_LEADER_NOT_AVAILABLE, message: Some("The preferred leader was not available.") }))])]
        24 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1, 2]
        25 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 leader=1
        -> [("t", [(0, Ok(())), (0, Err(Refused { code: ELECTION_NOT_NEEDED, message: Some("Leader election not needed for topic partition.") }))])]
        -> [("t", [(2, Err(Refused { code: PREFERRED_LEADER_NOT_AVAILABLE, message: Some("The preferred leader was not available.") }))])]
        -> [("nonesuch", [(0, Err(Refused { code: UNKNOWN_TOPIC_OR_PARTITION, message: Some("No such topic as nonesuch") }))])]
    "#]],
    );
}

#[test]
fn leaders_are_balanced_without_being_asked() {
    let mut cluster = with_topic(3, &[&[1, 2], &[2, 3], &[1, 3]]);
    cluster.ask(BalanceLeaders);
    cluster.fence(1);
    cluster.restart(1, true);
    assert_eq!(cluster.propose(2, &[1, 3]), None);
    cluster.transcript.clear();
    cluster.ask(BalanceLeaders);
    assert_eq!(cluster.state().imbalanced().count(), 1);
    told(
        &cluster,
        &expect![[r#"
        25 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-2 leader=1
        -> Elected { partitions: 1, more: false }
    "#]],
    );
}

#[test]
fn an_unclean_election_is_asked_for_or_configured() {
    let mut cluster = with_topic(3, &[&[1, 2], &[1, 3]]);
    assert_eq!(cluster.propose(0, &[1]), None);
    assert_eq!(cluster.propose(1, &[1]), None);
    // The ELR is empty: min.insync.replicas is 1.
    cluster.fence(1);
    cluster.elect(Election::Preferred, &[0]);
    cluster.ask(ElectUncleanLeaders);
    cluster.elect(Election::Unclean, &[0]);
    cluster.elect(Election::Unclean, &[0]);
    cluster.set("unclean.leader.election.enable", "true");
    cluster.ask(ElectUncleanLeaders);
    assert_eq!(cluster.state().leaderless().count(), 0);
    told(
        &cluster,
        &expect![[r#"
        18 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1]
        19 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-1 isr=[1]
        20 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[] elr=[1] last_known_elr=[1] leader=-1
        21 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-1 isr=[] elr=[1] last_known_elr=[1] leader=-1
        22 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=1 in_controlled_shutdown=0
        -> Ok(())
        -> [("t", [(0, Err(Refused { code: PREFERRED_LEADER_NOT_AVAILABLE, message: Some("The preferred leader was not available.") }))])]
        -> Elected { partitions: 0, more: false }
        23 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2] elr=[] last_known_elr=[] leader=2 recovering=true
        -> [("t", [(0, Ok(()))])]
        -> [("t", [(0, Err(Refused { code: ELECTION_NOT_NEEDED, message: Some("Leader election not needed for topic partition.") }))])]
        24 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "unclean.leader.election.enable", value: Some("true")
        -> [(Topic("t"), Ok(()))]
        25 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-1 isr=[3] elr=[] last_known_elr=[] leader=3 recovering=true
        -> Elected { partitions: 1, more: false }
    "#]],
    );
}

#[test]
fn an_unclean_election_needs_a_live_replica() {
    let mut cluster = with_topic(3, &[&[1, 2]]);
    cluster.fence(1);
    cluster.fence(2);
    cluster.elect(Election::Unclean, &[0]);
    told(
        &cluster,
        &expect![[r#"
        17 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2] leader=2
        18 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=1 in_controlled_shutdown=0
        -> Ok(())
        19 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[] elr=[2] last_known_elr=[2] leader=-1
        20 BROKER_REGISTRATION_CHANGE_RECORD v0 2 fenced=1 in_controlled_shutdown=0
        -> Ok(())
        -> [("t", [(0, Err(Refused { code: ELIGIBLE_LEADERS_NOT_AVAILABLE, message: Some("Eligible topic partition leaders are not available.") }))])]
    "#]],
    );
}

#[test]
fn replicas_that_left_below_the_minimum_stay_eligible() {
    let mut cluster = with_topic(3, &[&[1, 2, 3]]);
    cluster.set("min.insync.replicas", "2");
    cluster.fence(3);
    cluster.fence(2);
    cluster.fence(1);
    // Who comes back leads only if it is eligible and had not crashed.
    cluster.restart(3, true);
    cluster.restart(2, true);
    assert_eq!(cluster.propose(0, &[2, 3]), None);
    told(
        &cluster,
        &expect![[r#"
        17 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "min.insync.replicas", value: Some("2")
        18 CLEAR_ELR_RECORD v0 topic_name: "t"
        -> [(Topic("t"), Ok(()))]
        19 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1, 2]
        20 BROKER_REGISTRATION_CHANGE_RECORD v0 3 fenced=1 in_controlled_shutdown=0
        -> Ok(())
        21 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1] elr=[2]
        22 BROKER_REGISTRATION_CHANGE_RECORD v0 2 fenced=1 in_controlled_shutdown=0
        -> Ok(())
        23 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[] elr=[1, 2] last_known_elr=[1] leader=-1
        24 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=1 in_controlled_shutdown=0
        -> Ok(())
        25 REGISTER_BROKER_RECORD v4 3 fenced=true epoch=25
        -> Ok(25)
        26 BROKER_REGISTRATION_CHANGE_RECORD v0 3 fenced=-1 in_controlled_shutdown=0
        -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
        27 REGISTER_BROKER_RECORD v4 2 fenced=true epoch=27
        -> Ok(27)
        28 BROKER_REGISTRATION_CHANGE_RECORD v0 2 fenced=-1 in_controlled_shutdown=0
        29 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2] elr=[1] last_known_elr=[] leader=2
        -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
        30 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2, 3] elr=[]
    "#]],
    );
}

#[test]
fn a_crash_costs_eligibility() {
    let mut cluster = with_topic(3, &[&[1, 2, 3]]);
    cluster.set("min.insync.replicas", "2");
    cluster.fence(3);
    cluster.fence(2);
    cluster.fence(1);
    cluster.restart(2, false);
    // It was the last leader: it may lead once nobody else is eligible, and recovers.
    cluster.restart(1, false);
    told(
        &cluster,
        &expect![[r#"
        17 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "min.insync.replicas", value: Some("2")
        18 CLEAR_ELR_RECORD v0 topic_name: "t"
        -> [(Topic("t"), Ok(()))]
        19 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1, 2]
        20 BROKER_REGISTRATION_CHANGE_RECORD v0 3 fenced=1 in_controlled_shutdown=0
        -> Ok(())
        21 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1] elr=[2]
        22 BROKER_REGISTRATION_CHANGE_RECORD v0 2 fenced=1 in_controlled_shutdown=0
        -> Ok(())
        23 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[] elr=[1, 2] last_known_elr=[1] leader=-1
        24 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=1 in_controlled_shutdown=0
        -> Ok(())
        25 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 elr=[1]
        26 REGISTER_BROKER_RECORD v4 2 fenced=true epoch=25
        -> Ok(25)
        27 BROKER_REGISTRATION_CHANGE_RECORD v0 2 fenced=-1 in_controlled_shutdown=0
        -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
        28 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 elr=[]
        29 REGISTER_BROKER_RECORD v4 1 fenced=true epoch=28
        -> Ok(28)
        30 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=-1 in_controlled_shutdown=0
        31 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1] last_known_elr=[] leader=1 recovering=true
        -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
    "#]],
    );
}

#[test]
fn a_broker_that_registers_anew_uncleanly_leaves_every_isr() {
    let mut cluster = with_topic(2, &[&[1, 2], &[2, 1]]);
    cluster.restart(1, false);
    told(
        &cluster,
        &expect![[r#"
        16 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2] leader=2
        17 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-1 isr=[2]
        18 REGISTER_BROKER_RECORD v4 1 fenced=true epoch=16
        -> Ok(16)
        19 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=-1 in_controlled_shutdown=0
        -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
    "#]],
    );
}

#[test]
fn a_broker_leaves_for_good() {
    let mut cluster = with_topic(3, &[&[1, 2], &[3, 1], &[2, 3]]);
    cluster.ask(UnregisterBroker { id: NodeId(1) }).unwrap();
    cluster.ask(UnregisterBroker { id: NodeId(1) }).unwrap_err();
    let epoch = cluster.ask(registration(1)).unwrap();
    cluster.ask(heartbeat(1, epoch)).unwrap();
    told(
        &cluster,
        &expect![[r#"
        19 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2] leader=2
        20 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-1 isr=[3]
        21 UNREGISTER_BROKER_RECORD v0 broker_id: 1, broker_epoch: 9
        -> Ok(())
        -> Err(Refused { code: BROKER_ID_NOT_REGISTERED, message: Some("Broker ID 1 is not currently registered") })
        22 REGISTER_BROKER_RECORD v4 1 fenced=true epoch=22
        -> Ok(22)
        23 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=-1 in_controlled_shutdown=0
        -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
    "#]],
    );
}

#[test]
fn a_broker_that_left_is_not_eligible_when_it_comes_back() {
    let mut cluster = with_topic(2, &[&[1]]);
    cluster.ask(UnregisterBroker { id: NodeId(1) }).unwrap();
    assert_eq!(cluster.partition("t", 0).elr, nodes(&[1]));
    let epoch = cluster.ask(registration(1)).unwrap();
    assert!(cluster.partition("t", 0).elr.is_empty());
    cluster.ask(heartbeat(1, epoch)).unwrap();
    assert!(cluster.partition("t", 0).recovering, "it led last, and what it lost is unknown");
}

#[test]
fn replicas_move_and_the_last_one_in_sync_completes_it() {
    let mut cluster = with_topic(4, &[&[1, 2]]);
    cluster.reassign(0, Some(&[3, 4]));
    assert_eq!(cluster.state().reassigning().count(), 1);
    assert_eq!(cluster.propose(0, &[1, 2, 3]), None);
    // The leader itself goes: it learns that somebody else leads now.
    assert_eq!(cluster.propose(0, &[1, 2, 3, 4]), Some(ErrorCode::NewLeaderElected));
    assert_eq!(cluster.state().reassigning().count(), 0);
    told(
        &cluster,
        &expect![[r#"
        19 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 replicas=[3, 4, 1, 2] adding=[3, 4] removing=[1, 2] directories=[3, 4, 1, 2]
        -> [("t", [(0, Ok(()))])]
        20 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1, 2, 3]
        21 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[3, 4] replicas=[3, 4] adding=[] removing=[] directories=[3, 4] leader=3
    "#]],
    );
}

#[test]
fn replicas_are_only_reordered_taken_or_given() {
    let mut cluster = with_topic(4, &[&[1, 2]]);
    cluster.reassign(0, Some(&[2, 1]));
    cluster.reassign(0, Some(&[2]));
    cluster.reassign(0, Some(&[2, 3, 4]));
    assert_eq!(cluster.propose(0, &[2, 3]), None);
    assert_eq!(cluster.propose(0, &[2, 3, 4]), None);
    cluster.reassign(0, Some(&[2, 3, 4]));
    told(
        &cluster,
        &expect![[r#"
        19 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 replicas=[2, 1] directories=[2, 1]
        -> [("t", [(0, Ok(()))])]
        20 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2] replicas=[2] directories=[2] leader=2
        -> [("t", [(0, Ok(()))])]
        21 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 replicas=[2, 3, 4] adding=[3, 4] directories=[2, 3, 4]
        -> [("t", [(0, Ok(()))])]
        22 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2, 3]
        23 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2, 3, 4] adding=[]
        -> [("t", [(0, Ok(()))])]
    "#]],
    );
}

#[test]
fn a_move_is_cancelled_or_replaced() {
    let mut cluster = with_topic(4, &[&[1, 2]]);
    cluster.reassign(0, None);
    cluster.reassign(0, Some(&[3, 4]));
    assert_eq!(cluster.propose(0, &[1, 2, 3]), None);
    cluster.reassign(0, None);
    cluster.reassign(0, Some(&[3, 4]));
    // Back to where it came from, by a new target instead.
    cluster.reassign(0, Some(&[1, 2]));
    assert_eq!(cluster.state().reassigning().count(), 0);
    told(
        &cluster,
        &expect![[r#"
        -> [("t", [(0, Err(Refused { code: NO_REASSIGNMENT_IN_PROGRESS, message: Some("No partition reassignment is in progress.") }))])]
        19 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 replicas=[3, 4, 1, 2] adding=[3, 4] removing=[1, 2] directories=[3, 4, 1, 2]
        -> [("t", [(0, Ok(()))])]
        20 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1, 2, 3]
        21 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1, 2] replicas=[1, 2] adding=[] removing=[] directories=[1, 2] leader=1
        -> [("t", [(0, Ok(()))])]
        22 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 replicas=[3, 4, 1, 2] adding=[3, 4] removing=[1, 2] directories=[3, 4, 1, 2]
        -> [("t", [(0, Ok(()))])]
        23 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 replicas=[1, 2] adding=[] removing=[] directories=[1, 2] leader=1
        -> [("t", [(0, Ok(()))])]
    "#]],
    );
}

#[test]
fn a_move_is_not_cancelled_at_the_cost_of_records() {
    let mut cluster = with_topic(3, &[&[1]]);
    cluster.reassign(0, Some(&[2, 3]));
    assert_eq!(cluster.propose(0, &[1, 2]), None);
    cluster.fence(1);
    cluster.restart(1, true);
    cluster.transcript.clear();
    cluster.reassign(0, None);
    cluster.set("unclean.leader.election.enable", "true");
    cluster.reassign(0, None);
    told(
        &cluster,
        &expect![[r#"
        -> [("t", [(0, Err(Refused { code: INVALID_REPLICA_ASSIGNMENT, message: Some("Unable to revert partition assignment for t:0 because it would require an unclean leader election.") }))])]
        23 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "unclean.leader.election.enable", value: Some("true")
        -> [(Topic("t"), Ok(()))]
        24 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1] replicas=[1] adding=[] removing=[] directories=[1] leader=1
        -> [("t", [(0, Ok(()))])]
    "#]],
    );
}

#[test]
fn moves_are_refused_in_kafkas_words() {
    let mut cluster = with_topic(3, &[&[1, 2]]);
    cluster.reassign(7, Some(&[1]));
    cluster.reassign(0, Some(&[]));
    cluster.reassign(0, Some(&[1, 9]));
    cluster.reassign(0, Some(&[1, 1]));
    let moves = vec![(PartitionIndex(0), Some(nodes(&[1])))];
    let topics = vec![(name("t"), moves.clone()), (name("nonesuch"), moves)];
    cluster.ask(AlterPartitionReassignments { topics, allow_replication_factor_change: false });
    let twice = vec![(PartitionIndex(0), None), (PartitionIndex(0), None)];
    let topics = vec![(name("t"), twice)];
    cluster.ask(AlterPartitionReassignments { topics, allow_replication_factor_change: true });
    told(
        &cluster,
        &expect![[r#"
        -> [("t", [(7, Err(Refused { code: UNKNOWN_TOPIC_OR_PARTITION, message: Some("Unable to find partition t:7.") }))])]
        -> [("t", [(0, Err(Refused { code: INVALID_REPLICA_ASSIGNMENT, message: Some("The manual partition assignment includes an empty replica list.") }))])]
        -> [("t", [(0, Err(Refused { code: INVALID_REPLICA_ASSIGNMENT, message: Some("The manual partition assignment includes broker 9, but no such broker is registered.") }))])]
        -> [("t", [(0, Err(Refused { code: INVALID_REPLICA_ASSIGNMENT, message: Some("The manual partition assignment includes the broker 1 more than once.") }))])]
        -> [("t", [(0, Err(Refused { code: INVALID_REPLICATION_FACTOR, message: Some("The replication factor is changed from 2 to 1") }))]), ("nonesuch", [(0, Err(Refused { code: UNKNOWN_TOPIC_OR_PARTITION, message: Some("Unable to find a topic named nonesuch.") }))])]
        -> [("t", [(0, Err(Refused { code: INVALID_REQUEST, message: Some("The partition t:0 is named more than once.") })), (0, Err(Refused { code: INVALID_REQUEST, message: Some("The partition t:0 is named more than once.") }))])]
    "#]],
    );
}

#[test]
fn a_broker_says_where_its_replicas_are() {
    let mut cluster = Cluster::unformed();
    cluster.ask(Activate::default());
    for id in 1..=3 {
        let log_dirs = vec![directory(id), directory(10 + id)];
        let epoch = cluster.ask(RegisterBroker { log_dirs, ..registration(id) }).unwrap();
        cluster.ask(heartbeat(id, epoch)).unwrap();
    }
    let assignments = vec![(PartitionIndex(0), nodes(&[1, 2])), (PartitionIndex(1), nodes(&[2, 3]))];
    cluster.ask(create(vec![NewTopic { assignments, ..topic("t", -1, -1) }]));
    cluster.transcript.clear();
    let id = cluster.state().topic_id("t").unwrap();
    let assign = |cluster: &mut Cluster, dir: Uuid, indexes: &[i32]| {
        let indexes = indexes.iter().copied().map(PartitionIndex).collect();
        let directories = vec![(dir, vec![(id, indexes)])];
        let broker_epoch = cluster.epoch(1);
        cluster.ask(AssignReplicasToDirs { broker: NodeId(1), broker_epoch, directories }).unwrap();
    };
    assign(&mut cluster, directory(11), &[0, 1, 2]);
    assign(&mut cluster, directory(11), &[0]);
    // A directory that fails takes the leadership with it, and one that never worked does too.
    let epoch = cluster.epoch(1);
    cluster.ask(Heartbeat { offline_log_dirs: vec![directory(11)], ..heartbeat(1, epoch) }).unwrap();
    assert_eq!(cluster.partition("t", 0).leader, NodeId(2));
    cluster.elect(Election::Unclean, &[0]);
    cluster.elect(Election::Preferred, &[0]);
    assign(&mut cluster, directory(1), &[0]);
    assert_eq!(cluster.propose(0, &[2, 1]), None);
    cluster.elect(Election::Preferred, &[0]);
    assign(&mut cluster, LOST_DIRECTORY, &[0]);
    told(
        &cluster,
        &expect![[r#"
        18 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 directories=[11, 1]
        -> Ok([(00000001-0000-0000-0000-00000000000b, [(vdcyJi_rTpWiIKg5ex3Nrw, [(0, Ok(())), (1, Err(NOT_LEADER_OR_FOLLOWER)), (2, Err(UNKNOWN_TOPIC_OR_PARTITION))])])])
        -> Ok([(00000001-0000-0000-0000-00000000000b, [(vdcyJi_rTpWiIKg5ex3Nrw, [(0, Ok(()))])])])
        19 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2] leader=2
        20 BROKER_REGISTRATION_CHANGE_RECORD v2 1 fenced=0 in_controlled_shutdown=0
        -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
        -> [("t", [(0, Err(Refused { code: ELECTION_NOT_NEEDED, message: Some("Leader election not needed for topic partition.") }))])]
        -> [("t", [(0, Err(Refused { code: PREFERRED_LEADER_NOT_AVAILABLE, message: Some("The preferred leader was not available.") }))])]
        21 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 directories=[1, 1]
        -> Ok([(00000001-0000-0000-0000-000000000001, [(vdcyJi_rTpWiIKg5ex3Nrw, [(0, Ok(()))])])])
        22 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2, 1]
        23 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 leader=1
        -> [("t", [(0, Ok(()))])]
        24 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 directories=[2, 1]
        25 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2] leader=2
        -> Ok([(00000000-0000-0000-0000-000000000002, [(vdcyJi_rTpWiIKg5ex3Nrw, [(0, Ok(()))])])])
    "#]],
    );
}
