//! The consumer protocol (KIP-848).

use std::collections::BTreeSet;

use chronik_types::ErrorCode;

use super::*;

type Partitions = BTreeMap<TopicId, BTreeSet<PartitionIndex>>;

/// A consumer: what it believes, and what it owns.
#[derive(Clone, Debug, Default)]
pub(super) struct Consumer {
    pub(super) id: String,
    pub(super) epoch: i32,
    pub(super) topics: Vec<Name>,
    pub(super) pattern: Option<Name>,
    pub(super) instance: Option<Name>,
    pub(super) owned: Partitions,
}

impl Consumer {
    pub(super) fn new(id: &str, topics: &[&str]) -> Consumer {
        let topics = topics.iter().map(|topic| Name::from(*topic)).collect();
        Consumer { id: id.to_owned(), topics, ..Consumer::default() }
    }

    fn request(&self, epoch: i32) -> ConsumerHeartbeat {
        let owned = self.owned.iter().map(|(topic_id, partitions)| TopicPartitions {
            topic_id: *topic_id,
            partitions: partitions.iter().copied().collect(),
        });
        ConsumerHeartbeat {
            group_id: "g".into(),
            member_id: self.id.as_str().into(),
            member_epoch: epoch,
            instance_id: self.instance.clone(),
            rack_id: None,
            rebalance_timeout_ms: 20_000,
            subscribed_topic_names: Some(self.topics.clone()),
            subscribed_topic_regex: self.pattern.clone(),
            server_assignor: None,
            topic_partitions: Some(owned.collect()),
            version: 1,
            client: Client { id: "client".into(), host: "/127.0.0.1".into() },
            fresh: Uuid::from_u128(7),
        }
    }

    pub(super) fn forget(&mut self) {
        self.epoch = 0;
        self.owned.clear();
    }

    pub(super) fn beat(&mut self, world: &mut World) -> Result<ConsumerHeartbeatReply, ErrorCode> {
        if self.epoch == 0 {
            self.owned.clear();
        }
        let reply = heartbeat(world, self.request(self.epoch));
        match &reply {
            Ok(reply) => {
                self.epoch = reply.member_epoch;
                if let Some(assignment) = &reply.assignment {
                    let topic = |topic: &TopicPartitions| {
                        (topic.topic_id, topic.partitions.iter().copied().collect())
                    };
                    self.owned = assignment.iter().map(topic).collect();
                }
            }
            Err(_) => self.forget(),
        }
        reply
    }

    pub(super) fn leave(
        &mut self,
        world: &mut World,
        epoch: i32,
    ) -> Result<ConsumerHeartbeatReply, ErrorCode> {
        let reply = heartbeat(world, self.request(epoch));
        self.forget();
        reply
    }

    pub(super) fn count(&self) -> usize {
        self.owned.values().map(BTreeSet::len).sum()
    }
}

fn heartbeat(world: &mut World, request: ConsumerHeartbeat) -> Result<ConsumerHeartbeatReply, ErrorCode> {
    match world.ask(Request::ConsumerHeartbeat(request)) {
        Reply::ConsumerHeartbeat(reply) => reply.map_err(|refused| refused.code),
        other => panic!("{other:?}"),
    }
}

pub(super) fn world() -> World {
    let mut world = World::new(Options::default());
    world.cluster.create("a", 4);
    world.cluster.create("b", 2);
    world
}

/// Heartbeats of everybody until nobody learns anything new.
pub(super) fn converge(world: &mut World, consumers: &mut [Consumer]) {
    for _ in 0..12 {
        for consumer in consumers.iter_mut() {
            consumer.beat(world).ok();
        }
        world.pass(1100);
    }
}

fn describe(world: &mut World) -> DescribedConsumerGroup {
    match world.ask(Request::DescribeConsumerGroup("g".into())) {
        Reply::DescribeConsumerGroup(Ok(group)) => group,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_member_gets_everything_and_shares_with_the_next() {
    let mut world = world();
    let mut one = Consumer::new("one", &["a"]);
    let first = one.beat(&mut world).unwrap();
    assert_eq!((first.member_epoch, first.heartbeat_interval_ms, one.count()), (2, 5000, 4));
    let mut two = Consumer::new("two", &["a"]);
    let second = two.beat(&mut world).unwrap();
    assert_eq!((second.member_epoch, two.count()), (2, 0), "the last target was made just now");
    world.pass(1000);
    assert_eq!((two.beat(&mut world).unwrap().member_epoch, two.count()), (3, 0));
    let told = one.beat(&mut world).unwrap();
    assert_eq!((told.member_epoch, one.count()), (2, 2), "it revokes first");
    two.beat(&mut world).unwrap();
    assert_eq!(two.count(), 0, "nothing is free yet");
    assert_eq!(one.beat(&mut world).unwrap().member_epoch, 3);
    two.beat(&mut world).unwrap();
    assert_eq!((one.count(), two.count()), (2, 2));
    let group = describe(&mut world);
    assert_eq!(
        (group.state, group.epoch, group.assignment_epoch, &*group.assignor),
        ("Stable", 3, 3, "uniform")
    );
    world.fail_over();
    assert_eq!(two.beat(&mut world).unwrap().member_epoch, 3);
}

#[test]
fn a_coordinator_whose_clock_is_behind_makes_targets_at_once() {
    let mut world = world();
    let mut one = Consumer::new("one", &["a"]);
    one.beat(&mut world).unwrap();
    world.now -= 60_000;
    world.fail_over();
    let mut two = Consumer::new("two", &["a"]);
    assert_eq!(two.beat(&mut world).unwrap().member_epoch, 3, "the last target was made in time to come");
    one.beat(&mut world).unwrap();
    assert_eq!(one.count(), 2);
}

#[test]
fn an_epoch_that_is_not_its_own_is_fenced() {
    let mut world = world();
    let mut one = Consumer::new("one", &["a"]);
    one.beat(&mut world).unwrap();
    for (epoch, expected) in
        [(3, ErrorCode::FencedMemberEpoch), (2, ErrorCode::None), (1, ErrorCode::FencedMemberEpoch)]
    {
        let mut other = Consumer { epoch, ..one.clone() };
        assert_eq!(other.beat(&mut world).err().unwrap_or(ErrorCode::None), expected);
    }
    let mut nobody = Consumer { epoch: 1, ..Consumer::new("nobody", &["a"]) };
    assert_eq!(nobody.beat(&mut world), Err(ErrorCode::UnknownMemberId));
    let lost = one.clone();
    one.topics = vec!["a".into(), "b".into()];
    one.beat(&mut world).unwrap();
    world.pass(1000);
    one.beat(&mut world).unwrap();
    assert_eq!(one.epoch, 3);
    assert_eq!(lost.clone().beat(&mut world).unwrap().member_epoch, 3, "it did not hear of its new epoch");
}

#[test]
fn a_silent_member_is_out_after_its_session() {
    let mut world = world();
    let (mut one, mut two) = (Consumer::new("one", &["a"]), Consumer::new("two", &["a"]));
    converge(&mut world, std::slice::from_mut(&mut one));
    converge(&mut world, std::slice::from_mut(&mut two));
    for _ in 0..10 {
        world.pass(5000);
        one.beat(&mut world).unwrap();
    }
    assert_eq!(one.count(), 4);
    assert_eq!(two.beat(&mut world), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn a_member_that_does_not_give_up_in_time_is_out() {
    let mut world = world();
    let mut one = Consumer::new("one", &["a"]);
    one.beat(&mut world).unwrap();
    let mut two = Consumer::new("two", &["a"]);
    world.pass(1000);
    two.beat(&mut world).unwrap();
    let before = one.clone();
    one.beat(&mut world).unwrap();
    for _ in 0..5 {
        world.pass(5000);
        // It lives, but holds on to what it has.
        before.clone().beat(&mut world).ok();
        two.beat(&mut world).unwrap();
    }
    assert_eq!(before.clone().beat(&mut world), Err(ErrorCode::UnknownMemberId));
    converge(&mut world, std::slice::from_mut(&mut two));
    assert_eq!(two.count(), 4);
}

#[test]
fn a_static_member_comes_back_to_what_it_had() {
    let mut world = world();
    let mut one = Consumer { instance: Some("i".into()), ..Consumer::new("one", &["a"]) };
    one.beat(&mut world).unwrap();
    let mut again = Consumer { id: "again".to_owned(), epoch: 0, ..one.clone() };
    again.owned.clear();
    assert_eq!(again.clone().beat(&mut world), Err(ErrorCode::UnreleasedInstanceId));
    assert_eq!(one.leave(&mut world, -2).unwrap().member_epoch, -2);
    assert_eq!(again.beat(&mut world).unwrap().member_epoch, 2);
    assert_eq!(again.count(), 4);
    one.epoch = 2;
    assert_eq!(one.beat(&mut world), Err(ErrorCode::FencedInstanceId));
    assert_eq!(describe(&mut world).members.len(), 1);
    world.fail_over();
}

#[test]
fn the_last_one_out_leaves_the_group_empty() {
    let mut world = world();
    let mut one = Consumer::new("one", &["a"]);
    one.beat(&mut world).unwrap();
    one.leave(&mut world, -1).unwrap();
    assert_eq!(describe(&mut world).state, "Empty");
    assert_eq!(world.ask(Request::DeleteGroup("g".into())), Reply::DeleteGroup(ErrorCode::None));
    assert_eq!(world.replayed(), GroupMachine::default());
}

#[test]
fn a_pattern_finds_topics_that_come_later() {
    let mut world = world();
    let mut one = Consumer { pattern: Some("a|ab.*".into()), ..Consumer::new("one", &[]) };
    one.beat(&mut world).unwrap();
    assert_eq!(one.count(), 4);
    world.cluster.create("abc", 3);
    world.cluster.create("xab", 3);
    world.pass(11_000);
    converge(&mut world, std::slice::from_mut(&mut one));
    assert_eq!(one.count(), 7);
    let mut bad = Consumer { pattern: Some("(".into()), ..Consumer::new("two", &[]) };
    assert_eq!(bad.beat(&mut world), Err(ErrorCode::InvalidRegularExpression));
    one.pattern = Some("".into());
    one.topics = vec!["b".into()];
    converge(&mut world, std::slice::from_mut(&mut one));
    assert_eq!(one.count(), 2);
    assert!(world.shard.state().consumer("g").unwrap().patterns.is_empty());
    world.fail_over();
}

#[test]
fn more_partitions_are_assigned_when_they_come() {
    let mut world = world();
    let mut one = Consumer::new("one", &["a"]);
    one.beat(&mut world).unwrap();
    world.cluster.create("a", 6);
    world.pass(1000);
    assert_eq!(one.beat(&mut world).unwrap().member_epoch, 3);
    assert_eq!(one.count(), 6);
}

#[test]
fn a_commit_needs_the_epoch_in_which_the_partition_came() {
    let mut world = world();
    let mut one = Consumer::new("one", &["a"]);
    one.beat(&mut world).unwrap();
    let commit_with = |world: &mut World, epoch, version| {
        let request = OffsetCommit { version, ..commit("g", epoch, "one", 5) };
        match world.ask(Request::OffsetCommit(request)) {
            Reply::OffsetCommit(errors) => errors[0],
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(commit_with(&mut world, 2, 9), ErrorCode::None);
    assert_eq!(commit_with(&mut world, 2, 8), ErrorCode::UnsupportedVersion);
    assert_eq!(commit_with(&mut world, 3, 9), ErrorCode::StaleMemberEpoch);
    assert_eq!(commit_with(&mut world, -1, 9), ErrorCode::StaleMemberEpoch);
    world.cluster.create("a", 6);
    world.pass(1000);
    one.beat(&mut world).unwrap();
    assert_eq!((one.epoch, commit_with(&mut world, 2, 9)), (3, ErrorCode::None), "it has had the partition");
    let fetch = OffsetFetch { member_id: Some("one".into()), member_epoch: 2, ..fetch_all("g") };
    let fetched = world.ask(Request::OffsetFetch(fetch));
    assert_eq!(fetched, Reply::OffsetFetch(Err(ErrorCode::StaleMemberEpoch)));
}

#[test]
fn what_is_not_well_formed_is_refused() {
    let mut world = world();
    let one = Consumer::new("one", &["a"]);
    let good = one.request(0);
    let cases = [
        (ConsumerHeartbeat { member_id: "".into(), ..good.clone() }, ErrorCode::InvalidRequest),
        (ConsumerHeartbeat { group_id: "".into(), ..good.clone() }, ErrorCode::InvalidRequest),
        (ConsumerHeartbeat { rebalance_timeout_ms: -1, ..good.clone() }, ErrorCode::InvalidRequest),
        (ConsumerHeartbeat { topic_partitions: None, ..good.clone() }, ErrorCode::InvalidRequest),
        (ConsumerHeartbeat { member_epoch: -2, ..good.clone() }, ErrorCode::InvalidRequest),
        (ConsumerHeartbeat { member_epoch: -3, ..good.clone() }, ErrorCode::InvalidRequest),
        (
            ConsumerHeartbeat { server_assignor: Some("x".into()), ..good.clone() },
            ErrorCode::UnsupportedAssignor,
        ),
        (ConsumerHeartbeat { member_epoch: 1, ..good }, ErrorCode::GroupIdNotFound),
    ];
    for (request, error) in cases {
        assert_eq!(heartbeat(&mut world, request), Err(error));
    }
    assert!(world.log.is_empty());
}

#[test]
fn who_subscribes_to_nothing_yet_is_a_member_all_the_same() {
    let mut world = world();
    let mut consumer = Consumer::new("x", &[]);
    assert_eq!(consumer.beat(&mut world).unwrap().member_epoch, 1);
    assert_eq!(consumer.beat(&mut world).unwrap().member_epoch, 1, "0 would be a join");
    assert_eq!(describe(&mut world).state, "Stable");
    consumer.topics = vec!["a".into()];
    world.pass(1000);
    assert_eq!((consumer.beat(&mut world).unwrap().member_epoch, consumer.count()), (2, 4));
}

#[test]
fn no_group_is_described_without_a_name() {
    let mut world = World::new(Options::default());
    for (group, error) in [("", ErrorCode::InvalidGroupId), ("g", ErrorCode::GroupIdNotFound)] {
        let described = world.ask(Request::DescribeConsumerGroup(group.into()));
        let Reply::DescribeConsumerGroup(Err(refused)) = described else { panic!("{described:?}") };
        assert_eq!(refused.code, error);
    }
}
