//! A cursor over received bytes that knows Kafka's two encodings, classic and flexible (KIP-482).
//!
//! Text and byte fields are slices of the frame. An array's count is checked twice before anything is reserved:
//! against the bytes that remain, and against a memory budget for the whole body, so that a frame of empty
//! elements does not decode to many times its size.

use bytes::{Buf, Bytes};
use chronik_types::TopicId;
use kafka_protocol::protocol::StrBytes;
use smallvec::{Array, SmallVec};
use uuid::Uuid;

use crate::error::DecodeError;
use crate::topic::TopicKey;

/// Memory that any body may decode to, however short it is.
const BUDGET_FLOOR: usize = 1 << 20;
/// Memory that a body may decode to for each of its bytes. A request with names of sensible length takes a fifth.
const BUDGET_FACTOR: usize = 16;

/// The most memory that a body of `len` bytes may decode to.
pub(crate) fn budget(len: usize) -> usize {
    BUDGET_FLOOR + len.saturating_mul(BUDGET_FACTOR)
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Reader {
    bytes: Bytes,
    at: usize,
    flexible: bool,
    budget: usize,
}

impl Reader {
    pub(crate) fn new(bytes: Bytes, flexible: bool) -> Self {
        let budget = budget(bytes.len());
        Reader { bytes, at: 0, flexible, budget }
    }

    /// The bytes not read yet.
    pub(crate) fn rest(mut self) -> Bytes {
        self.bytes.advance(self.at);
        self.bytes
    }

    /// What follows is in this encoding: a header's tagged fields come after a classic client id.
    pub(crate) fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    pub(crate) fn malformed(&self, what: &'static str) -> DecodeError {
        DecodeError::Malformed { what, at: self.at }
    }

    #[cold]
    fn short(&self, what: &'static str, needed: u64) -> DecodeError {
        DecodeError::Short { what, at: self.at, needed, remaining: self.bytes.len() - self.at }
    }

    #[inline]
    fn fixed<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        match self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>()) {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.short(what, N as u64)),
        }
    }

    #[inline]
    pub(crate) fn i8(&mut self, what: &'static str) -> Result<i8, DecodeError> {
        self.fixed(what).map(i8::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        self.fixed(what).map(u16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn bool(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        self.i8(what).map(|byte| byte != 0)
    }

    #[inline]
    pub(crate) fn i16(&mut self, what: &'static str) -> Result<i16, DecodeError> {
        self.fixed(what).map(i16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn i32(&mut self, what: &'static str) -> Result<i32, DecodeError> {
        self.fixed(what).map(i32::from_be_bytes)
    }

    #[inline]
    pub(crate) fn i64(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        self.fixed(what).map(i64::from_be_bytes)
    }

    #[inline]
    pub(crate) fn uuid(&mut self, what: &'static str) -> Result<Uuid, DecodeError> {
        self.fixed(what).map(Uuid::from_bytes)
    }

    /// An unsigned varint of at most five bytes, as `ByteUtils.readUnsignedVarint` limits it.
    #[inline]
    fn varint(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        let (value, len) = varint(&self.bytes[self.at..]).map_err(|fault| match fault {
            VarintFault::Short => self.short(what, 1),
            VarintFault::Long => self.malformed(what),
        })?;
        self.at += len;
        Ok(value)
    }

    /// A length or count: varint less one when flexible, else a signed number of two or four bytes; `None` is null.
    #[inline]
    fn length(&mut self, what: &'static str, classic_i16: bool) -> Result<Option<usize>, DecodeError> {
        let length = if self.flexible {
            i64::from(self.varint(what)?) - 1
        } else if classic_i16 {
            i64::from(self.i16(what)?)
        } else {
            i64::from(self.i32(what)?)
        };
        match length {
            -1 => Ok(None),
            0.. => Ok(Some(length as usize)),
            _ => Err(self.malformed(what)),
        }
    }

    #[inline]
    fn slice(&mut self, what: &'static str, len: usize) -> Result<Bytes, DecodeError> {
        if len > self.bytes.len() - self.at {
            return Err(self.short(what, len as u64));
        }
        let slice = self.bytes.slice(self.at..self.at + len);
        self.at += len;
        Ok(slice)
    }

    pub(crate) fn nullable_bytes(&mut self, what: &'static str) -> Result<Option<Bytes>, DecodeError> {
        match self.length(what, false)? {
            Some(len) => self.slice(what, len).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn nullable_string(&mut self, what: &'static str) -> Result<Option<StrBytes>, DecodeError> {
        match self.length(what, true)? {
            Some(len) => {
                let text = self.slice(what, len)?;
                StrBytes::from_utf8(text).map(Some).map_err(|_| self.malformed(what))
            }
            None => Ok(None),
        }
    }

    pub(crate) fn string(&mut self, what: &'static str) -> Result<StrBytes, DecodeError> {
        self.nullable_string(what)?.ok_or_else(|| self.malformed(what))
    }

    /// Text that may be null (then empty) and in which bytes that are not UTF-8 are replaced.
    pub(crate) fn lossy_string(&mut self, what: &'static str) -> Result<StrBytes, DecodeError> {
        let Some(len) = self.length(what, true)? else { return Ok(StrBytes::default()) };
        let text = self.slice(what, len)?;
        Ok(match String::from_utf8_lossy(&text) {
            std::borrow::Cow::Borrowed(_) => StrBytes::from_utf8(text).unwrap_or_default(),
            std::borrow::Cow::Owned(replaced) => StrBytes::from_string(replaced),
        })
    }

    pub(crate) fn topic(&mut self, by_id: bool) -> Result<TopicKey, DecodeError> {
        if by_id {
            self.uuid("topic id").map(|id| TopicKey::Id(TopicId(id)))
        } else {
            self.string("topic name").map(TopicKey::Name)
        }
    }

    /// A count of elements of at least `min` bytes each on the wire and `size` bytes each in memory.
    fn count(&mut self, what: &'static str, min: usize, size: usize) -> Result<usize, DecodeError> {
        self.nullable_count(what, min, size)?.ok_or_else(|| self.malformed(what))
    }

    fn nullable_count(
        &mut self,
        what: &'static str,
        min: usize,
        size: usize,
    ) -> Result<Option<usize>, DecodeError> {
        let Some(count) = self.length(what, false)? else { return Ok(None) };
        if count > (self.bytes.len() - self.at) / min {
            return Err(self.short(what, (count as u64).saturating_mul(min as u64)));
        }
        self.budget =
            self.budget.checked_sub(count.saturating_mul(size)).ok_or(DecodeError::TooManyElements {
                len: self.bytes.len(),
                budget: budget(self.bytes.len()),
            })?;
        Ok(Some(count))
    }

    /// An array whose elements take `min` bytes each at least.
    pub(crate) fn array<A: Array>(
        &mut self,
        what: &'static str,
        min: usize,
        mut element: impl FnMut(&mut Self) -> Result<A::Item, DecodeError>,
    ) -> Result<SmallVec<A>, DecodeError> {
        let count = self.count(what, min, size_of::<A::Item>())?;
        let mut elements = SmallVec::with_capacity(count);
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(elements)
    }

    /// As [`Reader::array`], into a `Vec`.
    pub(crate) fn vec<T>(
        &mut self,
        what: &'static str,
        min: usize,
        element: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        self.nullable_vec(what, min, element)?.ok_or_else(|| self.malformed(what))
    }

    /// As [`Reader::vec`]; `None` is null.
    pub(crate) fn nullable_vec<T>(
        &mut self,
        what: &'static str,
        min: usize,
        mut element: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(count) = self.nullable_count(what, min, size_of::<T>())? else { return Ok(None) };
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(Some(elements))
    }

    /// The tagged fields that end every flexible structure. `known` reads the field and says true, or leaves it and
    /// says false; a field that is not known is skipped.
    pub(crate) fn tags(
        &mut self,
        mut known: impl FnMut(u32, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.varint("tagged field count")? {
            let tag = self.varint("tag")?;
            let size = self.varint("tagged field size")? as usize;
            if size > self.bytes.len() - self.at {
                return Err(self.short("tagged field", size as u64));
            }
            let end = self.at + size;
            if !known(tag, self)? {
                self.at = end;
            } else if self.at != end {
                return Err(self.malformed("tagged field"));
            }
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn skip_tags(&mut self) -> Result<(), DecodeError> {
        self.tags(|_, _| Ok(false))
    }
}

/// Why a varint cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VarintFault {
    /// The bytes end first.
    Short,
    /// More than five bytes.
    Long,
}

/// The unsigned varint at the start of `bytes`, and its length.
#[inline]
pub(crate) fn varint(bytes: &[u8]) -> Result<(u32, usize), VarintFault> {
    let mut value = 0u32;
    for place in 0..5 {
        let byte = *bytes.get(place).ok_or(VarintFault::Short)?;
        value |= u32::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Ok((value, place + 1));
        }
    }
    Err(VarintFault::Long)
}
