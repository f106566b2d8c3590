//! The controller's decisions as scripts: what is asked, what is logged, what is answered.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod support;

use std::fmt::Write;

use chronik_state::cluster::*;
use chronik_state::config::AlterOp;
use chronik_types::{BrokerEpoch, ErrorCode, NodeId, Offset, PartitionIndex};
use expect_test::{Expect, expect};
use support::*;
use uuid::Uuid;

fn told(cluster: &Cluster, expected: &Expect) {
    expected.assert_eq(&cluster.transcript);
}

#[test]
fn a_new_cluster_is_formed_as_kafka_forms_it() {
    let mut cluster = Cluster::unformed();
    cluster.ask(Activate::default());
    cluster.ask(Activate::default());
    let epoch = cluster.ask(registration(1)).unwrap();
    cluster.ask(Heartbeat { metadata_offset: Offset(epoch.0 - 1), ..heartbeat(1, epoch) }).unwrap();
    cluster.ask(Heartbeat { cordoned_log_dirs: Some(Vec::new()), ..heartbeat(1, epoch) }).unwrap();
    told(
        &cluster,
        &expect![[r#"
            0 BEGIN_TRANSACTION_RECORD v0 name: Some("Bootstrap records")
            1 FEATURE_LEVEL_RECORD v0 name: "metadata.version", feature_level: 30
            2 FEATURE_LEVEL_RECORD v0 name: "eligible.leader.replicas.version", feature_level: 1
            3 FEATURE_LEVEL_RECORD v0 name: "group.version", feature_level: 1
            4 FEATURE_LEVEL_RECORD v0 name: "share.version", feature_level: 1
            5 FEATURE_LEVEL_RECORD v0 name: "streams.version", feature_level: 1
            6 FEATURE_LEVEL_RECORD v0 name: "transaction.version", feature_level: 2
            7 CONFIG_RECORD v0 resource_type: 4, resource_name: "", name: "min.insync.replicas", value: Some("1")
            8 END_TRANSACTION_RECORD v0
            -> NewCluster
            -> Existing
            9 REGISTER_BROKER_RECORD v4 1 fenced=true epoch=9
            -> Ok(9)
            -> Ok(BrokerStatus { is_caught_up: false, is_fenced: true, in_controlled_shutdown: false, should_shut_down: false })
            10 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=-1 in_controlled_shutdown=0
            11 BROKER_REGISTRATION_CHANGE_RECORD v3 1 fenced=0 in_controlled_shutdown=0
            -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
        "#]],
    );
}

#[test]
fn topics_come_and_go() {
    let mut cluster = Cluster::of(3);
    let configured =
        NewTopic { configs: vec![(name("retention.ms"), Some(name("1000")))], ..topic("b", 1, 1) };
    let by_hand = NewTopic {
        assignments: vec![
            (PartitionIndex(1), vec![NodeId(2), NodeId(3)]),
            (PartitionIndex(0), vec![NodeId(3), NodeId(1)]),
        ],
        ..topic("c", -1, -1)
    };
    cluster.ask(create(vec![topic("a", 2, 3), configured, by_hand]));
    cluster.ask(CreateTopics { validate_only: true, ..create(vec![topic("d", -1, -1)]) });
    let more = MorePartitions { name: name("b"), count: 2, assignments: None };
    cluster.ask(CreatePartitions { topics: vec![more], validate_only: false, seed: Seed(1) });
    let id = cluster.state().topic_id("a").unwrap();
    cluster.ask(DeleteTopics { topics: vec![TopicRef::Name(name("b")), TopicRef::Id(id)] });
    told(
        &cluster,
        &expect![[r#"
            15 TOPIC_RECORD v0 name: "a", topic_id: R1JnVxMPT1KGxF0YgAlFTw
            16 PARTITION_RECORD v2 R1JnVxMPT1KGxF0YgAlFTw-0 replicas=[1, 3, 2] isr=[1, 3, 2] leader=1 epoch=0/0
            17 PARTITION_RECORD v2 R1JnVxMPT1KGxF0YgAlFTw-1 replicas=[2, 1, 3] isr=[2, 1, 3] leader=2 epoch=0/0
            18 TOPIC_RECORD v0 name: "b", topic_id: CbxYWiRIQ_KbOYlqUah0mw
            19 CONFIG_RECORD v0 resource_type: 2, resource_name: "b", name: "retention.ms", value: Some("1000")
            20 PARTITION_RECORD v2 CbxYWiRIQ_KbOYlqUah0mw-0 replicas=[2] isr=[2] leader=2 epoch=0/0
            21 TOPIC_RECORD v0 name: "c", topic_id: 3kQx-jyASwaTy58MdH6i6g
            22 PARTITION_RECORD v2 3kQx-jyASwaTy58MdH6i6g-0 replicas=[3, 1] isr=[3, 1] leader=3 epoch=0/0
            23 PARTITION_RECORD v2 3kQx-jyASwaTy58MdH6i6g-1 replicas=[2, 3] isr=[2, 3] leader=2 epoch=0/0
            -> [("a", Ok(CreatedTopic { id: R1JnVxMPT1KGxF0YgAlFTw, partitions: 2, replication_factor: 3, configs: [] })), ("b", Ok(CreatedTopic { id: CbxYWiRIQ_KbOYlqUah0mw, partitions: 1, replication_factor: 1, configs: [("retention.ms", "1000")] })), ("c", Ok(CreatedTopic { id: 3kQx-jyASwaTy58MdH6i6g, partitions: 2, replication_factor: 2, configs: [] }))]
            -> [("d", Ok(CreatedTopic { id: KO_jM7JmQQOueJ5qobll9A, partitions: 1, replication_factor: 1, configs: [] }))]
            24 PARTITION_RECORD v2 CbxYWiRIQ_KbOYlqUah0mw-1 replicas=[1] isr=[1] leader=1 epoch=0/0
            -> [("b", Ok(()))]
            25 REMOVE_TOPIC_RECORD v0 topic_id: CbxYWiRIQ_KbOYlqUah0mw
            26 REMOVE_TOPIC_RECORD v0 topic_id: R1JnVxMPT1KGxF0YgAlFTw
            -> [DeletedTopic { name: Some("b"), id: CbxYWiRIQ_KbOYlqUah0mw, result: Ok(()) }, DeletedTopic { name: Some("a"), id: R1JnVxMPT1KGxF0YgAlFTw, result: Ok(()) }]
        "#]],
    );
    assert_eq!(cluster.state().config(&ConfigResource::topic("b")), None);
}

#[test]
fn topics_are_refused_in_kafkas_words() {
    let mut cluster = Cluster::of(2);
    cluster.ask(create(vec![topic("a.b", 1, 1)]));
    let assigned = |topic_name, replicas: &[&[i32]]| NewTopic {
        assignments: (0..)
            .map(PartitionIndex)
            .zip(replicas.iter().map(|r| r.iter().map(|id| NodeId(*id)).collect()))
            .collect(),
        ..topic(topic_name, -1, -1)
    };
    let gap = NewTopic {
        assignments: vec![(PartitionIndex(0), vec![NodeId(1)]), (PartitionIndex(2), vec![NodeId(1)])],
        ..topic("gap", -1, -1)
    };
    let twice = NewTopic {
        assignments: vec![(PartitionIndex(0), vec![NodeId(1)]), (PartitionIndex(0), vec![NodeId(1)])],
        ..topic("twice", -1, -1)
    };
    let configured = |topic_name, key, value: Option<&str>| NewTopic {
        configs: vec![(name(key), value.map(name))],
        ..topic(topic_name, 1, 1)
    };
    let results = cluster.ask(create(vec![
        topic("a.b", 1, 1),
        topic("a_b", 1, 1),
        topic("", 1, 1),
        topic(".", 1, 1),
        topic("foo/x", 1, 1),
        topic("__cluster_metadata", 1, 1),
        topic("dup", 1, 1),
        topic("dup", 1, 1),
        topic("p0", 0, 1),
        topic("p-2", -2, 1),
        topic("r0", 1, 0),
        topic("r3", 1, 3),
        gap,
        twice,
        assigned("empty", &[&[]]),
        assigned("unknown", &[&[7]]),
        assigned("same", &[&[1, 1]]),
        assigned("uneven", &[&[1], &[1, 2]]),
        NewTopic { partitions: 1, ..assigned("count", &[&[1]]) },
        NewTopic { replication_factor: 1, ..assigned("factor", &[&[1]]) },
        configured("key", "nosuch", Some("1")),
        configured("value", "retention.ms", Some("abc")),
        configured("null", "retention.ms", None),
    ]));
    let refused: Vec<String> = results
        .into_iter()
        .map(|(topic, result)| {
            let refused = result.unwrap_err();
            format!("{topic}: {} {}\n", refused.code, refused.message.unwrap())
        })
        .collect();
    expect![[r#"
        a.b: TOPIC_ALREADY_EXISTS Topic 'a.b' already exists.
        a_b: INVALID_TOPIC_EXCEPTION Topic 'a_b' collides with existing topic: a.b
        : INVALID_TOPIC_EXCEPTION Topic name is invalid: the empty string is not allowed
        .: INVALID_TOPIC_EXCEPTION Topic name is invalid: '.' is not allowed
        foo/x: INVALID_TOPIC_EXCEPTION Topic name is invalid: 'foo/x' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'
        __cluster_metadata: INVALID_REQUEST Creation of internal topic __cluster_metadata is prohibited.
        dup: INVALID_REQUEST Duplicate topic name.
        p0: INVALID_PARTITIONS Number of partitions was set to an invalid non-positive value.
        p-2: INVALID_PARTITIONS Number of partitions was set to an invalid non-positive value.
        r0: INVALID_REPLICATION_FACTOR Replication factor must be larger than 0, or -1 to use the default value.
        r3: INVALID_REPLICATION_FACTOR Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 2 broker(s) are registered or some brokers have all their log directories cordoned.
        gap: INVALID_REPLICA_ASSIGNMENT partitions should be a consecutive 0-based integer sequence
        twice: INVALID_REPLICA_ASSIGNMENT Found multiple manual partition assignments for partition 0
        empty: INVALID_REPLICA_ASSIGNMENT The manual partition assignment includes an empty replica list.
        unknown: INVALID_REPLICA_ASSIGNMENT The manual partition assignment includes broker 7, but no such broker is registered.
        same: INVALID_REPLICA_ASSIGNMENT The manual partition assignment includes the broker 1 more than once.
        uneven: INVALID_REPLICA_ASSIGNMENT The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with previous partitions, which have 1 replica(s).
        count: INVALID_REQUEST A manual partition assignment was specified, but numPartitions was not set to -1.
        factor: INVALID_REQUEST A manual partition assignment was specified, but replication factor was not set to -1.
        key: INVALID_CONFIG Unknown topic config name: nosuch
        value: INVALID_CONFIG Invalid value abc for configuration retention.ms: Not a number of type LONG
        null: INVALID_CONFIG Null value not supported for topic configs: retention.ms
    "#]].assert_eq(&refused.concat());
    let too_many = cluster.ask(create(vec![topic("x", 6000, 1), topic("y", 6000, 1)]));
    assert!(too_many.iter().all(|(_, result)| {
        *result
            == Err(Refused {
                code: ErrorCode::PolicyViolation,
                message: Some("Excessively large number of partitions per request.".to_owned()),
            })
    }));
}

#[test]
fn partitions_are_refused_in_kafkas_words() {
    let mut cluster = Cluster::of(2);
    cluster.ask(create(vec![topic("t", 2, 1)]));
    let mut refused = String::new();
    let mut more = |topic_name: &str, count, assignments: Option<&[&[i32]]>| {
        let assignments =
            assignments.map(|a| a.iter().map(|r| r.iter().map(|id| NodeId(*id)).collect()).collect());
        let more = MorePartitions { name: name(topic_name), count, assignments };
        let mut results =
            cluster.ask(CreatePartitions { topics: vec![more], validate_only: false, seed: Seed(1) });
        let why = results.remove(0).1.unwrap_err();
        writeln!(refused, "{}: {}", why.code, why.message.as_deref().unwrap_or("-")).unwrap();
    };
    more("nonesuch", 3, None);
    more("t", 2, None);
    more("t", 1, None);
    more("t", 4, Some(&[&[1]]));
    more("t", 3, Some(&[&[9]]));
    more("t", 3, Some(&[&[1, 2]]));
    more("t", 3, Some(&[&[]]));
    more("t", 20_003, None);
    expect![[r#"
        UNKNOWN_TOPIC_OR_PARTITION: -
        INVALID_PARTITIONS: Topic already has 2 partition(s).
        INVALID_PARTITIONS: The topic t currently has 2 partition(s); 1 would not be an increase.
        INVALID_REPLICA_ASSIGNMENT: Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.
        INVALID_REPLICA_ASSIGNMENT: The manual partition assignment includes broker 9, but no such broker is registered.
        INVALID_REPLICA_ASSIGNMENT: The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with previous partitions, which have 1 replica(s).
        INVALID_REPLICA_ASSIGNMENT: The manual partition assignment includes an empty replica list.
        POLICY_VIOLATION: Excessively large number of partitions per request.
    "#]].assert_eq(&refused);
}

#[test]
fn topics_that_are_not_there_or_named_twice_are_not_deleted() {
    let mut cluster = Cluster::of(1);
    cluster.ask(create(vec![topic("t", 1, 1)]));
    let id = cluster.state().topic_id("t").unwrap();
    cluster.transcript.clear();
    let unknown = chronik_types::TopicId(Uuid::from_u128(77));
    let topics = vec![
        TopicRef::Name(name("nonesuch")),
        TopicRef::Id(unknown),
        TopicRef::Name(name("t")),
        TopicRef::Id(id),
    ];
    cluster.ask(DeleteTopics { topics });
    told(
        &cluster,
        &expect![[r#"
            -> [DeletedTopic { name: Some("nonesuch"), id: AAAAAAAAAAAAAAAAAAAAAA, result: Err(Refused { code: UNKNOWN_TOPIC_OR_PARTITION, message: None }) }, DeletedTopic { name: None, id: AAAAAAAAAAAAAAAAAAAATQ, result: Err(Refused { code: UNKNOWN_TOPIC_ID, message: None }) }, DeletedTopic { name: Some("t"), id: vdcyJi_rTpWiIKg5ex3Nrw, result: Err(Refused { code: INVALID_REQUEST, message: Some("Duplicate topic id.") }) }]
        "#]],
    );
}

#[test]
fn configurations_change() {
    let mut cluster = Cluster::of(1);
    cluster.ask(create(vec![topic("t", 1, 1)]));
    cluster.transcript.clear();
    let mut alter = |resource: ConfigResource, key: &str, op, value: Option<&str>| {
        let operations = vec![(name(key), op, value.map(name))];
        cluster.ask(AlterConfigs { resources: vec![(resource, operations)], validate_only: false });
    };
    let t = || ConfigResource::topic("t");
    alter(t(), "retention.ms", AlterOp::Set, Some("1000"));
    alter(t(), "retention.ms", AlterOp::Set, Some("1000"));
    alter(t(), "segment.ms", AlterOp::Delete, None);
    alter(t(), "cleanup.policy", AlterOp::Append, Some("delete"));
    alter(t(), "cleanup.policy", AlterOp::Subtract, Some("delete"));
    alter(t(), "min.insync.replicas", AlterOp::Set, Some("1"));
    alter(t(), "min.insync.replicas", AlterOp::Delete, None);
    alter(ConfigResource::all_brokers(), "message.max.bytes", AlterOp::Set, Some("2000000"));
    alter(ConfigResource::broker(NodeId(1)), "log.retention.ms", AlterOp::Set, Some("1000000"));
    alter(ConfigResource::all_brokers(), "min.insync.replicas", AlterOp::Set, Some("2"));
    let wanted = vec![(name("segment.bytes"), Some(name("2000000")))];
    cluster.ask(ReplaceConfigs { resources: vec![(t(), wanted)], validate_only: false });
    told(
        &cluster,
        &expect![[r#"
            13 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "retention.ms", value: Some("1000")
            -> [(Topic("t"), Ok(()))]
            -> [(Topic("t"), Ok(()))]
            -> [(Topic("t"), Ok(()))]
            14 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "cleanup.policy", value: Some("delete")
            -> [(Topic("t"), Ok(()))]
            15 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "cleanup.policy", value: Some("")
            -> [(Topic("t"), Ok(()))]
            16 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "min.insync.replicas", value: Some("1")
            17 CLEAR_ELR_RECORD v0 topic_name: "t"
            -> [(Topic("t"), Ok(()))]
            18 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "min.insync.replicas", value: None
            19 CLEAR_ELR_RECORD v0 topic_name: "t"
            -> [(Topic("t"), Ok(()))]
            20 CONFIG_RECORD v0 resource_type: 4, resource_name: "", name: "message.max.bytes", value: Some("2000000")
            -> [(Broker(""), Ok(()))]
            21 CONFIG_RECORD v0 resource_type: 4, resource_name: "1", name: "log.retention.ms", value: Some("1000000")
            -> [(Broker("1"), Ok(()))]
            22 CONFIG_RECORD v0 resource_type: 4, resource_name: "", name: "min.insync.replicas", value: Some("2")
            23 CLEAR_ELR_RECORD v0 topic_name: ""
            -> [(Broker(""), Ok(()))]
            24 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "segment.bytes", value: Some("2000000")
            25 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "cleanup.policy", value: None
            26 CONFIG_RECORD v0 resource_type: 2, resource_name: "t", name: "retention.ms", value: None
            -> [(Topic("t"), Ok(()))]
        "#]],
    );
}

#[test]
fn configurations_are_refused_in_kafkas_words() {
    let mut cluster = Cluster::of(1);
    cluster.ask(create(vec![topic("t", 1, 1)]));
    let mut refused = String::new();
    let mut alter = |kind, resource: &str, key: &str, op, value: Option<&str>| {
        let operations = vec![(name(key), op, value.map(name))];
        let resources = vec![(ConfigResource::new(kind, resource), operations)];
        let mut results = cluster.ask(AlterConfigs { resources, validate_only: false });
        let line = match results.remove(0).1 {
            Ok(()) => "OK\n".to_owned(),
            Err(why) => format!("{}: {}\n", why.code, why.message.as_deref().unwrap_or("-")),
        };
        refused += &line;
    };
    use ResourceKind::{Broker, ClientMetrics, Group, Topic};
    alter(Topic, "nonesuch", "retention.ms", AlterOp::Set, Some("1"));
    alter(Topic, "", "retention.ms", AlterOp::Set, Some("1"));
    alter(Topic, "a/b", "retention.ms", AlterOp::Set, Some("1"));
    alter(Topic, "t", "nosuch", AlterOp::Set, Some("1"));
    alter(Topic, "t", "retention.ms", AlterOp::Set, Some("x"));
    alter(Topic, "t", "retention.ms", AlterOp::Set, None);
    alter(Topic, "t", "retention.ms", AlterOp::Append, Some("1"));
    alter(Broker, "9", "log.retention.ms", AlterOp::Set, Some("1"));
    alter(Broker, "abc", "log.retention.ms", AlterOp::Set, Some("1"));
    alter(Broker, "1", "node.id", AlterOp::Set, Some("4"));
    alter(Broker, "1", "min.insync.replicas", AlterOp::Set, Some("2"));
    alter(Broker, "", "min.insync.replicas", AlterOp::Delete, None);
    alter(Group, "", "consumer.session.timeout.ms", AlterOp::Set, Some("50000"));
    alter(ClientMetrics, "", "interval.ms", AlterOp::Set, Some("1000"));
    alter(Topic, "t", "follower.replication.throttled.replicas", AlterOp::Set, Some(&"1:1,".repeat(9000)));
    expect![[r#"
        UNKNOWN_TOPIC_OR_PARTITION: The topic 'nonesuch' does not exist.
        INVALID_REQUEST: Default topic resources are not allowed.
        INVALID_TOPIC_EXCEPTION: Topic name is invalid: 'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'
        INVALID_CONFIG: Unknown topic config name: nosuch
        INVALID_CONFIG: Invalid value x for configuration retention.ms: Not a number of type LONG
        INVALID_REQUEST: Null value not supported for : retention.ms
        INVALID_CONFIG: Can't APPEND to key retention.ms because its type is not LIST.
        BROKER_ID_NOT_REGISTERED: No broker with id 9 found.
        INVALID_REQUEST: Unable to parse broker name as a base 10 number.
        INVALID_REQUEST: Cannot update these configs dynamically: [node.id]
        INVALID_CONFIG: Broker-level min.insync.replicas cannot be altered while ELR is enabled.
        INVALID_CONFIG: Cluster-level min.insync.replicas cannot be removed while ELR is enabled.
        INVALID_REQUEST: Default group resources are not allowed.
        INVALID_REQUEST: Subscription name can't be empty
        INVALID_CONFIG: The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.
    "#]].assert_eq(&refused);
    let operations = vec![
        (name("retention.ms"), AlterOp::Set, Some(name("1"))),
        (name("retention.ms"), AlterOp::Set, Some(name("2"))),
    ];
    let t = ConfigResource::topic("t");
    let twice = cluster.ask(AlterConfigs { resources: vec![(t.clone(), operations)], validate_only: false });
    assert_eq!(
        twice[0].1,
        Err(Refused::new(ErrorCode::InvalidRequest, "Error due to duplicate config keys"))
    );
    let resources = vec![(t.clone(), Vec::new()), (t, Vec::new())];
    let twice = cluster.ask(AlterConfigs { resources, validate_only: false });
    assert_eq!(twice.len(), 1);
    assert_eq!(twice[0].1.as_ref().unwrap_err().code, ErrorCode::InvalidRequest);
}

#[test]
fn a_broker_that_dies_hands_its_partitions_over_and_comes_back() {
    let mut cluster = Cluster::of(3);
    let assignments = vec![
        (PartitionIndex(0), vec![NodeId(1), NodeId(2)]),
        (PartitionIndex(1), vec![NodeId(2), NodeId(3)]),
    ];
    cluster.ask(create(vec![NewTopic { assignments, ..topic("t", -1, -1) }]));
    cluster.transcript.clear();
    let dead = cluster.epoch(1);
    cluster.ask(FenceBroker { id: NodeId(1), epoch: dead }).unwrap();
    cluster.ask(FenceBroker { id: NodeId(1), epoch: dead }).unwrap();
    let again =
        RegisterBroker { incarnation: Uuid::from_u128(99), session_is_valid: false, ..registration(1) };
    let epoch = cluster.ask(again).unwrap();
    // Whoever acts for the process that died is refused.
    cluster.ask(heartbeat(1, dead)).unwrap_err();
    cluster.ask(FenceBroker { id: NodeId(1), epoch: dead }).unwrap_err();
    cluster.ask(heartbeat(1, epoch)).unwrap();
    told(
        &cluster,
        &expect![[r#"
            18 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2] leader=2
            19 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=1 in_controlled_shutdown=0
            -> Ok(())
            -> Ok(())
            20 REGISTER_BROKER_RECORD v4 1 fenced=true epoch=20
            -> Ok(20)
            -> Err(Refused { code: STALE_BROKER_EPOCH, message: Some("Expected broker epoch 20, but got broker epoch 9") })
            -> Err(Refused { code: STALE_BROKER_EPOCH, message: Some("Expected broker epoch 20, but got broker epoch 9") })
            21 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=-1 in_controlled_shutdown=0
            -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
        "#]],
    );
}

#[test]
fn a_broker_that_is_alone_recovers_its_partitions_after_a_crash_as_kafka_does() {
    let mut cluster = Cluster::of(1);
    cluster.ask(create(vec![topic("t", 1, 1)]));
    cluster.transcript.clear();
    let dead = cluster.epoch(1);
    cluster.ask(FenceBroker { id: NodeId(1), epoch: dead }).unwrap();
    let again =
        RegisterBroker { incarnation: Uuid::from_u128(99), session_is_valid: false, ..registration(1) };
    let epoch = cluster.ask(again).unwrap();
    cluster.ask(heartbeat(1, epoch)).unwrap();
    told(
        &cluster,
        &expect![[r#"
            13 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[] elr=[1] last_known_elr=[1] leader=-1
            14 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=1 in_controlled_shutdown=0
            -> Ok(())
            15 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 elr=[]
            16 REGISTER_BROKER_RECORD v4 1 fenced=true epoch=15
            -> Ok(15)
            17 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=-1 in_controlled_shutdown=0
            18 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1] last_known_elr=[] leader=1 recovering=true
            -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
        "#]],
    );
}

#[test]
fn a_broker_shuts_down_in_order() {
    let mut cluster = Cluster::of(2);
    let assignments = vec![(PartitionIndex(0), vec![NodeId(1), NodeId(2)])];
    cluster.ask(create(vec![NewTopic { assignments, ..topic("t", -1, -1) }]));
    cluster.transcript.clear();
    let epoch = cluster.epoch(1);
    let stopping = Heartbeat { want_shut_down: true, ..heartbeat(1, epoch) };
    cluster.ask(stopping.clone()).unwrap();
    cluster.ask(stopping.clone()).unwrap();
    cluster.ask(Heartbeat { shutdown_is_known: true, ..stopping.clone() }).unwrap();
    cluster.ask(stopping).unwrap();
    let again = RegisterBroker {
        incarnation: Uuid::from_u128(99),
        previous_epoch: epoch,
        session_is_valid: false,
        ..registration(1)
    };
    cluster.ask(again).unwrap();
    told(
        &cluster,
        &expect![[r#"
            15 BROKER_REGISTRATION_CHANGE_RECORD v1 1 fenced=0 in_controlled_shutdown=1
            16 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[2] leader=2
            -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: true, should_shut_down: false })
            -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: true, should_shut_down: false })
            17 BROKER_REGISTRATION_CHANGE_RECORD v0 1 fenced=1 in_controlled_shutdown=0
            -> Ok(BrokerStatus { is_caught_up: true, is_fenced: true, in_controlled_shutdown: false, should_shut_down: true })
            -> Ok(BrokerStatus { is_caught_up: true, is_fenced: true, in_controlled_shutdown: false, should_shut_down: true })
            18 REGISTER_BROKER_RECORD v4 1 fenced=true epoch=18
            -> Ok(18)
        "#]],
    );
}

#[test]
fn a_log_directory_fails() {
    let mut cluster = Cluster::unformed();
    cluster.ask(Activate::default());
    let two = RegisterBroker { log_dirs: vec![directory(1), directory(11)], ..registration(1) };
    let epoch = cluster.ask(two).unwrap();
    cluster.ask(heartbeat(1, epoch)).unwrap();
    cluster.ask(create(vec![topic("t", 1, 1)]));
    cluster.transcript.clear();
    cluster.ask(Heartbeat { offline_log_dirs: vec![directory(11)], ..heartbeat(1, epoch) }).unwrap();
    cluster.ask(Heartbeat { offline_log_dirs: vec![directory(11)], ..heartbeat(1, epoch) }).unwrap();
    told(
        &cluster,
        &expect![[r#"
            13 BROKER_REGISTRATION_CHANGE_RECORD v2 1 fenced=0 in_controlled_shutdown=0
            -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
            -> Ok(BrokerStatus { is_caught_up: true, is_fenced: false, in_controlled_shutdown: false, should_shut_down: false })
        "#]],
    );
}

#[test]
fn registrations_are_refused_in_kafkas_words() {
    let mut cluster = Cluster::of(2);
    let mut refused = String::new();
    let mut register = |registration: RegisterBroker| {
        let why = cluster.ask(registration).unwrap_err();
        writeln!(refused, "{}: {}", why.code, why.message.as_deref().unwrap_or("-")).unwrap();
    };
    register(RegisterBroker { cluster_id: "another".to_owned(), ..registration(3) });
    register(RegisterBroker { incarnation: Uuid::from_u128(99), ..registration(1) });
    register(RegisterBroker { log_dirs: Vec::new(), ..registration(3) });
    register(RegisterBroker { log_dirs: vec![UNASSIGNED_DIRECTORY], ..registration(3) });
    register(RegisterBroker { log_dirs: vec![directory(3), directory(3)], ..registration(3) });
    register(RegisterBroker { log_dirs: vec![directory(2)], ..registration(3) });
    register(RegisterBroker { features: Vec::new(), ..registration(3) });
    let mut old = features();
    old.iter_mut().filter(|f| &*f.name == METADATA_VERSION).for_each(|f| f.max_supported_version = 29);
    register(RegisterBroker { features: old, ..registration(3) });
    expect![[r#"
        INCONSISTENT_CLUSTER_ID: Expected cluster ID the-cluster, but got cluster ID another
        DUPLICATE_BROKER_REGISTRATION: Another broker is registered with that broker id. If the broker was recently restarted this should self-resolve once the heartbeat manager expires the broker's session.
        INVALID_REGISTRATION: No directories specified in request
        INVALID_REGISTRATION: Reserved directory ID in request
        INVALID_REGISTRATION: Duplicate directory ID in request
        INVALID_REGISTRATION: Broker 2 is already registered with directory AAAAAQAAAAAAAAAAAAAAAg
        INVALID_REGISTRATION: Request features do not contain 'metadata.version'
        UNSUPPORTED_VERSION: Unable to register because the broker does not support finalized version 30 of metadata.version. The broker wants a version between 7 and 29, inclusive.
    "#]].assert_eq(&refused);
    let same = cluster.ask(registration(1)).unwrap();
    assert_eq!(same, cluster.epoch(1), "the same process keeps its epoch");
    assert!(!cluster.state().broker(NodeId(1)).unwrap().fenced);
}

#[test]
fn a_leader_proposes_who_is_in_sync() {
    let mut cluster = Cluster::of(3);
    let assignments = vec![(PartitionIndex(0), vec![NodeId(1), NodeId(2), NodeId(3)])];
    cluster.ask(create(vec![NewTopic { assignments, ..topic("t", -1, -1) }]));
    cluster.transcript.clear();
    let id = cluster.state().topic_id("t").unwrap();
    let broker_epoch = cluster.epoch(1);
    let unknown = BrokerEpoch(-1);
    let proposal = |cluster: &Cluster, isr: &[i32]| {
        let now = cluster.partition("t", 0);
        ProposedIsr {
            topic: id,
            partition: PartitionIndex(0),
            leader_epoch: now.leader_epoch,
            partition_epoch: now.partition_epoch,
            isr: isr.iter().map(|node| (NodeId(*node), unknown)).collect(),
            recovering: false,
        }
    };
    let ask = |cluster: &mut Cluster, broker: i32, proposal: ProposedIsr| {
        let broker_epoch = cluster.epoch(broker);
        let command = AlterPartition { broker: NodeId(broker), broker_epoch, partitions: vec![proposal] };
        cluster.ask(command).unwrap().remove(0).result.err()
    };
    let shrunk = proposal(&cluster, &[1]);
    assert_eq!(ask(&mut cluster, 1, shrunk.clone()), None);
    assert_eq!(
        ask(&mut cluster, 1, shrunk.clone()),
        Some(ErrorCode::InvalidUpdateVersion),
        "of an older epoch"
    );
    let ahead = ProposedIsr { partition_epoch: chronik_types::PartitionEpoch(9), ..shrunk.clone() };
    assert_eq!(ask(&mut cluster, 1, ahead), Some(ErrorCode::NotController));
    let fenced = ProposedIsr { leader_epoch: chronik_types::LeaderEpoch(-1), ..shrunk };
    assert_eq!(ask(&mut cluster, 1, fenced), Some(ErrorCode::FencedLeaderEpoch));
    for (isr, broker, why) in [
        (&[1, 2][..], 2, ErrorCode::InvalidRequest),
        (&[2], 1, ErrorCode::InvalidRequest),
        (&[1, 1], 1, ErrorCode::InvalidRequest),
        (&[1, 9], 1, ErrorCode::InvalidRequest),
    ] {
        let wrong = proposal(&cluster, isr);
        assert_eq!(ask(&mut cluster, broker, wrong), Some(why), "{isr:?} of {broker}");
    }
    let mut stale = proposal(&cluster, &[1, 2]);
    stale.isr[1].1 = BrokerEpoch(3);
    assert_eq!(ask(&mut cluster, 1, stale), Some(ErrorCode::IneligibleReplica));
    let epoch = cluster.epoch(3);
    cluster.ask(FenceBroker { id: NodeId(3), epoch }).unwrap();
    let with_fenced = proposal(&cluster, &[1, 3]);
    assert_eq!(ask(&mut cluster, 1, with_fenced), Some(ErrorCode::IneligibleReplica));
    let grown = proposal(&cluster, &[1, 2]);
    assert_eq!(ask(&mut cluster, 1, grown), None);
    let partitions = vec![proposal(&cluster, &[1])];
    let stale =
        AlterPartition { broker: NodeId(1), broker_epoch: BrokerEpoch(broker_epoch.0 - 1), partitions };
    assert_eq!(cluster.ask(stale).unwrap_err().code, ErrorCode::StaleBrokerEpoch);
    let changes = cluster.transcript.lines().filter(|line| line.contains("RECORD"));
    let changes: String = changes.flat_map(|line| [line, "\n"]).collect();
    expect![[r#"
          17 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1]
          18 BROKER_REGISTRATION_CHANGE_RECORD v0 3 fenced=1 in_controlled_shutdown=0
          19 PARTITION_CHANGE_RECORD v2 vdcyJi_rTpWiIKg5ex3Nrw-0 isr=[1, 2]
    "#]]
    .assert_eq(&changes);
}

#[test]
fn producer_ids_are_given_in_blocks() {
    let mut cluster = Cluster::of(1);
    let broker_epoch = cluster.epoch(1);
    let ask = AllocateProducerIds { broker: NodeId(1), broker_epoch };
    cluster.ask(ask).unwrap();
    cluster.ask(ask).unwrap();
    cluster.ask(AllocateProducerIds { broker_epoch: BrokerEpoch(broker_epoch.0 - 1), ..ask }).unwrap_err();
    cluster.ask(AllocateProducerIds { broker: NodeId(2), ..ask }).unwrap_err();
    told(
        &cluster,
        &expect![[r#"
            11 PRODUCER_IDS_RECORD v0 broker_id: 1, broker_epoch: 9, next_producer_id: 1000
            -> Ok(ProducerIdBlock { first: 0, count: 1000 })
            12 PRODUCER_IDS_RECORD v0 broker_id: 1, broker_epoch: 9, next_producer_id: 2000
            -> Ok(ProducerIdBlock { first: 1000, count: 1000 })
            -> Err(Refused { code: STALE_BROKER_EPOCH, message: Some("Expected broker epoch 9, but got broker epoch 8") })
            -> Err(Refused { code: STALE_BROKER_EPOCH, message: Some("No broker registration found for broker id 2") })
        "#]],
    );
}

#[test]
fn features_change_and_are_refused_in_kafkas_words() {
    let mut cluster = Cluster::of(1);
    let mut told = String::new();
    let mut update = |feature: &str, level, upgrade| {
        let updates = vec![FeatureUpdate { name: name(feature), level, upgrade }];
        let result = cluster.ask(UpdateFeatures { updates, validate_only: false, controller: NodeId(1) });
        let why =
            result.map_or_else(|why| format!("{} {}", why.code, why.message.unwrap()), |()| "OK".to_owned());
        let prefix = "The update failed for all features since the following feature had an error: ";
        writeln!(told, "{}", why.replace(prefix, "")).unwrap();
    };
    use FeatureUpgrade::{SafeDowngrade, UnsafeDowngrade, Upgrade};
    update("nosuch", 1, Upgrade);
    update("group.version", 9, Upgrade);
    update("transaction.version", 1, Upgrade);
    update("metadata.version", 20, Upgrade);
    update("metadata.version", 20, SafeDowngrade);
    update("metadata.version", 20, UnsafeDowngrade);
    update("metadata.version", 31, Upgrade);
    update("metadata.version", 29, SafeDowngrade);
    update("metadata.version", 30, Upgrade);
    update("kraft.version", 0, SafeDowngrade);
    update("kraft.version", 1, Upgrade);
    update("group.version", 1, Upgrade);
    update("transaction.version", 1, SafeDowngrade);
    update("transaction.version", 2, SafeDowngrade);
    update("eligible.leader.replicas.version", 0, SafeDowngrade);
    update("eligible.leader.replicas.version", 1, Upgrade);
    expect![[r#"
        INVALID_UPDATE_VERSION Invalid update version 1 for feature nosuch. Local controller 1 does not support this feature.
        INVALID_UPDATE_VERSION Invalid update version 9 for feature group.version. Local controller 1 only supports versions 0-1
        INVALID_UPDATE_VERSION Invalid update version 1 for feature transaction.version. Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.
        INVALID_UPDATE_VERSION Invalid update version 20 for feature metadata.version. Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.
        INVALID_UPDATE_VERSION Unsupported metadata.version downgrade from 30 to 20. Refusing to perform the requested downgrade because it might delete metadata information.
        INVALID_UPDATE_VERSION Unsupported metadata.version downgrade from 30 to 20. Unsafe metadata downgrade is not supported in this version.
        INVALID_UPDATE_VERSION Invalid update version 31 for feature metadata.version. Local controller 1 only supports versions 7-30
        INVALID_UPDATE_VERSION Unsupported metadata.version downgrade from 30 to 29. Refusing to perform the requested downgrade because it might delete metadata information.
        OK
        INVALID_UPDATE_VERSION Invalid update version 0 for feature kraft.version. Can't downgrade the version of this feature.
        OK
        OK
        OK
        INVALID_UPDATE_VERSION Invalid update version 2 for feature transaction.version. Can't downgrade to a newer version.
        OK
        OK
    "#]].assert_eq(&told);
}

#[test]
fn a_controller_registers() {
    let mut cluster = Cluster::of(1);
    let command = RegisterController {
        id: NodeId(1),
        incarnation: Uuid::from_u128(5),
        zk_migration_ready: false,
        endpoints: Vec::new(),
        features: features(),
    };
    cluster.ask(command.clone()).unwrap();
    assert_eq!(cluster.state().controllers().len(), 1);
    let refused = cluster.ask(RegisterController { features: Vec::new(), ..command }).unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnsupportedVersion);
}

#[test]
fn the_change_feed_is_formed_once_and_is_not_for_clients() {
    let mut cluster = Cluster::unformed();
    cluster.ask(Activate::default());
    let expected = vec![NodeId(1), NodeId(2), NodeId(3)];
    let form = |led_ms| FormMeta { expected: expected.clone(), led_ms, grace_ms: 5000, seed: Seed(1) };
    let join = |cluster: &mut Cluster, id| {
        let epoch = cluster.ask(registration(id)).unwrap();
        cluster.ask(heartbeat(id, epoch)).unwrap();
    };
    assert_eq!(cluster.ask(form(9000)), FormedMeta::TooEarly, "nobody could hold it");
    join(&mut cluster, 2);
    join(&mut cluster, 4);
    assert_eq!(cluster.ask(form(4999)), FormedMeta::TooEarly);
    assert!(form(5000).is_due(cluster.state()));
    join(&mut cluster, 1);
    join(&mut cluster, 3);
    cluster.transcript.clear();
    cluster.ask(form(10));
    assert_eq!(cluster.ask(form(9000)), FormedMeta::Exists);
    let meta = cluster.partition(META_TOPIC, 0);
    assert_eq!(meta.replicas[..], expected[..]);
    assert_eq!((meta.leader, &meta.isr), (NodeId(1), &meta.replicas));
    cluster.ask(create(vec![topic(META_TOPIC, 1, 1)]));
    let more = MorePartitions { name: name(META_TOPIC), count: 2, assignments: None };
    cluster.ask(CreatePartitions { topics: vec![more], validate_only: false, seed: Seed(1) });
    cluster.ask(DeleteTopics { topics: vec![TopicRef::Name(name(META_TOPIC))] });
    for (key, value) in [("retention.ms", "1"), ("retention.bytes", "1000000000")] {
        let operations = vec![(name(key), AlterOp::Set, Some(name(value)))];
        let resources = vec![(ConfigResource::topic(META_TOPIC), operations)];
        cluster.ask(AlterConfigs { resources, validate_only: false });
    }
    told(
        &cluster,
        &expect![[r#"
        17 TOPIC_RECORD v0 name: "__meta", topic_id: kQot7IkCTMGiIKg5ex3Nrw
        18 CONFIG_RECORD v0 resource_type: 2, resource_name: "__meta", name: "retention.bytes", value: Some("268435456")
        19 CONFIG_RECORD v0 resource_type: 2, resource_name: "__meta", name: "retention.ms", value: Some("-1")
        20 CONFIG_RECORD v0 resource_type: 2, resource_name: "__meta", name: "segment.bytes", value: Some("67108864")
        21 PARTITION_RECORD v2 kQot7IkCTMGiIKg5ex3Nrw-0 replicas=[1, 2, 3] isr=[1, 2, 3] leader=1 epoch=0/0
        -> Formed { topic: kQot7IkCTMGiIKg5ex3Nrw, partition: Partition { replicas: [1, 2, 3], directories: [00000001-0000-0000-0000-000000000001, 00000001-0000-0000-0000-000000000002, 00000001-0000-0000-0000-000000000003], isr: [1, 2, 3], removing_replicas: [], adding_replicas: [], elr: [], last_known_elr: [], leader: 1, recovering: false, leader_epoch: 0, partition_epoch: 0 } }
        -> Exists
        -> [("__meta", Err(Refused { code: INVALID_REQUEST, message: Some("Creation of internal topic __meta is prohibited.") }))]
        -> [("__meta", Err(Refused { code: INVALID_REQUEST, message: Some("Extension of internal topic __meta is prohibited.") }))]
        -> [DeletedTopic { name: Some("__meta"), id: kQot7IkCTMGiIKg5ex3Nrw, result: Err(Refused { code: INVALID_REQUEST, message: Some("Deletion of internal topic __meta is prohibited.") }) }]
        -> [(Topic("__meta"), Err(Refused { code: INVALID_CONFIG, message: Some("The configuration retention.ms of __meta cannot be changed. Only these can: compression.type, follower.replication.throttled.replicas, leader.replication.throttled.replicas, retention.bytes, segment.bytes, unclean.leader.election.enable.") }))]
        22 CONFIG_RECORD v0 resource_type: 2, resource_name: "__meta", name: "retention.bytes", value: Some("1000000000")
        -> [(Topic("__meta"), Ok(()))]
    "#]],
    );
}

#[test]
fn the_change_feed_starts_with_whoever_is_there_when_the_grace_time_is_over() {
    let mut cluster = Cluster::of(2);
    let form = FormMeta { expected: vec![NodeId(1), NodeId(3)], led_ms: 5000, grace_ms: 5000, seed: Seed(1) };
    let FormedMeta::Formed { partition, .. } = cluster.ask(form) else { panic!("it is time") };
    assert_eq!(partition.replicas[..], [NodeId(1), NodeId(2)]);
    // Separate controllers expect nobody in particular: three brokers are enough.
    let form = FormMeta { expected: Vec::new(), led_ms: 0, grace_ms: 5000, seed: Seed(1) };
    assert!(!form.is_due(Cluster::of(2).state()) && form.is_due(Cluster::of(3).state()));
}

#[test]
fn who_was_stopped_still_gets_replicas() {
    let mut cluster = Cluster::of(3);
    let epoch = cluster.epoch(1);
    let stopping = Heartbeat { want_shut_down: true, ..heartbeat(1, epoch) };
    cluster.ask(stopping.clone()).unwrap();
    assert!(cluster.ask(stopping).unwrap().is_fenced, "nothing keeps it");
    let created = cluster.ask(create(vec![topic("t", 1, 3)]));
    assert!(created.iter().all(|(_, result)| result.is_ok()), "{created:?}");
    assert_eq!(cluster.partition("t", 0).replicas.len(), 3);
    assert_ne!(cluster.partition("t", 0).leader, NodeId(1));
}
