//! The log's hot paths on the real disk (the page cache, without syncs): append, and finding and reading a batch.

use std::hint::black_box;
use std::sync::Arc;

use chronik_log::batch::{BatchBuilder, Codec, Compression, NewRecord, Origin, Validated};
use chronik_log::disk::real::RealDisk;
use chronik_log::{Files, Log, LogOptions, Open};
use chronik_types::{LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId, TopicId};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const NOW: Millis = Millis(1_700_000_000_000);

fn open(dir: &tempfile::TempDir) -> Log {
    let files = Files::new(RealDisk::shared(), 64);
    let open = Open {
        dir: dir.path().join("t-0"),
        topic_id: TopicId(uuid::Uuid::from_u128(1)),
        options: Arc::new(LogOptions { segment_bytes: 256 << 20, ..LogOptions::default() }),
        start_offset: Offset::ZERO,
        recovery_point: Offset::ZERO,
        cleaned_to: None,
        clean: false,
        rewrite: true,
        now: NOW,
    };
    Log::open(&files, open).expect("an empty directory").0
}

/// A batch of about `size` bytes in records of 1 KiB (or one smaller one).
fn batch(size: usize, producer: Option<i32>) -> Validated {
    let mut builder = BatchBuilder::new(Compression::of(Codec::None));
    if let Some(sequence) = producer {
        builder = builder.producer(ProducerId(1), ProducerEpoch(0), sequence);
    }
    let value = vec![7; size.min(1024)];
    for _ in 0..size.div_ceil(1024) {
        builder.push(NewRecord { timestamp: NOW, key: None, value: Some(&value), headers: &[] });
    }
    builder.build_validated()
}

/// Keeps the disk from filling up: everything but the last segments goes.
fn append_and_trim(log: &mut Log, batch: &mut Validated) {
    let appended = log.append(batch, LeaderEpoch(0), Origin::Client, NOW).expect("there is room");
    if appended.rolled {
        let end = log.end_offset();
        log.delete_records(end);
        if let Some(job) = log.apply_retention(NOW, end).expect("files are there") {
            job.run().expect("files are there");
        }
        log.sync().expect("the disk works");
    }
}

fn append(c: &mut Criterion) {
    let mut group = c.benchmark_group("append");
    for (name, size) in [("1 KiB", 1000), ("64 KiB", 64 << 10), ("1 MiB", 1 << 20)] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut log = open(&dir);
        let template = batch(size, None);
        group.throughput(Throughput::Bytes(template.size() as u64));
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                || template.clone(),
                |batch| append_and_trim(&mut log, batch),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn append_idempotent(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut log = open(&dir);
    let mut sequence = 0;
    c.bench_function("append/1 KiB idempotent", |b| {
        b.iter_batched_ref(
            || {
                let batch = batch(1000, Some(sequence));
                sequence += 1;
                batch
            },
            |batch| append_and_trim(&mut log, batch),
            BatchSize::PerIteration,
        );
    });
}

fn read(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut log = open(&dir);
    let mut template = batch(1000, None);
    while log.size_bytes() < 64 << 20 {
        append_and_trim(&mut log, &mut template);
    }
    let end = log.end_offset();
    let mut buffer = Vec::with_capacity(2 << 20);
    let mut at = 0;
    c.bench_function("read/find one batch anywhere", |b| {
        b.iter(|| {
            at = (at + 7919) % end.0;
            buffer.clear();
            let slice = log.read(Offset(at), 1100, end, true).expect("within the log");
            black_box(slice.load_into(&mut buffer).expect("it can be read"));
        });
    });
    c.bench_function("read/plan at the tail", |b| {
        b.iter(|| black_box(log.read(end.plus(-3), 1 << 20, end, true).expect("within the log").size_hint()));
    });
    let mut group = c.benchmark_group("read");
    group.throughput(Throughput::Bytes(1 << 20));
    let mut from = Offset::ZERO;
    group.bench_function("1 MiB one after the other", |b| {
        b.iter(|| {
            buffer.clear();
            let slice = log.read(from, 1 << 20, end, true).expect("within the log");
            let len = slice.load_into(&mut buffer).expect("it can be read");
            from = if len < 1 << 19 { Offset::ZERO } else { from.plus((len / template.size()) as i64) };
        });
    });
    group.finish();
}

criterion_group!(benches, append, append_idempotent, read);
criterion_main!(benches);
