//! A partition's leader dies, and a client asks another broker who leads: it is told once the controller has decided, and is
//! told then of the dead broker too, which its connections still belong to.

mod support;

use std::sync::Arc;
use std::task::{Context, Waker};

use bytes::{Buf, Bytes};
use chronik_broker::Node;
use chronik_log::disk::memory::MemoryDisk;
use chronik_state::cluster::SUPPORTED_FEATURES;
use chronik_types::ErrorCode;
use chronik_wire::client::decode_response;
use chronik_wire::{Listener, StrBytes};
use kafka_protocol::messages::broker_registration_request::{Feature, Listener as Advertised};
use kafka_protocol::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::*;
use support::records::{batch, produce_request};
use support::{Client, TestEnv, encode, node_and_tasks};
use uuid::Uuid;

const OTHER: BrokerId = BrokerId(2);
const VERSION: i16 = 12;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Registers a broker where nobody listens, and says that it lives.
fn register(node: &Arc<Node>, controller: &mut Client) -> BrokerHeartbeatRequest {
    let listener = Advertised::default().with_name(text("PLAINTEXT")).with_host(text("dead")).with_port(9092);
    let features = SUPPORTED_FEATURES.iter().map(|feature| {
        Feature::default()
            .with_name(text(feature.name))
            .with_min_supported_version(feature.min)
            .with_max_supported_version(feature.max)
    });
    let registration = BrokerRegistrationRequest::default()
        .with_broker_id(OTHER)
        .with_cluster_id(text(node.cluster_id()))
        .with_incarnation_id(Uuid::from_u128(2))
        .with_listeners(vec![listener])
        .with_features(features.collect())
        .with_log_dirs(vec![Uuid::from_u128(200)]);
    let registered = controller.call(4, &registration);
    assert_eq!(registered.error_code, 0, "{registered:?}");
    let alive = BrokerHeartbeatRequest::default()
        .with_broker_id(OTHER)
        .with_broker_epoch(registered.broker_epoch)
        .with_current_metadata_offset(i64::MAX);
    let beaten = controller.call(1, &alive);
    assert_eq!((beaten.error_code, beaten.is_fenced), (0, false), "{beaten:?}");
    alive
}

fn create(client: &mut Client, name: &str, replicas: Vec<BrokerId>) {
    let assignment = CreatableReplicaAssignment::default().with_broker_ids(replicas);
    let topic = CreatableTopic::default()
        .with_name(TopicName(text(name)))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(vec![assignment]);
    let created = client.call(7, &CreateTopicsRequest::default().with_topics(vec![topic]));
    assert_eq!(created.topics[0].error_code, 0, "{created:?}");
}

fn question() -> Bytes {
    let topic = MetadataRequestTopic::default().with_name(Some(TopicName(text("orders"))));
    encode(VERSION, &MetadataRequest::default().with_topics(Some(vec![topic])))
}

/// Who leads, and who is listed.
fn told(answer: Bytes) -> (BrokerId, Vec<BrokerId>) {
    let (_, response) = decode_response::<MetadataRequest>(VERSION, answer).expect("it can be read");
    let partition = &response.topics[0].partitions[0];
    assert_eq!(partition.error_code, ErrorCode::None.code());
    (partition.leader_id, response.brokers.iter().map(|broker| broker.node_id).collect())
}

/// A cluster in which broker 2 leads the topic that is asked for; nobody is at its address.
fn led_by_other(tasks: &Arc<TestEnv>, node: &Arc<Node>) -> (Client, BrokerHeartbeatRequest) {
    let mut controller = Client::beside(node, Listener::Controller, tasks);
    let alive = register(node, &mut controller);
    create(&mut controller, "orders", vec![OTHER, BrokerId(1)]);
    (controller, alive)
}

#[test]
fn a_client_that_learns_of_a_death_first_is_not_sent_to_the_dead_leader() {
    let (node, tasks) = node_and_tasks(&MemoryDisk::new(1), &[]);
    let (mut controller, alive) = led_by_other(&tasks, &node);
    // Its follower here is not asked whether it has noticed.
    tasks.end_spawned();
    let mut client = Client::new(&node, Listener::Broker);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(client.raw(question()).expect("it is taken").is_none(), "the leader is asked for a sign of life");
    // By the connection that there was, and by a new one.
    for _ in 0..3 {
        tasks.run_spawned();
        assert!(client.poll(&mut cx).is_none(), "nobody is there: the answer would send it to the dead");
    }

    let fenced = controller.call(1, &alive.with_want_fence(true));
    assert!(fenced.is_fenced, "{fenced:?}");
    let mut answer = client.poll(&mut cx).expect("the controller has decided");
    answer.advance(4);
    assert_eq!(told(answer), (BrokerId(1), vec![BrokerId(1), OTHER]));
}

#[test]
fn a_leader_that_does_not_answer_is_waited_for_only_for_a_while() {
    let (node, tasks) = node_and_tasks(&MemoryDisk::new(1), &[]);
    drop(led_by_other(&tasks, &node));
    tasks.end_spawned();
    let mut client = Client::new(&node, Listener::Broker);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(client.raw(question()).expect("it is taken").is_none());
    // Whoever asks it for a sign of life gets none.
    tasks.end_spawned();
    assert!(client.poll(&mut cx).is_none());
    tasks.wake_all();
    let mut answer = client.poll(&mut cx).expect("it may be frozen, and nothing is known");
    answer.advance(4);
    assert_eq!(told(answer).0, OTHER);
}

#[test]
fn an_answer_that_waited_for_its_turn_is_not_stale() {
    let (node, tasks) = node_and_tasks(&MemoryDisk::new(1), &[]);
    let mut controller = Client::new(&node, Listener::Controller);
    let mut client = Client::new(&node, Listener::Broker);
    let alive = register(&node, &mut controller);
    create(&mut client, "orders", vec![OTHER, BrokerId(1)]);
    create(&mut client, "here", vec![BrokerId(1), OTHER]);
    let produce = encode(11, &produce_request("here", -1, batch(&["a"])));
    assert!(client.raw(produce).expect("it is taken").is_none(), "the other replica does not have it");
    assert!(client.raw(question()).expect("it is taken").is_none(), "answers go out in order");

    let fenced = controller.call(1, &alive.with_want_fence(true));
    assert!(fenced.is_fenced, "{fenced:?}");
    let mut cx = Context::from_waker(Waker::noop());
    client.poll(&mut cx).expect("the dead replica is waited for no longer");
    let mut answer = client.poll(&mut cx).expect("the next one's turn");
    answer.advance(4);
    assert_eq!(told(answer).0, BrokerId(1));
    tasks.end_spawned();
}
