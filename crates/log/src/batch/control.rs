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
    /// Every type, in the order of their numbers.
    pub const ALL: [ControlType; 7] = [
        ControlType::Abort,
        ControlType::Commit,
        ControlType::LeaderChange,
        ControlType::SnapshotHeader,
        ControlType::SnapshotFooter,
        ControlType::KRaftVersion,
        ControlType::KRaftVoters,
    ];

    /// The key of such a control record: version 0 and the type, both i16.
    pub fn key(self) -> [u8; 4] {
        let [high, low] = (self as i16).to_be_bytes();
        [0, 0, high, low]
    }

    /// Reads a control record's key. `None` for a type that is not known, which readers skip.
    ///
    /// Error: `Record` if the key is too short or its version negative.
    pub fn of(record: &Record<'_>) -> Result<Option<ControlType>, BatchError> {
        let key = record.key.unwrap_or_default();
        let malformed = BatchError::Record { index: 0, reason: "the key is not that of a control record" };
        let Some(&[a, b, c, d]) = key.first_chunk() else { return Err(malformed) };
        if i16::from_be_bytes([a, b]) < 0 {
            return Err(malformed);
        }
        let number = i16::from_be_bytes([c, d]);
        Ok(ControlType::ALL.into_iter().find(|&control_type| control_type as i16 == number))
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
        let commit = match ControlType::of(record)? {
            Some(ControlType::Commit) => true,
            Some(ControlType::Abort) => false,
            _ => return Ok(None),
        };
        // Later versions may append fields.
        match record.value.and_then(<[u8]>::first_chunk) {
            Some(&[high, low, a, b, c, d]) if i16::from_be_bytes([high, low]) >= 0 => {
                Ok(Some(EndTxnMarker { commit, coordinator_epoch: i32::from_be_bytes([a, b, c, d]) }))
            }
            _ => Err(BatchError::Record { index: 0, reason: "not the value of a transaction marker" }),
        }
    }
}
