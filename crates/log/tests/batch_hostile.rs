//! Bytes from strangers: damaged and forged batches neither panic nor make anyone allocate.
//!
//! The allocator of this test counts, per thread, and refuses what a batch of these sizes can never need. Forged
//! batches carry a valid CRC, so that the damage reaches the decoders.
//!
//! `CHRONIK_HOSTILE_BATCHES` sets how many batches are tried (default 10,000).

#![allow(unsafe_code, reason = "a global allocator is unsafe by its trait; it only counts and forwards")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::Bytes;
use chronik_log::batch::{
    Batch, BatchBuilder, BatchIter, Codec, Compression, NewRecord, Origin, Records, TopicCompression,
    ValidateOptions, decompress, first_at_or_after, max_timestamp_record, validate, verify,
};
use chronik_types::{Millis, Offset};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What decoding may give.
const DECOMPRESSED_MAX: usize = 64 * 1024;
/// What may be held at once: input, decompressed records, recompressed ones, the codecs' own state.
const HELD_MAX: isize = 3 * 1024 * 1024;
const NOW: Millis = Millis(1_700_000_000_000);

struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    HELD.set(HELD.get() + bytes);
    PEAK.set(PEAK.get().max(HELD.get()));
}

// Safety: every call is forwarded unchanged to the system's allocator; counting touches only thread-local cells that
// need no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Everything that reads a batch, one after the other.
fn read_in_every_way(bytes: &Bytes, options: &[ValidateOptions]) -> usize {
    let mut accepted = 0;
    for batch in BatchIter::new(bytes) {
        let Ok(batch) = batch else { break };
        read(batch);
    }
    for options in options {
        if let Ok(validated) = validate(bytes.clone(), options) {
            accepted += 1;
            let stored = validated.to_bytes();
            let stored = Batch::parse(&stored).expect("what is stored is a batch");
            stored.verify_crc().expect("what is stored has a valid checksum");
        }
    }
    let _ = verify(bytes.clone());
    accepted
}

fn read(batch: Batch<'_>) {
    if let Ok(body) = decompress(batch, DECOMPRESSED_MAX) {
        assert!(body.len() <= DECOMPRESSED_MAX);
        for record in Records::new(batch.header(), &body) {
            let Ok(record) = record else { break };
            assert_eq!(record.headers.iter().count(), record.headers.len());
        }
    }
    let _ = first_at_or_after(batch, NOW, Offset(1), DECOMPRESSED_MAX);
    let _ = max_timestamp_record(batch, DECOMPRESSED_MAX);
}

fn options() -> Vec<ValidateOptions> {
    let base = ValidateOptions {
        decompressed_bytes_max: DECOMPRESSED_MAX,
        ..ValidateOptions::new(Origin::Client, NOW)
    };
    let fixed = |codec| TopicCompression::Fixed(Compression::of(codec));
    vec![
        base,
        ValidateOptions { keys_required: true, ..base },
        ValidateOptions { compression: fixed(Codec::None), ..base },
        ValidateOptions { compression: fixed(Codec::Lz4), timestamp_before_max_ms: 1000, ..base },
    ]
}

fn originals() -> Vec<Vec<u8>> {
    let mut originals = Vec::new();
    for codec in Codec::ALL {
        for records in [1, 3, 40] {
            let mut builder = BatchBuilder::new(Compression::of(codec));
            for n in 0..records {
                let value = vec![n as u8; n * 7];
                let headers: [(&[u8], _); 2] = [(b"name", Some(&value[..])), (b"name", None)];
                let timestamp = Millis(NOW.0 + n as i64);
                builder.push(NewRecord {
                    timestamp,
                    key: Some(b"key"),
                    value: Some(&value),
                    headers: &headers[..n % 3],
                });
            }
            originals.push(builder.build().to_vec());
        }
    }
    originals
}

/// Changes a few bytes, the length now and then, and half of the time makes the checksum fit again.
fn damage(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    let edits = 1 + random.next_u32() % 4;
    for _ in 0..edits {
        let at = random.next_u32() as usize % bytes.len();
        bytes[at] = match random.next_u32() % 4 {
            0 => 0xff,
            1 => bytes[at] ^ 1 << (random.next_u32() % 8),
            2 => 0x80 | random.next_u32() as u8,
            _ => random.next_u32() as u8,
        };
    }
    match random.next_u32() % 16 {
        0 => bytes.truncate(random.next_u32() as usize % bytes.len()),
        1 => bytes.extend_from_within(..),
        2 => {
            let tail = random.next_u32() as usize % bytes.len();
            bytes.extend_from_within(tail..);
            let length = (bytes.len() - 12) as i32;
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
        }
        _ => {}
    }
    if random.next_u32().is_multiple_of(2)
        && let Ok(batch) = Batch::parse(bytes)
    {
        let size = batch.as_bytes().len();
        let crc = crc_fast::crc32_iscsi(&bytes[21..size]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "how long to try is asked of whoever runs the test")]
fn damaged_batches_neither_panic_nor_hold_memory() {
    let rounds: u64 = std::env::var("CHRONIK_HOSTILE_BATCHES")
        .map_or(10_000, |text| text.parse().expect("CHRONIK_HOSTILE_BATCHES is a number"));
    let (originals, options) = (originals(), options());
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut accepted = 0;
    let before = HELD.get();
    PEAK.set(before);
    for round in 0..rounds {
        let mut bytes = originals[round as usize % originals.len()].clone();
        damage(&mut bytes, &mut random);
        accepted += read_in_every_way(&bytes.into(), &options);
        assert_eq!(HELD.get(), before, "round {round} keeps memory");
        assert!(PEAK.get() - before < HELD_MAX, "round {round} held {} bytes", PEAK.get() - before);
    }
    assert!(accepted > 0, "some damage is harmless, or the test reaches nothing");
    eprintln!("{rounds} batches, {accepted} accepted, at most {} bytes held", PEAK.get() - before);
}
