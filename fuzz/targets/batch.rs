//! Record batches: a produce request's, a fetch response's, or a segment's. Whatever the bytes are, reading them does
//! not panic, decompresses no more than allowed, and stores only what has a valid checksum.
//!
//! If the first byte of the input is odd, the checksum is made to fit, so that the rest reaches the decoders.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/log/tests/support/every_way.rs"]
mod every_way;

fuzz_target!(|input: &[u8]| {
    let Some((&forge, batches)) = input.split_first() else { return };
    let mut batches = batches.to_vec();
    if forge & 1 == 1 {
        every_way::forge_checksum(&mut batches);
    }
    every_way::read_in_every_way(&Bytes::from(batches));
});
