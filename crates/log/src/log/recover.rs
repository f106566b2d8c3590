//! After a stop that was not clean: from the recovery point on, every batch is read and checked; at the first bad one the
//! log is cut.

use std::path::PathBuf;

use chronik_types::Offset;

/// What opening had to repair. All zero and empty after a clean stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes of batches that were read and checked.
    pub scanned_bytes: u64,
    /// Indexes that were missing or damaged and have been made again.
    pub rebuilt_indexes: usize,
    /// What was cut off or removed.
    pub cuts: Vec<Cut>,
}

/// Bytes that recovery cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Which file.
    pub path: PathBuf,
    /// From where, in bytes.
    pub position: u64,
    /// How many.
    pub bytes: u64,
    /// The log's end there.
    pub offset: Offset,
    /// Why, as a sentence.
    pub reason: String,
}
