//! What a produce request costs in this crate before the log is touched: header, checksum, validation; and what the
//! slow paths cost beside it.

use std::hint::black_box;

use bytes::Bytes;
use chronik_log::batch::{
    Batch, BatchBuilder, BatchIter, Codec, Compression, Header, NewRecord, Origin, Records, TopicCompression,
    ValidateOptions, decompress, validate,
};
use chronik_types::{LeaderEpoch, Millis, Offset};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const NOW: Millis = Millis(1_700_000_000_000);

/// A batch of about `size` bytes of records of 100 bytes, before compression.
fn batch(codec: Codec, size: usize) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::of(codec));
    let mut value = [0u8; 100];
    while builder.size_uncompressed() < size {
        for (index, byte) in value.iter_mut().enumerate() {
            *byte = (builder.len() * 31 + index * 7) as u8;
        }
        builder.push(NewRecord { timestamp: NOW, value: Some(&value), ..NewRecord::default() });
    }
    builder.build()
}

fn hot(c: &mut Criterion) {
    let mut group = c.benchmark_group("validate");
    for size in [200, 16 * 1024, 1024 * 1024] {
        let bytes = batch(Codec::None, size);
        let options =
            ValidateOptions { batch_bytes_max: 2 << 20, ..ValidateOptions::new(Origin::Client, NOW) };
        let log_append_time =
            ValidateOptions { timestamp_type: chronik_log::batch::TimestampType::LogAppendTime, ..options };
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_with_input(BenchmarkId::new("create time", size), &bytes, |b, bytes| {
            b.iter(|| validate(black_box(bytes.clone()), &options));
        });
        group.bench_with_input(BenchmarkId::new("log append time", size), &bytes, |b, bytes| {
            b.iter(|| validate(black_box(bytes.clone()), &log_append_time));
        });
    }
    group.finish();

    let bytes = batch(Codec::None, 200);
    c.bench_function("header/parse", |b| {
        b.iter(|| Header::parse(black_box(&bytes)).map(|header| header.last_offset()));
    });
    let mut validated = validate(bytes, &ValidateOptions::new(Origin::Client, NOW)).expect("a valid batch");
    c.bench_function("header/assign", |b| {
        b.iter(|| black_box(&mut validated).assign(Offset(black_box(5)), LeaderEpoch(black_box(6))));
    });
    let many = batch(Codec::None, 200).repeat(1000);
    c.bench_function("iterate 1000 batches", |b| b.iter(|| BatchIter::new(black_box(&many)).count()));
}

fn slow(c: &mut Criterion) {
    let mut group = c.benchmark_group("records of 16 KiB");
    for codec in Codec::ALL {
        let bytes = batch(codec, 16 * 1024);
        let parsed = Batch::parse(&bytes).expect("a batch");
        group.bench_function(BenchmarkId::new("read", codec), |b| {
            b.iter(|| {
                let body = decompress(black_box(parsed), 1 << 20).expect("it decompresses");
                Records::new(parsed.header(), &body).count()
            });
        });
        if codec == Codec::None {
            continue;
        }
        let options = ValidateOptions {
            compression: TopicCompression::Fixed(Compression::of(codec)),
            ..ValidateOptions::new(Origin::Client, NOW)
        };
        let plain = batch(Codec::None, 16 * 1024);
        group.bench_function(BenchmarkId::new("recompress none to", codec), |b| {
            b.iter(|| validate(black_box(plain.clone()), &options));
        });
    }
    group.finish();
}

criterion_group!(benches, hot, slow);
criterion_main!(benches);
