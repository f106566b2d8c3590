//! Walks a body by its schema before the message library decodes it.
//!
//! The library reserves memory for as many elements as an array claims, so nine bytes could ask for gigabytes.
//! The walk checks every length and count against the bytes that remain (an array of `n` elements needs `n` times
//! the least its element can take), and the memory that the elements will take against a budget in proportion to
//! the body. It allocates nothing. What it accepts the library decodes without running out of bytes; what is left
//! to the library are UTF-8 and nulls in wrong places, which it refuses as values.
//!
//! Produce and Fetch requests do not pass here: their decoders check their own counts.

use crate::error::DecodeError;
use crate::read::{VarintFault, budget, varint};

/// The shape of a message's bytes at every version.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// First version in the flexible encoding.
    pub flexible: i16,
    /// The fields in the order of the wire.
    pub fields: &'static [Field],
}

/// A message of the library with the schema that its bytes are checked against first.
pub trait Checked {
    /// The shape of its bytes at every version.
    const SCHEMA: Schema;
    /// The newest version the library knows, where a newer one has the same bytes.
    const CODEC_MAX: i16 = i16::MAX;
}

/// A field, with the versions that have it.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    name: &'static str,
    kind: Kind,
    since: i16,
    until: i16,
    tag: Option<u32>,
}

/// How a field is laid out.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// So many bytes.
    Fixed(u8),
    /// Text with a length of two bytes, or a varint.
    Text,
    /// Bytes with a length of four bytes, or a varint.
    Blob,
    /// A count and elements.
    Array(&'static Kind),
    /// Fields one after the other; the flexible encoding ends with tagged fields.
    Struct(&'static [Field]),
    /// A structure behind a byte that says whether it is there.
    Maybe(&'static [Field]),
}

/// Fields of fixed width.
pub(crate) const BOOL: Kind = Kind::Fixed(1);
pub(crate) const I8: Kind = Kind::Fixed(1);
pub(crate) const I16: Kind = Kind::Fixed(2);
pub(crate) const I32: Kind = Kind::Fixed(4);
pub(crate) const I64: Kind = Kind::Fixed(8);
pub(crate) const UUID: Kind = Kind::Fixed(16);

/// A field of every version.
pub(crate) const fn all(name: &'static str, kind: Kind) -> Field {
    within(0, i16::MAX, name, kind)
}

/// A field from `since` on.
pub(crate) const fn since(since: i16, name: &'static str, kind: Kind) -> Field {
    within(since, i16::MAX, name, kind)
}

/// A field up to and with `until`.
pub(crate) const fn until(until: i16, name: &'static str, kind: Kind) -> Field {
    within(0, until, name, kind)
}

/// A field of the versions from `since` to `until`.
pub(crate) const fn within(since: i16, until: i16, name: &'static str, kind: Kind) -> Field {
    Field { name, kind, since, until, tag: None }
}

/// A tagged field, known from `since` on.
pub(crate) const fn tagged(tag: u32, since: i16, name: &'static str, kind: Kind) -> Field {
    Field { name, kind, since, until: i16::MAX, tag: Some(tag) }
}

/// Checks a body and returns how many of its bytes the message takes; more may follow, and are ignored.
///
/// # Errors
/// A length or count that the body cannot hold, or more elements than its budget of memory.
pub fn check(schema: &Schema, version: i16, body: &[u8]) -> Result<usize, DecodeError> {
    let flexible = version >= schema.flexible;
    let mut walk = Walk { bytes: body, at: 0, version, flexible, budget: budget(body.len()) };
    walk.structure(schema.fields)?;
    Ok(walk.at)
}

/// Memory that the library takes for a tagged field that it does not know: an entry of a map.
const UNKNOWN_TAG_MEMORY: usize = 96;
/// Memory that the library adds to every structure for such fields.
const STRUCT_MEMORY: usize = 24;

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    version: i16,
    flexible: bool,
    budget: usize,
}

impl Walk<'_> {
    fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn skip(&mut self, what: &'static str, len: usize) -> Result<(), DecodeError> {
        if len > self.remaining() {
            return Err(DecodeError::Short {
                what,
                at: self.at,
                needed: len as u64,
                remaining: self.remaining(),
            });
        }
        self.at += len;
        Ok(())
    }

    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let at = self.at;
        self.skip(what, N)?;
        Ok(*self.bytes[at..].first_chunk().expect("skip has checked the length"))
    }

    fn varint(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        match varint(&self.bytes[self.at..]) {
            Ok((value, len)) => {
                self.at += len;
                Ok(value)
            }
            Err(VarintFault::Short) => {
                Err(DecodeError::Short { what, at: self.at, needed: 1, remaining: self.remaining() })
            }
            Err(VarintFault::Long) => Err(DecodeError::Malformed { what, at: self.at }),
        }
    }

    /// A length or count; null is 0.
    fn length(&mut self, what: &'static str, text: bool) -> Result<usize, DecodeError> {
        let at = self.at;
        let length = if self.flexible {
            i64::from(self.varint(what)?) - 1
        } else if text {
            i64::from(i16::from_be_bytes(self.take(what)?))
        } else {
            i64::from(i32::from_be_bytes(self.take(what)?))
        };
        match length {
            -1 => Ok(0),
            0.. => Ok(length as usize),
            _ => Err(DecodeError::Malformed { what, at }),
        }
    }

    fn structure(&mut self, fields: &'static [Field]) -> Result<(), DecodeError> {
        for field in fields {
            if field.tag.is_none() && field.has(self.version) {
                self.value(field.name, &field.kind)?;
            }
        }
        if self.flexible { self.tags(fields) } else { Ok(()) }
    }

    fn tags(&mut self, fields: &'static [Field]) -> Result<(), DecodeError> {
        for _ in 0..self.varint("tagged field count")? {
            let tag = self.varint("tag")?;
            let size = self.varint("tagged field size")? as usize;
            let start = self.at;
            let known = fields.iter().find(|field| field.tag == Some(tag) && field.has(self.version));
            let Some(field) = known else {
                self.skip("tagged field", size)?;
                self.spend(UNKNOWN_TAG_MEMORY)?;
                continue;
            };
            self.value(field.name, &field.kind)?;
            if self.at - start != size {
                return Err(DecodeError::Malformed { what: field.name, at: start });
            }
        }
        Ok(())
    }

    fn value(&mut self, name: &'static str, kind: &'static Kind) -> Result<(), DecodeError> {
        match kind {
            Kind::Fixed(len) => self.skip(name, usize::from(*len)),
            Kind::Text => {
                let len = self.length(name, true)?;
                self.skip(name, len)
            }
            Kind::Blob => {
                let len = self.length(name, false)?;
                self.skip(name, len)
            }
            Kind::Array(element) => self.array(name, element),
            Kind::Struct(fields) => self.structure(fields),
            Kind::Maybe(fields) => match i8::from_be_bytes(self.take(name)?) {
                1 => self.structure(fields),
                i8::MIN..=-1 => Ok(()),
                _ => Err(DecodeError::Malformed { what: name, at: self.at - 1 }),
            },
        }
    }

    fn array(&mut self, name: &'static str, element: &'static Kind) -> Result<(), DecodeError> {
        let count = self.length(name, false)?;
        let least = self.least(element);
        if count > self.remaining() / least {
            let needed = (count as u64).saturating_mul(least as u64);
            return Err(DecodeError::Short { what: name, at: self.at, needed, remaining: self.remaining() });
        }
        self.spend(count.saturating_mul(element.memory()))?;
        if let Kind::Fixed(len) = element {
            return self.skip(name, count * usize::from(*len));
        }
        for _ in 0..count {
            self.value(name, element)?;
        }
        Ok(())
    }

    fn spend(&mut self, memory: usize) -> Result<(), DecodeError> {
        let left = self.budget.checked_sub(memory);
        let len = self.bytes.len();
        self.budget = left.ok_or(DecodeError::TooManyElements { len, budget: budget(len) })?;
        Ok(())
    }

    /// The fewest bytes that a value can take; at least one.
    fn least(&self, kind: &Kind) -> usize {
        match kind {
            Kind::Fixed(len) => usize::from(*len),
            Kind::Text => 2 - usize::from(self.flexible),
            Kind::Blob | Kind::Array(_) => 4 - 3 * usize::from(self.flexible),
            Kind::Maybe(_) => 1,
            Kind::Struct(fields) => {
                let fields = fields.iter().filter(|field| field.tag.is_none() && field.has(self.version));
                let least = fields.map(|field| self.least(&field.kind)).sum::<usize>();
                (least + usize::from(self.flexible)).max(1)
            }
        }
    }
}

impl Field {
    fn has(&self, version: i16) -> bool {
        self.since <= version && version <= self.until
    }
}

impl Kind {
    /// Memory of the library's value, what it points to not included. At least what it is; not much more.
    fn memory(&self) -> usize {
        match self {
            Kind::Fixed(len) => usize::from(*len),
            Kind::Text | Kind::Blob => 32,
            Kind::Array(_) => 24,
            Kind::Struct(fields) | Kind::Maybe(fields) => {
                STRUCT_MEMORY
                    + fields.iter().map(|field| field.kind.memory().next_multiple_of(4)).sum::<usize>()
            }
        }
    }
}
