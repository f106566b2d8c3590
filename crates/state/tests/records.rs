//! The records against Kafka's own: every kind and version as Kafka's classes write it
//! (`clients/codec/MetadataRecords.java`), and bytes that no Kafka writes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bytes::Bytes;
use chronik_state::records::{Change, ClientQuotaRecord, Record, TopicRecord};
use proptest::prelude::*;

/// The fixture's lines: kind, version and bytes of each record.
fn golden(fixture: &'static str) -> impl Iterator<Item = (&'static str, i16, Bytes)> {
    fixture.lines().map(|line| {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap();
        (word(), word().parse().unwrap(), Bytes::from(unhex(word())))
    })
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

const RANDOM: &str = include_str!("fixtures/metadata-records.txt");
const LOG: &str = include_str!("fixtures/kafka-4.3.1-log.txt");

#[test]
fn every_record_of_kafka_is_read_and_written_again_byte_for_byte() {
    for (kind, version, bytes) in golden(RANDOM).chain(golden(LOG)) {
        let change = Change::decode(&bytes).unwrap_or_else(|error| panic!("{kind} {version}: {error}"));
        assert_eq!((change.record.name(), change.version), (kind, version));
        assert!(!matches!(change.record, Record::Unknown { .. }));
        assert_eq!(change.encode(), bytes, "{kind} {version}: {change:?}");
    }
}

#[test]
fn every_kind_and_version_is_covered() {
    for (_, _, bytes) in golden(RANDOM) {
        let record = Change::decode(&bytes).unwrap().record;
        let is_newest = |(_, version, other): &(&str, i16, Bytes)| {
            *version == record.version_max() && Change::decode(other).unwrap().record.key() == record.key()
        };
        assert!(golden(RANDOM).any(|line| is_newest(&line)), "{}", record.name());
    }
    let kinds: std::collections::BTreeSet<_> = golden(RANDOM).map(|(kind, _, _)| kind).collect();
    assert_eq!(kinds.len(), 26);
}

/// `clients/codec/MetadataJson.java` wrote each record of both fixtures as Kafka shows it.
#[test]
fn every_record_is_shown_as_kafka_shows_it() {
    let kafkas = include_str!("fixtures/metadata-json.txt").lines();
    let mut count = 0;
    for ((_, _, bytes), kafkas) in golden(RANDOM).chain(golden(LOG)).zip(kafkas) {
        let ours = Change::decode(&bytes).unwrap().to_json();
        let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(value(&ours), value(kafkas), "{ours}");
        count += 1;
    }
    assert_eq!(count, golden(RANDOM).chain(golden(LOG)).count());
}

#[test]
fn json_is_json_whatever_is_in_it() {
    let unknown = Change::decode(&Bytes::from_static(b"\x01\x63\x07\x01\xff")).unwrap();
    let expected = r#"{"type":"UNKNOWN_RECORD","version":7,"key":99,"hex":"01ff"}"#;
    assert_eq!(unknown.to_json(), expected);
    let record = TopicRecord { name: "a\"\\\u{1}\n\u{e9}".into(), ..Default::default() };
    let json: serde_json::Value = serde_json::from_str(&Change::new(record.clone()).to_json()).unwrap();
    assert_eq!(json["data"]["name"], &*record.name);
    for value in [f64::NAN, f64::NEG_INFINITY, 1e300, 0.1] {
        let quota = ClientQuotaRecord { value, ..Default::default() };
        serde_json::from_str::<serde_json::Value>(&Change::new(quota).to_json()).unwrap();
    }
}

#[test]
fn what_nobody_knows_is_kept_as_it_came() {
    // Kind 99, and a version of TOPIC_RECORD that does not exist yet.
    for bytes in [&b"\x01\x63\x07whatever"[..], b"\x01\x02\x05whatever"] {
        let bytes = Bytes::from_static(bytes);
        let change = Change::decode(&bytes).unwrap();
        assert!(matches!(change.record, Record::Unknown { .. }));
        assert_eq!(change.encode(), bytes);
    }
}

#[test]
fn damage_is_an_error() {
    for (_, _, bytes) in golden(RANDOM) {
        for end in 0..bytes.len() {
            assert!(Change::decode(&bytes.slice(..end)).is_err(), "{bytes:?} cut at {end}");
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert!(Change::decode(&Bytes::from(longer)).is_err(), "{bytes:?} with a byte more");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 3..200), kind in 0u8..30, version in 0u8..5) {
        bytes[..3].copy_from_slice(&[1, kind, version]);
        if let Ok(change) = Change::decode(&Bytes::from(bytes)) {
            // What was read can be written and means the same.
            prop_assert_eq!(Change::decode(&change.encode()).map(|again| again.encode()), Ok(change.encode()));
        }
    }

    #[test]
    fn no_mutation_makes_it_panic(line in 0..RANDOM.lines().count(), at: prop::sample::Index, byte: u8) {
        let (_, _, bytes) = golden(RANDOM).nth(line).unwrap();
        let mut bytes = bytes.to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = Change::decode(&Bytes::from(bytes));
    }
}
