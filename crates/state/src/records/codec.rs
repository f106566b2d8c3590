//! The primitive types of Kafka's flexible encoding: big-endian numbers, unsigned varints, compact strings and
//! arrays, tagged fields (KIP-482).
//!
//! Reading trusts nothing: every length is checked against the bytes that are there before anything is taken, so
//! damaged input costs no more memory than it has bytes.

use std::sync::Arc;

use bytes::Bytes;
use chronik_types::{BrokerEpoch, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, ProducerId, TopicId};
use uuid::Uuid;

use super::RecordError;

/// A name that many values share: a topic, a configuration key, a host.
pub type Name = Arc<str>;

/// Fields that this version of the code has no name for, by tag, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(pub Vec<(u32, Bytes)>);

/// Takes fields off the front of a record.
pub(crate) struct Reader<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a Bytes) -> Self {
        Reader { bytes, at: 0 }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn rest(&mut self) -> Bytes {
        let rest = self.bytes.slice(self.at..);
        self.at = self.bytes.len();
        rest
    }

    /// Checks that everything was read.
    pub(crate) fn end(&self) -> Result<(), RecordError> {
        if self.remaining() == 0 { Ok(()) } else { Err(RecordError::Malformed("bytes after the last field")) }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<Bytes, RecordError> {
        if length > self.remaining() {
            return Err(RecordError::Truncated { at: self.at, wanted: length, left: self.remaining() });
        }
        let taken = self.bytes.slice(self.at..self.at + length);
        self.at += length;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let end = self.at.saturating_add(N);
        let Some(slice) = self.bytes.get(self.at..end) else {
            return Err(RecordError::Truncated { at: self.at, wanted: N, left: self.remaining() });
        };
        let mut array = [0; N];
        array.copy_from_slice(slice);
        self.at = end;
        Ok(array)
    }

    pub(crate) fn uvarint(&mut self) -> Result<u32, RecordError> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(RecordError::Malformed("a varint of more than five bytes"))
    }

    /// A compact length: `None` is null.
    fn length(&mut self) -> Result<Option<usize>, RecordError> {
        Ok(self.uvarint()?.checked_sub(1).map(|length| length as usize))
    }

    /// The tagged fields at the end of a struct, in the order they came.
    pub(crate) fn tags(&mut self) -> Result<Vec<(u32, Bytes)>, RecordError> {
        let count = self.uvarint()?;
        let mut tags = Vec::new();
        for _ in 0..count {
            let tag = self.uvarint()?;
            let size = self.uvarint()? as usize;
            tags.push((tag, self.take(size)?));
        }
        Ok(tags)
    }
}

pub(crate) fn write_uvarint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn write_length(out: &mut Vec<u8>, length: usize) {
    write_uvarint(out, u32::try_from(length + 1).expect("no field of a record reaches 4 GiB"));
}

/// Writes the tagged fields of a struct: those we know and those we only carry, by ascending tag.
pub(crate) fn write_tags(out: &mut Vec<u8>, mut known: Vec<(u32, Vec<u8>)>, unknown: &Tags) {
    known.extend(unknown.0.iter().map(|(tag, bytes)| (*tag, bytes.to_vec())));
    known.sort_by_key(|(tag, _)| *tag);
    write_uvarint(out, known.len() as u32);
    for (tag, bytes) in known {
        write_uvarint(out, tag);
        write_uvarint(out, bytes.len() as u32);
        out.extend_from_slice(&bytes);
    }
}

/// A value that has one form in the flexible encoding.
pub(crate) trait Wire: Sized {
    fn read(from: &mut Reader<'_>) -> Result<Self, RecordError>;
    fn write(&self, out: &mut Vec<u8>);
}

macro_rules! wire_numbers {
    ($($ty:ty),*) => {$(
        impl Wire for $ty {
            fn read(from: &mut Reader<'_>) -> Result<Self, RecordError> {
                from.array().map(<$ty>::from_be_bytes)
            }
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
        }
    )*};
}

wire_numbers!(i8, i16, u16, i32, i64, f64);

macro_rules! wire_newtypes {
    ($($ty:ident),*) => {$(
        impl Wire for $ty {
            fn read(from: &mut Reader<'_>) -> Result<Self, RecordError> {
                Wire::read(from).map($ty)
            }
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
        }
    )*};
}

wire_newtypes!(NodeId, PartitionIndex, LeaderEpoch, PartitionEpoch, BrokerEpoch, ProducerId, TopicId);

impl Wire for bool {
    fn read(from: &mut Reader<'_>) -> Result<Self, RecordError> {
        from.array::<1>().map(|[byte]| byte != 0)
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Wire for Uuid {
    fn read(from: &mut Reader<'_>) -> Result<Self, RecordError> {
        from.array().map(Uuid::from_bytes)
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl Wire for Option<Name> {
    fn read(from: &mut Reader<'_>) -> Result<Self, RecordError> {
        let Some(length) = from.length()? else { return Ok(None) };
        let bytes = from.take(length)?;
        let text =
            std::str::from_utf8(&bytes).map_err(|_| RecordError::Malformed("a string that is not UTF-8"))?;
        Ok(Some(Name::from(text)))
    }
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            None => write_uvarint(out, 0),
            Some(text) => text.write(out),
        }
    }
}

impl Wire for Name {
    fn read(from: &mut Reader<'_>) -> Result<Self, RecordError> {
        Option::<Name>::read(from)?.ok_or(RecordError::Malformed("null where a string must be"))
    }
    fn write(&self, out: &mut Vec<u8>) {
        write_length(out, self.len());
        out.extend_from_slice(self.as_bytes());
    }
}

impl Wire for Bytes {
    fn read(from: &mut Reader<'_>) -> Result<Self, RecordError> {
        let length = from.length()?.ok_or(RecordError::Malformed("null where bytes must be"))?;
        // A copy, so that a few bytes kept in the state do not keep a whole batch alive.
        Ok(Bytes::copy_from_slice(&from.take(length)?))
    }
    fn write(&self, out: &mut Vec<u8>) {
        write_length(out, self.len());
        out.extend_from_slice(self);
    }
}

impl<T: Wire> Wire for Option<Vec<T>> {
    fn read(from: &mut Reader<'_>) -> Result<Self, RecordError> {
        let Some(length) = from.length()? else { return Ok(None) };
        if length > from.remaining() {
            return Err(RecordError::Truncated { at: from.at, wanted: length, left: from.remaining() });
        }
        let mut elements = Vec::new();
        for _ in 0..length {
            elements.push(T::read(from)?);
        }
        elements.shrink_to_fit();
        Ok(Some(elements))
    }
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            None => write_uvarint(out, 0),
            Some(elements) => elements.write(out),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn read(from: &mut Reader<'_>) -> Result<Self, RecordError> {
        Option::<Vec<T>>::read(from)?.ok_or(RecordError::Malformed("null where an array must be"))
    }
    fn write(&self, out: &mut Vec<u8>) {
        write_length(out, self.len());
        for element in self {
            element.write(out);
        }
    }
}
