//! What configuration belongs to (`org.apache.kafka.common.config.ConfigResource`).

use std::fmt;

use chronik_types::NodeId;

use crate::records::Name;

/// The kinds of resource that have configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// A topic.
    Topic,
    /// A broker or, with an empty name, all of them.
    Broker,
    /// A broker's log levels; never in the metadata log.
    BrokerLogger,
    /// A subscription to clients' metrics (KIP-714).
    ClientMetrics,
    /// A consumer, share or streams group (KIP-848).
    Group,
    /// A kind that this code does not know.
    Other(i8),
}

impl ResourceKind {
    /// The kind for Kafka's number.
    pub fn from_code(code: i8) -> ResourceKind {
        match code {
            2 => ResourceKind::Topic,
            4 => ResourceKind::Broker,
            8 => ResourceKind::BrokerLogger,
            16 => ResourceKind::ClientMetrics,
            32 => ResourceKind::Group,
            other => ResourceKind::Other(other),
        }
    }

    /// Kafka's number.
    pub fn code(self) -> i8 {
        match self {
            ResourceKind::Topic => 2,
            ResourceKind::Broker => 4,
            ResourceKind::BrokerLogger => 8,
            ResourceKind::ClientMetrics => 16,
            ResourceKind::Group => 32,
            ResourceKind::Other(code) => code,
        }
    }
}

/// One thing that has configuration.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its name within the kind.
    pub name: Name,
}

impl ConfigResource {
    /// Any resource.
    pub fn new(kind: ResourceKind, name: impl Into<Name>) -> Self {
        ConfigResource { kind, name: name.into() }
    }

    /// A topic.
    pub fn topic(name: impl Into<Name>) -> Self {
        ConfigResource::new(ResourceKind::Topic, name)
    }

    /// One broker.
    pub fn broker(id: NodeId) -> Self {
        ConfigResource::new(ResourceKind::Broker, id.to_string())
    }

    /// What all brokers have unless they have their own.
    pub fn all_brokers() -> Self {
        ConfigResource::new(ResourceKind::Broker, "")
    }
}

impl fmt::Debug for ConfigResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({:?})", self.kind, self.name)
    }
}
