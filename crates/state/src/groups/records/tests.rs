//! The records against Kafka's own: every kind and version as its classes write them (`clients/codec/GroupRecords.java`),
//! and bytes that no Kafka writes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;

use super::*;

fn unhex(text: &str) -> Bytes {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The fixture's lines: kind, version of the value, key, value.
fn golden() -> impl Iterator<Item = (i16, i16, Bytes, Option<Bytes>)> {
    include_str!("../../../tests/fixtures/group-records.txt").lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let value = (words[3] != "-").then(|| unhex(words[3]));
        (words[0].parse().unwrap(), words[1].parse().unwrap(), unhex(words[2]), value)
    })
}

#[test]
fn every_record_of_kafka_is_read_and_written_again_byte_for_byte() {
    let mut kinds = std::collections::BTreeSet::new();
    for (kind, version, key, value) in golden() {
        let change = Change::decode(&key, value.as_ref()).unwrap().unwrap();
        assert_eq!(change.encode_as(version), Encoded { key, value }, "{kind} {version}: {change:?}");
        kinds.insert((kind, version));
    }
    assert_eq!(
        kinds.len(),
        5 + 5 + 7 + 9,
        "five versions of two kinds, one of seven, and a tombstone of each"
    );
}

#[test]
fn the_versions_are_those_that_kafka_writes() {
    let offset = |expire_timestamp| OffsetValue { expire_timestamp, ..OffsetValue::default() };
    let change = |expiry| Change::Offset(OffsetKey::default(), Some(offset(expiry)));
    assert_eq!((change(-1).version(), change(5).version()), (4, 1));
    assert_eq!(Change::Group(GroupKey::default(), Some(GroupValue::default())).version(), 3);
}

#[test]
fn a_key_of_the_oldest_kind_is_an_offsets_key() {
    let change = Change::Offset(OffsetKey { group: "g".into(), ..OffsetKey::default() }, None);
    let mut key = change.encode().key.to_vec();
    key[1] = 0;
    assert_eq!(Change::decode(&Bytes::from(key), None), Ok(Some(change)));
}

#[test]
fn what_nobody_knows_is_skipped_or_refused() {
    assert_eq!(Change::decode(&Bytes::from_static(b"\0\x0f\0\0"), None), Ok(None));
    let key = Change::Group(GroupKey::default(), None).encode().key;
    assert!(Change::decode(&key, Some(&Bytes::from_static(b"\0\x05"))).is_err());
    assert!(Change::decode(&Bytes::new(), None).is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(kind in 0i16..20, key: Vec<u8>, version in 0i16..6, value: Vec<u8>) {
        let prefixed = |first: i16, rest: Vec<u8>| Bytes::from([&first.to_be_bytes()[..], &rest].concat());
        let (key, value) = (prefixed(kind, key), prefixed(version, value));
        let _ = Change::decode(&key, Some(&value));
    }

    #[test]
    fn damage_does_not_panic(line in 0usize..111, at: prop::sample::Index, byte: u8) {
        let (_, _, key, value) = golden().nth(line).unwrap();
        if let Some(value) = value {
            let mut damaged = value.to_vec();
            let at = at.index(damaged.len());
            damaged[at] = byte;
            let _ = Change::decode(&key, Some(&Bytes::from(damaged)));
        }
    }
}
