//! A failing disk never turns into a success: what could not be made durable is not acknowledged, a full disk refuses
//! writes and nothing else, and what was acknowledged outlives a crash.

mod support;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use chronik_broker::Node;
use chronik_log::disk::Disk;
use chronik_log::disk::memory::{Failure, Fault, MemoryDisk, Operation};
use chronik_raft::Role;
use chronik_types::{ErrorCode, LeaderEpoch};
use chronik_wire::Listener;
use chronik_wire::messages::MetadataRequest;
use support::records::{batch, create, create_request, fetch, list_offsets_request, nonsense, produce};
use support::{Client, TestEnv, encode, node, node_and_tasks, options};

fn fault(operation: Operation, path: &str, kind: ErrorKind) -> Fault {
    Fault {
        operation: Some(operation),
        path: path.to_owned(),
        after: 0,
        times: 1,
        failure: Failure::Error(kind),
    }
}

#[test]
fn a_failed_sync_is_no_acknowledgement_and_takes_the_directory_offline() {
    let disk = MemoryDisk::new(1);
    let node = node(&disk, &[]);
    let mut client = Client::new(&node, Listener::Broker);
    create(&mut client, "orders", &[]);
    assert_eq!(produce(&mut client, "orders", batch(&["a"])), Ok(0));
    disk.inject(fault(Operation::Sync, "orders-0", ErrorKind::Other));
    assert_eq!(produce(&mut client, "orders", batch(&["b"])), Err(ErrorCode::KafkaStorageError));
    // The fault is over, but a sync is never tried again.
    assert_eq!(produce(&mut client, "orders", batch(&["c"])), Err(ErrorCode::KafkaStorageError));
    assert_eq!(fetch(&mut client, "orders", 0), Err(ErrorCode::KafkaStorageError));
    assert!(!node.is_healthy());
}

#[test]
fn a_failed_write_is_refused() {
    let disk = MemoryDisk::new(1);
    let node = node(&disk, &[]);
    let mut client = Client::new(&node, Listener::Broker);
    create(&mut client, "orders", &[]);
    disk.inject(fault(Operation::Write, "orders-0", ErrorKind::Other));
    assert_eq!(produce(&mut client, "orders", batch(&["a"])), Err(ErrorCode::KafkaStorageError));
    assert!(!node.is_healthy());
}

#[test]
fn a_full_disk_refuses_writes_and_serves_reads_until_there_is_room() {
    let disk = MemoryDisk::new(1);
    let node = node(&disk, &[]);
    let mut client = Client::new(&node, Listener::Broker);
    create(&mut client, "orders", &[]);
    assert_eq!(produce(&mut client, "orders", batch(&["a"])), Ok(0));
    disk.set_capacity(1);
    assert_eq!(produce(&mut client, "orders", batch(&["b"])), Err(ErrorCode::KafkaStorageError));
    assert_eq!(fetch(&mut client, "orders", 0), Ok(vec!["a".to_owned()]));
    assert!(node.is_healthy());
    disk.set_capacity(u64::MAX);
    assert_eq!(produce(&mut client, "orders", batch(&["c"])), Ok(1));
    assert_eq!(fetch(&mut client, "orders", 0), Ok(vec!["a".to_owned(), "c".to_owned()]));
}

#[test]
fn what_has_no_room_to_be_voted_for_waits_and_is_not_acted_on() {
    let disk = MemoryDisk::new(1);
    let quorum_state = Path::new("/data/__cluster_metadata-0/quorum-state");
    let full = |operation| Fault { times: 2, ..fault(operation, "quorum-state", ErrorKind::StorageFull) };
    for operation in [Operation::Create, Operation::Write, Operation::Sync, Operation::Rename] {
        disk.inject(full(operation));
    }
    let env = Arc::new(TestEnv::default());
    let node = Node::boot(Arc::<TestEnv>::clone(&env), options(&disk, &[])).unwrap();
    for _ in 0..8 {
        let quorum = node.inspect().quorum;
        assert_eq!((quorum.role, quorum.epoch, quorum.voted), (Role::Unattached, LeaderEpoch(0), None));
        assert!(disk.content(quorum_state).is_err());
        env.wake_all();
    }
    assert_eq!(node.inspect().quorum.role, Role::Leader);
    assert!(String::from_utf8(disk.content(quorum_state).unwrap()).unwrap().contains("\"leaderEpoch\":1"));
    // Raft was told of the leader change's durability: it is committed.
    assert_eq!(node.inspect().quorum.high_watermark, Some(node.inspect().quorum.log_end));
    env.end_spawned();
}

#[test]
fn a_full_disk_refuses_metadata_and_takes_it_when_there_is_room() {
    let disk = MemoryDisk::new(1);
    let (node, env) = node_and_tasks(&disk, &[]);
    let mut client = Client::new(&node, Listener::Broker);
    create(&mut client, "orders", &[]);
    assert_eq!(produce(&mut client, "orders", batch(&["a"])), Ok(0));
    disk.set_capacity(1);
    // The first command is taken in, waits for room, and with it whoever asked; the next are refused.
    let mut pending = Client::new(&node, Listener::Broker);
    assert!(matches!(pending.raw(encode(7, &create_request("first", &[]))), Ok(None)));
    let mut refused = Client::new(&node, Listener::Broker);
    let answer = refused.call(7, &create_request("second", &[]));
    assert_eq!(ErrorCode::from_code(answer.topics[0].error_code), ErrorCode::KafkaStorageError);
    assert_eq!(fetch(&mut client, "orders", 0), Ok(vec!["a".to_owned()]));
    env.wake_all();
    disk.set_capacity(u64::MAX);
    env.wake_all();
    assert_eq!(produce(&mut client, "first", batch(&["b"])), Ok(0));
    create(&mut client, "second", &[]);
    env.end_spawned();
}

#[test]
fn a_log_that_has_no_room_to_be_opened_is_opened_when_there_is() {
    let disk = MemoryDisk::new(1);
    let first = node(&disk, &[]);
    let mut client = Client::new(&first, Listener::Broker);
    create(&mut client, "orders", &[]);
    assert_eq!(produce(&mut client, "orders", batch(&["a"])), Ok(0));
    drop((client, first));
    disk.crash();

    // It did not end cleanly: what is last in the log is written once more.
    disk.inject(Fault { times: 2, ..fault(Operation::Write, "orders-0/", ErrorKind::StorageFull) });
    let (node, env) = node_and_tasks(&disk, &[]);
    let mut client = Client::new(&node, Listener::Broker);
    assert_eq!(produce(&mut client, "orders", batch(&["b"])), Err(ErrorCode::KafkaStorageError));
    env.wake_all();
    assert_eq!(fetch(&mut client, "orders", 0), Err(ErrorCode::KafkaStorageError), "it is still full");
    env.wake_all();
    assert!(node.is_healthy());
    assert_eq!(fetch(&mut client, "orders", 0), Ok(vec!["a".to_owned()]));
    assert_eq!(produce(&mut client, "orders", batch(&["b"])), Ok(1));
    env.end_spawned();
}

#[test]
fn who_was_paused_does_not_say_that_an_offset_is_out_of_range() {
    let disk = MemoryDisk::new(1);
    let (node, env) = node_and_tasks(&disk, &[("broker.session.timeout.ms", "9000")]);
    let mut client = Client::new(&node, Listener::Broker);
    create(&mut client, "orders", &[]);
    assert_eq!(produce(&mut client, "orders", batch(&["a"])), Ok(0));
    assert_eq!(fetch(&mut client, "orders", 2), Err(ErrorCode::OffsetOutOfRange));
    env.pass(9000);
    // Another may lead by now, and have more.
    assert_eq!(fetch(&mut client, "orders", 2), Err(ErrorCode::NotLeaderOrFollower));
    assert_eq!(fetch(&mut client, "orders", 0), Ok(vec!["a".to_owned()]));
    env.end_spawned();
}

#[test]
fn records_that_are_nonsense_are_no_fault_of_the_disk() {
    let disk = MemoryDisk::new(1);
    let node = node(&disk, &[]);
    let mut client = Client::new(&node, Listener::Broker);
    create(&mut client, "orders", &[]);
    assert_eq!(produce(&mut client, "orders", nonsense()), Ok(0));
    for (timestamp, code) in
        [(0, ErrorCode::CorruptMessage), (-3, ErrorCode::CorruptMessage), (-1, ErrorCode::None)]
    {
        let answer = client.call(7, &list_offsets_request("orders", timestamp));
        assert_eq!(answer.topics[0].partitions[0].error_code, code.code(), "{timestamp}");
    }
    assert!(node.is_healthy());
    assert_eq!(produce(&mut client, "orders", batch(&["b"])), Ok(1));
}

#[test]
fn one_directory_of_two_fails_alone() {
    let disk = MemoryDisk::new(1);
    let node = node(&disk, &[("log.dirs", "/data,/more")]);
    let mut client = Client::new(&node, Listener::Broker);
    let topics = ["one", "two"];
    for topic in topics {
        create(&mut client, topic, &[]);
    }
    let outcomes: Vec<_> = topics.iter().map(|topic| produce(&mut client, topic, batch(&["a"]))).collect();
    assert_eq!(outcomes, [Ok(0), Ok(0)]);
    disk.inject(fault(Operation::Sync, "/more/", ErrorKind::Other));
    let outcomes: Vec<_> = topics.iter().map(|topic| produce(&mut client, topic, batch(&["b"]))).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(1)).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(ErrorCode::KafkaStorageError)).count(), 1);
}

/// Which broker leads partition 0 of the topic, as clients are told.
fn leader(client: &mut Client, topic: &str) -> i32 {
    let answer = client.call(12, &MetadataRequest::default().with_topics(None));
    let found = answer.topics.iter().find(|one| one.name.as_ref().is_some_and(|name| &**name == topic));
    found.expect("it is described").partitions[0].leader_id.0
}

#[test]
fn the_lead_of_what_is_in_a_failed_directory_is_given_up() {
    let disk = MemoryDisk::new(1);
    let (node, world) = node_and_tasks(&disk, &[("log.dirs", "/data,/more")]);
    let mut client = Client::beside(&node, Listener::Broker, &world);
    let topics = ["one", "two"];
    for topic in topics {
        create(&mut client, topic, &[]);
        assert_eq!(produce(&mut client, topic, batch(&["a"])), Ok(0));
    }
    let leaders = |client: &mut Client| {
        world.run_spawned();
        topics.map(|topic| (in_more(&disk, topic), leader(client, topic)))
    };
    assert_eq!(leaders(&mut client).map(|(_, leader)| leader), [1, 1]);
    disk.inject(fault(Operation::Sync, "/more/", ErrorKind::Other));
    for topic in topics {
        let code = in_more(&disk, topic).then_some(ErrorCode::KafkaStorageError);
        assert_eq!(produce(&mut client, topic, batch(&["b"])).err(), code);
    }
    let after = leaders(&mut client);
    assert!(after.iter().any(|(failed, _)| *failed));
    for (failed, leader) in after {
        assert_eq!(leader, if failed { -1 } else { 1 }, "nobody else has a copy");
    }
    world.end_spawned();
}

fn in_more(disk: &MemoryDisk, topic: &str) -> bool {
    let entries = disk.list(Path::new("/more")).expect("it can be listed");
    entries.iter().any(|entry| entry.name == format!("{topic}-0"))
}

#[test]
fn a_log_that_can_not_be_read_is_not_begun_anew_in_another_directory() {
    let disk = MemoryDisk::new(1);
    let dirs = [("log.dirs", "/data,/more")];
    let first = node(&disk, &dirs);
    let mut client = Client::new(&first, Listener::Broker);
    for topic in ["one", "two"] {
        create(&mut client, topic, &[]);
        assert_eq!(produce(&mut client, topic, batch(&["a"])), Ok(0));
    }
    drop((client, first));
    let topic = if in_more(&disk, "one") { "one" } else { "two" };
    assert!(in_more(&disk, topic));
    let unreadable =
        Fault { times: u64::MAX, ..fault(Operation::Read, &format!("/more/{topic}-0/0"), ErrorKind::Other) };
    disk.inject(unreadable);
    let second = node(&disk, &dirs);
    let mut client = Client::new(&second, Listener::Broker);
    assert_eq!(fetch(&mut client, topic, 0), Err(ErrorCode::KafkaStorageError));
    assert_eq!(produce(&mut client, topic, batch(&["b"])), Err(ErrorCode::KafkaStorageError));
    assert!(disk.list(Path::new("/data")).unwrap().iter().all(|one| one.name != format!("{topic}-0")));
}

#[test]
fn what_was_acknowledged_outlives_a_crash_and_a_clean_stop() {
    for clean in [false, true] {
        let disk = MemoryDisk::new(7);
        let first = node(&disk, &[]);
        let mut client = Client::new(&first, Listener::Broker);
        create(&mut client, "orders", &[]);
        for at in 0..20 {
            assert_eq!(produce(&mut client, "orders", batch(&["x"])), Ok(at));
        }
        if clean {
            first.stop();
        }
        drop((client, first));
        if !clean {
            disk.crash();
        }
        let second = node(&disk, &[]);
        let mut client = Client::new(&second, Listener::Broker);
        assert_eq!(fetch(&mut client, "orders", 0).unwrap().len(), 20);
        assert_eq!(produce(&mut client, "orders", batch(&["y"])), Ok(20));
    }
}
