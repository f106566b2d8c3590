//! The bytes of a snapshot of the metadata log, as Kafka's `RecordsSnapshotWriter` lays them out: control batches around
//! batches of records, offsets counted from zero.

use bytes::Bytes;
use chronik_log::batch::{BatchBuilder, Compression, NewRecord};
use chronik_raft::ControlRecord;
use chronik_state::records::Change;
use chronik_types::{LeaderEpoch, Millis, Offset};

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
        let parts: Vec<([u8; 4], Vec<u8>)> =
            records.iter().map(|record| (record.key(), record.value())).collect();
        let parts: Vec<(Option<&[u8]>, &[u8])> =
            parts.iter().map(|(key, value)| (Some(&key[..]), &value[..])).collect();
        self.batch(true, &parts);
    }

    /// Adds metadata records.
    pub(crate) fn changes(&mut self, changes: &[Change]) {
        for changes in changes.chunks(BATCH_RECORDS) {
            let values: Vec<Bytes> = changes.iter().map(Change::encode).collect();
            let records: Vec<(Option<&[u8]>, &[u8])> =
                values.iter().map(|value| (None, &value[..])).collect();
            self.batch(false, &records);
        }
    }

    fn batch(&mut self, control: bool, records: &[(Option<&[u8]>, &[u8])]) {
        let builder = BatchBuilder::new(Compression::None);
        let builder = builder.base_offset(Offset(self.next)).leader_epoch(self.epoch);
        let mut builder = if control { builder.control() } else { builder };
        for (key, value) in records {
            builder.push(NewRecord { timestamp: self.now, key: *key, value: Some(value), headers: &[] });
        }
        self.next += records.len() as i64;
        self.bytes.extend_from_slice(&builder.build());
    }
}
