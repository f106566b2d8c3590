//! Configuration: one table of every key, and all that follows from it.
//!
//! The table ([`keys`]) holds each broker, topic, group and client-metrics key of Kafka 4.3.1 and the few of our own: type,
//! default, valid values, whether it can change while running, and what Chronik does with it. The file parser, the
//! typed structs, DescribeConfigs, the alter APIs and the reference page are all read from it, so none can disagree.
//!
//! Values travel as text, as in Kafka's `ConfigRecord`; [`Key::parse`] is the only place where text gets a meaning.

mod alter;
mod broker;
mod checks;
mod concern;
mod coordinator;
mod describe;
mod error;
mod key;
mod layers;
mod listener;
mod node;
mod quorum;
mod reference;
mod synonyms;
mod table;
mod topic;
mod value;

pub use alter::{AlterOp, Altered, alter, check_built, check_overrides};
pub use broker::{
    BrokerConfig, CleanerConfig, LogChores, NetworkConfig, ReplicationConfig, RequestLimits, TopicCreation,
};
pub use concern::{Concern, concern};
pub use coordinator::CoordinatorConfig;
pub use describe::{
    Described, Source, Synonym, describe_broker, describe_client_metrics, describe_cluster, describe_group,
    describe_topic,
};
pub use error::ConfigError;
pub use key::{Importance, Key, Kind, Resource, Scope, Support, UpdateMode, Valid};
pub use layers::{Layers, Lookup, Nothing};
pub use listener::{Endpoint, ListenerConfig, SecurityProtocol, parse_address, parse_endpoint};
pub use node::NodeConfig;
pub use quorum::{MetadataLogConfig, QuorumConfig, Voter};
pub use reference::reference_page;
pub use table::{find, keys, nearest};
pub use topic::{CompressionType, TimestampType, TopicConfig};
pub use value::Value;
