//! Sequences, epochs, duplicates, transactions and snapshots of producers, judged entry by entry.

use super::*;
use crate::batch::HEADER_LEN;

/// A header as the wire has it; the CRC does not matter here.
struct Spec {
    offset: i64,
    records: i32,
    epoch: i16,
    sequence: i32,
    attributes: i16,
    producer: i64,
}

const TXN: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;

fn spec(offset: i64, records: i32, epoch: i16, sequence: i32) -> Spec {
    Spec { offset, records, epoch, sequence, attributes: 0, producer: 7 }
}

impl Spec {
    fn txn(mut self) -> Spec {
        self.attributes = TXN;
        self
    }

    fn of(mut self, producer: i64) -> Spec {
        self.producer = producer;
        self
    }

    fn bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0..8].copy_from_slice(&self.offset.to_be_bytes());
        bytes[8..12].copy_from_slice(&49i32.to_be_bytes());
        bytes[16] = 2;
        bytes[21..23].copy_from_slice(&self.attributes.to_be_bytes());
        bytes[23..27].copy_from_slice(&(self.records - 1).to_be_bytes());
        bytes[35..43].copy_from_slice(&1000i64.to_be_bytes());
        bytes[43..51].copy_from_slice(&self.producer.to_be_bytes());
        bytes[51..53].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[53..57].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[57..61].copy_from_slice(&self.records.to_be_bytes());
        bytes
    }
}

fn check(producers: &Producers, spec: &Spec) -> Result<Option<Duplicate>, ErrorCode> {
    let bytes = spec.bytes();
    producers.check(Header::parse(&bytes).unwrap(), Offset(spec.offset)).map_err(|error| error.code())
}

fn append(producers: &mut Producers, spec: &Spec) {
    assert_eq!(check(producers, spec), Ok(None), "offset {}", spec.offset);
    let bytes = spec.bytes();
    assert_eq!(producers.apply(Header::parse(&bytes).unwrap(), None), None);
}

fn mark(
    producers: &mut Producers,
    mut spec: Spec,
    commit: bool,
    coordinator_epoch: i32,
) -> Option<AbortedTxn> {
    spec.attributes = TXN | CONTROL;
    let bytes = spec.bytes();
    producers.apply(Header::parse(&bytes).unwrap(), Some(EndTxnMarker { commit, coordinator_epoch }))
}

use chronik_types::ErrorCode;

#[test]
fn sequences_must_follow_each_other() {
    let mut producers = Producers::default();
    append(&mut producers, &spec(0, 3, 0, 40));
    append(&mut producers, &spec(3, 2, 0, 43));
    assert_eq!(check(&producers, &spec(5, 1, 0, 46)), Err(ErrorCode::OutOfOrderSequenceNumber));
    assert_eq!(check(&producers, &spec(5, 1, 0, 44)), Err(ErrorCode::OutOfOrderSequenceNumber));
    append(&mut producers, &spec(5, 1, 0, 45));
    assert_eq!(producers.iter().next().unwrap().last_sequence, 45);
}

#[test]
fn the_last_five_batches_are_recognised() {
    let mut producers = Producers::default();
    for n in 0..7 {
        append(&mut producers, &spec(i64::from(n) * 2, 2, 0, n * 2));
    }
    for n in 0..7 {
        let found = check(&producers, &spec(14, 2, 0, n * 2));
        if n < 2 {
            assert_eq!(found, Err(ErrorCode::OutOfOrderSequenceNumber));
        } else {
            let first = Offset(i64::from(n) * 2);
            let duplicate =
                Duplicate { first_offset: first, last_offset: first.next(), timestamp: Millis(1000) };
            assert_eq!(found, Ok(Some(duplicate)));
        }
    }
    assert_eq!(
        check(&producers, &spec(14, 1, 0, 12)),
        Err(ErrorCode::OutOfOrderSequenceNumber),
        "half of one"
    );
}

#[test]
fn sequences_wrap_around() {
    let mut producers = Producers::default();
    append(&mut producers, &spec(0, 2, 0, i32::MAX - 1));
    append(&mut producers, &spec(2, 2, 0, 0));
    append(&mut producers, &spec(4, 1, 0, 2));
    let mut producers = Producers::default();
    append(&mut producers, &spec(0, 4, 0, i32::MAX - 1));
    assert_eq!(producers.iter().next().unwrap().last_sequence, 1);
    assert!(check(&producers, &spec(4, 4, 0, i32::MAX - 1)).unwrap().is_some());
    append(&mut producers, &spec(4, 1, 0, 2));
}

#[test]
fn a_new_epoch_starts_at_zero_and_fences_the_old() {
    let mut producers = Producers::default();
    append(&mut producers, &spec(0, 1, 3, 0));
    assert_eq!(check(&producers, &spec(1, 1, 2, 1)), Err(ErrorCode::InvalidProducerEpoch));
    assert_eq!(check(&producers, &spec(1, 1, 4, 1)), Err(ErrorCode::OutOfOrderSequenceNumber));
    append(&mut producers, &spec(1, 1, 4, 0));
    assert_eq!(check(&producers, &spec(2, 1, 3, 1)), Err(ErrorCode::InvalidProducerEpoch));
    append(&mut producers, &spec(2, 1, 4, 1));
}

#[test]
fn an_unknown_producer_may_begin_anywhere() {
    let mut producers = Producers::default();
    append(&mut producers, &spec(0, 1, 9, 1234));
    assert_eq!(producers.expire(Millis(1000 + 499), 500), 0);
    assert_eq!(producers.expire(Millis(1000 + 500), 500), 1);
    append(&mut producers, &spec(1, 1, 9, 77));
}

#[test]
fn transactions_hold_the_last_stable_offset_until_their_marker_is_committed() {
    let mut producers = Producers::default();
    append(&mut producers, &spec(0, 1, 0, 0));
    assert_eq!(producers.last_stable_offset(Offset(1)), Offset(1));
    append(&mut producers, &spec(1, 2, 0, 1).txn());
    append(&mut producers, &spec(3, 1, 0, 0).txn().of(8));
    assert_eq!(check(&producers, &spec(4, 1, 0, 3)), Err(ErrorCode::InvalidTxnState));
    assert_eq!(producers.last_stable_offset(Offset(4)), Offset(1));
    assert_eq!(producers.last_stable_offset(Offset(1)), Offset(1));
    assert_eq!(mark(&mut producers, spec(4, 1, 0, -1), true, 5), None);
    // The marker is at 4; only when 5 is committed does it count.
    assert_eq!(producers.last_stable_offset(Offset(4)), Offset(1));
    assert_eq!(producers.last_stable_offset(Offset(5)), Offset(3));
    let aborted = mark(&mut producers, spec(5, 1, 0, -1).of(8), false, 5).unwrap();
    let expected = AbortedTxn {
        producer_id: ProducerId(8),
        first_offset: Offset(3),
        last_offset: Offset(5),
        last_stable_offset: Offset(6),
    };
    assert_eq!(aborted, expected);
    assert_eq!(producers.last_stable_offset(Offset(6)), Offset(6));
}

#[test]
fn markers_are_fenced_by_both_epochs() {
    let mut producers = Producers::default();
    append(&mut producers, &spec(0, 1, 4, 0).txn());
    mark(&mut producers, spec(1, 1, 4, -1), true, 9);
    let check = |epoch, coordinator_epoch| {
        let bytes = spec(2, 1, epoch, -1).bytes();
        let marker = EndTxnMarker { commit: true, coordinator_epoch };
        let checked = producers.check_marker(Header::parse(&bytes).unwrap(), marker, Offset(2));
        checked.map_err(|error| error.code())
    };
    assert_eq!(check(4, 9), Ok(()));
    assert_eq!(check(3, 9), Err(ErrorCode::InvalidProducerEpoch));
    assert_eq!(check(4, 8), Err(ErrorCode::TransactionCoordinatorFenced));
}

#[test]
fn a_snapshot_keeps_everything_but_older_batches() {
    let mut producers = Producers::default();
    append(&mut producers, &spec(0, 3, 2, 0));
    append(&mut producers, &spec(3, 2, 2, 3).txn());
    append(&mut producers, &spec(5, 1, 0, 0).of(9));
    mark(&mut producers, spec(6, 1, 1, -1).of(10), true, 3);
    let bytes = producers.to_snapshot();
    assert_eq!(bytes.len(), 10 + 3 * 46);
    let mut restored = Producers::from_snapshot(&bytes, Millis(1000), 500).unwrap();
    assert_eq!(restored.to_snapshot(), bytes);
    assert!(restored.iter().eq(producers.iter()));
    assert_eq!(restored.last_stable_offset(Offset(7)), Offset(3));
    assert!(check(&restored, &spec(7, 2, 2, 3).txn()).unwrap().is_some());
    // The batch before can be learned again from the log.
    assert_eq!(check(&restored, &spec(7, 3, 2, 0)), Err(ErrorCode::OutOfOrderSequenceNumber));
    restored.remember_older(Header::parse(&spec(0, 3, 2, 0).bytes()).unwrap());
    assert!(check(&restored, &spec(7, 3, 2, 0)).unwrap().is_some());
    // An open transaction keeps its producer from expiring.
    let late = Producers::from_snapshot(&bytes, Millis(9000), 500).unwrap();
    assert_eq!(late.iter().map(|summary| summary.producer_id.0).collect::<Vec<_>>(), [7]);
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let mut producers = Producers::default();
    append(&mut producers, &spec(0, 3, 2, 0));
    let bytes = producers.to_snapshot();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert_eq!(Producers::from_snapshot(&damaged, Millis(0), i64::MAX), None);
        assert_eq!(Producers::from_snapshot(&bytes[..at], Millis(0), i64::MAX), None);
    }
}
