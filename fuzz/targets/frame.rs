//! A connection's bytes, arriving in pieces: the splitter and the header parser neither panic nor make room for
//! more than a step beyond what has come.
//!
//! The first byte of the input says how large the pieces are.
#![no_main]

use bytes::{BufMut, BytesMut};
use chronik_wire::RequestHeader;
use chronik_wire::frame::{STEP, Splitter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&piece, wire)) = input.split_first() else { return };
    let splitter = Splitter::new(100 << 20);
    let mut buffer = BytesMut::new();
    let mut frames = 0;
    for read in wire.chunks(usize::from(piece) + 1) {
        splitter.reserve(&mut buffer);
        assert!(buffer.capacity() <= STEP + 3 * buffer.len() + 4096, "room for {}", buffer.capacity());
        buffer.put_slice(read);
        loop {
            match splitter.next(&mut buffer) {
                Ok(Some(frame)) => {
                    frames += 4 + frame.len();
                    drop(RequestHeader::parse(frame));
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
    assert_eq!(frames + buffer.len(), wire.len(), "nothing is lost");
});
