//! What a log knows about the producers that write to it: Kafka's `ProducerStateManager`.

mod error;

use chronik_types::{Millis, Offset, ProducerEpoch, ProducerId};

pub use error::ProducerError;

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

#[derive(Debug, Default)]
pub(crate) struct Producers {}

impl Producers {
    pub(crate) fn last_stable_offset(&mut self, high_watermark: Offset) -> Offset {
        high_watermark
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ProducerSummary> + '_ {
        std::iter::empty()
    }

    pub(crate) fn expire(&mut self, now: Millis, expiration_ms: i64) -> usize {
        let _ = (now, expiration_ms);
        0
    }
}
