//! Bytes that no client sends: random and mutated requests and responses neither panic nor allocate more than
//! their budget. `WIRE_HOSTILE` sets how many are tried.
#![allow(clippy::unwrap_used)]

#[path = "support/counting.rs"]
mod counting;
mod support;

use bytes::{BufMut, Bytes, BytesMut};
use chronik_wire::add_raft_voter::AddRaftVoterRequest;
use chronik_wire::api::APIS;
use chronik_wire::broker_heartbeat::BrokerHeartbeatRequest;
use chronik_wire::client::decode_response;
use chronik_wire::frame::{STEP, Splitter};
use chronik_wire::messages::*;
use chronik_wire::offset_commit::OffsetCommitRequest;
use chronik_wire::offset_fetch::OffsetFetchRequest;
use chronik_wire::precheck::{Checked, check};
use chronik_wire::{ApiKey, DecodeError, RequestHeader, decode_request};
use counting::height;
use kafka_protocol::protocol::{Decodable, Request};
use support::golden::{Golden, KEPT, with_every_api};
use support::random::Random;

/// The promise: a mebibyte, or sixteen times the bytes; and a little for the error's words.
fn allowed(len: usize) -> usize {
    (1 << 20) + 16 * len + 4096
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = random.next() as u8,
            2 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            // Counts and lengths of either encoding, as large as they go and one less.
            3 => drop(bytes.splice(at..at, *b"\xff\xff\xff\xff\x0f")),
            4 => drop(bytes.splice(at..at, *b"\x7f\xff\xff\xfe")),
            _ => {
                let part = bytes[at..bytes.len().min(at + 1 + random.below(30))].to_vec();
                let times = if random.below(200) == 0 { 2000 } else { random.below(4) };
                drop(bytes.splice(at..at, part.repeat(times)));
            }
        }
    }
}

/// The bytes as the client takes them.
fn response(key: i16, version: i16, frame: Bytes) -> Result<(), DecodeError> {
    macro_rules! by_key {
        ($($kind:ident { $($request:ident $response:ident),* })*) => {
            match key {
                $($(<$request as Request>::KEY => decode_response::<$request>(version, frame).map(drop),)*)*
                _ => unreachable!("the key of a message"),
            }
        };
    }
    with_every_api!(by_key)
}

/// The bytes as the server takes them; those of an API that is not in the table yet as it will take them.
fn request(key: i16, version: i16, frame: Bytes, head: usize) -> bool {
    if ApiKey::from_key(key).is_some() {
        return RequestHeader::parse(frame).and_then(|(header, body)| decode_request(&header, body)).is_ok();
    }
    let mut body = frame.slice(head..);
    macro_rules! by_key {
        (unchecked { $($own:ident $unchecked:ident),* } checked { $($request:ident $response:ident),* }) => {
            match key {
                $(<$request as Request>::KEY => {
                    check(&$request::SCHEMA, version, &body).is_ok()
                        && $request::decode(&mut body, version).is_ok()
                })*
                _ => unreachable!("the key of a message"),
            }
        };
    }
    with_every_api!(by_key)
}

/// Tries one; says whether it was accepted.
fn attempt(random: &mut Random, goldens: &[Golden]) -> bool {
    let golden = &goldens[random.below(goldens.len())];
    let mut body = golden.bytes.to_vec();
    if random.below(10) == 0 {
        body = (0..random.below(200)).map(|_| random.next() as u8).collect();
    }
    mutate(random, &mut body);
    let api = APIS[random.below(APIS.len())];
    let (mut key, mut version, mut flexible) = (golden.key, golden.version, golden.flexible);
    if random.below(10) == 0 {
        version = api.min + random.below((api.max - api.min + 1) as usize) as i16;
        (key, flexible) = (api.key.key(), api.is_flexible(version));
    }
    let mut frame = BytesMut::new();
    if golden.is_request() {
        frame.put_i16(key);
        frame.put_i16(version);
        frame.put_i32(1);
        frame.put_i16(0);
    } else {
        frame.put_i32(1);
    }
    if flexible && (golden.is_request() || key != ApiKey::ApiVersions.key()) {
        frame.put_u8(0);
    }
    let head = frame.len();
    frame.put_slice(&body);
    let frame = frame.freeze();
    let (accepted, height) = height(|| {
        if golden.is_request() {
            request(key, version, frame, head)
        } else {
            response(key, version, frame).is_ok()
        }
    });
    assert!(
        height <= allowed(body.len()),
        "{} version {version}: {height} bytes for {body:02x?}",
        golden.message
    );
    accepted
}

/// Reads of random bytes, with sizes that promise anything.
fn split(random: &mut Random) {
    let splitter = Splitter::new(100 << 20);
    let mut buffer = BytesMut::new();
    let mut read = 0;
    while read < 4096 {
        let ((), height) = height(|| splitter.reserve(&mut buffer));
        assert!(height <= STEP + 2 * buffer.len() + 4096, "{height} bytes reserved after {read}");
        let mut bytes = (random.below(300) as i32).to_be_bytes().to_vec();
        bytes[random.below(2)] = if random.below(3) == 0 { random.next() as u8 } else { 0 };
        bytes.extend((0..random.below(300)).map(|_| random.next() as u8));
        buffer.put_slice(&bytes);
        read += bytes.len();
        loop {
            match splitter.next(&mut buffer) {
                Ok(Some(frame)) => drop(RequestHeader::parse(frame)),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

/// Counts of either encoding: as many as there can be, and as many as the budget alone would allow.
const FILLS: [&[u8]; 6] = [
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff\x07",
    b"\xff\xff\xff\xff\x0f",
    b"\0\0\0\0\x7f",
    b"\0\0\x20\0",
    b"\x80\x40",
];

/// Twenty bytes that ask for gigabytes, as any field of any request.
fn smallest_for_the_most() {
    for api in APIS {
        for version in api.min..=api.max {
            for fill in FILLS {
                let mut frame = BytesMut::new();
                frame.put_i16(api.key.key());
                frame.put_i16(version);
                frame.put_slice(b"\0\0\0\x01\0\0\0");
                frame.put_slice(&fill.repeat(20 / fill.len()));
                let frame = frame.freeze();
                let (_, height) = height(|| {
                    RequestHeader::parse(frame).and_then(|(header, body)| decode_request(&header, body))
                });
                assert!(height <= 64 << 10, "{} version {version}: {height} bytes", api.name);
            }
        }
    }
}

/// Three bytes a topic, a hundred and more in memory each: the count is honest, the budget refuses it.
fn empty_for_the_most() {
    // Transactional id, acks, time-out; replica, wait, minimum, maximum, isolation, session and its epoch.
    for (head, before_topics) in
        [(&b"\0\0\0\x09\0\0\0\x01\0\0\0"[..], 7), (b"\0\x01\0\x0c\0\0\0\x01\0\0\0", 25)]
    {
        let mut frame = BytesMut::from(head);
        frame.put_bytes(0, before_topics);
        frame.put_slice(b"\x81\x9a\x0c"); // 200,000 and one
        frame.put_slice(&b"\x01\x01\0".repeat(200_000));
        frame.put_slice(b"\0\0\0\0");
        let len = frame.len();
        let frame = frame.freeze();
        let (decoded, height) =
            height(|| RequestHeader::parse(frame).and_then(|(header, body)| decode_request(&header, body)));
        assert!(height <= allowed(len), "{height} bytes for {len}");
        assert!(matches!(decoded, Err(DecodeError::TooManyElements { .. })), "{decoded:?}");
    }
}

/// One test, since the counters are the process's.
#[test]
fn hostile_bytes_cost_no_more_than_their_length() {
    smallest_for_the_most();
    empty_for_the_most();
    #[expect(clippy::disallowed_methods, reason = "a longer run is asked for from outside")]
    let attempts = std::env::var("WIRE_HOSTILE").map_or(100_000, |count| count.parse().unwrap());
    let goldens: Vec<_> = KEPT.lines().map(Golden::parse).collect();
    let mut random = Random(0x0063_6872_6f6e_696b);
    let mut accepted = 0;
    for attempted in 0..attempts {
        accepted += usize::from(attempt(&mut random, &goldens));
        if attempted % 100 == 0 {
            split(&mut random);
        }
    }
    // Both ways out are tried: some mutations leave a message, most do not.
    assert!(accepted > attempts / 20 && accepted < attempts * 19 / 20, "{accepted} of {attempts} accepted");
}
