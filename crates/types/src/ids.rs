//! Newtypes for the ids, offsets and epochs of Kafka, so that none is taken for another.
//!
//! The wrapped number is public: these types name a meaning, they do not guard an invariant.

use std::fmt;

use uuid::Uuid;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub $inner);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$inner> for $name {
            fn from(number: $inner) -> Self {
                $name(number)
            }
        }
    };
}

number!(
    /// A node of the cluster (`node.id`); a broker's id is its node's id.
    NodeId(i32)
);
number!(
    /// The index of a partition within its topic, from 0.
    PartitionIndex(i32)
);
number!(
    /// The position of a record in a log. A log's end offset is the offset the next record will get.
    Offset(i64)
);
number!(
    /// How many times a partition's (or the quorum's) leadership has been decided. -1: unknown.
    LeaderEpoch(i32)
);
number!(
    /// Raised by the controller with every change of a partition's registration (KIP-497).
    PartitionEpoch(i32)
);
number!(
    /// Given to a broker when it registers (KIP-631): the metadata offset of its registration. -1: none.
    BrokerEpoch(i64)
);
number!(
    /// An idempotent or transactional producer (KIP-98). -1: none.
    ProducerId(i64)
);
number!(
    /// The incarnation of a producer id. -1: none.
    ProducerEpoch(i16)
);
number!(
    /// Milliseconds since the Unix epoch, as record timestamps count them. -1: none.
    Millis(i64)
);

impl NodeId {
    /// No node: an absent leader, a client in a replica field.
    pub const NONE: NodeId = NodeId(-1);
}

impl LeaderEpoch {
    /// No epoch known.
    pub const NONE: LeaderEpoch = LeaderEpoch(-1);
}

impl ProducerId {
    /// A batch without an idempotent producer.
    pub const NONE: ProducerId = ProducerId(-1);
}

impl ProducerEpoch {
    /// A batch without an idempotent producer.
    pub const NONE: ProducerEpoch = ProducerEpoch(-1);
}

impl Offset {
    /// The first offset of every log.
    pub const ZERO: Offset = Offset(0);
    /// No offset.
    pub const NONE: Offset = Offset(-1);

    /// The offset `count` records further on.
    #[must_use]
    pub fn plus(self, count: i64) -> Offset {
        Offset(self.0 + count)
    }

    /// The next offset.
    #[must_use]
    pub fn next(self) -> Offset {
        self.plus(1)
    }
}

impl Millis {
    /// No time.
    pub const NONE: Millis = Millis(-1);
}

/// A topic's identity (KIP-516), which survives neither deletion nor re-creation. Shown as Kafka shows
/// ids: URL-safe base64 without padding, 22 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TopicId(pub Uuid);

impl TopicId {
    /// The absent id (all zeros).
    pub const ZERO: TopicId = TopicId(Uuid::nil());
    /// `__cluster_metadata`'s fixed id.
    pub const METADATA: TopicId = TopicId(Uuid::from_u128(1));
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&uuid_to_text(self.0))
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Kafka's text form of a 128-bit id (`org.apache.kafka.common.Uuid.toString`): URL-safe base64, unpadded.
pub fn uuid_to_text(id: Uuid) -> String {
    let mut bits = id.as_u128();
    let mut text = [0u8; 22];
    // 128 bits are 21 sextets and two bits: the last character carries those two, shifted up by four.
    text[21] = ALPHABET[((bits & 0b11) << 4) as usize];
    bits >>= 2;
    for place in text[..21].iter_mut().rev() {
        *place = ALPHABET[(bits & 0x3f) as usize];
        bits >>= 6;
    }
    text.iter().map(|&byte| char::from(byte)).collect()
}

/// The inverse of [`uuid_to_text`]; `None` if the text is not 22 characters of the alphabet.
pub fn uuid_from_text(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    if bytes.len() != 22 {
        return None;
    }
    let sextet = |byte: u8| ALPHABET.iter().position(|&letter| letter == byte).map(|at| at as u128);
    let mut bits = 0u128;
    for &byte in &bytes[..21] {
        bits = (bits << 6) | sextet(byte)?;
    }
    Some(Uuid::from_u128((bits << 2) | (sextet(bytes[21])? >> 4)))
}

/// One partition of a topic, by name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: std::sync::Arc<str>,
    /// The partition's index.
    pub partition: PartitionIndex,
}

impl TopicPartition {
    /// Names a partition.
    pub fn new(topic: impl Into<std::sync::Arc<str>>, partition: i32) -> Self {
        TopicPartition { topic: topic.into(), partition: PartitionIndex(partition) }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_kafka_writes_them() {
        assert_eq!(uuid_to_text(Uuid::from_u128(1)), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(uuid_from_text("AAAAAAAAAAAAAAAAAAAAAQ"), Some(Uuid::from_u128(1)));
        assert_eq!(uuid_from_text("short"), None);
    }

    proptest::proptest! {
        #[test]
        fn text_form_round_trips(bits: u128) {
            let id = Uuid::from_u128(bits);
            proptest::prop_assert_eq!(uuid_from_text(&uuid_to_text(id)), Some(id));
        }
    }
}
