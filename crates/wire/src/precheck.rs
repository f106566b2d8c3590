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

/// Memory that the library takes for the first tagged field of a structure that it does not know: a node of a map.
const FIRST_UNKNOWN_TAG_MEMORY: usize = 480;
/// And for each further one: a share of a node.
const UNKNOWN_TAG_MEMORY: usize = 96;
/// Memory that the library adds to every structure for such fields: an empty map.
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
        let mut unknown_memory = FIRST_UNKNOWN_TAG_MEMORY;
        for _ in 0..self.varint("tagged field count")? {
            let tag = self.varint("tag")?;
            let size = self.varint("tagged field size")? as usize;
            let start = self.at;
            let known = fields.iter().find(|field| field.tag == Some(tag) && field.has(self.version));
            let Some(field) = known else {
                self.skip("tagged field", size)?;
                self.spend(std::mem::replace(&mut unknown_memory, UNKNOWN_TAG_MEMORY))?;
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
    /// Memory of the library's value, what it points to not included: never less than it is, since a structure is
    /// as large as its fields, rounded up once.
    fn memory(&self) -> usize {
        match self {
            Kind::Fixed(len) => usize::from(*len),
            Kind::Text | Kind::Blob => size_of::<Option<bytes::Bytes>>(),
            Kind::Array(_) => size_of::<Vec<u8>>(),
            Kind::Struct(fields) => {
                let fields = fields.iter().map(|field| field.kind.memory()).sum::<usize>();
                (STRUCT_MEMORY + fields).next_multiple_of(8)
            }
            Kind::Maybe(fields) => Kind::Struct(fields).memory() + 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind::{Array, Maybe, Struct, Text};
    use super::*;

    const SCHEMA: Schema = Schema {
        flexible: 2,
        fields: &[
            all("topics", Array(&Struct(&[all("name", Text), since(1, "partitions", Array(&I32))]))),
            within(1, 1, "gone", I16),
            since(3, "cursor", Maybe(&[all("at", I64)])),
            tagged(0, 2, "epoch", I64),
            tagged(1, 3, "names", Array(&Text)),
        ],
    };

    fn taken(version: i16, body: &[u8]) -> Result<usize, String> {
        check(&SCHEMA, version, body).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_message_takes_its_bytes_and_leaves_the_rest() {
        assert_eq!(taken(0, b"\0\0\0\x01\0\x02ab"), Ok(8));
        assert_eq!(taken(0, b"\xff\xff\xff\xff"), Ok(4));
        assert_eq!(taken(1, b"\0\0\0\x01\0\x02ab\0\0\0\x01\0\0\0\x07\0\0rest"), Ok(18));
        assert_eq!(taken(2, b"\x02\x03ab\x02\0\0\0\x07\0\0"), Ok(11));
        assert_eq!(taken(2, b"\x01\x01\x00\x0812345678"), Ok(12));
        assert_eq!(taken(3, b"\x01\x0112345678\0\x02\x01\x04\x03\x02a\x01\x09\x01x"), Ok(21));
        assert_eq!(taken(3, b"\x01\xff\0"), Ok(3));
    }

    #[test]
    fn a_count_is_held_against_what_remains() {
        let refused = "topics at byte 4 needs 4294967294 bytes, 5 remain".to_owned();
        assert_eq!(taken(0, b"\x7f\xff\xff\xff\0\0\0\0\0"), Err(refused));
        // Three topics of three bytes each at least do not fit in eight.
        assert_eq!(taken(2, b"\x0412345678"), Err("topics at byte 1 needs 9 bytes, 8 remain".to_owned()));
        assert_eq!(
            taken(2, b"\x02\x03ab\x04\0\0\0\x07\0\0"),
            Err("partitions at byte 5 needs 12 bytes, 6 remain".to_owned())
        );
        assert!(taken(0, b"\xff\xff\xff\xfe").is_err(), "no count below null");
        assert!(taken(2, b"\xff\xff\xff\xff\x1f").is_err() && taken(2, b"\xff\xff\xff\xff\xff\x00").is_err());
        assert!(taken(3, b"\x01\x02\0").is_err(), "a structure is there or it is not");
        assert!(taken(2, b"\x01\x01\0\x07123456780").is_err(), "a tagged field is as long as it says");
        assert!(taken(2, b"\x01\xff\xff\xff\xff\x0f").is_err(), "so many tagged fields are not there");
    }

    #[test]
    fn empty_elements_do_not_decode_to_many_times_the_frame() {
        let topics = 1 << 20;
        let mut body = (topics as i32).to_be_bytes().to_vec();
        body.resize(4 + 2 * topics, 0);
        assert!(taken(0, &body).unwrap_err().contains("would need more than"));
        let names = b"\0\x08somename".repeat(1 << 16);
        let body = [&(1i32 << 16).to_be_bytes()[..], &names].concat();
        assert_eq!(taken(0, &body), Ok(body.len()), "names of a sensible length are no concern");
    }
}
