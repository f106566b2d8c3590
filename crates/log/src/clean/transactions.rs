//! Transactions as a cleaning meets them, batch by batch: Kafka's `CleanedTransactionMetadata`.
//!
//! Records of aborted transactions go. A marker may go when no batch of its transaction is left, and then only after the
//! delete horizon, so that a reader in the middle of the transaction learns of its end.

use std::collections::{BTreeMap, BTreeSet};

use chronik_types::{Offset, ProducerId};

use crate::batch::{Batch, BatchError, ControlType, Header, Records};
use crate::index::AbortedTxn;

/// What is known of the transactions up to the batch that was looked at last.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    /// By first offset; those before `next` have begun.
    aborted: Vec<AbortedTxn>,
    next: usize,
    ongoing_aborted: BTreeMap<ProducerId, Ongoing>,
    ongoing_committed: BTreeSet<ProducerId>,
    /// Aborted transactions whose markers are kept: they belong into the new transaction index.
    kept: Vec<AbortedTxn>,
}

#[derive(Debug)]
struct Ongoing {
    txn: AbortedTxn,
    /// A batch of it was met.
    has_batch: bool,
}

impl Transactions {
    /// Nothing has been looked at yet; `aborted` are the aborted transactions of the range.
    pub(super) fn new(mut aborted: Vec<AbortedTxn>) -> Transactions {
        aborted.sort_by_key(|txn| txn.first_offset);
        Transactions { aborted, ..Transactions::default() }
    }

    /// A batch of data: whether it belongs to an aborted transaction.
    pub(super) fn on_data(&mut self, header: Header<'_>) -> bool {
        self.begin_up_to(header.last_offset());
        if !header.is_transactional() {
            return false;
        }
        if let Some(ongoing) = self.ongoing_aborted.get_mut(&header.producer_id()) {
            ongoing.has_batch = true;
            return true;
        }
        self.ongoing_committed.insert(header.producer_id());
        false
    }

    /// A control batch: whether nothing of its transaction is left, so that it may go in time.
    ///
    /// Error: it is malformed.
    pub(super) fn on_control(&mut self, batch: Batch<'_>) -> Result<bool, BatchError> {
        let header = batch.header();
        self.begin_up_to(header.last_offset());
        let Some(record) = Records::new(header, batch.body()).next() else { return Ok(true) };
        Ok(match ControlType::of(&record?)? {
            Some(ControlType::Abort) => match self.ongoing_aborted.remove(&header.producer_id()) {
                Some(ongoing) if ongoing.has_batch => {
                    self.kept.push(ongoing.txn);
                    false
                }
                _ => true,
            },
            Some(ControlType::Commit) => !self.ongoing_committed.remove(&header.producer_id()),
            _ => false,
        })
    }

    /// The aborted transactions whose markers were kept since the last call.
    pub(super) fn take_kept(&mut self) -> Vec<AbortedTxn> {
        std::mem::take(&mut self.kept)
    }

    fn begin_up_to(&mut self, offset: Offset) {
        while let Some(txn) = self.aborted.get(self.next).filter(|txn| txn.first_offset <= offset) {
            let begun = Ongoing { txn: *txn, has_batch: false };
            self.ongoing_aborted.entry(txn.producer_id).or_insert(begun);
            self.next += 1;
        }
    }
}
