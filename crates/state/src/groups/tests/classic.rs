//! The classic protocol.

use chronik_types::ErrorCode;

use super::*;

fn joined(reply: Reply) -> JoinedGroup {
    match reply {
        Reply::JoinGroup(joined) => joined,
        other => panic!("{other:?}"),
    }
}

fn synced(reply: Reply) -> SyncedGroup {
    match reply {
        Reply::SyncGroup(synced) => synced,
        other => panic!("{other:?}"),
    }
}

fn beat(world: &mut World, generation: i32, member: &Name) -> ErrorCode {
    let request =
        Heartbeat { group_id: "g".into(), generation, member_id: member.clone(), instance_id: None };
    match world.ask(Request::Heartbeat(request)) {
        Reply::Heartbeat(error) => error,
        other => panic!("{other:?}"),
    }
}

/// A member that has its id and waits for the others.
fn enter(world: &mut World, fresh: u128) -> (Name, u64) {
    let told = joined(world.ask(Request::JoinGroup(join("g", "", fresh))));
    assert_eq!(told.error, ErrorCode::MemberIdRequired);
    let token = world.start(Request::JoinGroup(join("g", &told.member_id, 0)));
    (told.member_id, token)
}

/// A stable group of two in generation 1; the first leads.
fn two() -> (World, Name, Name) {
    let mut world = World::new(Options::default());
    let (one, first) = enter(&mut world, 1);
    let (two, second) = enter(&mut world, 2);
    assert!(world.waits(first) && world.waits(second));
    world.pass(6000);
    let (first, second) = (joined(world.answer(first)), joined(world.answer(second)));
    assert_eq!((first.generation, second.generation), (1, 1));
    assert_eq!((&first.leader, first.members.len(), second.members.len()), (&one, 2, 0));
    assert_eq!(first.protocol_name.as_deref(), Some("range"));
    let waiting = world.start(Request::SyncGroup(sync("g", 1, &two, &[])));
    assert!(world.waits(waiting));
    let mine = synced(world.ask(Request::SyncGroup(sync("g", 1, &one, &[(&one, "A"), (&two, "B")]))));
    assert_eq!((mine.error, &mine.assignment[..]), (ErrorCode::None, &b"A"[..]));
    assert_eq!(&synced(world.answer(waiting)).assignment[..], b"B");
    (world, one, two)
}

#[test]
fn members_join_sync_and_beat() {
    let (mut world, one, two) = two();
    assert_eq!(beat(&mut world, 1, &one), ErrorCode::None);
    assert_eq!(beat(&mut world, 0, &two), ErrorCode::IllegalGeneration);
    assert_eq!(beat(&mut world, 1, &"nobody".into()), ErrorCode::UnknownMemberId);
    let commit = world.ask(Request::OffsetCommit(commit("g", 1, &one, 7)));
    assert_eq!(commit, Reply::OffsetCommit(vec![ErrorCode::None]));
    assert_eq!(world.replayed().state(), world.shard.state());
}

#[test]
fn a_silent_member_is_out_and_the_others_rejoin() {
    let (mut world, one, two) = two();
    for _ in 0..3 {
        world.pass(4000);
        beat(&mut world, 1, &one);
    }
    assert_eq!(beat(&mut world, 1, &one), ErrorCode::RebalanceInProgress);
    assert_eq!(beat(&mut world, 1, &two), ErrorCode::UnknownMemberId);
    let again = joined(world.ask(Request::JoinGroup(join("g", &one, 0))));
    assert_eq!((again.error, again.generation, again.members.len()), (ErrorCode::None, 2, 1));
}

#[test]
fn a_coordinator_that_takes_over_needs_no_rebalance() {
    let (mut world, one, two) = two();
    assert_eq!(world.fail_over(), [] as [u64; 0]);
    world.pass(9000);
    assert_eq!(beat(&mut world, 1, &one), ErrorCode::None);
    assert_eq!(beat(&mut world, 1, &two), ErrorCode::None);
    let again = synced(world.ask(Request::SyncGroup(sync("g", 1, &two, &[]))));
    assert_eq!(&again.assignment[..], b"B");
}

#[test]
fn who_waits_when_leadership_goes_is_given_back() {
    let mut world = World::new(Options::default());
    let (_, token) = enter(&mut world, 1);
    assert_eq!(world.fail_over(), [token]);
}

#[test]
fn everyone_who_leaves_leaves_the_group_empty() {
    let (mut world, one, two) = two();
    let members =
        [&one, &two].map(|id| LeavingMember { member_id: id.clone(), instance_id: None, reason: None });
    let leave = LeaveGroup { group_id: "g".into(), members: members.to_vec() };
    let Reply::LeaveGroup(left) = world.ask(Request::LeaveGroup(leave)) else { panic!() };
    assert!(left.members.iter().all(|member| member.error.is_none()));
    let Reply::DescribeGroup(Ok(group)) = world.ask(Request::DescribeGroup("g".into())) else { panic!() };
    assert_eq!((group.state, &*group.protocol_type, group.members.len()), ("Empty", "consumer", 0));
    assert_eq!(world.replayed().state().classic("g").unwrap().generation, 2);
    assert_eq!(world.ask(Request::DeleteGroup("g".into())), Reply::DeleteGroup(ErrorCode::None));
    assert_eq!(world.replayed(), GroupMachine::default());
}

#[test]
fn who_leaves_a_group_that_is_not_there_is_unknown() {
    let mut world = World::new(Options::default());
    for (group, error, members) in
        [("g", ErrorCode::None, &[ErrorCode::UnknownMemberId][..]), ("", ErrorCode::InvalidGroupId, &[])]
    {
        let leaving = LeavingMember { member_id: "m".into(), instance_id: None, reason: None };
        let leave = LeaveGroup { group_id: group.into(), members: vec![leaving] };
        let Reply::LeaveGroup(left) = world.ask(Request::LeaveGroup(leave)) else { panic!() };
        assert_eq!(left.error, error);
        assert_eq!(left.members.iter().map(|member| member.error).collect::<Vec<_>>(), members);
    }
}

#[test]
fn static_members_that_leave_no_time_do_not_hold_up_the_others() {
    let mut world = World::new(Options::default());
    let mut request = join("g", "", 1);
    (request.instance_id, request.rebalance_timeout_ms) = (Some("i".into()), 0);
    let first = world.start(Request::JoinGroup(request));
    let (other, second) = enter(&mut world, 2);
    world.pass(6000);
    let one = joined(world.answer(first)).member_id;
    assert_eq!(joined(world.answer(second)).generation, 1);
    world.start(Request::SyncGroup(sync("g", 1, &other, &[])));
    let mut request = sync("g", 1, &one, &[(&one, "A"), (&other, "B")]);
    request.instance_id = Some("i".into());
    world.start(Request::SyncGroup(request));
    // It is the only one that could lead, and does not rejoin.
    let members = vec![LeavingMember { member_id: other, instance_id: None, reason: None }];
    world.ask(Request::LeaveGroup(LeaveGroup { group_id: "g".into(), members }));
    world.pass(5000);
    assert_eq!(world.shard.state().classic("g").map(|group| group.generation), Some(1));
    world.pass(6000);
    assert_eq!(
        world.shard.state().classic("g").map(|group| group.generation),
        Some(2),
        "its session has ended"
    );
}

#[test]
fn a_static_member_takes_its_place_again_without_a_rebalance() {
    let mut world = World::new(Options { initial_rebalance_delay_ms: 0, ..Options::default() });
    let with_instance = |member: &str, fresh| {
        let mut request = join("g", member, fresh);
        request.instance_id = Some("i".into());
        Request::JoinGroup(request)
    };
    let token = world.start(with_instance("", 1));
    world.pass(1);
    let first = joined(world.answer(token));
    let mut request = sync("g", 1, &first.member_id, &[(&first.member_id, "A")]);
    request.instance_id = Some("i".into());
    assert_eq!(synced(world.ask(Request::SyncGroup(request))).error, ErrorCode::None);
    let again = joined(world.ask(with_instance("", 2)));
    assert_eq!((again.error, again.generation, again.skip_assignment), (ErrorCode::None, 1, true));
    assert_ne!(again.member_id, first.member_id);
    let mut request = sync("g", 1, &first.member_id, &[]);
    request.instance_id = Some("i".into());
    assert_eq!(synced(world.ask(Request::SyncGroup(request))).error, ErrorCode::FencedInstanceId);
    let mine = synced(world.ask(Request::SyncGroup(sync("g", 1, &again.member_id, &[]))));
    assert_eq!(&mine.assignment[..], b"A");
    world.fail_over();
    assert_eq!(beat(&mut world, 1, &again.member_id), ErrorCode::None);
}

#[test]
fn a_member_with_nothing_in_common_is_refused() {
    let (mut world, ..) = two();
    let mut request = join("g", "", 3);
    request.protocols = vec![("sticky".into(), Bytes::new())];
    assert_eq!(joined(world.ask(Request::JoinGroup(request))).error, ErrorCode::InconsistentGroupProtocol);
    let mut request = join("g", "", 3);
    request.session_timeout_ms = 1;
    assert_eq!(joined(world.ask(Request::JoinGroup(request))).error, ErrorCode::InvalidSessionTimeout);
    assert_eq!(joined(world.ask(Request::JoinGroup(join("", "", 3)))).error, ErrorCode::InvalidGroupId);
}

#[test]
fn who_does_not_ask_for_its_assignment_is_out() {
    let mut world = World::new(Options::default());
    let (one, first) = enter(&mut world, 1);
    let (two, second) = enter(&mut world, 2);
    world.pass(6000);
    joined(world.answer(first));
    joined(world.answer(second));
    synced(world.ask(Request::SyncGroup(sync("g", 1, &one, &[(&one, "A"), (&two, "B")]))));
    for _ in 0..7 {
        world.pass(7500);
        assert_eq!(beat(&mut world, 1, &two), ErrorCode::None);
        assert_eq!(beat(&mut world, 1, &one), ErrorCode::None);
    }
    world.pass(7600);
    assert_eq!(beat(&mut world, 1, &two), ErrorCode::UnknownMemberId);
    assert_eq!(beat(&mut world, 1, &one), ErrorCode::RebalanceInProgress);
}

#[test]
fn a_full_group_takes_nobody_else() {
    let mut world = World::new(Options { max_size: 1, ..Options::default() });
    let (one, token) = enter(&mut world, 1);
    let told = joined(world.ask(Request::JoinGroup(join("g", "", 2))));
    assert_eq!(told.error, ErrorCode::GroupMaxSizeReached);
    world.pass(6000);
    assert_eq!(joined(world.answer(token)).leader, one);
}
