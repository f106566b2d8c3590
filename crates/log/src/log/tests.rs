//! What a log does, one rule at a time. The model with its crashes is in `tests/model.rs`.

use std::path::Path;

use chronik_types::{ErrorCode, ProducerEpoch, ProducerId};

use super::*;
use crate::batch::{BatchBuilder, BatchIter, Codec, Compression, NewRecord, Origin, Validated, verify};
use crate::disk::memory::{Failure, Fault, MemoryDisk, Operation};
use crate::disk::{Disk, Mode};
use crate::error::AppendError;

const DIR: &str = "/data/t-0";

fn options() -> LogOptions {
    LogOptions { segment_bytes: 1000, index_interval_bytes: 100, ..LogOptions::default() }
}

fn open_with(disk: &MemoryDisk, options: LogOptions, start: i64, point: i64, clean: bool) -> (Log, Recovery) {
    let files = Files::new(Arc::new(disk.clone()), 8);
    let open = Open {
        dir: DIR.into(),
        topic_id: TopicId(uuid::Uuid::from_u128(3)),
        options: Arc::new(options),
        start_offset: Offset(start),
        recovery_point: Offset(point),
        cleaned_to: None,
        clean,
        rewrite: true,
        now: Millis(0),
    };
    Log::open(&files, open).unwrap()
}

fn new() -> (MemoryDisk, Log) {
    let disk = MemoryDisk::new(1);
    let log = open_with(&disk, options(), 0, 0, false).0;
    (disk, log)
}

/// A batch of about 100 bytes for each record.
fn batch(records: usize, timestamp: i64) -> Validated {
    let mut builder = BatchBuilder::new(Compression::of(Codec::None));
    for _ in 0..records {
        let timestamp = Millis(timestamp);
        builder.push(NewRecord { timestamp, key: None, value: Some(&[7; 90]), headers: &[] });
    }
    builder.build_validated()
}

fn append(log: &mut Log, records: usize, timestamp: i64) -> Appended {
    let epoch = log.latest_epoch().unwrap_or(LeaderEpoch(0));
    log.append(&mut batch(records, timestamp), epoch, Origin::Client, Millis(timestamp)).unwrap()
}

fn bases(log: &Log) -> Vec<i64> {
    log.segments.iter().map(|segment| segment.base().0).collect()
}

fn names(disk: &MemoryDisk) -> Vec<String> {
    disk.list(Path::new(DIR)).unwrap().into_iter().map(|entry| entry.name).collect()
}

#[test]
fn files_are_made_at_the_first_append() {
    let (disk, mut log) = new();
    assert!(!disk.exists(Path::new("/data")).unwrap());
    assert!(log.begin_sync().is_none() && log.begin_checkpoint().unwrap().is_none());
    assert!(log.read(Offset(0), 100, Offset(0), true).unwrap().is_empty());
    let appended = append(&mut log, 2, 5);
    assert_eq!((appended.first_offset, appended.last_offset), (Offset(0), Offset(1)));
    assert_eq!(names(&disk), ["00000000000000000000.log", "partition.metadata"]);
    log.close().unwrap();
    let expected = [
        "00000000000000000000.index",
        "00000000000000000000.log",
        "00000000000000000000.timeindex",
        "00000000000000000002.snapshot",
        "leader-epoch-checkpoint",
        "partition.metadata",
    ];
    assert_eq!(names(&disk), expected);
}

#[test]
fn an_append_is_one_write() {
    let (disk, mut log) = new();
    append(&mut log, 1, 5);
    let before = disk.operations();
    append(&mut log, 1, 6);
    assert_eq!(disk.operations() - before, 1);
}

#[test]
fn a_log_of_another_topic_is_refused() {
    let (disk, mut log) = new();
    append(&mut log, 1, 5);
    log.close().unwrap();
    let files = Files::new(Arc::new(disk), 8);
    let open = Open {
        dir: DIR.into(),
        topic_id: TopicId(uuid::Uuid::from_u128(4)),
        options: Arc::default(),
        start_offset: Offset(0),
        recovery_point: Offset(0),
        cleaned_to: None,
        clean: false,
        rewrite: true,
        now: Millis(0),
    };
    assert!(matches!(Log::open(&files, open), Err(LogError::Corrupt { .. })));
}

#[test]
fn segments_roll_by_size_and_by_time() {
    let (_, mut log) = new();
    for _ in 0..10 {
        append(&mut log, 1, 5);
    }
    // Six batches of 160 bytes fit into 1000.
    assert_eq!(bases(&log), [0, 6]);
    let mut timed = options();
    timed.segment_ms = 1000;
    log.reconfigure(Arc::new(timed));
    assert!(!append(&mut log, 1, 1005).rolled);
    assert!(append(&mut log, 1, 1006).rolled, "more than a second after the segment's first batch");
    assert!(!append(&mut log, 1, 0).rolled, "records may be older");
    assert_eq!(bases(&log), [0, 6, 11]);
    let too_large = log.append(&mut batch(20, 5), LeaderEpoch(0), Origin::Client, Millis(0)).unwrap_err();
    assert_eq!(too_large.code(), ErrorCode::RecordListTooLarge);
}

#[test]
fn segments_roll_when_an_index_is_full() {
    let (disk, _) = new();
    let small = LogOptions { segment_index_bytes: 24, segment_bytes: 1 << 20, ..options() };
    let mut log = open_with(&disk, small, 0, 0, false).0;
    for n in 0..12 {
        append(&mut log, 1, n);
    }
    assert!(log.segment_count() > 1);
    let entries = disk.content(&Path::new(DIR).join("00000000000000000000.timeindex")).unwrap().len() / 12;
    assert!((1..=2).contains(&entries), "{entries}");
}

#[test]
fn syncs_may_end_in_any_order() {
    let (_, mut log) = new();
    append(&mut log, 1, 5);
    let first = log.begin_sync().unwrap();
    assert_eq!(first.end_offset(), Offset(1));
    append(&mut log, 1, 5);
    let second = log.begin_sync().unwrap();
    assert!(log.begin_sync().is_none());
    append(&mut log, 1, 5);
    let (first, second) = (first.run(), second.run());
    assert_eq!(log.finish_sync(second).unwrap(), Offset(0), "the first is still under way");
    assert_eq!(log.finish_sync(first).unwrap(), Offset(2));
    assert_eq!(log.sync().unwrap(), Offset(3));
}

#[test]
fn a_failed_sync_takes_the_log_offline_for_good() {
    let (disk, mut log) = new();
    append(&mut log, 1, 5);
    log.sync().unwrap();
    append(&mut log, 1, 5);
    let failure = Failure::Error(std::io::ErrorKind::Other);
    disk.inject(Fault { operation: Some(Operation::Sync), path: ".log".into(), after: 0, times: 1, failure });
    let job = log.begin_sync().unwrap();
    append(&mut log, 1, 5);
    let later = log.begin_sync().unwrap().run();
    assert!(matches!(log.finish_sync(later), Err(LogError::Io { .. })));
    assert!(log.is_poisoned());
    let earlier = job.run();
    assert!(
        matches!(log.finish_sync(earlier), Err(LogError::Poisoned { .. })),
        "a success proves nothing now"
    );
    let refused = log.append(&mut batch(1, 5), LeaderEpoch(0), Origin::Client, Millis(5)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::KafkaStorageError);
    assert_eq!(log.durable_offset(), Offset(1));
    assert!(
        !log.read(Offset(0), 1000, Offset(3), true).unwrap().load().unwrap().is_empty(),
        "it can be read"
    );
}

#[test]
fn what_a_failed_sync_lost_is_written_again_before_it_counts_as_durable() {
    for seed in 0..32 {
        let disk = MemoryDisk::new(seed);
        disk.create_dir_all(Path::new("/data")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let mut log = open_with(&disk, options(), 0, 0, false).0;
        append(&mut log, 1, 5);
        log.sync().unwrap();
        for _ in 0..20 {
            append(&mut log, 1, 5);
        }
        let failure = Failure::Error(std::io::ErrorKind::Other);
        disk.inject(Fault {
            operation: Some(Operation::Sync),
            path: ".log".into(),
            after: 0,
            times: 1,
            failure,
        });
        log.sync().unwrap_err();
        drop(log);
        // The process ends; the page cache stays, and shows what is not on the disk.
        disk.kill();
        let (log, _) = open_with(&disk, options(), 0, 1, false);
        let durable = log.durable_offset();
        drop(log);
        disk.crash();
        let (log, _) = open_with(&disk, options(), 0, 1, false);
        assert_eq!(log.end_offset(), durable, "seed {seed}");
    }
}

#[test]
fn a_full_disk_refuses_and_takes_more_when_there_is_room() {
    let (disk, mut log) = new();
    append(&mut log, 1, 5);
    disk.set_capacity(disk.used_bytes() + 100);
    let refused = log.append(&mut batch(1, 5), LeaderEpoch(0), Origin::Client, Millis(5)).unwrap_err();
    assert!(matches!(refused, AppendError::Log(ref error) if error.is_disk_full()));
    assert!(!log.is_poisoned());
    assert_eq!(log.end_offset(), Offset(1));
    assert_eq!(disk.content(&Path::new(DIR).join("00000000000000000000.log")).unwrap().len(), 160);
    disk.set_capacity(u64::MAX);
    assert_eq!(append(&mut log, 1, 5).first_offset, Offset(1));
}

#[test]
fn a_write_that_cannot_be_undone_takes_the_log_offline() {
    let (disk, mut log) = new();
    append(&mut log, 1, 5);
    let failure = Failure::Error(std::io::ErrorKind::Other);
    for operation in [Operation::Write, Operation::SetLen] {
        disk.inject(Fault { operation: Some(operation), path: ".log".into(), after: 0, times: 1, failure });
    }
    log.append(&mut batch(1, 5), LeaderEpoch(0), Origin::Client, Millis(5)).unwrap_err();
    assert!(log.is_poisoned());
}

#[test]
fn retention_by_time_takes_whole_segments_below_the_high_watermark() {
    let (disk, mut log) = new();
    let timed = LogOptions { retention_ms: 1000, ..options() };
    log.reconfigure(Arc::new(timed));
    for n in 0..20 {
        append(&mut log, 1, n * 100);
    }
    assert_eq!(bases(&log), [0, 6, 12, 18]);
    assert!(log.apply_retention(Millis(1500), Offset(20)).unwrap().is_none(), "500 is not older than 1000");
    assert!(log.apply_retention(Millis(9000), Offset(5)).unwrap().is_none(), "not committed");
    let job = log.apply_retention(Millis(1501), Offset(20)).unwrap().unwrap();
    assert_eq!(job.segments(), [Offset(0)]);
    assert_eq!((log.start_offset(), bases(&log)), (Offset(6), vec![6, 12, 18]));
    assert!(matches!(
        log.read(Offset(5), 100, Offset(20), true),
        Err(crate::ReadError::OffsetOutOfRange { .. })
    ));
    assert!(names(&disk).contains(&"00000000000000000000.log.deleted".to_owned()));
    job.run().unwrap();
    assert!(!names(&disk).iter().any(|name| name.ends_with(".deleted")));
    // All of it, the active segment included.
    log.apply_retention(Millis(90_000), Offset(20)).unwrap().unwrap().run().unwrap();
    assert_eq!((log.start_offset(), log.end_offset(), bases(&log)), (Offset(20), Offset(20), vec![20]));
    assert!(log.apply_retention(Millis(90_000), Offset(20)).unwrap().is_none());
    assert_eq!(append(&mut log, 1, 5).first_offset, Offset(20));
}

#[test]
fn retention_by_size_keeps_at_least_what_is_asked_for() {
    let (_, mut log) = new();
    let sized = LogOptions { retention_bytes: 1500, retention_ms: -1, ..options() };
    log.reconfigure(Arc::new(sized));
    for _ in 0..20 {
        append(&mut log, 1, 5);
    }
    let job = log.apply_retention(Millis(0), Offset(20)).unwrap().unwrap();
    // 960, 960, 960 and 320 bytes: without the first, 2240 are left, and without the second too few.
    assert_eq!(job.segments(), [Offset(0)]);
    let kept = LogOptions { retention_bytes: 1500, retention_ms: 0, delete: false, ..options() };
    log.reconfigure(Arc::new(kept));
    assert!(log.apply_retention(Millis(1 << 40), Offset(20)).unwrap().is_none(), "compacted only");
}

#[test]
fn who_is_reading_goes_on_while_retention_and_cuts_take_the_files() {
    let (_, mut log) = new();
    log.reconfigure(Arc::new(LogOptions { retention_ms: 1000, ..options() }));
    for n in 0..20 {
        append(&mut log, 1, 1 + n * 100);
    }
    let of = |log: &Log, at: i64| {
        let reading = log.read(Offset(at), 100, Offset(20), true).unwrap();
        (log.lookup(TimestampQuery::AtOrAfter(Millis(1 + at * 100))), reading)
    };
    let check = |(searching, reading): (Lookup, ReadSlice), at: i64| {
        assert_eq!(searching.run().unwrap().unwrap().offset, Offset(at));
        assert!(!reading.load().unwrap().is_empty());
    };
    let first = of(&log, 0);
    log.apply_retention(Millis(1600), Offset(20)).unwrap().unwrap().run().unwrap();
    assert_eq!(bases(&log), [6, 12, 18]);
    check(first, 0);
    let second = of(&log, 13);
    log.truncate_to(Offset(8), Millis(0)).unwrap();
    check(second, 13);
}

#[test]
fn a_search_that_meets_nonsense_says_that_it_is_corrupt() {
    let (disk, mut log) = new();
    append(&mut log, 2, 5);
    append(&mut log, 2, 9);
    // The records of the first batch; its header stays.
    let file = disk.open(&Path::new(DIR).join("00000000000000000000.log"), Mode::Write).unwrap();
    file.write_all_at(&mut [std::io::IoSlice::new(&[0xff; 40])], 61).unwrap();
    let found = log.lookup(TimestampQuery::AtOrAfter(Millis(1))).run();
    assert!(matches!(found, Err(LogError::Corrupt { .. })), "{found:?}");
}

#[test]
fn deleted_records_are_gone_and_their_segments_follow() {
    let (disk, mut log) = new();
    for _ in 0..10 {
        append(&mut log, 1, 5);
    }
    assert!(log.delete_records(Offset(7)));
    assert!(!log.delete_records(Offset(6)));
    assert_eq!(log.start_offset(), Offset(7));
    log.apply_retention(Millis(0), Offset(10)).unwrap().unwrap().run().unwrap();
    assert_eq!(bases(&log), [6]);
    log.close().unwrap();
    let (log, _) = open_with(&disk, options(), 7, 10, true);
    assert_eq!((log.start_offset(), log.end_offset()), (Offset(7), Offset(10)));
}

#[test]
fn offsets_are_found_by_time() {
    let (disk, mut log) = new();
    for n in 0..20 {
        // One is out of order.
        append(&mut log, 1, if n == 9 { 5000 } else { 1000 + n * 10 });
    }
    let find = |log: &Log, at| {
        let found = log.lookup(TimestampQuery::AtOrAfter(Millis(at))).run().unwrap();
        found.map(|found| (found.offset.0, found.timestamp.0))
    };
    let check = |log: &Log| {
        assert_eq!(find(log, 0), Some((0, 1000)));
        assert_eq!(find(log, 1031), Some((4, 1040)));
        assert_eq!(find(log, 1100), Some((9, 5000)), "the first in the log, not the nearest in time");
        assert_eq!(find(log, 5001), None);
        let newest = log.lookup(TimestampQuery::MaxTimestamp).run().unwrap().unwrap();
        assert_eq!((newest.offset, newest.timestamp), (Offset(9), Millis(5000)));
        let earliest = log.lookup(TimestampQuery::Earliest).run().unwrap().unwrap();
        assert_eq!((earliest.offset, earliest.leader_epoch), (Offset(0), Some(LeaderEpoch(0))));
        assert_eq!(log.lookup(TimestampQuery::Tiered).run().unwrap().unwrap().offset, Offset::NONE);
    };
    check(&log);
    log.close().unwrap();
    check(&open_with(&disk, options(), 0, 20, true).0);
}

#[test]
fn a_follower_appends_what_its_leader_sent() {
    let (_, mut leader) = new();
    for n in 0..9 {
        append(&mut leader, 1, n);
    }
    leader.assign_epoch(LeaderEpoch(4));
    append(&mut leader, 2, 10);
    let mut sent = Vec::new();
    while sent.len() < leader.size_bytes() as usize {
        let from =
            BatchIter::new(&sent).last().map_or(Offset(0), |last| last.unwrap().header().next_offset());
        leader.read(from, 100_000, leader.end_offset(), true).unwrap().load_into(&mut sent).unwrap();
    }
    let (_, mut follower) = new();
    let verified = verify(sent.clone().into()).unwrap().unwrap();
    let appended = follower.append_as_follower(&verified, Millis(0)).unwrap();
    assert_eq!((appended.first_offset, appended.last_offset), (Offset(0), Offset(10)));
    assert_eq!(follower.size_bytes(), leader.size_bytes());
    assert_eq!(follower.latest_epoch(), Some(LeaderEpoch(4)));
    assert_eq!(follower.end_offset_for_epoch(LeaderEpoch(0)).unwrap().end_offset, Offset(9));
    let again = follower.append_as_follower(&verified, Millis(0)).unwrap_err();
    assert!(matches!(again, AppendError::UnexpectedOffset { .. }));
    let old = follower.append(&mut batch(1, 5), LeaderEpoch(3), Origin::Client, Millis(0)).unwrap_err();
    assert!(matches!(old, AppendError::OldEpoch { .. }));
}

#[test]
fn truncation_takes_producers_and_epochs_back() {
    let (_, mut log) = new();
    let send = |log: &mut Log, epoch, sequence| {
        let mut builder = BatchBuilder::new(Compression::of(Codec::None));
        builder = builder.producer(ProducerId(1), ProducerEpoch(0), sequence);
        builder.push(NewRecord { timestamp: Millis(5), key: None, value: Some(&[1; 50]), headers: &[] });
        log.append(&mut builder.build_validated(), LeaderEpoch(epoch), Origin::Client, Millis(5)).unwrap()
    };
    for n in 0..10 {
        send(&mut log, n / 5, n);
    }
    assert!(send(&mut log, 1, 9).duplicate);
    assert_eq!(log.truncate_to(Offset(10), Millis(0)).unwrap(), None);
    let cut = log.truncate_to(Offset(4), Millis(0)).unwrap().unwrap();
    assert_eq!((cut.from, cut.to), (Offset(4), Offset(10)));
    assert_eq!((log.end_offset(), log.durable_offset()), (Offset(4), Offset(0)));
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(0)));
    assert_eq!(send(&mut log, 2, 4).first_offset, Offset(4));
    let all = log.truncate_fully_and_start_at(Offset(100), Millis(0)).unwrap();
    assert_eq!((all.from, all.to), (Offset(100), Offset(5)));
    assert_eq!(
        (log.start_offset(), log.end_offset(), log.producers().count()),
        (Offset(100), Offset(100), 0)
    );
    assert_eq!(send(&mut log, 3, 50).first_offset, Offset(100));
}

#[test]
fn a_torn_tail_is_cut_and_reported() {
    let (disk, mut log) = new();
    for _ in 0..3 {
        append(&mut log, 1, 5);
    }
    log.sync().unwrap();
    drop(log);
    let path = Path::new(DIR).join("00000000000000000000.log");
    disk.open(&path, Mode::Write).unwrap().set_len(400).unwrap();
    let (log, recovery) = open_with(&disk, options(), 0, 0, false);
    assert_eq!(log.end_offset(), Offset(2));
    assert_eq!(recovery.scanned_bytes, 320);
    let [cut] = &recovery.cuts[..] else { panic!("{recovery:?}") };
    assert_eq!((cut.position, cut.bytes, cut.offset), (320, 80, Offset(2)));
    assert_eq!(disk.content(&path).unwrap().len(), 320);
}

#[test]
fn a_missing_index_is_made_again() {
    let (disk, mut log) = new();
    for n in 0..20 {
        append(&mut log, 1, n);
    }
    log.close().unwrap();
    let path = |suffix: &str| Path::new(DIR).join(format!("00000000000000000006{suffix}"));
    let before = (disk.content(&path(".index")).unwrap(), disk.content(&path(".timeindex")).unwrap());
    disk.remove_file(&path(".index")).unwrap();
    disk.remove_file(&path(".timeindex")).unwrap();
    let (_, recovery) = open_with(&disk, options(), 0, 20, true);
    assert_eq!(recovery.rebuilt_indexes, 1);
    assert_eq!((disk.content(&path(".index")).unwrap(), disk.content(&path(".timeindex")).unwrap()), before);
}

#[test]
fn an_idle_log_is_small() {
    // Beside it on the heap: the directory's name, and a segment with its file handles.
    let segment = size_of::<Segment>() + size_of::<crate::segment::SegmentFiles>() + 2 * 64;
    assert!(size_of::<Log>() + segment < 1024, "{} + {segment}", size_of::<Log>());
}
