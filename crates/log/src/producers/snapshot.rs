//! A snapshot of the producers (`<offset>.snapshot`): Kafka's `ProducerSnapshot`, version 1.
//!
//! ```text
//! 0 version i16 (1) | 2 CRC-32C of what follows, u32 | 6 count i32 | then for each producer:
//! 0 id i64 | 8 epoch i16 | 10 last sequence i32 | 14 last offset i64 | 22 offset delta i32 | 26 timestamp i64
//! 34 coordinator epoch i32 | 38 first offset of the open transaction i64 (-1: none)
//! ```
//!
//! Only the last batch of a producer is in it.

use std::collections::{BTreeMap, VecDeque};

use chronik_types::{Millis, Offset, ProducerEpoch, ProducerId};

use super::entry::{AppendedBatch, Producer};

const VERSION: i16 = 1;
const ENTRIES_AT: usize = 6;
const ENTRY_LEN: usize = 46;

pub(super) fn encode(entries: &BTreeMap<ProducerId, Producer>) -> Vec<u8> {
    let mut body = Vec::with_capacity(4 + entries.len() * ENTRY_LEN);
    body.extend_from_slice(&(entries.len() as i32).to_be_bytes());
    for (id, entry) in entries {
        let last = entry.batches.back();
        body.extend_from_slice(&id.0.to_be_bytes());
        body.extend_from_slice(&entry.epoch.0.to_be_bytes());
        body.extend_from_slice(&last.map_or(-1, |batch| batch.last_sequence).to_be_bytes());
        body.extend_from_slice(&last.map_or(-1, |batch| batch.last_offset.0).to_be_bytes());
        body.extend_from_slice(&last.map_or(0, |batch| batch.offset_delta).to_be_bytes());
        body.extend_from_slice(&entry.last_timestamp.0.to_be_bytes());
        body.extend_from_slice(&entry.coordinator_epoch.to_be_bytes());
        body.extend_from_slice(&entry.txn_first_offset.map_or(-1, |offset| offset.0).to_be_bytes());
    }
    let mut bytes = Vec::with_capacity(ENTRIES_AT + body.len());
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&crc_fast::crc32_iscsi(&body).to_be_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

/// `None`: damaged, or of another version.
pub(super) fn decode(bytes: &[u8]) -> Option<BTreeMap<ProducerId, Producer>> {
    let (head, body) = bytes.split_at_checked(ENTRIES_AT)?;
    let version = i16::from_be_bytes(*head.first_chunk()?);
    let crc = u32::from_be_bytes(*head.last_chunk()?);
    if version != VERSION || crc != crc_fast::crc32_iscsi(body) {
        return None;
    }
    let (count, entries) = body.split_first_chunk()?;
    let count = usize::try_from(i32::from_be_bytes(*count)).ok()?;
    if entries.len() != count.checked_mul(ENTRY_LEN)? {
        return None;
    }
    entries.chunks_exact(ENTRY_LEN).map(decode_entry).collect()
}

fn decode_entry(mut bytes: &[u8]) -> Option<(ProducerId, Producer)> {
    let bytes = &mut bytes;
    let id = ProducerId(i64::from_be_bytes(take(bytes)?));
    let epoch = ProducerEpoch(i16::from_be_bytes(take(bytes)?));
    let last_sequence = i32::from_be_bytes(take(bytes)?);
    let last_offset = Offset(i64::from_be_bytes(take(bytes)?));
    let offset_delta = i32::from_be_bytes(take(bytes)?);
    let last_timestamp = Millis(i64::from_be_bytes(take(bytes)?));
    let coordinator_epoch = i32::from_be_bytes(take(bytes)?);
    let txn_first_offset = Offset(i64::from_be_bytes(take(bytes)?));
    let batch = AppendedBatch { last_sequence, last_offset, offset_delta, timestamp: last_timestamp };
    let batches = if last_offset.0 >= 0 { VecDeque::from([batch]) } else { VecDeque::new() };
    let txn_first_offset = (txn_first_offset.0 >= 0).then_some(txn_first_offset);
    Some((id, Producer { epoch, batches, last_timestamp, coordinator_epoch, txn_first_offset }))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*field)
}
