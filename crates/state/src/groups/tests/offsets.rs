//! Committed offsets, and the groups that only have them.

use chronik_types::{ErrorCode, ProducerId};

use super::*;

fn fetched(world: &mut World, group: &str) -> Vec<FetchedOffset> {
    match world.ask(Request::OffsetFetch(fetch_all(group))) {
        Reply::OffsetFetch(Ok(fetched)) => fetched,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_group_may_only_commit() {
    let mut world = World::new(Options::default());
    let committed = world.ask(Request::OffsetCommit(commit("g", -1, "", 42)));
    assert_eq!(committed, Reply::OffsetCommit(vec![ErrorCode::None]));
    let offsets = fetched(&mut world, "g");
    assert_eq!((offsets.len(), offsets[0].offset, offsets[0].leader_epoch), (1, Offset(42), 3));
    world.fail_over();
    assert_eq!(fetched(&mut world, "g"), offsets);
    let Reply::ListGroups(groups) = world.ask(Request::ListGroups(ListGroups::default())) else { panic!() };
    assert_eq!((&*groups[0].group_id, groups[0].state, groups[0].kind), ("g", "Empty", "classic"));
    assert_eq!(fetched(&mut world, "other"), []);
}

#[test]
fn a_commit_of_a_generation_that_is_not_is_refused() {
    let mut world = World::new(Options::default());
    let refused = world.ask(Request::OffsetCommit(commit("g", 5, "m", 1)));
    assert_eq!(refused, Reply::OffsetCommit(vec![ErrorCode::GroupIdNotFound]));
    let older = OffsetCommit { version: 8, ..commit("g", 5, "m", 1) };
    let refused = world.ask(Request::OffsetCommit(older));
    assert_eq!(refused, Reply::OffsetCommit(vec![ErrorCode::IllegalGeneration]));
    let mut long = commit("g", -1, "", 1);
    long.partitions[0].metadata = Some("x".repeat(4097).into());
    let refused = world.ask(Request::OffsetCommit(long));
    assert_eq!(refused, Reply::OffsetCommit(vec![ErrorCode::OffsetMetadataTooLarge]));
    assert!(world.log.is_empty());
}

#[test]
fn offsets_expire_and_their_group_with_them() {
    let mut world = World::new(Options::default());
    world.ask(Request::OffsetCommit(commit("g", -1, "", 42)));
    let retention = world.options.offsets_retention_ms;
    world.pass(retention - 1);
    assert_eq!(fetched(&mut world, "g").len(), 1);
    world.pass(600_001);
    assert_eq!(fetched(&mut world, "g"), []);
    assert_eq!(world.ask(Request::DeleteGroup("g".into())), Reply::DeleteGroup(ErrorCode::GroupIdNotFound));
    assert_eq!(world.replayed(), GroupMachine::default());
}

#[test]
fn a_short_retention_of_its_own_counts() {
    let mut world = World::new(Options::default());
    let request = OffsetCommit { retention_ms: Some(1000), version: 4, ..commit("g", -1, "", 42) };
    world.ask(Request::OffsetCommit(request));
    world.pass(600_001);
    assert_eq!(fetched(&mut world, "g"), []);
}

#[test]
fn offsets_are_deleted_one_by_one_or_with_their_topic() {
    let mut world = World::new(Options::default());
    world.ask(Request::OffsetCommit(commit("g", -1, "", 42)));
    let partitions = vec![("a".into(), PartitionIndex(0)), ("b".into(), PartitionIndex(0))];
    let request = OffsetDelete { group_id: "g".into(), partitions };
    let deleted = world.ask(Request::OffsetDelete(request.clone()));
    assert_eq!(deleted, Reply::OffsetDelete(Ok(vec![ErrorCode::None; 2])));
    assert_eq!(fetched(&mut world, "g"), []);
    let deleted = world.ask(Request::OffsetDelete(request));
    assert_eq!(deleted, Reply::OffsetDelete(Err(ErrorCode::GroupIdNotFound)));
    let of_nobody = OffsetDelete { group_id: "".into(), partitions: Vec::new() };
    let deleted = world.ask(Request::OffsetDelete(of_nobody));
    assert_eq!(deleted, Reply::OffsetDelete(Err(ErrorCode::InvalidGroupId)));
    world.ask(Request::OffsetCommit(commit("g", -1, "", 43)));
    world.with(|shard, at| shard.topics_deleted(at, &["a".into()]));
    world.settle();
    assert_eq!(fetched(&mut world, "g"), []);
}

#[test]
fn a_commit_that_no_batch_takes_is_refused() {
    let mut world = World::new(Options { batch_bytes_max: 150, ..Options::default() });
    let refused = world.ask(Request::OffsetCommit(commit("g", -1, "", 42)));
    assert_eq!(refused, Reply::OffsetCommit(vec![ErrorCode::InvalidCommitOffsetSize]));
    assert!(world.log.is_empty());
}

#[test]
fn a_transaction_counts_when_it_is_committed() {
    let mut world = World::new(Options::default());
    world.ask(Request::OffsetCommit(commit("g", -1, "", 42)));
    world.ask(Request::OffsetCommit(commit("g", -1, "", 43)));
    let [first, second] = [0, 1].map(|at| world.log[at].clone());
    let mut machine = GroupMachine::default();
    machine.replay(&first.key, first.value.as_ref()).unwrap();
    machine.replay_pending(ProducerId(1), &second.key, second.value.as_ref()).unwrap();
    let offset = |machine: &GroupMachine| {
        machine.state().offsets("g").unwrap().get("a", PartitionIndex(0)).unwrap().offset
    };
    let is_pending = |machine: &GroupMachine| machine.state().is_pending("g", "a", PartitionIndex(0));
    assert_eq!((offset(&machine), is_pending(&machine)), (42, true));
    let mut aborted = machine.clone();
    machine.end_transaction(ProducerId(1), true);
    assert_eq!((offset(&machine), is_pending(&machine)), (43, false));
    aborted.end_transaction(ProducerId(1), false);
    assert_eq!((offset(&aborted), is_pending(&aborted)), (42, false));
}
