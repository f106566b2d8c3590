//! The records of a batch: varints and slices, borrowed from the decompressed body.
//!
//! ```text
//! length | attributes i8 (unused) | timestamp delta | offset delta | key | value | header count | headers
//! ```
//!
//! Numbers are zigzag varints; key, value and header values are a length (-1: null) and bytes.

use chronik_types::{Millis, Offset};

use super::{BatchError, Header, TimestampType, varint};

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

/// The headers of a record, still encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordHeaders<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> RecordHeaders<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One by one, in order.
    pub fn iter(&self) -> RecordHeaderIter<'a> {
        RecordHeaderIter { left: self.count, bytes: self.bytes }
    }

    /// Headers that were encoded here.
    pub(super) fn encoded(count: usize, bytes: &'a [u8]) -> RecordHeaders<'a> {
        RecordHeaders { count, bytes }
    }

    /// The encoded headers, without their count.
    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Walks the headers of a record, which must end with them.
    fn parse(count: i32, bytes: &'a [u8]) -> Result<RecordHeaders<'a>, &'static str> {
        let count = usize::try_from(count).map_err(|_| "negative header count")?;
        let mut rest = bytes;
        for _ in 0..count {
            read_header(&mut rest)?;
        }
        if rest.is_empty() {
            Ok(RecordHeaders { count, bytes })
        } else {
            Err("bytes are left after the last header")
        }
    }
}

impl<'a> IntoIterator for &RecordHeaders<'a> {
    type Item = RecordHeader<'a>;
    type IntoIter = RecordHeaderIter<'a>;

    fn into_iter(self) -> RecordHeaderIter<'a> {
        self.iter()
    }
}

/// Iterates over headers that have been checked to be well-formed.
#[derive(Clone, Debug)]
pub struct RecordHeaderIter<'a> {
    left: usize,
    bytes: &'a [u8],
}

impl<'a> Iterator for RecordHeaderIter<'a> {
    type Item = RecordHeader<'a>;

    fn next(&mut self) -> Option<RecordHeader<'a>> {
        self.left = self.left.checked_sub(1)?;
        read_header(&mut self.bytes).ok()
    }
}

fn read_header<'a>(bytes: &mut &'a [u8]) -> Result<RecordHeader<'a>, &'static str> {
    let key = read_bytes(bytes)?.ok_or("header key is null")?;
    Ok(RecordHeader { key, value: read_bytes(bytes)? })
}

fn read_bytes<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, &'static str> {
    const CUT: &str = "it ends within a field";
    let len = varint::read_i32(bytes).ok_or(CUT)?;
    if len == -1 {
        return Ok(None);
    }
    let len = usize::try_from(len).map_err(|_| "negative length")?;
    let (field, rest) = bytes.split_at_checked(len).ok_or(CUT)?;
    *bytes = rest;
    Ok(Some(field))
}

/// Iterates over the records of a batch. Yields as many as the header claims and nothing more, or ends with an error:
/// also when bytes are left after the last.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    base_offset: Offset,
    base_timestamp: Millis,
    /// The timestamp of every record, if the leader set it.
    log_append_time: Option<Millis>,
    index: usize,
    /// Records still to come; `None` after the end or an error.
    left: Option<i32>,
}

impl<'a> Records<'a> {
    /// `body` is what [`decompress`](super::decompress) gave for the batch of this header.
    pub fn new(header: Header<'_>, body: &'a [u8]) -> Records<'a> {
        let is_log_append_time = header.timestamp_type() == TimestampType::LogAppendTime;
        Records {
            rest: body,
            base_offset: header.base_offset(),
            base_timestamp: header.base_timestamp(),
            log_append_time: is_log_append_time.then(|| header.max_timestamp()),
            index: 0,
            left: Some(header.record_count()),
        }
    }

    fn read(&mut self) -> Result<Record<'a>, &'static str> {
        const CUT: &str = "it ends within a field";
        let len = varint::read_i32(&mut self.rest).ok_or("the batch ends before it")?;
        let len = usize::try_from(len).map_err(|_| "negative length")?;
        let (mut record, rest) = self.rest.split_at_checked(len).ok_or("the batch ends within it")?;
        self.rest = rest;
        let (_attributes, fields) = record.split_first().ok_or(CUT)?;
        record = fields;
        let timestamp_delta = varint::read_i64(&mut record).ok_or(CUT)?;
        let offset_delta = varint::read_i32(&mut record).ok_or(CUT)?;
        let key = read_bytes(&mut record)?;
        let value = read_bytes(&mut record)?;
        let header_count = varint::read_i32(&mut record).ok_or(CUT)?;
        let headers = RecordHeaders::parse(header_count, record)?;
        // Both wrap as Java's do: a base that overflows is a lie, not a reason to stop.
        let timestamp = Millis(self.base_timestamp.0.wrapping_add(timestamp_delta));
        Ok(Record {
            offset: Offset(self.base_offset.0.wrapping_add(i64::from(offset_delta))),
            timestamp: self.log_append_time.unwrap_or(timestamp),
            key,
            value,
            headers,
        })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.left.take()?;
        let index = self.index;
        let error = |reason| Some(Err(BatchError::Record { index, reason }));
        if left < 0 {
            return error("negative record count");
        }
        if left == 0 {
            return if self.rest.is_empty() { None } else { error("bytes are left after the last record") };
        }
        self.index += 1;
        match self.read() {
            Ok(record) => {
                self.left = Some(left - 1);
                Some(Ok(record))
            }
            Err(reason) => error(reason),
        }
    }
}
