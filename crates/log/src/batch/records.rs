//! The records of a batch: varints and slices, borrowed from the decompressed body.

use chronik_types::{Millis, Offset};

use super::{BatchError, Header};

/// One record. Slices borrow from the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Base offset + the record's delta.
    pub offset: Offset,
    /// As the batch's timestamp type says.
    pub timestamp: Millis,
    /// `None` is Kafka's null, which is not the empty key.
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// In order, duplicates kept.
    pub headers: RecordHeaders<'a>,
}

/// A header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader<'a> {
    /// UTF-8 by convention; not checked.
    pub key: &'a [u8],
    /// `None` is null.
    pub value: Option<&'a [u8]>,
}

/// The headers of a record: an iterator over bytes that have been checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordHeaders<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> RecordHeaders<'a> {
    /// How many are left.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<'a> Iterator for RecordHeaders<'a> {
    type Item = RecordHeader<'a>;

    fn next(&mut self) -> Option<RecordHeader<'a>> {
        let _ = self.bytes;
        todo!()
    }
}

/// Iterates over the records of a batch. Yields as many as the header claims, or ends with an error.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
}

impl<'a> Records<'a> {
    /// `body` is what [`decompress`](super::decompress) gave for the batch of this header.
    pub fn new(header: Header<'_>, body: &'a [u8]) -> Records<'a> {
        let _ = header;
        Records { bytes: body }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let _ = self.bytes;
        todo!()
    }
}
