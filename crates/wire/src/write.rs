//! Writes a framed response in Kafka's two encodings, without copying record bytes.

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;
use uuid::Uuid;

use crate::error::EncodeError;
use crate::header::{RequestHeader, response_has_tags};
use crate::out::{Chunk, Outgoing};
use crate::topic::TopicKey;

/// Records up to this many bytes are copied into the bytes around them: cheaper than a chunk of their own.
pub(crate) const INLINE_MAX: usize = 512;

/// See the module. The size prefix is filled in by [`Writer::finish`].
#[derive(Debug)]
pub(crate) struct Writer {
    buffer: BytesMut,
    /// The first chunk, kept mutable until the size is known; its place in `chunks` holds an empty one.
    first: Option<BytesMut>,
    chunks: SmallVec<[Chunk; 3]>,
    done: usize,
    flexible: bool,
    /// A text was too long for a classic string's two-byte length.
    text_too_long: bool,
}

impl Writer {
    /// Starts a response: room for the size, and the response header.
    pub(crate) fn response(header: &RequestHeader) -> Self {
        Self::response_with_capacity(header, 256)
    }

    /// As [`Writer::response`], with room for `capacity` bytes.
    pub(crate) fn response_with_capacity(header: &RequestHeader, capacity: usize) -> Self {
        let (api, version) = (header.api.info(), header.response_version());
        let mut buffer = BytesMut::with_capacity(capacity);
        buffer.put_i32(0);
        buffer.put_i32(header.correlation_id);
        if response_has_tags(api, version) {
            buffer.put_u8(0);
        }
        let flexible = api.is_flexible(version);
        Writer { buffer, first: None, chunks: SmallVec::new(), done: 0, flexible, text_too_long: false }
    }

    /// Starts a body alone, without size and header; [`Writer::into_body`] gives it away.
    pub(crate) fn body(flexible: bool) -> Self {
        let buffer = BytesMut::with_capacity(128);
        Writer { buffer, first: None, chunks: SmallVec::new(), done: 0, flexible, text_too_long: false }
    }

    /// As [`Writer::into_body`], for a body that may be classic.
    pub(crate) fn into_checked_body(self) -> Result<BytesMut, &'static str> {
        if self.text_too_long { Err("a text is too long for its length") } else { Ok(self.into_body()) }
    }

    /// The body that [`Writer::body`] began; there are no records in it.
    pub(crate) fn into_body(self) -> BytesMut {
        debug_assert!(self.chunks.is_empty(), "a body is one run of bytes");
        self.buffer
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.buffer.put_u8(u8::from(value));
    }

    pub(crate) fn i16(&mut self, value: i16) {
        self.buffer.put_i16(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.buffer.put_u16(value);
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.buffer.put_i32(value);
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.buffer.put_i64(value);
    }

    pub(crate) fn uuid(&mut self, value: Uuid) {
        self.buffer.put_slice(value.as_bytes());
    }

    pub(crate) fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.buffer.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.buffer.put_u8(value as u8);
    }

    /// A count of elements or of bytes; `None` is null.
    pub(crate) fn length(&mut self, length: Option<usize>) {
        if self.flexible {
            self.varint(length.map_or(0, |length| length as u32 + 1));
        } else {
            self.i32(length.map_or(-1, |length| length as i32));
        }
    }

    pub(crate) fn nullable_string(&mut self, text: Option<&str>) {
        if self.flexible {
            self.length(text.map(str::len));
        } else {
            self.text_too_long |= text.is_some_and(|text| text.len() > i16::MAX as usize);
            self.i16(text.map_or(-1, |text| text.len() as i16));
        }
        self.buffer.put_slice(text.unwrap_or_default().as_bytes());
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.nullable_string(Some(text));
    }

    pub(crate) fn topic(&mut self, topic: &TopicKey) {
        match topic {
            TopicKey::Name(name) => self.string(name),
            TopicKey::Id(id) => self.uuid(id.0),
        }
    }

    pub(crate) fn array<T>(&mut self, elements: &[T], mut element: impl FnMut(&mut Self, &T)) {
        self.length(Some(elements.len()));
        for each in elements {
            element(self, each);
        }
    }

    /// The end of a structure without tagged fields.
    pub(crate) fn no_tags(&mut self) {
        if self.flexible {
            self.buffer.put_u8(0);
        }
    }

    /// The head of a tagged field of `size` bytes.
    pub(crate) fn tag(&mut self, tag: u32, size: u32) {
        self.varint(tag);
        self.varint(size);
    }

    /// A tagged field whose size is not known beforehand. Not for fields with records.
    pub(crate) fn tagged(&mut self, tag: u32, field: impl FnOnce(&mut Self)) {
        self.varint(tag);
        let before = std::mem::take(&mut self.buffer);
        field(self);
        let field = std::mem::replace(&mut self.buffer, before);
        self.varint(field.len() as u32);
        self.buffer.put_slice(&field);
    }

    /// Record bytes; long ones become a chunk of their own.
    pub(crate) fn records(&mut self, records: Bytes) {
        self.length(Some(records.len()));
        if records.len() <= INLINE_MAX {
            self.buffer.put_slice(&records);
        } else {
            self.push(Chunk::Bytes(records));
        }
    }

    /// Record bytes that are still in a file.
    pub(crate) fn file(&mut self, len: usize, token: usize) {
        self.length(Some(len));
        self.push(Chunk::File { len, token });
    }

    fn push(&mut self, chunk: Chunk) {
        let before = self.buffer.split();
        self.done += before.len() + chunk.len();
        if self.first.is_none() {
            self.first = Some(before);
            self.chunks.push(Chunk::Bytes(Bytes::new()));
        } else {
            self.chunks.push(Chunk::Bytes(before.freeze()));
        }
        self.chunks.push(chunk);
    }

    /// Fills in the size and gives the frame away.
    pub(crate) fn finish(mut self) -> Result<Outgoing, EncodeError> {
        let total = self.done + self.buffer.len();
        let size = i32::try_from(total - 4).map_err(|_| EncodeError::TooLarge(total))?;
        if self.text_too_long {
            return Err(EncodeError::TextTooLong);
        }
        let mut first = self.first.take().unwrap_or_else(|| self.buffer.split());
        first[..4].copy_from_slice(&size.to_be_bytes());
        let first = Chunk::Bytes(first.freeze());
        match self.chunks.first_mut() {
            Some(place) => *place = first,
            None => self.chunks.push(first),
        }
        if !self.buffer.is_empty() {
            self.chunks.push(Chunk::Bytes(self.buffer.freeze()));
        }
        Ok(Outgoing { chunks: self.chunks })
    }
}
