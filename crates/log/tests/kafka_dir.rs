//! Log directories that Apache Kafka wrote (see `fixtures/kafka-dir/README.md`): everything is read back, and what recovery
//! makes of a killed broker's directory is, byte for byte, what Kafka's own recovery makes of it.

#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chronik_log::batch::{BatchIter, Records, decompress};
use chronik_log::disk::real::RealDisk;
use chronik_log::{Files, FoundLog, Log, LogDir, LogOptions, Open, Recovery, TimestampQuery};
use chronik_types::{BrokerEpoch, Millis, Offset};

/// The preallocated size of an index (`segment.index.bytes`).
const INDEX_BYTES: u64 = 10 << 20;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kafka-dir").join(name)
}

/// A copy that may be written to; the fixture itself stays as it is.
fn copy(name: &str) -> tempfile::TempDir {
    let target = tempfile::tempdir().unwrap();
    copy_dir(&fixture(name), target.path());
    target
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn options() -> Arc<LogOptions> {
    Arc::new(LogOptions { segment_bytes: 8192, index_interval_bytes: 512, ..LogOptions::default() })
}

fn open(files: &Arc<Files>, found: &FoundLog, clean: bool) -> (Log, Recovery) {
    let open = Open {
        dir: found.path.clone(),
        topic_id: found.topic_id.expect("Kafka has written partition.metadata"),
        options: options(),
        start_offset: found.start_offset,
        recovery_point: found.recovery_point,
        cleaned_to: None,
        clean,
        rewrite: true,
        now: Millis(1_700_000_000_000),
    };
    Log::open(files, open).unwrap()
}

/// Key and value of every record, with its offset; control batches are left out.
fn records(log: &Log) -> Vec<(Offset, String, String)> {
    let mut records = Vec::new();
    let mut from = log.start_offset();
    while from < log.end_offset() {
        let bytes = log.read(from, 3000, log.end_offset(), true).unwrap().load().unwrap();
        for batch in BatchIter::new(&bytes) {
            let batch = batch.unwrap();
            batch.verify_crc().unwrap();
            assert_eq!(batch.header().base_offset(), from);
            from = batch.header().next_offset();
            if batch.header().is_control() {
                continue;
            }
            let body = decompress(batch, 1 << 20).unwrap();
            for record in Records::new(batch.header(), &body) {
                let record = record.unwrap();
                let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
                records.push((record.offset, text(record.key), text(record.value)));
            }
        }
    }
    records
}

fn check_content(name: &str, log: &mut Log) {
    let records = records(log);
    let values: Vec<&str> = records.iter().map(|(_, _, value)| value.as_str()).collect();
    match name {
        "plain.a-b-0" => {
            let expected: Vec<String> = (0..400).map(|n| format!("value-{n}-{}", "x".repeat(20))).collect();
            assert_eq!(values, expected);
            assert_eq!(log.producers().count(), 1);
        }
        "lz4-0" => {
            let value = |n: usize| format!("value-{}-{}-{}", n / 100, n % 100, "y".repeat(50));
            assert_eq!(values, (0..500).map(value).collect::<Vec<_>>());
            assert_eq!(log.producers().count(), 5);
        }
        "txn-0" => {
            let value = |n: usize| match (n / 40, n % 40) {
                (round, at @ 0..30) => format!("tv-{round}-{at}-{}", "z".repeat(40)),
                (round, at) => format!("second-{round}-{}", at - 30),
            };
            assert_eq!(values, (0..240).map(value).collect::<Vec<_>>());
            let end = log.end_offset();
            assert_eq!(log.last_stable_offset(end), end);
            let aborted = log.aborted_transactions(Offset::ZERO, end);
            assert_eq!(aborted.len(), 5);
            // A transaction's marker follows its last record.
            for entry in aborted {
                assert!(records.iter().all(|&(offset, ..)| offset != entry.last_offset));
                assert!(records.iter().any(|&(offset, ..)| offset == entry.first_offset));
            }
        }
        other => panic!("unexpected log {other}"),
    }
}

fn check_lookups(log: &Log) {
    let newest = log.lookup(TimestampQuery::MaxTimestamp).run().unwrap().unwrap();
    let at = log.lookup(TimestampQuery::AtOrAfter(newest.timestamp)).run().unwrap().unwrap();
    assert_eq!(at.timestamp, newest.timestamp);
    assert!(log.lookup(TimestampQuery::AtOrAfter(Millis(newest.timestamp.0 + 1))).run().unwrap().is_none());
    let first = log.lookup(TimestampQuery::AtOrAfter(Millis(0))).run().unwrap().unwrap();
    assert_eq!(first.offset, log.start_offset());
}

#[test]
fn a_directory_that_kafka_closed_is_served_as_it_is() {
    let data = copy("clean");
    let files = Files::new(RealDisk::shared(), 4);
    let dir = LogDir::open(&files, data.path()).unwrap();
    let found = dir.scan().unwrap();
    assert!(found.clean && found.damaged.is_empty());
    assert_eq!(found.broker_epoch, Some(BrokerEpoch(182)));
    assert!(dir.meta().unwrap().unwrap().cluster_id.is_some());
    assert_eq!(found.logs.len(), 3);
    for log in &found.logs {
        let (mut opened, recovery) = open(&files, log, true);
        assert_eq!(recovery, Recovery::default());
        assert_eq!(opened.end_offset(), log.recovery_point);
        check_content(&log.topic_partition.to_string(), &mut opened);
        check_lookups(&opened);
        // Kafka wrote a snapshot when it closed the log: nothing has to be written now.
        opened.close().unwrap();
    }
    let mut compared = 0;
    compare(&fixture("clean"), data.path(), &mut compared);
    assert!(compared > 30, "{compared}");
}

/// Every file of `left` that is in a log's directory must be the same in `right`.
fn compare(left: &Path, right: &Path, compared: &mut usize) {
    for entry in fs::read_dir(left).unwrap() {
        let entry = entry.unwrap();
        let (left, right) = (entry.path(), right.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            compare(&left, &right, compared);
        } else if entry.file_name() != ".kafka_cleanshutdown" {
            assert_eq!(fs::read(&left).unwrap(), fs::read(&right).unwrap(), "{}", right.display());
            *compared += 1;
        }
    }
}

#[test]
fn recovery_makes_of_a_killed_brokers_directory_what_kafkas_recovery_makes_of_it() {
    let data = copy("killed");
    let files = Files::new(RealDisk::shared(), 4);
    let dir = LogDir::open(&files, data.path()).unwrap();
    let found = dir.scan().unwrap();
    assert!(!found.clean);
    for log in &found.logs {
        preallocate(&log.path);
        let (mut opened, recovery) = open(&files, log, false);
        assert!(recovery.cuts.is_empty(), "{recovery:?}");
        assert_eq!(recovery.scanned_bytes, opened.size_bytes());
        check_content(&log.topic_partition.to_string(), &mut opened);
        check_lookups(&opened);
        opened.close().unwrap();
        let name = log.path.file_name().unwrap();
        for entry in fs::read_dir(fixture("clean").join(name)).unwrap() {
            let expected = entry.unwrap().path();
            let file_name = expected.file_name().unwrap().to_str().unwrap();
            // The epochs of Kafka's restart are not in the killed directory.
            if file_name == "leader-epoch-checkpoint" {
                continue;
            }
            let ours = fs::read(log.path.join(file_name)).unwrap();
            assert_eq!(ours, fs::read(&expected).unwrap(), "{}", expected.display());
        }
    }
}

/// Puts the zeros back that Kafka had preallocated for the last segment's indexes.
fn preallocate(dir: &Path) {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let last = names.iter().rfind(|name| name.strip_suffix(".log").is_some()).unwrap();
    for suffix in [".index", ".timeindex"] {
        let file = fs::OpenOptions::new().write(true).open(dir.join(last.replace(".log", suffix))).unwrap();
        file.set_len(INDEX_BYTES / 12 * 12).unwrap();
    }
}
