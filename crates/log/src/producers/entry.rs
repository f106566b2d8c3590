//! One producer: its epoch, its last batches, its open transaction; Kafka's `ProducerStateEntry` and `ProducerAppendInfo`.
//!
//! Sequence numbers count records from 0 to `i32::MAX` and then from 0 again. The last five batches are remembered, as
//! many as an idempotent producer may have in flight.

use std::collections::VecDeque;

use chronik_types::{Millis, Offset, ProducerEpoch, ProducerId};

use super::{Duplicate, ProducerError, ProducerSummary};
use crate::batch::Header;

/// How many batches are remembered (`NUM_BATCHES_TO_RETAIN`).
const BATCHES_MAX: usize = 5;
/// No sequence number.
const NO_SEQUENCE: i32 = -1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AppendedBatch {
    pub(super) last_sequence: i32,
    pub(super) last_offset: Offset,
    pub(super) offset_delta: i32,
    pub(super) timestamp: Millis,
}

impl AppendedBatch {
    fn of(header: Header<'_>) -> AppendedBatch {
        AppendedBatch {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta(),
            timestamp: header.max_timestamp(),
        }
    }

    fn first_sequence(&self) -> i32 {
        (i64::from(self.last_sequence) - i64::from(self.offset_delta)).rem_euclid(1 << 31) as i32
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Producer {
    pub(super) epoch: ProducerEpoch,
    /// Oldest first; all of this epoch.
    pub(super) batches: VecDeque<AppendedBatch>,
    pub(super) last_timestamp: Millis,
    pub(super) coordinator_epoch: i32,
    pub(super) txn_first_offset: Option<Offset>,
}

fn follows(last: i32, next: i32) -> bool {
    i64::from(next) == i64::from(last) + 1 || (next == 0 && last == i32::MAX)
}

impl Producer {
    pub(super) fn new(epoch: ProducerEpoch) -> Producer {
        Producer {
            epoch,
            batches: VecDeque::new(),
            last_timestamp: Millis::NONE,
            coordinator_epoch: -1,
            txn_first_offset: None,
        }
    }

    fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(NO_SEQUENCE, |batch| batch.last_sequence)
    }

    pub(super) fn transaction(&self) -> Option<Offset> {
        self.txn_first_offset
    }

    pub(super) fn find_duplicate(&self, header: Header<'_>) -> Option<Duplicate> {
        if header.producer_epoch() != self.epoch || header.base_sequence() < 0 {
            return None;
        }
        let (first, last) = (header.base_sequence(), header.last_sequence());
        let same = |batch: &&AppendedBatch| batch.first_sequence() == first && batch.last_sequence == last;
        self.batches.iter().find(same).map(|batch| Duplicate {
            first_offset: batch.last_offset.plus(-i64::from(batch.offset_delta)),
            last_offset: batch.last_offset,
            timestamp: batch.timestamp,
        })
    }

    pub(super) fn check_epoch(&self, given: ProducerEpoch, offset: Offset) -> Result<(), ProducerError> {
        if given < self.epoch {
            return Err(ProducerError::InvalidEpoch { offset, given, last: self.epoch });
        }
        Ok(())
    }

    pub(super) fn check_sequence(&self, header: Header<'_>, offset: Offset) -> Result<(), ProducerError> {
        let producer_id = header.producer_id();
        let given = header.base_sequence();
        let last = self.last_sequence();
        let fine = if header.producer_epoch() == self.epoch {
            follows(last, given)
        } else {
            given == 0 || self.epoch == ProducerEpoch::NONE
        };
        if fine {
            Ok(())
        } else {
            Err(ProducerError::OutOfOrderSequence { producer_id, offset, given, last })
        }
    }

    pub(super) fn check_transaction(&self, header: Header<'_>, offset: Offset) -> Result<(), ProducerError> {
        if self.txn_first_offset.is_some() && !header.is_transactional() {
            return Err(ProducerError::InvalidTxnState { producer_id: header.producer_id(), offset });
        }
        Ok(())
    }

    pub(super) fn check_coordinator_epoch(&self, given: i32) -> Result<(), ProducerError> {
        if given < self.coordinator_epoch {
            return Err(ProducerError::CoordinatorFenced { given, last: self.coordinator_epoch });
        }
        Ok(())
    }

    fn enter_epoch(&mut self, epoch: ProducerEpoch) {
        if epoch != self.epoch {
            self.batches.clear();
            self.epoch = epoch;
        }
    }

    /// Returns whether the batch begins a transaction.
    pub(super) fn add_batch(&mut self, header: Header<'_>) -> bool {
        self.enter_epoch(header.producer_epoch());
        if self.batches.len() == BATCHES_MAX {
            self.batches.pop_front();
        }
        self.batches.push_back(AppendedBatch::of(header));
        self.last_timestamp = header.max_timestamp();
        let begins = header.is_transactional() && self.txn_first_offset.is_none();
        if begins {
            self.txn_first_offset = Some(header.base_offset());
        }
        begins
    }

    /// Returns where the transaction began, if one was open.
    pub(super) fn end_transaction(&mut self, header: Header<'_>, coordinator_epoch: i32) -> Option<Offset> {
        self.enter_epoch(header.producer_epoch());
        self.coordinator_epoch = coordinator_epoch;
        self.last_timestamp = header.max_timestamp();
        self.txn_first_offset.take()
    }

    pub(super) fn remember_older(&mut self, header: Header<'_>) {
        let batch = AppendedBatch::of(header);
        let contiguous = self.batches.front().is_some_and(|front| {
            follows(batch.last_sequence, front.first_sequence()) && batch.last_offset < front.last_offset
        });
        if contiguous && header.producer_epoch() == self.epoch && self.batches.len() < BATCHES_MAX {
            self.batches.push_front(batch);
        }
    }

    pub(super) fn is_expired(&self, now: Millis, expiration_ms: i64) -> bool {
        self.txn_first_offset.is_none() && now.0.saturating_sub(self.last_timestamp.0) >= expiration_ms
    }

    pub(super) fn summary(&self, producer_id: ProducerId) -> ProducerSummary {
        ProducerSummary {
            producer_id,
            producer_epoch: self.epoch,
            last_sequence: self.last_sequence(),
            last_timestamp: self.last_timestamp,
            coordinator_epoch: self.coordinator_epoch,
            current_txn_start_offset: self.txn_first_offset,
        }
    }
}
