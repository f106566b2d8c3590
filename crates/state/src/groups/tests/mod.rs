//! A shard with a log that commits when it is told to, and members that speak to it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod classic;
mod consumer;
mod migration;
mod offsets;
mod random;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chronik_types::{LeaderEpoch, Millis, Offset, PartitionIndex, TopicId};
use uuid::Uuid;

use super::*;
use crate::records::Name;

/// Topics with their racks, and what groups have configured.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster {
    pub(super) version: i64,
    pub(super) topics: BTreeMap<Name, (TopicId, Vec<Vec<Name>>)>,
    pub(super) configs: BTreeMap<(String, String), Name>,
}

impl Cluster {
    pub(super) fn create(&mut self, name: &str, partitions: usize) -> TopicId {
        self.version += 1;
        let id = TopicId(Uuid::from_u128(1000 + self.topics.len() as u128));
        let id = self.topics.get(name).map_or(id, |(id, _)| *id);
        self.topics.insert(name.into(), (id, vec![Vec::new(); partitions]));
        id
    }
}

impl View for Cluster {
    fn version(&self) -> i64 {
        self.version
    }
    fn topic(&self, name: &str) -> Option<TopicView> {
        let (id, partitions) = self.topics.get(name)?;
        Some(TopicView { id: *id, name: name.into(), partitions: partitions.len() })
    }
    fn topic_by_id(&self, id: TopicId) -> Option<TopicView> {
        let (name, _) = self.topics.iter().find(|(_, (of, _))| *of == id)?;
        View::topic(self, name)
    }
    fn racks(&self, topic: TopicId, partition: PartitionIndex) -> Vec<Name> {
        let topic = self.topics.values().find(|(of, _)| *of == topic);
        topic.and_then(|(_, racks)| racks.get(partition.0 as usize)).cloned().unwrap_or_default()
    }
    fn topic_names(&self) -> Vec<Name> {
        self.topics.keys().cloned().collect()
    }
    fn group_config(&self, group: &str, key: &str) -> Option<Name> {
        self.configs.get(&(group.to_owned(), key.to_owned())).cloned()
    }
}

/// The world around one shard.
pub(super) struct World {
    pub(super) shard: Shard<u64>,
    pub(super) options: Arc<Options>,
    pub(super) cluster: Cluster,
    pub(super) now: i64,
    pub(super) log: Vec<records::Encoded>,
    pub(super) replies: BTreeMap<u64, Reply>,
    asked: u64,
}

impl World {
    pub(super) fn new(options: Options) -> World {
        let (options, cluster) = (Arc::new(options), Cluster::default());
        let at = At { now: Millis(1_000_000), clock: Millis(0), view: &cluster };
        let log = Log { epoch: LeaderEpoch(1), end: Offset(0), committed: Offset(0) };
        let shard = Shard::new(Arc::clone(&options), GroupMachine::default(), log, &at);
        World { shard, options, cluster, now: 0, log: Vec::new(), replies: BTreeMap::new(), asked: 0 }
    }

    fn with<R>(&mut self, act: impl FnOnce(&mut Shard<u64>, &At<'_>) -> R) -> R {
        let at = At { now: Millis(1_000_000 + self.now), clock: Millis(self.now), view: &self.cluster };
        act(&mut self.shard, &at)
    }

    /// Appends and commits all that there is.
    pub(super) fn settle(&mut self) {
        for append in self.shard.appends() {
            assert_eq!(append.base_offset, Offset(self.log.len() as i64));
            assert!(!append.records.is_empty());
            self.log.extend(append.records);
        }
        self.shard.committed(Offset(self.log.len() as i64));
        for (token, reply) in self.shard.replies() {
            assert_eq!(self.replies.insert(token, reply), None, "{token} was answered before");
        }
    }

    pub(super) fn start(&mut self, request: Request) -> u64 {
        self.asked += 1;
        let token = self.asked;
        self.with(|shard, at| shard.handle(at, request, token));
        self.settle();
        token
    }

    pub(super) fn ask(&mut self, request: Request) -> Reply {
        let token = self.start(request);
        self.replies.remove(&token).expect("an answer at once")
    }

    pub(super) fn answer(&mut self, token: u64) -> Reply {
        self.replies.remove(&token).expect("an answer by now")
    }

    pub(super) fn waits(&self, token: u64) -> bool {
        !self.replies.contains_key(&token)
    }

    /// Lets time pass, stopping wherever something is due.
    pub(super) fn pass(&mut self, ms: i64) {
        let end = self.now + ms;
        while let Some(next) = self.shard.next_deadline().filter(|next| next.0 <= end) {
            self.now = self.now.max(next.0);
            self.with(|shard, at| shard.tick(at));
            self.settle();
        }
        self.now = end;
    }

    /// What the log says.
    pub(super) fn replayed(&self) -> GroupMachine {
        let mut machine = GroupMachine::default();
        for record in &self.log {
            assert_eq!(machine.replay(&record.key, record.value.as_ref()), Ok(Replayed::Applied));
        }
        machine
    }

    /// The coordinator moves: another shard goes on from the log. Returns who was left without an answer.
    pub(super) fn fail_over(&mut self) -> Vec<u64> {
        let machine = self.replayed();
        assert_eq!(machine.state(), self.shard.state(), "the log says what the shard believes");
        let mut restored = GroupState::default();
        for change in machine.state().snapshot() {
            restored.apply(&change);
        }
        assert_eq!(&restored, machine.state(), "a snapshot says the same");
        let end = Offset(self.log.len() as i64);
        let log = Log { epoch: self.shard.epoch(), end, committed: end };
        let options = Arc::clone(&self.options);
        let shard = self.with(|_, at| Shard::new(options, machine, log, at));
        let tokens = std::mem::replace(&mut self.shard, shard).resign();
        self.settle();
        tokens
    }
}

pub(super) fn join(group: &str, member: &str, asked: u128) -> JoinGroup {
    let metadata = |topics: &[&str]| {
        let topics = topics.iter().map(|topic| Name::from(*topic)).collect();
        subscription::write(&subscription::Subscription { version: 3, topics, ..Default::default() })
    };
    JoinGroup {
        group_id: group.into(),
        member_id: member.into(),
        instance_id: None,
        client: Client { id: "client".into(), host: "/127.0.0.1".into() },
        protocol_type: "consumer".into(),
        protocols: vec![("range".into(), metadata(&["a"])), ("other".into(), Bytes::from_static(b"x"))],
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        reason: None,
        requires_known_member_id: true,
        supports_skipping_assignment: true,
        fresh: Uuid::from_u128(asked),
    }
}

pub(super) fn sync(group: &str, generation: i32, member: &Name, assignments: &[(&Name, &str)]) -> SyncGroup {
    SyncGroup {
        group_id: group.into(),
        generation,
        member_id: member.clone(),
        instance_id: None,
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: assignments
            .iter()
            .map(|(id, text)| ((*id).clone(), Bytes::from((*text).to_owned())))
            .collect(),
    }
}

pub(super) fn commit(group: &str, generation: i32, member: &str, offset: i64) -> OffsetCommit {
    OffsetCommit {
        group_id: group.into(),
        generation_or_epoch: generation,
        member_id: member.into(),
        instance_id: None,
        retention_ms: None,
        version: 9,
        partitions: vec![CommitPartition {
            topic: "a".into(),
            topic_id: TopicId::ZERO,
            partition: PartitionIndex(0),
            offset: Offset(offset),
            leader_epoch: 3,
            metadata: None,
        }],
    }
}

pub(super) fn fetch_all(group: &str) -> OffsetFetch {
    OffsetFetch {
        group_id: group.into(),
        member_id: None,
        member_epoch: -1,
        require_stable: false,
        partitions: None,
    }
}
