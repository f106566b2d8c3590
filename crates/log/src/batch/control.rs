//! Control records: what their keys say, and the two transaction markers (KIP-98).
//!
//! The values of the quorum's control records (leader change, snapshot header and footer, `kraft.version`, voters)
//! are Kafka's generated messages and made by those who know them; here they are bytes.

use super::{BatchError, Record};

/// Which control record it is (`ControlRecordType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum ControlType {
    /// Ends a transaction: its records are not to be read.
    Abort = 0,
    /// Ends a transaction: its records count.
    Commit = 1,
    /// `LeaderChangeMessage` (KIP-595).
    LeaderChange = 2,
    /// `SnapshotHeaderRecord` (KIP-630).
    SnapshotHeader = 3,
    /// `SnapshotFooterRecord` (KIP-630).
    SnapshotFooter = 4,
    /// `KRaftVersionRecord` (KIP-853).
    KRaftVersion = 5,
    /// `VotersRecord` (KIP-853).
    KRaftVoters = 6,
}

impl ControlType {
    /// The key of such a control record: version 0 and the type, both i16.
    pub fn key(self) -> [u8; 4] {
        let [high, low] = (self as i16).to_be_bytes();
        [0, 0, high, low]
    }

    /// Reads a control record's key. `None` for a type that is not known, which readers skip.
    ///
    /// Error: `Record` if the key is too short or its version negative.
    pub fn of(record: &Record<'_>) -> Result<Option<ControlType>, BatchError> {
        let _ = record;
        todo!()
    }
}

/// The content of a transaction marker (`EndTransactionMarker`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTxnMarker {
    /// Commit or abort.
    pub commit: bool,
    /// Epoch of the coordinator that wrote it: its partition's leader epoch.
    pub coordinator_epoch: i32,
}

impl EndTxnMarker {
    /// The type for the key.
    pub fn control_type(self) -> ControlType {
        if self.commit { ControlType::Commit } else { ControlType::Abort }
    }

    /// The value: version 0 (i16) and the coordinator epoch (i32).
    pub fn value(self) -> [u8; 6] {
        let [a, b, c, d] = self.coordinator_epoch.to_be_bytes();
        [0, 0, a, b, c, d]
    }

    /// Reads a marker; `None` if the record is another control record.
    ///
    /// Error: `Record` if key or value are malformed.
    pub fn of(record: &Record<'_>) -> Result<Option<EndTxnMarker>, BatchError> {
        let _ = record;
        todo!()
    }
}
