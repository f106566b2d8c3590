//! Groups that change their protocol while they are in use.

use chronik_types::ErrorCode;

use super::consumer::{Consumer, converge, world};
use super::*;

fn owned(partitions: &[i32]) -> Vec<(Name, Vec<PartitionIndex>)> {
    vec![("a".into(), partitions.iter().copied().map(PartitionIndex).collect())]
}

fn subscription(partitions: &[i32]) -> Bytes {
    subscription::write(&subscription::Subscription {
        version: 3,
        topics: vec!["a".into()],
        owned: owned(partitions),
        rack: None,
    })
}

fn request(member: &Name, partitions: &[i32]) -> Request {
    let mut request = join("g", member, 1);
    request.protocols = vec![("cooperative-sticky".into(), subscription(partitions))];
    Request::JoinGroup(request)
}

fn joined(reply: Reply) -> JoinedGroup {
    match reply {
        Reply::JoinGroup(joined) => joined,
        other => panic!("{other:?}"),
    }
}

fn synced(world: &mut World, generation: i32, id: &Name, given: &[i32]) -> SyncedGroup {
    let assignment = subscription::write_assignment(3, &owned(given));
    let request = SyncGroup {
        group_id: "g".into(),
        generation,
        member_id: id.clone(),
        instance_id: None,
        protocol_type: Some("consumer".into()),
        protocol_name: Some("cooperative-sticky".into()),
        assignments: if given.is_empty() { Vec::new() } else { vec![(id.clone(), assignment)] },
    };
    match world.ask(Request::SyncGroup(request)) {
        Reply::SyncGroup(synced) => synced,
        other => panic!("{other:?}"),
    }
}

fn beat(world: &mut World, generation: i32, id: &Name) -> ErrorCode {
    let request = Heartbeat { group_id: "g".into(), generation, member_id: id.clone(), instance_id: None };
    match world.ask(Request::Heartbeat(request)) {
        Reply::Heartbeat(error) => error,
        other => panic!("{other:?}"),
    }
}

/// A classic group of one, who has all of "a".
fn classic() -> (World, Name) {
    let mut world = world();
    let id = joined(world.ask(request(&"".into(), &[]))).member_id;
    let token = world.start(request(&id, &[]));
    world.pass(3000);
    assert_eq!(joined(world.answer(token)).generation, 1);
    assert_eq!(synced(&mut world, 1, &id, &[0, 1, 2, 3]).error, ErrorCode::None);
    (world, id)
}

#[test]
fn a_classic_group_becomes_a_consumer_group_and_back() {
    let (mut world, id) = classic();
    let mut two = Consumer::new("two", &["a"]);
    two.beat(&mut world).unwrap();
    assert_eq!(two.count(), 0, "the classic member has everything");
    world.fail_over();
    assert_eq!(beat(&mut world, 1, &id), ErrorCode::RebalanceInProgress);
    let told = joined(world.ask(request(&id, &[0, 1, 2, 3])));
    assert_eq!((told.error, told.generation, &*told.leader), (ErrorCode::None, 1, ""));
    let mine = synced(&mut world, 1, &id, &[]);
    let kept = subscription::read_assignment(&mine.assignment).unwrap();
    assert_eq!(kept[0].1.len(), 2, "it is to give two up");
    let indexes: Vec<i32> = kept[0].1.iter().map(|partition| partition.0).collect();
    assert_eq!(beat(&mut world, 1, &id), ErrorCode::RebalanceInProgress);
    let told = joined(world.ask(request(&id, &indexes)));
    assert_eq!(told.generation, 2);
    assert_eq!(synced(&mut world, 2, &id, &[]).error, ErrorCode::None);
    assert_eq!(beat(&mut world, 2, &id), ErrorCode::None);
    two.beat(&mut world).unwrap();
    assert_eq!(two.count(), 2);

    two.leave(&mut world, -1).unwrap();
    let Reply::DescribeGroup(Ok(group)) = world.ask(Request::DescribeGroup("g".into())) else { panic!() };
    assert_eq!((group.state, group.members.len()), ("PreparingRebalance", 1));
    assert_eq!(beat(&mut world, 3, &id), ErrorCode::RebalanceInProgress);
    let again = joined(world.ask(request(&id, &indexes)));
    assert_eq!((again.error, again.generation, &again.leader), (ErrorCode::None, 4, &id));
    world.fail_over();
}

#[test]
fn a_policy_may_forbid_it() {
    let (mut world, _) = classic();
    let options = Options { migration_policy: MigrationPolicy::Downgrade, ..Options::default() };
    world.options = Arc::new(options);
    world.fail_over();
    let mut two = Consumer::new("two", &["a"]);
    assert_eq!(two.beat(&mut world), Err(ErrorCode::GroupIdNotFound));
}

#[test]
fn whoever_waits_while_the_group_changes_is_told_to_join_again() {
    let mut world = world();
    let id = joined(world.ask(request(&"".into(), &[]))).member_id;
    let token = world.start(request(&id, &[]));
    Consumer::new("two", &["a"]).beat(&mut world).unwrap();
    assert_eq!(joined(world.answer(token)).error, ErrorCode::RebalanceInProgress);
    let told = joined(world.ask(request(&id, &[])));
    assert_eq!((told.error, told.generation), (ErrorCode::None, 2));
}

#[test]
fn a_classic_member_has_no_step_to_take_before_there_is_a_target() {
    let mut world = world();
    let mut two = Consumer::new("two", &["a"]);
    two.beat(&mut world).unwrap();
    let id = joined(world.ask(request(&"".into(), &[]))).member_id;
    let told = joined(world.ask(request(&id, &[])));
    assert_eq!((told.error, told.generation), (ErrorCode::None, 2), "the last target was made just now");
    assert_eq!(synced(&mut world, 2, &id, &[]).error, ErrorCode::None);
    assert_eq!(beat(&mut world, 2, &id), ErrorCode::None);
    world.pass(1000);
    two.beat(&mut world).unwrap();
    assert_eq!(synced(&mut world, 2, &id, &[]).error, ErrorCode::RebalanceInProgress);
    assert_eq!(beat(&mut world, 2, &id), ErrorCode::RebalanceInProgress);
    assert_eq!(joined(world.ask(request(&id, &[]))).generation, 3);
}

#[test]
fn a_subscription_that_cannot_be_read_gets_an_id_and_no_further() {
    let mut world = world();
    Consumer::new("two", &["a"]).beat(&mut world).unwrap();
    let mut unreadable = join("g", "", 1);
    unreadable.protocols = vec![("range".into(), Bytes::from_static(&[1, 2]))];
    let told = joined(world.ask(Request::JoinGroup(unreadable.clone())));
    assert_eq!(told.error, ErrorCode::MemberIdRequired);
    unreadable.member_id = told.member_id;
    let refused = joined(world.ask(Request::JoinGroup(unreadable)));
    assert_eq!((refused.error, &*refused.member_id), (ErrorCode::UnknownServerError, ""));
}

#[test]
fn a_classic_member_may_leave_a_consumer_group() {
    let (mut world, id) = classic();
    let mut two = Consumer::new("two", &["a"]);
    two.beat(&mut world).unwrap();
    let members = vec![LeavingMember { member_id: id.clone(), instance_id: None, reason: None }];
    let left = world.ask(Request::LeaveGroup(LeaveGroup { group_id: "g".into(), members }));
    let Reply::LeaveGroup(left) = left else { panic!() };
    assert_eq!(left.members[0].error, ErrorCode::None);
    converge(&mut world, std::slice::from_mut(&mut two));
    assert_eq!(two.count(), 4);
    assert_eq!(beat(&mut world, 1, &id), ErrorCode::UnknownMemberId);
}
