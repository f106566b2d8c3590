//! Scripts for one partition of three replicas: a leader and its followers, without a network.

use std::sync::Arc;
use std::time::Duration;

use chronik_log::batch::{BatchBuilder, Compression, NewRecord, Origin, ValidateOptions, validate, verify};
use chronik_log::disk::memory::{Failure, Fault, MemoryDisk, Operation};
use chronik_log::{EpochEnd, Files, Log, LogOptions, Open};
use chronik_state::cluster::Nodes;
use chronik_state::config::{Layers, Nothing, TopicConfig};
use chronik_types::{BrokerEpoch, PartitionIndex};
use chronik_wire::fetch::IsolationLevel;
use uuid::Uuid;

use super::*;
use crate::env::{Blocking, Broken, Connecting, Env, Task, Urgency};
use crate::fetch_sessions::{LastFetch, PartitionKey, SessionRequest, Wanted, Watch};

const LAG_MAX: Duration = Duration::from_secs(30);
const OWN: (chronik_types::NodeId, BrokerEpoch) = (chronik_types::NodeId(1), BrokerEpoch(11));

/// What blocks is done at once.
struct Now;

impl Env for Now {
    fn now(&self) -> Millis {
        Millis(1_000)
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
    fn random(&self) -> u128 {
        7
    }
    fn sleep(&self, _duration: Duration) -> Task {
        Box::pin(std::future::pending())
    }
    fn spawn(&self, _task: Task) {}
    fn connect(&self, _host: &str, _port: u16) -> Connecting {
        Box::pin(std::future::ready(Err(Broken { gone: true, reason: "alone".to_owned() })))
    }
    fn block(&self, _urgency: Urgency, work: Blocking) {
        work();
    }
    fn halt(&self, reason: &str) {
        panic!("{reason}");
    }
}

fn settings(min_in_sync: u32, flush_messages: u64) -> Arc<Settings> {
    let layers = Layers { broker: &Nothing, cluster: &Nothing, file: &Nothing };
    let mut topic = TopicConfig::resolve(&Nothing, &layers);
    topic.min_insync_replicas = min_in_sync;
    topic.flush_messages = flush_messages;
    Settings::new(topic, 1_000_000)
}

fn partition(disk: &MemoryDisk, settings: Arc<Settings>) -> Arc<Partition> {
    partition_with(disk, settings, LogOptions::default())
}

fn partition_with(disk: &MemoryDisk, settings: Arc<Settings>, options: LogOptions) -> Arc<Partition> {
    let name = TopicPartition::new("t", 0);
    let topic_id = TopicId(Uuid::from_u128(9));
    let files = Files::new(Arc::new(disk.clone()), 10);
    let open = Open {
        dir: "/data/t-0".into(),
        topic_id,
        options: Arc::new(options),
        start_offset: Offset::ZERO,
        recovery_point: Offset::ZERO,
        cleaned_to: None,
        clean: false,
        rewrite: true,
        now: Millis(0),
    };
    let (log, _) = Log::open(&files, open).unwrap();
    let dir = DataDir::new("/data".into(), Uuid::from_u128(1), files.disk());
    Partition::new((name, topic_id), dir, Arc::new(Metrics::new()), (log, Offset::ZERO), settings)
}

fn fresh() -> Arc<Partition> {
    partition(&MemoryDisk::new(1), settings(1, 1))
}

fn nodes(ids: &[i32]) -> Nodes {
    ids.iter().map(|&id| chronik_types::NodeId(id)).collect()
}

/// This broker, 1, leads 2 and 3.
fn lead(partition: &Partition, epoch: i32, partition_epoch: i32, isr: &[i32]) {
    let mandate = Mandate {
        leader_epoch: LeaderEpoch(epoch),
        partition_epoch: PartitionEpoch(partition_epoch),
        isr: nodes(isr),
        others: nodes(&[2, 3]),
    };
    partition.lead(mandate, Duration::ZERO);
}

fn follow(partition: &Partition, epoch: i32) -> bool {
    partition.follow(chronik_types::NodeId(2), LeaderEpoch(epoch), PartitionEpoch(epoch))
}

fn records(values: &[&str]) -> BatchBuilder {
    let mut builder = BatchBuilder::new(Compression::None);
    for value in values {
        builder.push(NewRecord {
            timestamp: Millis(1_000),
            value: Some(value.as_bytes()),
            ..NewRecord::default()
        });
    }
    builder
}

fn append(partition: &Partition, values: &[&str], all: bool) -> Result<Placed, ErrorCode> {
    let options = ValidateOptions::new(Origin::Client, Millis(1_000));
    let mut batch = validate(records(values).build(), &options).unwrap();
    partition.append(&mut batch, all, None, Millis(1_000)).map_err(|refusal| refusal.code())
}

#[test]
fn what_was_decided_in_another_epoch_is_not_appended() {
    let leader = fresh();
    lead(&leader, 4, 1, &[1]);
    let fenced = |epoch: i32, end: Option<i64>| {
        let options = ValidateOptions::new(Origin::Client, Millis(1_000));
        let mut batch = validate(records(&["a"]).build(), &options).unwrap();
        let fence = Fence { epoch: LeaderEpoch(epoch), end: end.map(Offset) };
        leader
            .append(&mut batch, false, Some(fence), Millis(1_000))
            .map(drop)
            .map_err(|refusal| refusal.code())
    };
    assert_eq!(fenced(3, None), Err(ErrorCode::NotLeaderOrFollower));
    assert_eq!(fenced(4, Some(1)), Err(ErrorCode::NotLeaderOrFollower));
    assert_eq!(fenced(4, Some(0)), Ok(()));
    assert_eq!(fenced(4, None), Ok(()));
}

fn wanted(epoch: i32, offset: i64, last_epoch: i32) -> Wanted {
    Wanted {
        fetch_offset: Offset(offset),
        max_bytes: 1 << 20,
        current_leader_epoch: LeaderEpoch(epoch),
        last_fetched_epoch: LeaderEpoch(last_epoch),
        log_start_offset: Offset(0),
    }
}

/// A follower asks at `offset`; whether it may join those in sync.
fn fetch(partition: &Partition, id: i32, epoch: i32, offset: i64, at: u64) -> Result<bool, ErrorCode> {
    let follower = FollowerFetch {
        id: chronik_types::NodeId(id),
        broker_epoch: BrokerEpoch(i64::from(id) * 10),
        eligible: true,
        is_stale: false,
        now: Duration::from_secs(at),
        lag_max: LAG_MAX,
        heard: LastFetch::default(),
        is_first_look: true,
    };
    let reader =
        Reader { who: &Who::Follower(follower), max_bytes: 1 << 20, at_least_one: true, held_back: false };
    partition.read(&wanted(epoch, offset, -1), reader).map(|readable| readable.may_expand)
}

fn mark(partition: &Partition) -> i64 {
    partition.view().unwrap().high_watermark.0
}

fn copied(offset: i64, epoch: i32, values: &[&str], high_watermark: i64) -> Fetched {
    let builder = records(values).base_offset(Offset(offset)).leader_epoch(LeaderEpoch(epoch));
    Fetched {
        from: Offset(offset),
        records: verify(builder.build()).unwrap(),
        high_watermark: Offset(high_watermark),
        log_start: Offset(0),
    }
}

#[test]
fn a_record_is_committed_when_all_in_sync_have_it_on_disk() {
    let leader = fresh();
    lead(&leader, 5, 1, &[1, 2, 3]);
    let wait = append(&leader, &["a", "b"], true).unwrap().committed.unwrap();
    fetch(&leader, 2, 5, 2, 0).unwrap();
    fetch(&leader, 3, 5, 2, 0).unwrap();
    assert_eq!((mark(&leader), wait.outcome()), (0, None), "not on the leader's disk");
    leader.sync(&Now);
    assert_eq!((mark(&leader), wait.outcome()), (2, Some(ErrorCode::None)));
    let wait = append(&leader, &["c"], true).unwrap().committed.unwrap();
    leader.sync(&Now);
    fetch(&leader, 2, 5, 3, 1).unwrap();
    assert_eq!((mark(&leader), wait.outcome()), (2, None), "not at the other follower");
    fetch(&leader, 3, 5, 3, 1).unwrap();
    assert_eq!((mark(&leader), wait.outcome()), (3, Some(ErrorCode::None)));
}

#[test]
fn with_other_flush_messages_the_page_cache_is_enough() {
    let leader = partition(&MemoryDisk::new(1), settings(1, u64::MAX));
    lead(&leader, 0, 0, &[1, 2]);
    append(&leader, &["a"], true).unwrap();
    fetch(&leader, 2, 0, 1, 0).unwrap();
    assert_eq!(mark(&leader), 1);
}

#[test]
fn a_wrong_epoch_or_role_is_refused() {
    let partition = fresh();
    assert_eq!(append(&partition, &["a"], true).err(), Some(ErrorCode::NotLeaderOrFollower));
    lead(&partition, 5, 1, &[1, 2]);
    assert_eq!(fetch(&partition, 2, 4, 0, 0), Err(ErrorCode::FencedLeaderEpoch));
    assert_eq!(fetch(&partition, 2, 6, 0, 0), Err(ErrorCode::UnknownLeaderEpoch));
    assert_eq!(fetch(&partition, 9, 5, 0, 0), Err(ErrorCode::UnknownLeaderEpoch), "no replica of it");
    let (watch, parked) = (Watch::new(false), Wait::new());
    partition.watch(&watch, 0);
    watch.park(&parked);
    let acked = append(&partition, &["a"], true).unwrap().committed.unwrap();
    assert!(follow(&partition, 6));
    assert!(!follow(&partition, 6), "nothing new");
    assert!(parked.outcome().is_some(), "to be read again");
    assert_eq!(acked.outcome(), Some(ErrorCode::NotLeaderOrFollower));
    assert_eq!(append(&partition, &["b"], false).err(), Some(ErrorCode::NotLeaderOrFollower));
    assert_eq!(partition.check_leads(LeaderEpoch(5)), Err(ErrorCode::FencedLeaderEpoch));
    assert_eq!(partition.check_leads(LeaderEpoch::NONE), Err(ErrorCode::NotLeaderOrFollower));
    lead(&partition, 5, 9, &[1]);
    assert_eq!(partition.leader_epoch(), LeaderEpoch(6), "old news changes nothing");
}

#[test]
fn acks_all_needs_enough_in_sync_before_and_after() {
    let leader = partition(&MemoryDisk::new(1), settings(2, 1));
    lead(&leader, 0, 0, &[1]);
    assert_eq!(append(&leader, &["a"], true).err(), Some(ErrorCode::NotEnoughReplicas));
    append(&leader, &["a"], false).unwrap();
    leader.sync(&Now);
    assert_eq!(mark(&leader), 0, "it does not rise while too few are in sync");
    lead(&leader, 0, 1, &[1, 2]);
    let wait = append(&leader, &["b"], true).unwrap().committed.unwrap();
    leader.sync(&Now);
    lead(&leader, 0, 2, &[1]);
    assert_eq!(wait.outcome(), None);
    assert!(fetch(&leader, 2, 0, 2, 0).unwrap());
    let proposal = leader.propose(OWN, Duration::ZERO, LAG_MAX).unwrap();
    assert_eq!(proposal.isr, [OWN, (chronik_types::NodeId(2), BrokerEpoch(20))]);
    let joined = Ok((PartitionEpoch(3), nodes(&[1, 2])));
    assert!(!leader.proposal_answered(LeaderEpoch(0), joined, Duration::ZERO));
    assert_eq!((mark(&leader), wait.outcome()), (2, Some(ErrorCode::None)));
}

#[test]
fn a_laggard_leaves_and_comes_back() {
    let leader = fresh();
    lead(&leader, 0, 0, &[1, 2, 3]);
    append(&leader, &["a"], true).unwrap();
    leader.sync(&Now);
    for at in [0, 20, 40] {
        fetch(&leader, 2, 0, 1, at).unwrap();
    }
    let (now, again) = (Duration::from_secs(31), Duration::from_secs(32));
    let proposal = leader.propose(OWN, now, LAG_MAX).unwrap();
    assert_eq!(proposal.isr.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(leader.propose(OWN, again, LAG_MAX), None, "one at a time");
    assert_eq!(mark(&leader), 0, "who may still be in sync counts");
    assert!(leader.proposal_answered(LeaderEpoch(0), Err(ErrorCode::RequestTimedOut), now));
    assert_eq!(leader.repropose(OWN), Some(proposal));
    leader.proposal_answered(LeaderEpoch(0), Ok((PartitionEpoch(1), nodes(&[1, 2]))), now);
    assert_eq!(mark(&leader), 1);
    assert!(!fetch(&leader, 3, 0, 0, 41).unwrap());
    assert!(fetch(&leader, 3, 0, 1, 41).unwrap());
    assert_eq!(leader.propose(OWN, again, LAG_MAX).unwrap().isr.len(), 3);
    append(&leader, &["b"], true).unwrap();
    leader.sync(&Now);
    fetch(&leader, 2, 0, 2, 42).unwrap();
    assert_eq!(mark(&leader), 1, "whoever has been proposed counts");
    leader.proposal_answered(LeaderEpoch(0), Err(ErrorCode::IneligibleReplica), again);
    leader.note_brokers(|id| (id.0 == 2).then_some(BrokerEpoch(20)));
    assert_eq!(mark(&leader), 2);
}

#[test]
fn a_new_leader_begins_its_epoch_at_its_end() {
    let partition = fresh();
    follow(&partition, 1);
    assert!(partition.copy(LeaderEpoch(1), &copied(0, 1, &["a", "b"], 1), Millis(0)).is_ok());
    assert_eq!(partition.position(LeaderEpoch(1)), None, "it does not vouch for what is not on its disk");
    assert!(partition.make_durable(&Now, true).unwrap().outcome().is_some());
    let position = partition.position(LeaderEpoch(1)).unwrap();
    assert_eq!((position.end, position.last_epoch), (Offset(2), LeaderEpoch(1)));
    assert_eq!(mark(&partition), 1);
    lead(&partition, 2, 2, &[1, 2]);
    let offsets = partition.offsets().unwrap();
    assert_eq!((offsets.high_watermark, offsets.epoch_start), (Offset(1), Offset(2)));
    assert!(!fetch(&partition, 3, 2, 1, 0).unwrap(), "not in the leader's epoch yet");
    fetch(&partition, 2, 2, 2, 0).unwrap();
    assert_eq!(mark(&partition), 2);
}

#[test]
fn what_the_leader_does_not_have_is_cut_off_and_kept() {
    let disk = MemoryDisk::new(1);
    let partition = partition(&disk, settings(1, 1));
    follow(&partition, 1);
    partition.copy(LeaderEpoch(1), &copied(0, 1, &["a"], 1), Millis(0)).unwrap();
    partition.copy(LeaderEpoch(1), &copied(1, 1, &["b", "c"], 1), Millis(0)).unwrap();
    partition.make_durable(&Now, true);
    assert!(follow(&partition, 3));
    let end = EpochEnd { epoch: LeaderEpoch(1), end_offset: Offset(1) };
    let to = partition.cut_for(LeaderEpoch(3), end).unwrap();
    assert_eq!(to, Offset(1));
    let (epoch, leader) = (LeaderEpoch(3), chronik_types::NodeId(2));
    let cutting = Cutting { epoch, leader, to, reason: "a test" };
    partition.prepare_cut(&cutting, Millis(5)).unwrap();
    partition.cut(&cutting, Millis(5)).unwrap().unwrap();
    assert_eq!(partition.position(epoch).unwrap().end, Offset(1));
    let names: Vec<String> = chronik_log::disk::Disk::list(&disk, std::path::Path::new("/data/t-0"))
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| name.contains("truncated"))
        .collect();
    assert_eq!(names, ["00000000000000000001-3.truncated", "00000000000000000001-3.truncated.json"]);
    // The file is whole batches, and the log is opened as if it were not there.
    drop(partition);
    let again = self::partition(&disk, settings(1, 1));
    assert_eq!(again.view().unwrap().log_end, Offset(1));
    assert_eq!(again.name.partition, PartitionIndex(0));
}

#[test]
fn an_answer_to_an_older_question_is_passed_over() {
    let partition = fresh();
    follow(&partition, 1);
    partition.copy(LeaderEpoch(1), &copied(0, 1, &["a"], 0), Millis(0)).unwrap();
    let twice = partition.copy(LeaderEpoch(1), &copied(0, 1, &["a"], 0), Millis(0));
    assert!(matches!(twice, Err(Unfollowed::Stale)));
    follow(&partition, 2);
    let late = partition.copy(LeaderEpoch(1), &copied(1, 1, &["b"], 0), Millis(0));
    assert!(matches!(late, Err(Unfollowed::Stale)));
}

#[test]
fn records_are_deleted_when_every_live_replica_has_deleted_them() {
    let leader = fresh();
    lead(&leader, 0, 0, &[1, 2]);
    append(&leader, &["a", "b"], true).unwrap();
    leader.sync(&Now);
    fetch(&leader, 2, 0, 2, 0).unwrap();
    leader.with_log(|log, _| log.delete_records(Offset(2)));
    let wait = Wait::new();
    leader.await_deletion(Offset(2), &wait).unwrap();
    assert_eq!(wait.outcome(), None);
    let follower = Wanted { log_start_offset: Offset(2), ..wanted(0, 2, -1) };
    let who = FollowerFetch {
        id: chronik_types::NodeId(2),
        broker_epoch: BrokerEpoch(20),
        eligible: true,
        is_stale: false,
        now: Duration::ZERO,
        lag_max: LAG_MAX,
        heard: LastFetch::default(),
        is_first_look: true,
    };
    let reader = Reader { who: &Who::Follower(who), max_bytes: 100, at_least_one: true, held_back: false };
    leader.read(&follower, reader).unwrap();
    assert_eq!(wait.outcome(), Some(ErrorCode::None));
}

fn consume(
    partition: &Partition,
    epoch: i32,
    offset: i64,
    leader_only: bool,
) -> Result<(i64, bool), ErrorCode> {
    let who = Who::Consumer(Consumer { isolation: IsolationLevel::ReadUncommitted, leader_only });
    let reader = Reader { who: &who, max_bytes: 1 << 20, at_least_one: true, held_back: false };
    let readable = partition.read(&wanted(epoch, offset, -1), reader)?;
    Ok((readable.offsets.high_watermark.0, readable.slice.is_some_and(|slice| !slice.is_empty())))
}

#[test]
fn consumers_read_from_a_follower_what_it_knows_as_committed() {
    let follower = fresh();
    follow(&follower, 4);
    follower.copy(LeaderEpoch(4), &copied(0, 4, &["a", "b"], 0), Millis(1)).unwrap();
    follower.sync(&Now);
    assert_eq!(consume(&follower, 4, 0, true), Err(ErrorCode::NotLeaderOrFollower), "an old consumer");
    assert_eq!(consume(&follower, 4, 0, false), Ok((0, false)), "nothing is committed");
    let news = Fetched { from: Offset(2), records: None, high_watermark: Offset(2), log_start: Offset(0) };
    follower.copy(LeaderEpoch(4), &news, Millis(1)).unwrap();
    assert_eq!(consume(&follower, 4, 0, false), Ok((2, true)));
    assert_eq!(consume(&follower, 4, 3, false), Err(ErrorCode::OffsetOutOfRange));
    assert_eq!(consume(&follower, 3, 0, false), Err(ErrorCode::FencedLeaderEpoch));
    assert_eq!(consume(&follower, 5, 0, false), Err(ErrorCode::UnknownLeaderEpoch));
}

#[test]
fn the_nearest_replica_is_in_sync_and_holds_the_offset() {
    let own = chronik_types::NodeId(1);
    let leader = fresh();
    lead(&leader, 4, 1, &[1, 2]);
    append(&leader, &["a", "b"], false).unwrap();
    leader.sync(&Now);
    fetch(&leader, 2, 4, 1, 0).unwrap();
    fetch(&leader, 3, 4, 2, 0).unwrap();
    let near = |offset, ids: &'static [i32]| {
        leader.nearest(Offset(offset), own, |id| ids.contains(&id.0)).map(|id| id.0)
    };
    assert_eq!(near(0, &[2]), Some(2));
    assert_eq!(near(2, &[2]), None, "it is not there yet");
    assert_eq!(near(0, &[3]), None, "not in sync");
    assert_eq!(near(0, &[1, 2]), None, "the leader is as near");
    assert_eq!(near(0, &[]), None);
}

#[test]
fn who_had_all_and_fetched_of_late_is_in_sync_when_more_is_appended() {
    let leader = fresh();
    lead(&leader, 4, 1, &[1, 2, 3]);
    let sessions = crate::fetch_sessions::FetchSessions::new(1);
    let open = |epoch, wanted: Vec<(PartitionKey, Wanted)>, at| {
        let request = SessionRequest {
            session_id: 7 * i32::from(epoch > 0),
            epoch,
            uses_topic_ids: None,
            wanted,
            forgotten: Vec::new(),
            is_privileged: true,
        };
        sessions.open(request, Duration::from_secs(at), 7).unwrap()
    };
    let key = PartitionKey { topic: "t".into(), topic_id: TopicId::ZERO, partition: PartitionIndex(0) };
    let session = open(0, vec![(key, wanted(4, 0, -1))], 0);
    fetch_in(&leader, 2, 0, &session.last_fetch);
    fetch(&leader, 3, 4, 0, 0).unwrap();
    // The session goes on for a minute without naming the partition.
    open(1, Vec::new(), 60);
    append(&leader, &["a"], false).unwrap();
    let proposal = leader.propose(OWN, Duration::from_secs(61), LAG_MAX).unwrap();
    assert_eq!(proposal.isr.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [1, 2], "3 has been silent");
}

fn fetch_in(partition: &Partition, id: i32, offset: i64, heard: &LastFetch) {
    let follower = FollowerFetch {
        id: chronik_types::NodeId(id),
        broker_epoch: BrokerEpoch(i64::from(id) * 10),
        eligible: true,
        is_stale: false,
        now: Duration::ZERO,
        lag_max: LAG_MAX,
        heard: heard.clone(),
        is_first_look: true,
    };
    let who = Who::Follower(follower);
    let reader = Reader { who: &who, max_bytes: 1 << 20, at_least_one: true, held_back: false };
    partition.read(&wanted(4, offset, -1), reader).unwrap();
}

/// What blocks is kept, to be done later.
#[derive(Default)]
struct Later(parking_lot::Mutex<Vec<Blocking>>);

impl Later {
    fn work(&self) {
        let kept = std::mem::take(&mut *self.0.lock());
        for work in kept {
            work();
        }
    }
}

impl Env for Later {
    fn now(&self) -> Millis {
        Now.now()
    }
    fn elapsed(&self) -> Duration {
        Now.elapsed()
    }
    fn random(&self) -> u128 {
        Now.random()
    }
    fn sleep(&self, duration: Duration) -> Task {
        Now.sleep(duration)
    }
    fn spawn(&self, task: Task) {
        Now.spawn(task);
    }
    fn connect(&self, host: &str, port: u16) -> Connecting {
        Now.connect(host, port)
    }
    fn block(&self, _urgency: Urgency, work: Blocking) {
        self.0.lock().push(work);
    }
    fn halt(&self, reason: &str) {
        Now.halt(reason);
    }
}

fn durable(partition: &Partition) -> i64 {
    partition.view().unwrap().durable.0
}

#[test]
fn what_nobody_waits_for_is_synced_though_others_wait_for_followers() {
    let (leader, env) = (fresh(), Later::default());
    lead(&leader, 1, 1, &[1, 2]);
    let waits = append(&leader, &["a"], true).unwrap().committed.unwrap();
    let cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(waits.poll(&cx).is_pending());
    assert!(!leader.sync(&env));
    append(&leader, &["b"], false).unwrap();
    assert!(leader.sync(&env), "a sync is running");
    env.work();
    assert_eq!(durable(&leader), 2, "b is synced without anybody asking again");
}

#[test]
fn whoever_waits_for_the_end_syncs_it_if_it_is_there() {
    for leaves in [false, true] {
        let (leader, env) = (fresh(), Later::default());
        lead(&leader, 1, 1, &[1, 2]);
        let first = append(&leader, &["a"], true).unwrap().committed.unwrap();
        leader.sync(&env);
        let second = append(&leader, &["b"], true).unwrap().committed.unwrap();
        let cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(second.poll(&cx).is_pending());
        assert!(leader.sync(&env));
        if leaves {
            drop(second);
            env.work();
            assert_eq!(durable(&leader), 2, "nobody would come back for b");
        } else {
            env.work();
            assert_eq!(durable(&leader), 1, "the second leads the next sync");
            assert!(!leader.sync(&env));
            env.work();
            assert_eq!(durable(&leader), 2);
        }
        drop(first);
    }
}

fn disk_fault(operation: Operation, path: &str, kind: std::io::ErrorKind) -> Fault {
    let (operation, path, failure) = (Some(operation), path.to_owned(), Failure::Error(kind));
    Fault { operation, path, after: 0, times: 1, failure }
}

#[test]
fn what_can_not_become_durable_is_not_waited_for() {
    let disk = MemoryDisk::new(1);
    let partition = partition(&disk, settings(1, 1));
    lead(&partition, 1, 1, &[1, 2]);
    append(&partition, &["a"], false).unwrap();
    disk.inject(disk_fault(Operation::Sync, "t-0", std::io::ErrorKind::Other));
    partition.sync(&Now);
    follow(&partition, 2);
    let wait = partition.make_durable(&Now, false).unwrap();
    assert_eq!(wait.outcome(), Some(ErrorCode::KafkaStorageError));
}

#[test]
fn a_leader_whose_directory_failed_proposes_nothing() {
    let leader = fresh();
    lead(&leader, 1, 1, &[1, 2, 3]);
    append(&leader, &["a"], false).unwrap();
    let path = "/data".into();
    leader.dir.failed(&chronik_log::LogError::Poisoned { path });
    assert_eq!(leader.propose(OWN, Duration::from_mins(1), LAG_MAX), None);
}

#[test]
fn what_was_copied_before_the_disk_was_full_becomes_durable() {
    let disk = MemoryDisk::new(1);
    let options = LogOptions { segment_bytes: 100, ..LogOptions::default() };
    let follower = partition_with(&disk, settings(1, 1), options);
    follow(&follower, 1);
    let mut both = records(&["a"]).leader_epoch(LeaderEpoch(1)).build().to_vec();
    both.extend_from_slice(&records(&["b"]).base_offset(Offset(1)).leader_epoch(LeaderEpoch(1)).build());
    let fetched = Fetched {
        from: Offset(0),
        records: verify(both.into()).unwrap(),
        high_watermark: Offset(0),
        log_start: Offset(0),
    };
    let full = disk_fault(Operation::Write, "00000000000000000001.log", std::io::ErrorKind::StorageFull);
    disk.inject(full);
    assert!(matches!(follower.copy(LeaderEpoch(1), &fetched, Millis(0)), Err(Unfollowed::Append(_))));
    assert_eq!(follower.view().unwrap().log_end, Offset(1), "the first of the two is there");
    follower.sync(&Now);
    assert_eq!(follower.position(LeaderEpoch(1)).map(|position| position.end), Some(Offset(1)));
}
