//! The time index (`.timeindex`): the largest timestamp up to a batch, and that batch's offset; Kafka's `TimeIndex`.
//!
//! ```text
//! 0 timestamp i64 | 8 offset, relative to the segment's base, u32
//! ```
//!
//! An entry says: no record up to and including this offset has a larger timestamp.

use super::IndexEntry;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    /// In milliseconds since the Unix epoch.
    pub(crate) timestamp: i64,
    /// Last offset of the batch with that timestamp, less the segment's base offset.
    pub(crate) offset: u32,
}

impl IndexEntry for TimeEntry {
    const LEN: usize = 12;

    fn decode(bytes: &[u8]) -> Self {
        let (mut timestamp, mut offset) = ([0; 8], [0; 4]);
        timestamp.copy_from_slice(&bytes[..8]);
        offset.copy_from_slice(&bytes[8..12]);
        TimeEntry { timestamp: i64::from_be_bytes(timestamp), offset: u32::from_be_bytes(offset) }
    }

    fn encode(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.timestamp.to_be_bytes());
        into.extend_from_slice(&self.offset.to_be_bytes());
    }

    fn follows(&self, before: Option<&Self>) -> bool {
        match before {
            // Kafka may repeat an offset when it seals a segment, never a timestamp.
            Some(before) => self.timestamp > before.timestamp && self.offset >= before.offset,
            None => self.timestamp > 0 || self.offset > 0,
        }
    }
}
