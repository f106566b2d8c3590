//! Walking the batches of a byte slice, as in a segment, a fetch response or a produce request.

use super::{Batch, BatchError};

/// The batches of a slice, one after the other. After an error there is no more: where the next batch would start
/// is unknown. A trailing partial batch is `Truncated`, which a reader of fetch responses ignores.
#[derive(Clone, Debug)]
pub struct BatchIter<'a> {
    bytes: &'a [u8],
    position: usize,
    failed: bool,
}

impl<'a> BatchIter<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> BatchIter<'a> {
        BatchIter { bytes, position: 0, failed: false }
    }

    /// Where the next batch starts, in bytes from the start of the slice: the end of the last whole batch.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Iterator for BatchIter<'a> {
    type Item = Result<Batch<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.bytes[self.position..];
        if self.failed || rest.is_empty() {
            return None;
        }
        let batch = Batch::parse(rest);
        match &batch {
            Ok(batch) => self.position += batch.as_bytes().len(),
            Err(_) => self.failed = true,
        }
        Some(batch)
    }
}
