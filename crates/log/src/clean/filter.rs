//! What becomes of one batch (`Cleaner.cleanInto`, `MemoryRecords.filterTo`).
//!
//! Offsets never move: a batch that loses records keeps its base offset, its last offset and with that its last sequence
//! number. A batch without records is kept where it is the last of its producer or the last of the cleaned range.
//! Tombstones and markers get a delete horizon when they are first seen and go when it has passed (KIP-534).

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use chronik_types::{Millis, Offset, ProducerId};

use super::OffsetMap;
use super::transactions::Transactions;
use crate::batch::{Batch, BatchBuilder, BatchError, Compression, Header, Record, Records, decompress};
use crate::producers::LastRecord;

/// Cap for the decompression of one batch, in bytes.
pub(super) const DECOMPRESSED_MAX: usize = 256 << 20;

/// The rules of one cleaning.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The last record of every producer that the log remembers.
    pub(crate) last_records: BTreeMap<ProducerId, LastRecord>,
    /// The last offset of data of each producer in the part whose keys were mapped. What a producer wrote above may still be
    /// lost or cut off: then this is what is known of it.
    pub(crate) last_mapped: BTreeMap<ProducerId, Offset>,
    /// Where the cleaning ends.
    pub(crate) upper: Offset,
    pub(crate) now: Millis,
    /// `delete.retention.ms`.
    pub(crate) delete_retention_ms: i64,
}

/// What is to be written in a batch's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Nothing,
    AsItIs,
    Rewritten(Bytes),
}

impl Rules {
    /// Judges a batch, whose checksum has been verified. Batches must come in the order of the log.
    ///
    /// Errors: the batch's content is malformed.
    pub(super) fn judge(
        &self,
        batch: Batch<'_>,
        map: &OffsetMap,
        transactions: &mut Transactions,
    ) -> Result<Kept, BatchError> {
        let header = batch.header();
        let is_control = header.is_control();
        let is_over = if is_control { transactions.on_control(batch)? } else { transactions.on_data(header) };
        let horizon_passed = header.delete_horizon().is_some_and(|horizon| horizon <= self.now);
        let drops_records = is_over && (!is_control || horizon_passed);
        let keeps_empty =
            self.is_last_of_producer(header, map.latest()) || header.next_offset() == self.upper;
        if drops_records {
            return Ok(emptied_or_nothing(header, keeps_empty));
        }
        let body = decompress(batch, DECOMPRESSED_MAX)?;
        let mut tombstones = false;
        let mut kept: Vec<Record<'_>> = Vec::new();
        for record in Records::new(header, &body) {
            let record = record?;
            if is_control || self.keeps(&record, header, map) {
                tombstones |= record.value.is_none();
                kept.push(record);
            }
        }
        if kept.is_empty() {
            return Ok(emptied_or_nothing(header, keeps_empty));
        }
        let is_whole = kept.len() == usize::try_from(header.record_count()).unwrap_or(0);
        let wants_horizon = (tombstones || (is_over && is_control)) && header.delete_horizon().is_none();
        if is_whole && !wants_horizon {
            return Ok(Kept::AsItIs);
        }
        let mut builder = BatchBuilder::like(header, Compression::of(header.codec()?));
        if wants_horizon {
            builder = builder.delete_horizon(Millis(self.now.0.saturating_add(self.delete_retention_ms)));
        }
        for record in &kept {
            builder.push_kept(record);
        }
        Ok(Kept::Rewritten(builder.build()))
    }

    /// Whether a record of a key is still wanted (`Cleaner.shouldRetainRecord`).
    fn keeps(&self, record: &Record<'_>, header: Header<'_>, map: &OffsetMap) -> bool {
        if record.offset > map.latest() {
            return true;
        }
        // A record without a key means nothing in a compacted log.
        let Some(key) = record.key else { return false };
        if record.offset < map.get(key) {
            return false;
        }
        record.value.is_some() || header.delete_horizon().is_none_or(|horizon| self.now < horizon)
    }

    /// Whether a batch is the last of a producer that the log remembers, at or below `latest`.
    fn is_last_of_producer(&self, header: Header<'_>, latest: Offset) -> bool {
        if !header.has_producer() {
            return false;
        }
        let id = header.producer_id();
        self.last_records.get(&id).is_some_and(|last| match last.data_offset {
            Some(offset) if offset <= latest => header.last_offset() == offset,
            // Not in the mapped part: it is one of those that earlier cleanings have left.
            Some(_) => self.last_mapped.get(&id).is_none_or(|&last| header.last_offset() == last),
            None => header.is_control() && header.producer_epoch() == last.epoch,
        })
    }
}

fn emptied_or_nothing(header: Header<'_>, keeps_empty: bool) -> Kept {
    if !keeps_empty {
        Kept::Nothing
    } else if header.record_count() == 0 {
        Kept::AsItIs
    } else {
        Kept::Rewritten(BatchBuilder::emptied(header))
    }
}

/// The keys of a batch of data, each with its record's offset.
///
/// Errors: the batch's content is malformed.
pub(super) fn for_each_key(
    batch: Batch<'_>,
    mut take: impl FnMut(&[u8], Offset) -> bool,
) -> Result<bool, BatchError> {
    let body: Cow<'_, [u8]> = decompress(batch, DECOMPRESSED_MAX)?;
    for record in Records::new(batch.header(), &body) {
        let record = record?;
        if let Some(key) = record.key
            && !take(key, record.offset)
        {
            return Ok(false);
        }
    }
    Ok(true)
}
