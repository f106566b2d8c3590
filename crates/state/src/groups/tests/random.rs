//! Random histories of members that join, fall silent, come back, leave and crash, with a coordinator that moves.
//!
//! A partition never has two owners; what was committed is never lost; the log always says what the coordinator believes;
//! and when the trouble ends everyone has a share.

use std::collections::BTreeSet;

use chronik_types::ErrorCode;
use proptest::prelude::*;

use super::consumer::{Consumer, converge, world};
use super::*;

#[derive(Clone, Debug)]
enum Step {
    Beat(usize),
    /// The answer gets lost.
    BeatInVain(usize),
    Leave(usize),
    LeaveForAWhile(usize),
    /// The process dies and comes back at once, having forgotten everything.
    Restart(usize),
    Subscribe(usize, u8),
    Pass(i64),
    Grow,
    FailOver,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let member = 0usize..5;
    let step = prop_oneof![
        12 => member.clone().prop_map(Step::Beat),
        2 => member.clone().prop_map(Step::BeatInVain),
        1 => member.clone().prop_map(Step::Leave),
        1 => member.clone().prop_map(Step::LeaveForAWhile),
        1 => member.clone().prop_map(Step::Restart),
        1 => (member, 0u8..5).prop_map(|(at, topics)| Step::Subscribe(at, topics)),
        5 => (0i64..15_000).prop_map(Step::Pass),
        1 => Just(Step::Grow),
        1 => Just(Step::FailOver),
    ];
    proptest::collection::vec(step, 1..80)
}

fn consumers() -> Vec<Consumer> {
    let consumer = |at: usize| {
        let instance = at.is_multiple_of(2).then(|| Name::from(format!("i{at}")));
        Consumer { instance, ..Consumer::new(&format!("m{at}"), &["a"]) }
    };
    (0..5).map(consumer).collect()
}

fn subscribe(consumer: &mut Consumer, topics: u8) {
    let names: &[&str] = match topics {
        0 => &["a"],
        1 => &["b"],
        2 => &["a", "b"],
        3 => &["nothing"],
        _ => &[],
    };
    consumer.topics = names.iter().map(|name| Name::from(*name)).collect();
    consumer.pattern = Some(if topics == 4 { "a|b".into() } else { "".into() });
}

fn act(world: &mut World, consumers: &mut [Consumer], step: &Step) {
    match step {
        Step::Beat(at) => {
            let before = consumers[*at].count();
            consumers[*at].beat(world).ok();
            if consumers[*at].count() < before {
                // What was given up is said at once.
                consumers[*at].beat(world).ok();
            }
        }
        Step::BeatInVain(at) => {
            let mut lost = consumers[*at].clone();
            lost.beat(world).ok();
        }
        Step::Leave(at) => {
            consumers[*at].leave(world, -1).ok();
        }
        Step::LeaveForAWhile(at) if consumers[*at].instance.is_some() => {
            consumers[*at].leave(world, -2).ok();
        }
        Step::LeaveForAWhile(_) => {}
        Step::Restart(at) => {
            consumers[*at].forget();
            consumers[*at].id.push('x');
        }
        Step::Subscribe(at, topics) => subscribe(&mut consumers[*at], *topics),
        Step::Pass(ms) => world.pass(*ms),
        Step::Grow => {
            let partitions = world.cluster.topics["b"].1.len() + 1;
            world.cluster.create("b", partitions.min(6));
        }
        Step::FailOver => assert_eq!(world.fail_over(), [] as [u64; 0], "nobody waits in this protocol"),
    }
}

/// Whatever the coordinator says that members own, or have not given up yet, is owned once.
fn check_owners(world: &World) {
    let Some(group) = world.shard.state().consumer("g") else { return };
    let mut known = BTreeSet::new();
    for member in group.members.values() {
        assert!(member.epoch <= group.target_epoch && group.target_epoch <= group.epoch);
        for (topic, partitions) in member.assigned.iter().chain(&member.pending_revocation) {
            for partition in partitions.keys() {
                assert!(known.insert((*topic, *partition)), "{topic}-{partition} is with two members");
                assert_eq!(group.owner_epoch(*topic, *partition), Some(member.epoch));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_partition_never_has_two_owners(steps in steps()) {
        let mut world = world();
        let mut consumers = consumers();
        for step in &steps {
            act(&mut world, &mut consumers, step);
            check_owners(&world);
        }
        world.fail_over();
        // Whoever is not back by then is gone.
        world.pass(46_000);
        for consumer in &mut consumers {
            subscribe(consumer, 2);
        }
        converge(&mut world, &mut consumers);
        check_owners(&world);
        let all: usize = world.cluster.topics.values().map(|(_, partitions)| partitions.len()).sum();
        let counts: Vec<usize> = consumers.iter().map(Consumer::count).collect();
        prop_assert_eq!(counts.iter().sum::<usize>(), all, "everything is with somebody");
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{:?}", counts);
    }
}

/// A member of a classic group, who does what it is told.
#[derive(Clone, Debug, Default)]
struct Member {
    id: String,
    generation: i32,
    waits: Option<(u64, bool)>,
    assignment: Option<(i32, Bytes)>,
}

#[derive(Clone, Debug)]
enum Turn {
    Go(usize),
    Beat(usize),
    Commit(usize),
    Crash(usize),
    Leave(usize),
    Pass(i64),
    FailOver,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let member = 0usize..4;
    let turn = prop_oneof![
        12 => member.clone().prop_map(Turn::Go),
        4 => member.clone().prop_map(Turn::Beat),
        4 => member.clone().prop_map(Turn::Commit),
        1 => member.clone().prop_map(Turn::Crash),
        1 => member.prop_map(Turn::Leave),
        5 => (0i64..8_000).prop_map(Turn::Pass),
        1 => Just(Turn::FailOver),
    ];
    proptest::collection::vec(turn, 1..100)
}

/// The members, and what they are owed.
struct Classics {
    members: Vec<Member>,
    /// Who has which part of each generation.
    parts: BTreeMap<(i32, Bytes), String>,
    committed: i64,
}

impl Classics {
    fn take(&mut self, world: &mut World, at: usize) {
        let member = &mut self.members[at];
        let Some((token, _)) = member.waits else { return };
        let Some(reply) = world.replies.remove(&token) else { return };
        member.waits = None;
        match reply {
            Reply::JoinGroup(joined) if joined.error.is_none() => {
                member.id = joined.member_id.to_string();
                member.generation = joined.generation;
                member.assignment = None;
                let parts = joined.members.iter().enumerate();
                let parts: Vec<(Name, String)> =
                    parts.map(|(at, of)| (of.member_id.clone(), format!("part {at}"))).collect();
                let parts: Vec<(&Name, &str)> = parts.iter().map(|(id, part)| (id, part.as_str())).collect();
                let id = Name::from(member.id.as_str());
                let token = world.start(Request::SyncGroup(sync("g", member.generation, &id, &parts)));
                self.members[at].waits = Some((token, false));
            }
            Reply::JoinGroup(joined) if joined.error == ErrorCode::MemberIdRequired => {
                member.id = joined.member_id.to_string();
            }
            Reply::JoinGroup(_) => *member = Member::default(),
            Reply::SyncGroup(synced) if synced.error.is_none() => {
                let (generation, part) = (member.generation, synced.assignment);
                member.assignment = Some((generation, part.clone()));
                let owner = self.parts.entry((generation, part)).or_insert_with(|| member.id.clone());
                assert_eq!(*owner, member.id, "a part of generation {generation} has two owners");
            }
            Reply::SyncGroup(_) => member.generation = 0,
            other => panic!("{other:?}"),
        }
    }

    fn act(&mut self, world: &mut World, turn: &Turn, fresh: u128) {
        for at in 0..self.members.len() {
            self.take(world, at);
        }
        match turn {
            Turn::Go(at) if self.members[*at].waits.is_none() && self.members[*at].assignment.is_none() => {
                let id = self.members[*at].id.clone();
                let token = world.start(Request::JoinGroup(join("g", &id, fresh)));
                self.members[*at].waits = Some((token, true));
            }
            Turn::Beat(at) if self.members[*at].assignment.is_some() => {
                let member = &mut self.members[*at];
                let request = Heartbeat {
                    group_id: "g".into(),
                    generation: member.generation,
                    member_id: member.id.as_str().into(),
                    instance_id: None,
                };
                match world.ask(Request::Heartbeat(request)) {
                    Reply::Heartbeat(ErrorCode::None) => {}
                    Reply::Heartbeat(ErrorCode::RebalanceInProgress) => member.assignment = None,
                    _ => *member = Member::default(),
                }
            }
            Turn::Commit(at) => {
                let member = &self.members[*at];
                let Some((generation, _)) = member.assignment else { return };
                let next = self.committed + 1;
                let request = commit("g", generation, &member.id, next);
                let Reply::OffsetCommit(errors) = world.ask(Request::OffsetCommit(request)) else { panic!() };
                if errors == [ErrorCode::None] {
                    self.committed = next;
                }
            }
            Turn::Crash(at) => self.members[*at] = Member::default(),
            Turn::Leave(at) if self.members[*at].waits.is_none() => {
                let id = self.members[*at].id.as_str().into();
                let members = vec![LeavingMember { member_id: id, instance_id: None, reason: None }];
                world.ask(Request::LeaveGroup(LeaveGroup { group_id: "g".into(), members }));
                self.members[*at] = Member::default();
            }
            Turn::Pass(ms) => world.pass(*ms),
            Turn::FailOver => {
                let lost = world.fail_over();
                for member in &mut self.members {
                    if member.waits.is_some_and(|(token, _)| lost.contains(&token)) {
                        member.waits = None;
                        member.generation = 0;
                    }
                }
            }
            _ => {}
        }
    }

    fn check(&self, world: &mut World) {
        let Reply::OffsetFetch(Ok(fetched)) = world.ask(Request::OffsetFetch(fetch_all("g"))) else {
            panic!()
        };
        assert_eq!(fetched.first().map_or(0, |of| of.offset.0), self.committed, "a committed offset is kept");
        assert_eq!(world.replayed().state(), world.shard.state());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_part_of_a_generation_has_one_owner(turns in turns()) {
        let mut world = World::new(Options::default());
        let mut classics =
            Classics { members: vec![Member::default(); 4], parts: BTreeMap::new(), committed: 0 };
        for (fresh, turn) in turns.iter().enumerate() {
            classics.act(&mut world, turn, fresh as u128 + 1);
            classics.check(&mut world);
        }
        for round in 0..40 {
            for at in 0..4 {
                classics.act(&mut world, &Turn::Go(at), 10_000 + round * 4 + at as u128);
                classics.act(&mut world, &Turn::Beat(at), 0);
            }
            classics.act(&mut world, &Turn::Pass(3000), 0);
        }
        let generation = classics.members[0].assignment.as_ref().map(|(generation, _)| *generation);
        for member in &classics.members {
            let own = member.assignment.as_ref().map(|(generation, _)| *generation);
            prop_assert!(own.is_some() && own == generation, "all are in one generation: {:?}", classics.members);
        }
    }
}
