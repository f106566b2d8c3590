//! Making batches: for the controller and coordinators, the CLI, compaction, recompression and tests.

use bytes::Bytes;
use chronik_types::{LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId};

use super::{Compression, Header, Record, Validated};

/// A record to be written.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRecord<'a> {
    /// Becomes the record's create time.
    pub timestamp: Millis,
    /// `None` is Kafka's null.
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Key and value of each header, in order.
    pub headers: &'a [(&'a [u8], Option<&'a [u8]>)],
}

/// Collects records into one batch.
///
/// Without further calls: base offset 0, leader epoch -1 (as clients send it), no producer, create time.
#[derive(Clone, Debug)]
pub struct BatchBuilder {}

impl BatchBuilder {
    /// An empty batch.
    pub fn new(compression: Compression) -> BatchBuilder {
        let _ = compression;
        todo!()
    }

    /// An empty batch with everything from `header` but codec, max timestamp and record count: base offset, last offset
    /// delta, epoch, producer, flags. What compaction and recompression start from.
    pub fn like(header: Header<'_>, compression: Compression) -> BatchBuilder {
        let _ = (header, compression);
        todo!()
    }

    /// Offset of the first record.
    pub fn base_offset(self, offset: Offset) -> BatchBuilder {
        let _ = offset;
        todo!()
    }

    /// Epoch of the leader that appends the batch.
    pub fn leader_epoch(self, epoch: LeaderEpoch) -> BatchBuilder {
        let _ = epoch;
        todo!()
    }

    /// Idempotent producer and its first sequence number.
    pub fn producer(self, id: ProducerId, epoch: ProducerEpoch, base_sequence: i32) -> BatchBuilder {
        let _ = (id, epoch, base_sequence);
        todo!()
    }

    /// Part of a transaction.
    pub fn transactional(self) -> BatchBuilder {
        todo!()
    }

    /// A control batch: its records' keys are [`ControlType::key`](super::ControlType::key).
    pub fn control(self) -> BatchBuilder {
        todo!()
    }

    /// The leader's time for all records.
    pub fn log_append_time(self, now: Millis) -> BatchBuilder {
        let _ = now;
        todo!()
    }

    /// Compaction's mark (KIP-534); becomes the base timestamp.
    pub fn delete_horizon(self, horizon: Millis) -> BatchBuilder {
        let _ = horizon;
        todo!()
    }

    /// Adds a record at the next offset.
    pub fn push(&mut self, record: NewRecord<'_>) {
        let _ = record;
        todo!()
    }

    /// Adds a record that was read from a batch, at its own offset. Panics if the offset is below the one before.
    pub fn push_kept(&mut self, record: &Record<'_>) {
        let _ = record;
        todo!()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the batch if it were not compressed.
    pub fn size_uncompressed(&self) -> usize {
        todo!()
    }

    /// The batch. A batch without records is allowed: compaction keeps a producer's last sequence so.
    pub fn build(self) -> Bytes {
        todo!()
    }

    /// The batch, ready to append: it needs no validation, having been made here.
    pub fn build_validated(self) -> Validated {
        todo!()
    }
}
