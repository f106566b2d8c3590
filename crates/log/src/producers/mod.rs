//! What a log knows about the producers that write to it (KIP-98): Kafka's `ProducerStateManager`.
//!
//! The state is a function of the batches in the log. [`Producers::check`] says whether a batch may follow, without changing
//! anything; [`Producers::apply`] takes a batch that has been appended into account, and is also what recovery replays.
//! A snapshot saves reading the log from its start.

mod entry;
mod error;
mod snapshot;
mod transactions;

use std::collections::BTreeMap;

use chronik_types::{Millis, Offset, ProducerEpoch, ProducerId};

use crate::batch::{Batch, EndTxnMarker, Header};
use crate::index::AbortedTxn;
use entry::Producer;
pub use error::ProducerError;
use transactions::Transactions;

/// A producer, as DescribeProducers shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerSummary {
    /// Its id.
    pub producer_id: ProducerId,
    /// Its newest epoch.
    pub producer_epoch: ProducerEpoch,
    /// Sequence number of its last record, or -1.
    pub last_sequence: i32,
    /// Timestamp of its last batch or marker.
    pub last_timestamp: Millis,
    /// Epoch of the coordinator that wrote its last marker, or -1.
    pub coordinator_epoch: i32,
    /// First offset of its open transaction, if there is one.
    pub current_txn_start_offset: Option<Offset>,
}

/// What compaction must keep of a producer (`LastRecord`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastRecord {
    /// Last offset of its last batch; `None` if only a marker of it is known.
    pub(crate) data_offset: Option<Offset>,
    pub(crate) epoch: ProducerEpoch,
}

/// The place of a batch that was appended before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Duplicate {
    pub(crate) first_offset: Offset,
    pub(crate) last_offset: Offset,
    pub(crate) timestamp: Millis,
}

/// All producers of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Producers {
    entries: BTreeMap<ProducerId, Producer>,
    transactions: Transactions,
}

impl Producers {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a client's batch may be appended at `offset`: `Ok(Some(..))` if it is there already.
    pub(crate) fn check(
        &self,
        header: Header<'_>,
        offset: Offset,
    ) -> Result<Option<Duplicate>, ProducerError> {
        let Some(entry) = self.entries.get(&header.producer_id()) else { return Ok(None) };
        if let Some(duplicate) = entry.find_duplicate(header) {
            return Ok(Some(duplicate));
        }
        entry.check_epoch(header.producer_epoch(), offset)?;
        entry.check_sequence(header, offset)?;
        entry.check_transaction(header, offset).map(|()| None)
    }

    /// Whether a coordinator's data batch may be appended: its sequence is not looked at.
    pub(crate) fn check_coordinator(&self, header: Header<'_>, offset: Offset) -> Result<(), ProducerError> {
        let Some(entry) = self.entries.get(&header.producer_id()) else { return Ok(()) };
        entry.check_epoch(header.producer_epoch(), offset)?;
        entry.check_transaction(header, offset)
    }

    /// Whether a transaction marker may be appended.
    pub(crate) fn check_marker(
        &self,
        header: Header<'_>,
        marker: EndTxnMarker,
        offset: Offset,
    ) -> Result<(), ProducerError> {
        let Some(entry) = self.entries.get(&header.producer_id()) else { return Ok(()) };
        entry.check_epoch(header.producer_epoch(), offset)?;
        entry.check_coordinator_epoch(marker.coordinator_epoch)
    }

    /// Takes an appended batch into account; `marker` is its content if it is a transaction marker. Returns what belongs
    /// into the transaction index.
    pub(crate) fn apply(&mut self, header: Header<'_>, marker: Option<EndTxnMarker>) -> Option<AbortedTxn> {
        if !header.has_producer() || (header.is_control() && marker.is_none()) {
            return None;
        }
        let id = header.producer_id();
        let entry = self.entries.entry(id).or_insert_with(|| Producer::new(header.producer_epoch()));
        let Some(marker) = marker else {
            if entry.add_batch(header) {
                self.transactions.begin(id, header.base_offset());
            }
            return None;
        };
        let first_offset = entry.end_transaction(header, marker.coordinator_epoch)?;
        let last_offset = header.base_offset();
        let last_stable_offset = self.transactions.complete(id, first_offset, last_offset);
        let aborted = AbortedTxn { producer_id: id, first_offset, last_offset, last_stable_offset };
        (!marker.commit).then_some(aborted)
    }

    /// Adds batches older than those that are known, for finding duplicates: the header of a batch below the snapshot that
    /// the state was loaded from. To be called for the newest first.
    pub(crate) fn remember_older(&mut self, header: Header<'_>) {
        if !header.is_control()
            && let Some(entry) = self.entries.get_mut(&header.producer_id())
        {
            entry.remember_older(header);
        }
    }

    pub(crate) fn last_stable_offset(&mut self, high_watermark: Offset) -> Offset {
        self.transactions.last_stable_offset(high_watermark)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ProducerSummary> + '_ {
        self.entries.iter().map(|(&producer_id, entry)| entry.summary(producer_id))
    }

    /// The last record of each producer.
    pub(crate) fn last_records(&self) -> BTreeMap<ProducerId, LastRecord> {
        let last = |entry: &Producer| LastRecord {
            data_offset: entry.batches.back().map(|batch| batch.last_offset),
            epoch: entry.epoch,
        };
        self.entries.iter().map(|(&id, entry)| (id, last(entry))).collect()
    }

    pub(crate) fn expire(&mut self, now: Millis, expiration_ms: i64) -> usize {
        let before = self.entries.len();
        self.entries.retain(|_, entry| !entry.is_expired(now, expiration_ms));
        before - self.entries.len()
    }

    /// Forgets completed transactions that end below the log's new start.
    pub(crate) fn start_raised(&mut self, start: Offset) {
        self.transactions.start_raised(start);
    }

    /// The bytes of a snapshot (`<offset>.snapshot`).
    pub(crate) fn to_snapshot(&self) -> Vec<u8> {
        snapshot::encode(&self.entries)
    }

    /// From a snapshot, without the producers that have expired; `None` if the bytes are damaged. Transactions that began
    /// before the log's start stay open: their markers are still to come.
    pub(crate) fn from_snapshot(bytes: &[u8], now: Millis, expiration_ms: i64) -> Option<Producers> {
        let mut entries = snapshot::decode(bytes)?;
        entries.retain(|_, entry| !entry.is_expired(now, expiration_ms));
        let mut transactions = Transactions::default();
        for (&id, entry) in &entries {
            if let Some(first_offset) = entry.transaction() {
                transactions.begin(id, first_offset);
            }
        }
        Some(Producers { entries, transactions })
    }
}

/// The transaction marker in a control batch; `None` for other control batches, and malformed ones.
pub(crate) fn marker_of(batch: Batch<'_>) -> Option<EndTxnMarker> {
    if !batch.header().is_control() {
        return None;
    }
    let records = batch.as_bytes().get(crate::batch::HEADER_LEN..)?;
    marker_in(batch.header(), records)
}

/// The same, from header and (uncompressed) body.
pub(crate) fn marker_in(header: Header<'_>, body: &[u8]) -> Option<EndTxnMarker> {
    let record = crate::batch::Records::new(header, body).next()?.ok()?;
    EndTxnMarker::of(&record).ok()?
}

#[cfg(test)]
mod tests;
