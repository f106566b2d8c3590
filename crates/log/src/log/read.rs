//! Reading from an offset: found under the owner's lock without I/O, loaded outside of it.

use std::io;

use bytes::Bytes;
use chronik_types::Offset;

use super::Log;
use crate::error::ReadError;

/// Batches to be read. Holds what is needed without the log.
#[derive(Debug)]
pub struct ReadSlice {
    size_hint: usize,
}

impl ReadSlice {
    /// How many bytes there are to read: exact for batches appended lately, else an upper bound. Never more than
    /// `max_bytes` unless a single larger batch was allowed.
    pub fn size_hint(&self) -> usize {
        self.size_hint
    }

    /// Whether there is nothing to read: the offset is the end, or the upper bound.
    pub fn is_empty(&self) -> bool {
        self.size_hint == 0
    }

    /// Reads whole batches. The first one holds the offset asked for, and may start before it. Blocks; needs no lock.
    ///
    /// Error: `NotFound` if retention has removed the segment meanwhile: ask the log again.
    pub fn load(&self) -> io::Result<Bytes> {
        todo!()
    }

    /// The same, appended to a buffer of the caller's. Returns how many bytes.
    pub fn load_into(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        let _ = into;
        todo!()
    }
}

impl Log {
    /// Finds the batches from the one that holds `from` up to `upper` (the high watermark, the last stable offset, or the
    /// end for a follower), at most `max_bytes`; with `at_least_one` the first batch is read even if it is larger.
    /// Reading stops at the end of a segment: ask again for the rest.
    ///
    /// No data is read. Error: `OffsetOutOfRange` outside of `[start, end]`.
    pub fn read(
        &self,
        from: Offset,
        max_bytes: usize,
        upper: Offset,
        at_least_one: bool,
    ) -> Result<ReadSlice, ReadError> {
        let _ = (from, max_bytes, upper, at_least_one);
        todo!()
    }
}
