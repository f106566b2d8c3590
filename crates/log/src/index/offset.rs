//! The offset index (`.index`): from a batch's last offset to the batch's position; Kafka's `OffsetIndex`.
//!
//! ```text
//! 0 offset, relative to the segment's base, u32 | 4 position in the segment, u32
//! ```

use super::IndexEntry;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetEntry {
    /// Last offset of the batch, less the segment's base offset.
    pub(crate) offset: u32,
    /// Where the batch starts, in bytes.
    pub(crate) position: u32,
}

impl IndexEntry for OffsetEntry {
    const LEN: usize = 8;

    fn decode(bytes: &[u8]) -> Self {
        let (mut offset, mut position) = ([0; 4], [0; 4]);
        offset.copy_from_slice(&bytes[..4]);
        position.copy_from_slice(&bytes[4..8]);
        OffsetEntry { offset: u32::from_be_bytes(offset), position: u32::from_be_bytes(position) }
    }

    fn encode(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.offset.to_be_bytes());
        into.extend_from_slice(&self.position.to_be_bytes());
    }

    fn follows(&self, before: Option<&Self>) -> bool {
        match before {
            Some(before) => self.offset > before.offset && self.position > before.position,
            // The first batch of a segment is never indexed: it is found without.
            None => self.position > 0,
        }
    }
}
