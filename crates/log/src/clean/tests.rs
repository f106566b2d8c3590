//! What a cleaning does, one rule at a time. Crashes and the comparison with the whole log are in `tests/compaction.rs`.

use std::path::Path;

use chronik_types::{LeaderEpoch, ProducerEpoch, ProducerId, TopicId};

use super::*;
use crate::batch::{BatchBuilder, BatchIter, Compression, NewRecord, Origin, Records};
use crate::disk::Disk;
use crate::disk::memory::MemoryDisk;
use crate::{Dirt, Log, Open};

const DIR: &str = "/data/t-0";

fn options() -> LogOptions {
    LogOptions { compact: true, delete: false, delete_retention_ms: 1000, ..LogOptions::default() }
}

fn open(disk: &MemoryDisk, options: LogOptions) -> Log {
    let files = Files::new(Arc::new(disk.clone()), 8);
    let open = Open {
        dir: DIR.into(),
        topic_id: TopicId(uuid::Uuid::from_u128(3)),
        options: Arc::new(options),
        start_offset: Offset::ZERO,
        recovery_point: Offset::ZERO,
        cleaned_to: None,
        clean: false,
        rewrite: false,
        now: Millis(0),
    };
    Log::open(&files, open).unwrap().0
}

/// One batch of these keys, with a value or none.
fn put(log: &mut Log, now: i64, records: &[(&str, Option<&str>)]) {
    put_as(log, now, records, BatchBuilder::new(Compression::None));
}

fn put_as(log: &mut Log, now: i64, records: &[(&str, Option<&str>)], builder: BatchBuilder) {
    let mut builder = builder;
    for (key, value) in records {
        let (key, value) = (Some(key.as_bytes()), value.map(str::as_bytes));
        builder.push(NewRecord { timestamp: Millis(now), key, value, headers: &[] });
    }
    log.append(&mut builder.build_validated(), LeaderEpoch(0), Origin::Client, Millis(now)).unwrap();
}

/// Ends the segment, so that it can be cleaned.
fn seal(log: &mut Log, now: i64) {
    log.roll(Millis(now)).unwrap();
    log.sync().unwrap();
}

fn dirt(log: &mut Log, now: i64) -> Dirt {
    log.dirt(log.end_offset(), Millis(now)).unwrap()
}

fn begin(log: &mut Log, now: i64, keys: usize) -> Option<Cleaning> {
    let dirt = dirt(log, now);
    log.begin_cleaning(&dirt, OffsetMap::new((keys + 2) * 24, 0.95), Millis(now))
}

fn clean(log: &mut Log, now: i64, keys: usize) -> Offset {
    let mut cleaning = begin(log, now, keys).expect("there is something to clean");
    loop {
        match cleaning.step(1).unwrap() {
            Step::More => {}
            Step::Cleaned(cleaned) => {
                log.swap_in(cleaned).unwrap().expect("nothing has changed").run().unwrap();
            }
            Step::Done(to) => {
                log.finish_cleaning(&cleaning, to);
                return to;
            }
        }
    }
}

/// Offset, key and value of all records, and the number of batches.
fn content(log: &Log) -> (Vec<(i64, String, Option<String>)>, usize) {
    let (mut records, mut batches, mut from) = (Vec::new(), 0, log.start_offset());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    loop {
        let bytes = log.read(from, 1 << 20, log.end_offset(), true).unwrap().load().unwrap();
        if bytes.is_empty() {
            return (records, batches);
        }
        for batch in BatchIter::new(&bytes).map(Result::unwrap) {
            from = batch.header().next_offset();
            batches += 1;
            for record in Records::new(batch.header(), batch.body()).map(Result::unwrap) {
                records.push((record.offset.0, text(record.key.unwrap()), record.value.map(text)));
            }
        }
    }
}

fn kept(log: &Log) -> Vec<i64> {
    content(log).0.into_iter().map(|(offset, ..)| offset).collect()
}

fn names(disk: &MemoryDisk) -> Vec<String> {
    disk.list(Path::new(DIR)).unwrap().into_iter().map(|entry| entry.name).collect()
}

#[test]
fn retention_may_take_what_is_being_cleaned() {
    let disk = MemoryDisk::new(1);
    let mut log = open(&disk, LogOptions { delete: true, retention_ms: 1000, ..options() });
    for now in [1, 2, 3] {
        put(&mut log, now, &[("a", Some("x")), ("b", Some("y"))]);
        seal(&mut log, now);
    }
    put(&mut log, 9000, &[("c", Some("z"))]);
    log.sync().unwrap();
    let mut cleaning = begin(&mut log, 4, 10).unwrap();
    assert!(matches!(cleaning.step(1), Ok(Step::More)));
    log.apply_retention(Millis(9001), Offset(7)).unwrap().unwrap().run().unwrap();
    assert_eq!(log.start_offset(), Offset(6));
    let cleaned = loop {
        match cleaning.step(1).unwrap() {
            Step::More => {}
            Step::Cleaned(cleaned) => break cleaned,
            Step::Done(to) => panic!("clean up to {to}"),
        }
    };
    log.swap_in(cleaned).unwrap().expect_err("it is gone").discard().unwrap();
    assert_eq!(kept(&log), [6]);
}

#[test]
fn the_last_of_each_key_is_kept_where_it_was() {
    let disk = MemoryDisk::new(1);
    let mut log = open(&disk, options());
    put(&mut log, 1, &[("a", Some("1")), ("b", Some("1")), ("a", Some("2"))]);
    seal(&mut log, 1);
    put(&mut log, 2, &[("b", Some("2")), ("c", Some("1"))]);
    seal(&mut log, 2);
    put(&mut log, 3, &[("c", Some("2"))]);
    assert_eq!(clean(&mut log, 10, 100), Offset(5));
    assert_eq!(kept(&log), [2, 3, 4, 5], "the active segment is neither cleaned nor looked at");
    assert_eq!((log.segment_count(), log.cleaned_to()), (2, Some(Offset(5))));
    assert_eq!(dirt(&mut log, 10).cleanable_bytes, 0);
    assert!(begin(&mut log, 10, 100).is_none());
    let reopened = open(&disk, options());
    assert_eq!(content(&reopened), content(&log));
}

#[test]
fn a_tombstone_goes_when_its_horizon_has_passed() {
    let disk = MemoryDisk::new(1);
    let mut log = open(&disk, options());
    put(&mut log, 1, &[("a", Some("1")), ("a", None), ("b", Some("1"))]);
    seal(&mut log, 1);
    clean(&mut log, 5000, 100);
    assert_eq!(kept(&log), [1, 2], "from now on it has 1000 ms left, however old it is");
    let bytes = log.read(Offset(0), 1000, Offset(3), true).unwrap().load().unwrap();
    let header = crate::batch::Header::parse(&bytes).unwrap();
    assert_eq!(
        (header.delete_horizon(), header.base_offset(), header.last_offset()),
        (Some(Millis(6000)), Offset(0), Offset(2))
    );
    for (now, expected) in [(5999, vec![1, 2, 3]), (6000, vec![2, 3, 4])] {
        put(&mut log, now, &[(&format!("{now}"), Some("1"))]);
        seal(&mut log, now);
        clean(&mut log, now, 100);
        assert!(kept(&log).starts_with(&expected[..2]), "{now}: {:?}", kept(&log));
    }
}

#[test]
fn a_small_map_needs_more_rounds() {
    let disk = MemoryDisk::new(1);
    let mut log = open(&disk, options());
    for n in 0..6 {
        let key = format!("{}", n % 3);
        put(&mut log, 1, &[(&key, Some("1")), ("other", Some("2"))]);
        seal(&mut log, 1);
    }
    let mut to = Offset::ZERO;
    let mut rounds = 0;
    while dirt(&mut log, 2).cleanable_bytes > 0 && to < Offset(12) {
        let next = clean(&mut log, 2, 1);
        assert!(next > to, "each round gets on");
        to = next;
        rounds += 1;
    }
    assert!(rounds > 1);
    assert_eq!(kept(&log), [6, 8, 10, 11]);
}

#[test]
fn the_last_batches_of_producers_and_of_the_range_stay_empty() {
    let disk = MemoryDisk::new(1);
    let mut log = open(&disk, options());
    let of = |id| BatchBuilder::new(Compression::None).producer(ProducerId(id), ProducerEpoch(0), 0);
    put_as(&mut log, 1, &[("a", Some("1"))], of(1));
    put_as(&mut log, 1, &[("a", Some("2"))], of(2));
    put(&mut log, 1, &[("a", Some("3"))]);
    put(&mut log, 1, &[("b", Some("1")), ("b", None)]);
    seal(&mut log, 1);
    put(&mut log, 1, &[("a", Some("4"))]);
    seal(&mut log, 1);
    clean(&mut log, 1, 100);
    // Two batches of producers without records, the tombstone's, the last one.
    assert_eq!((kept(&log), content(&log).1), (vec![4, 5], 4));
    clean_again_after(&mut log, 1001);
    assert_eq!(
        (kept(&log), content(&log).1),
        (vec![6], 3),
        "the last batch of the former range is not the last any more"
    );
    let known = open(&disk, options()).producers().map(|known| known.last_sequence).collect::<Vec<_>>();
    assert_eq!(known, [0, 0]);
}

fn clean_again_after(log: &mut Log, now: i64) {
    put(log, now, &[("a", Some("5"))]);
    seal(log, now);
    clean(log, now, 100);
}

#[test]
fn what_is_young_or_not_committed_or_not_on_disk_is_left_alone() {
    let disk = MemoryDisk::new(1);
    let mut log =
        open(&disk, LogOptions { min_compaction_lag_ms: 100, max_compaction_lag_ms: 500, ..options() });
    for now in [1000, 1050, 1100] {
        put(&mut log, now, &[("a", Some("1"))]);
        seal(&mut log, now);
    }
    let uncleanable =
        |log: &mut Log, mark: i64, now: i64| log.dirt(Offset(mark), Millis(now)).unwrap().first_uncleanable.0;
    assert_eq!([1099, 1100, 1151, 1300].map(|now| uncleanable(&mut log, 3, now)), [0, 1, 2, 3]);
    assert_eq!([0, 1, 2].map(|mark| uncleanable(&mut log, mark, 2000)), [0, 1, 2]);
    assert!(!dirt(&mut log, 1400).is_overdue && dirt(&mut log, 1501).is_overdue);
    put(&mut log, 3000, &[("a", Some("1"))]);
    assert_eq!(uncleanable(&mut log, 4, 9000), 3, "the segment that was begun is the active one");
    // A record may wait in the active segment for no longer than the lag.
    put(&mut log, 3501, &[("a", Some("1"))]);
    assert_eq!(log.segment_count(), 5);
}

#[test]
fn a_log_that_was_cut_in_the_meantime_is_not_touched() {
    let disk = MemoryDisk::new(1);
    let mut log = open(&disk, options());
    for _ in 0..3 {
        put(&mut log, 1, &[("a", Some("1"))]);
        seal(&mut log, 1);
    }
    let mut cleaning = begin(&mut log, 2, 10).unwrap();
    let cleaned = loop {
        if let Step::Cleaned(cleaned) = cleaning.step(1000).unwrap() {
            break cleaned;
        }
    };
    log.truncate_to(Offset(2), Millis(2)).unwrap();
    put(&mut log, 2, &[("b", Some("1"))]);
    seal(&mut log, 2);
    log.swap_in(cleaned).unwrap().expect_err("it does not fit any more").discard().unwrap();
    log.finish_cleaning(&cleaning, Offset(3));
    assert_eq!((kept(&log), log.cleaned_to()), (vec![0, 1, 2], None));
    assert!(names(&disk).iter().all(|name| !name.ends_with(CLEANED)), "{:?}", names(&disk));
}

#[test]
fn who_reads_the_originals_reads_on() {
    let disk = MemoryDisk::new(1);
    let mut log = open(&disk, options());
    put(&mut log, 1, &[("a", Some("1"))]);
    put(&mut log, 1, &[("a", Some("2"))]);
    seal(&mut log, 1);
    let before = log.read(Offset(0), 1000, Offset(2), true).unwrap();
    let expected = before.load().unwrap();
    clean(&mut log, 2, 10);
    assert_eq!(before.load().unwrap(), expected);
    let after = log.read(Offset(0), 1000, Offset(2), true).unwrap().load().unwrap();
    assert!(after.len() < expected.len());
}

#[test]
fn a_bad_batch_makes_a_log_uncleanable_and_nothing_else() {
    let disk = MemoryDisk::new(1);
    let mut log = open(&disk, options());
    put(&mut log, 1, &[("a", Some("1"))]);
    seal(&mut log, 1);
    let path = Path::new(DIR).join("00000000000000000000.log");
    disk.open(&path, Mode::Write).unwrap().write_all_at(&mut [io::IoSlice::new(b"x")], 68).unwrap();
    let mut cleaning = begin(&mut log, 2, 10).unwrap();
    let error = cleaning.step(1000).unwrap_err();
    assert!(matches!(&error, LogError::Corrupt { path: at, .. } if *at == path), "{error}");
    cleaning.abandon().unwrap();
    put(&mut log, 3, &[("a", Some("2"))]);
    assert!(!log.is_poisoned());
}

#[test]
fn opening_finishes_what_has_got_as_far_as_swap() {
    // How far the renames got: the files of the group, then those of the originals.
    for stage in 0..6 {
        let disk = MemoryDisk::new(1);
        let mut log = open(&disk, options());
        for value in ["1", "2"] {
            put(&mut log, 1, &[("a", Some(value)), ("b", Some(value))]);
            seal(&mut log, 1);
        }
        let mut cleaning = begin(&mut log, 2, 10).unwrap();
        while !matches!(cleaning.step(1000).unwrap(), Step::Cleaned(_)) {}
        drop((log, cleaning));
        let rename =
            |from: &str, to: &str| disk.rename(&Path::new(DIR).join(from), &Path::new(DIR).join(to)).unwrap();
        let base = "00000000000000000000";
        for kind in ["log", "index", "timeindex"].iter().take(stage) {
            rename(&format!("{base}.{kind}{CLEANED}"), &format!("{base}.{kind}.swap"));
        }
        if stage > 3 {
            rename(&format!("{base}.log"), &format!("{base}.log.deleted"));
        }
        if stage > 4 {
            rename("00000000000000000002.log", "00000000000000000002.log.deleted");
        }
        let log = open(&disk, options());
        assert_eq!(kept(&log), if stage == 0 { vec![0, 1, 2, 3] } else { vec![2, 3] }, "stage {stage}");
        let leftover = |name: &String| [CLEANED, ".swap", ".deleted"].iter().any(|end| name.ends_with(end));
        assert!(!names(&disk).iter().any(leftover), "{:?}", names(&disk));
    }
}
