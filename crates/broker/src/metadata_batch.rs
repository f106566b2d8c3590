//! The batches of the metadata log and of its snapshots. All records of one have one time: Kafka ends a node that reads
//! another (`RecordsIterator.readRecord`).

use bytes::Bytes;
use chronik_log::batch::{BatchBuilder, Compression, NewRecord};
use chronik_raft::ControlRecord;
use chronik_state::records::Change;
use chronik_types::Millis;

/// A batch of control records.
pub(crate) fn control(timestamp: Millis, records: &[ControlRecord]) -> BatchBuilder {
    let mut builder = BatchBuilder::new(Compression::None).control();
    for record in records {
        builder.push(NewRecord {
            timestamp,
            key: Some(&record.key()),
            value: Some(&record.value()),
            headers: &[],
        });
    }
    builder
}

/// A batch of metadata records.
pub(crate) fn changes(timestamp: Millis, changes: &[Change]) -> BatchBuilder {
    let mut builder = BatchBuilder::new(Compression::None);
    for change in changes {
        let value: Bytes = change.encode();
        builder.push(NewRecord { timestamp, key: None, value: Some(&value), headers: &[] });
    }
    builder
}
