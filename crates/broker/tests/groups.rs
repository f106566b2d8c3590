//! Groups from the first FindCoordinator to the last LeaveGroup, at every version, and after a restart.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use chronik_broker::Node;
use chronik_log::disk::memory::MemoryDisk;
use chronik_types::ErrorCode;
use chronik_wire::{ApiKey, Listener, StrBytes};
use kafka_protocol::messages::*;
use support::groups::{self, GROUP};
use support::{Client, TestEnv, node, node_and_tasks};
use uuid::Uuid;

const SET: &[(&str, &str)] =
    &[("offsets.topic.replication.factor", "1"), ("group.initial.rebalance.delay.ms", "0")];

fn name(text: &str) -> TopicName {
    TopicName(StrBytes::from_string(text.to_owned()))
}

/// The newest version, or the one that belongs to the `back`-th version before it.
fn version(api: ApiKey, back: i16) -> i16 {
    (api.info().max - back).max(api.info().min)
}

struct World {
    node: Arc<Node>,
    tasks: Arc<TestEnv>,
    client: Client,
    topic: Uuid,
}

impl World {
    fn new(disk: &MemoryDisk) -> World {
        let (node, tasks) = node_and_tasks(disk, SET);
        let mut client = Client::beside(&node, Listener::Broker, &tasks);
        let topic = create_topics_request::CreatableTopic::default()
            .with_name(name("here"))
            .with_num_partitions(2)
            .with_replication_factor(1);
        let created = client.call(7, &CreateTopicsRequest::default().with_topics(vec![topic]));
        World { node, tasks, client, topic: created.topics[0].topic_id }
    }

    fn find(&mut self) {
        let found = self.client.call(6, &groups::find_coordinator(6, 0));
        let one = &found.coordinators[0];
        assert_eq!((one.error_code, one.node_id, one.error_message.as_deref()), (0, BrokerId(1), Some("")));
        let found = self.client.call(3, &groups::find_coordinator(3, 0));
        assert_eq!((found.node_id, found.error_message.as_deref()), (BrokerId(1), Some("NONE")));
        // The coordinator hears of its partitions, and loads them.
        (0..3).for_each(|_| self.tasks.run_spawned());
    }

    fn join(&mut self, back: i16) -> (String, i32) {
        let version = version(ApiKey::JoinGroup, back);
        let mut joined = self.client.call(version, &groups::join(version, "", None));
        if version >= 4 {
            assert_eq!(joined.error_code, ErrorCode::MemberIdRequired.code());
            joined = self.client.call(version, &groups::join(version, &joined.member_id, None));
        }
        assert_eq!((joined.error_code, joined.leader.clone()), (0, joined.member_id.clone()));
        (joined.member_id.to_string(), joined.generation_id)
    }
}

#[test]
fn a_member_comes_commits_and_goes_at_every_version() {
    let mut world = World::new(&MemoryDisk::new(1));
    world.find();
    for back in 0..10 {
        let (member, generation) = world.join(back);
        let at = version(ApiKey::SyncGroup, back);
        let synced = world.client.call(at, &groups::sync(at, &member, generation));
        assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"gets"[..]), "SyncGroup {at}");
        let at = version(ApiKey::Heartbeat, back);
        assert_eq!(world.client.call(at, &groups::heartbeat(at, &member, generation)).error_code, 0);
        let at = version(ApiKey::OffsetCommit, back);
        let offset = 100 + i64::from(back);
        let request = groups::commit_as(at, ("here", world.topic), (&member, generation), offset);
        let committed = world.client.call(at, &request);
        let codes = committed.topics[0].partitions.iter().map(|partition| partition.error_code);
        let codes: Vec<i16> = codes.collect();
        assert_eq!(codes, [0, ErrorCode::UnknownTopicOrPartition.code()], "OffsetCommit {at}");
        let at = version(ApiKey::OffsetFetch, back);
        let fetched = world.client.call(at, &groups::fetch(at, Some(("here", world.topic))));
        let offsets: Vec<i64> = if at >= 8 {
            fetched.groups[0].topics[0].partitions.iter().map(|each| each.committed_offset).collect()
        } else {
            fetched.topics[0].partitions.iter().map(|each| each.committed_offset).collect()
        };
        assert_eq!(offsets, [offset, -1], "OffsetFetch {at}");
        let at = version(ApiKey::DescribeGroups, back);
        let described = world.client.call(at, &groups::describe(at));
        assert_eq!(
            (&*described.groups[0].group_state, &*described.groups[1].group_state),
            ("Stable", "Dead")
        );
        let at = version(ApiKey::LeaveGroup, back);
        assert_eq!(world.client.call(at, &groups::leave(at, &member)).error_code, 0, "LeaveGroup {at}");
    }
    let listed = world.client.call(5, &groups::list(5));
    let listed: Vec<&str> = listed.groups.iter().map(|group| &**group.group_id).collect();
    assert_eq!(listed, [GROUP]);
    let deleted = world.client.call(2, &groups::delete());
    let codes: Vec<i16> = deleted.results.iter().map(|result| result.error_code).collect();
    assert_eq!(codes, [0, ErrorCode::GroupIdNotFound.code()]);
}

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let disk = MemoryDisk::new(1);
    let mut world = World::new(&disk);
    world.find();
    let committed = world.client.call(10, &groups::commit(10, ("here", world.topic), -1));
    assert_eq!(committed.topics[0].partitions[0].error_code, 0);
    let topic = world.topic;
    world.node.stop();
    world.tasks.end_spawned();
    drop(world);
    let (node, tasks) = node_and_tasks(&disk, SET);
    let mut client = Client::beside(&node, Listener::Broker, &tasks);
    (0..3).for_each(|_| tasks.run_spawned());
    let fetched = client.call(10, &groups::fetch(10, None));
    let group = &fetched.groups[0];
    assert_eq!((group.error_code, group.topics[0].topic_id), (0, topic));
    assert_eq!(group.topics[0].partitions[0].committed_offset, 42);
}

#[test]
fn the_metrics_page_tells_how_far_groups_are() {
    let mut world = World::new(&MemoryDisk::new(1));
    world.find();
    world.client.call(10, &groups::commit(10, ("here", world.topic), -1));
    let page = world.node.metrics_page();
    let labels = format!("{{group=\"{GROUP}\",topic=\"here\",partition=\"0\"}}");
    for line in [
        format!("chronik_group_committed_offset{labels} 42"),
        // Nothing was written: a group cannot be behind by less than nothing.
        format!("chronik_group_lag{labels} 0"),
        "chronik_group_partitions_left_out 0".to_owned(),
    ] {
        assert!(page.contains(&line), "{line} in {page}");
    }
}

#[test]
fn offsets_in_a_deleted_topic_go_with_it() {
    let mut world = World::new(&MemoryDisk::new(1));
    world.find();
    world.client.call(10, &groups::commit(10, ("here", world.topic), -1));
    let gone = delete_topics_request::DeleteTopicState::default().with_name(Some(name("here")));
    let deleted = world.client.call(6, &DeleteTopicsRequest::default().with_topics(vec![gone]));
    assert_eq!(deleted.responses[0].error_code, 0);
    world.tasks.run_spawned();
    assert!(world.client.call(9, &groups::fetch(9, None)).groups[0].topics.is_empty());
}

#[test]
fn who_asks_the_wrong_broker_or_asks_too_early_is_told_so() {
    let mut world = World::new(&MemoryDisk::new(1));
    let code = world.client.call(4, &groups::heartbeat(4, "nobody", 1)).error_code;
    assert_eq!(code, ErrorCode::NotCoordinator.code());
    world.find();
    let code = world.client.call(4, &groups::heartbeat(4, "nobody", 1)).error_code;
    assert_eq!(code, ErrorCode::UnknownMemberId.code());
}

#[test]
fn fewer_brokers_than_the_topic_has_replicas_make_no_coordinator() {
    let node = node(&MemoryDisk::new(1), &[("offsets.topic.replication.factor", "3")]);
    let mut client = Client::new(&node, Listener::Broker);
    let found = client.call(3, &groups::find_coordinator(3, 0));
    assert_eq!(found.error_code, ErrorCode::CoordinatorNotAvailable.code());
    assert_eq!((found.node_id, found.port), (BrokerId(-1), -1));
}
