//! DescribeConfigs: each value with its source and its chain of synonyms, as Kafka's `ConfigHelper` reports them.

use super::{Key, Layers, Lookup};

/// Where a value came from; the number is `DescribeConfigsResponse.ConfigSource`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum Source {
    /// An override of the topic.
    Topic = 1,
    /// A dynamic override of this broker.
    DynamicBroker = 2,
    /// A dynamic override of all brokers.
    DynamicDefaultBroker = 3,
    /// The file, the environment or the command line.
    StaticBroker = 4,
    /// Nobody set it.
    Default = 5,
    /// A client metrics subscription.
    ClientMetrics = 7,
    /// An override of the group.
    Group = 8,
}

/// One step of the chain that a value was looked up in.
#[derive(Clone, Debug, PartialEq)]
pub struct Synonym {
    /// The key that was looked at.
    pub name: &'static str,
    /// Its value there; `None` if it is secret.
    pub value: Option<String>,
    /// Where.
    pub source: Source,
}

/// One line of a DescribeConfigs response.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// The row of the table.
    pub key: &'static Key,
    /// The value in force; `None` is null, or secret.
    pub value: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// It cannot be altered while the node runs.
    pub read_only: bool,
    /// Every place that has a value, the one in force first.
    pub synonyms: Vec<Synonym>,
}

/// The configuration of a topic with these overrides. `names` selects, unknown names are left out; `None` is everything.
pub fn describe_topic(overrides: &dyn Lookup, layers: &Layers<'_>, names: Option<&[&str]>) -> Vec<Described> {
    let _ = (overrides, layers, names);
    Vec::new()
}

/// The configuration of this broker.
pub fn describe_broker(layers: &Layers<'_>, names: Option<&[&str]>) -> Vec<Described> {
    let _ = (layers, names);
    Vec::new()
}

/// The dynamic configuration that all brokers share (the broker resource with an empty name).
pub fn describe_cluster(layers: &Layers<'_>, names: Option<&[&str]>) -> Vec<Described> {
    let _ = (layers, names);
    Vec::new()
}

/// The configuration of a group.
pub fn describe_group(overrides: &dyn Lookup, layers: &Layers<'_>, names: Option<&[&str]>) -> Vec<Described> {
    let _ = (overrides, layers, names);
    Vec::new()
}

/// A client metrics subscription.
pub fn describe_client_metrics(overrides: &dyn Lookup, names: Option<&[&str]>) -> Vec<Described> {
    let _ = (overrides, names);
    Vec::new()
}
