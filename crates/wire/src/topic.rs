//! How a request names a topic: by name, or by id (KIP-516) in the newer versions of Produce and Fetch.

use chronik_types::TopicId;
use kafka_protocol::protocol::StrBytes;

/// A topic as the wire names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopicKey {
    /// Produce up to version 12, Fetch up to version 12.
    Name(StrBytes),
    /// Produce and Fetch from version 13.
    Id(TopicId),
}

impl TopicKey {
    /// The name, if it is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            TopicKey::Name(name) => Some(name),
            TopicKey::Id(_) => None,
        }
    }

    /// The id, if it is one.
    pub fn id(&self) -> Option<TopicId> {
        match self {
            TopicKey::Name(_) => None,
            TopicKey::Id(id) => Some(*id),
        }
    }
}
