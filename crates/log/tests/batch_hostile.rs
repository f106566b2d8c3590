//! Bytes from strangers: damaged and forged batches neither panic nor make anyone allocate.
//!
//! The allocator of this test counts, per thread, and refuses what a batch of these sizes can never need. Forged
//! batches carry a valid CRC, so that the damage reaches the decoders.
//!
//! `CHRONIK_HOSTILE_BATCHES` sets how many batches are tried (default 10,000).

#![allow(unsafe_code, reason = "a global allocator is unsafe by its trait; it only counts and forwards")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use chronik_log::batch::{BatchBuilder, Codec, Compression, NewRecord};
use chronik_types::Millis;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

#[path = "support/every_way.rs"]
mod every_way;

use every_way::{NOW, forge_checksum, read_in_every_way};

/// What may be held at once: input, decompressed records, recompressed ones, the codecs' own state.
const HELD_MAX: isize = 3 * 1024 * 1024;

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
    if random.next_u32().is_multiple_of(2) {
        forge_checksum(bytes);
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "how long to try is asked of whoever runs the test")]
fn damaged_batches_neither_panic_nor_hold_memory() {
    let rounds: u64 = std::env::var("CHRONIK_HOSTILE_BATCHES")
        .map_or(10_000, |text| text.parse().expect("CHRONIK_HOSTILE_BATCHES is a number"));
    let originals = originals();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut accepted = 0;
    let before = HELD.get();
    PEAK.set(before);
    for round in 0..rounds {
        let mut bytes = originals[round as usize % originals.len()].clone();
        damage(&mut bytes, &mut random);
        accepted += read_in_every_way(&bytes.into());
        assert_eq!(HELD.get(), before, "round {round} keeps memory");
        assert!(PEAK.get() - before < HELD_MAX, "round {round} held {} bytes", PEAK.get() - before);
    }
    assert!(accepted > 0, "some damage is harmless, or the test reaches nothing");
    eprintln!("{rounds} batches, {accepted} accepted, at most {} bytes held", PEAK.get() - before);
}
