//! A failing disk never turns into a success: what could not be made durable is not acknowledged, a full disk refuses
//! writes and nothing else, and what was acknowledged outlives a crash.

mod support;

use std::io::ErrorKind;

use chronik_log::disk::memory::{Failure, Fault, MemoryDisk, Operation};
use chronik_types::ErrorCode;
use chronik_wire::Listener;
use support::records::{batch, create, fetch, produce};
use support::{Client, node};

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
