//! The facts of a group coordinator in Kafka's encoding: the records of `__consumer_offsets`.
//!
//! A key begins with its kind, a value with its version; no value (a tombstone) deletes what the key names.

mod classic;
mod consumer;
mod field;
mod keys;
mod schema;
#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use self::classic::*;
pub use self::consumer::*;
use self::field::{Field, Form};
pub use self::keys::*;
use crate::records::RecordError;
use crate::records::codec::Reader;

/// A record of `__consumer_offsets` as it is appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The record's key.
    pub key: Bytes,
    /// The record's value; `None`: a tombstone.
    pub value: Option<Bytes>,
}

impl Encoded {
    /// What it takes in a batch, at most.
    pub(crate) fn bytes(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, |value| value.len()) + 32
    }
}

macro_rules! changes {
    ($($(#[$doc:meta])* $variant:ident($key:ident, $value:ty) = $kind:literal, max $max:literal, flexible $flexible:literal;)*) => {
        /// One fact of a group coordinator: a key and its new value, `None` to delete it.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Change {
            $($(#[$doc])* $variant($key, Option<$value>),)*
        }

        impl Change {
            /// The record that carries this change, in the version that Kafka 4.3 writes.
            pub fn encode(&self) -> Encoded {
                self.encode_as(self.version())
            }

            fn encode_as(&self, version: i16) -> Encoded {
                match self {
                    $(Change::$variant(key, value) => Encoded {
                        key: encode(key, $kind, KEY),
                        value: value.as_ref().map(|value| {
                            encode(value, version, Form { version, flexible: version >= $flexible })
                        }),
                    },)*
                }
            }

            /// Reads a record; `None` for a kind that nobody here knows, which Kafka skips with a warning.
            /// Errors: a value of a version that is too new, or damage.
            pub fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Option<Change>, RecordError> {
                let mut from = Reader::new(key);
                let kind = i16::from_be_bytes(from.array()?);
                match if kind == LEGACY_OFFSET { OFFSET } else { kind } {
                    $($kind => {
                        let key = $key::read(&mut from, KEY)?;
                        let value = value.map(|value| decode(value, $max, $flexible)).transpose()?;
                        Ok(Some(Change::$variant(key, value)))
                    })*
                    _ => Ok(None),
                }
            }
        }
    };
}

/// Keys have one version and are never flexible.
const KEY: Form = Form { version: 0, flexible: false };
/// The kind of offsets' keys.
const OFFSET: i16 = 1;
/// The kind that brokers before 0.9 wrote.
const LEGACY_OFFSET: i16 = 0;

changes! {
    /// A committed offset.
    Offset(OffsetKey, OffsetValue) = 1, max 4, flexible 4;
    /// A classic group's generation.
    Group(GroupKey, GroupValue) = 2, max 4, flexible 4;
    /// A consumer group's epoch.
    Epoch(GroupKey, EpochValue) = 3, max 0, flexible 0;
    /// The topics of a consumer group, as older brokers kept them.
    PartitionMetadata(GroupKey, PartitionMetadataValue) = 4, max 0, flexible 0;
    /// A member of a consumer group.
    Member(MemberKey, MemberValue) = 5, max 0, flexible 0;
    /// The epoch of a consumer group's target assignment.
    TargetEpoch(GroupKey, TargetEpochValue) = 6, max 0, flexible 0;
    /// What a member is to have.
    Target(MemberKey, TargetValue) = 7, max 0, flexible 0;
    /// What a member has.
    Current(MemberKey, CurrentValue) = 8, max 0, flexible 0;
    /// What a pattern matches.
    Pattern(PatternKey, PatternValue) = 16, max 0, flexible 0;
}

impl Change {
    /// The version that the value is written in: what Kafka 4.3 writes.
    fn version(&self) -> i16 {
        match self {
            Change::Offset(_, Some(value)) if value.expire_timestamp >= 0 => 1,
            Change::Offset(..) => 4,
            Change::Group(..) => 3,
            _ => 0,
        }
    }
}

fn encode(field: &impl Field, first: i16, form: Form) -> Bytes {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(&first.to_be_bytes());
    field.write(&mut out, form);
    Bytes::from(out)
}

fn decode<V: Field>(value: &Bytes, max: i16, flexible: i16) -> Result<V, RecordError> {
    let mut from = Reader::new(value);
    let version = i16::from_be_bytes(from.array()?);
    if !(0..=max).contains(&version) {
        return Err(RecordError::Malformed("a version of a value that is not known"));
    }
    V::read(&mut from, Form { version, flexible: version >= flexible })
}
