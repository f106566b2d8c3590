//! The bytes of a snapshot of the metadata log, as Kafka's `RecordsSnapshotWriter` lays them out: control batches around
//! batches of records, offsets counted from zero.

use chronik_log::batch::BatchBuilder;
use chronik_raft::ControlRecord;
use chronik_state::records::Change;
use chronik_types::{LeaderEpoch, Millis, Offset};

use crate::metadata_batch;

/// Records in one batch.
const BATCH_RECORDS: usize = 1024;

/// A snapshot that is being written.
pub(crate) struct SnapshotFile {
    /// What there is of it so far.
    pub(crate) bytes: Vec<u8>,
    next: i64,
    epoch: LeaderEpoch,
    now: Millis,
}

impl SnapshotFile {
    /// An empty one; its batches carry the epoch of the last record that it contains.
    pub(crate) fn new(epoch: LeaderEpoch, now: Millis) -> SnapshotFile {
        SnapshotFile { bytes: Vec::new(), next: 0, epoch, now }
    }

    /// Adds a control batch.
    pub(crate) fn control(&mut self, records: &[ControlRecord]) {
        self.batch(metadata_batch::control(self.now, records), records.len());
    }

    /// Adds metadata records.
    pub(crate) fn changes(&mut self, changes: &[Change]) {
        for changes in changes.chunks(BATCH_RECORDS) {
            self.batch(metadata_batch::changes(self.now, changes), changes.len());
        }
    }

    fn batch(&mut self, batch: BatchBuilder, records: usize) {
        let batch = batch.base_offset(Offset(self.next)).leader_epoch(self.epoch);
        self.next += records as i64;
        self.bytes.extend_from_slice(&batch.build());
    }
}
