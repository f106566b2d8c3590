//! DescribeConfigs: each value with its source and its chain of synonyms, as Kafka's `ConfigHelper` reports them.
//!
//! The chain starts at the first synonym of the key that is set or has a default; if that one has neither, Kafka
//! reports no chain and the source as default even if another synonym is set, and so do we.

use super::synonyms::{behind, effective, same_as};
use super::{Key, Layers, Lookup, Nothing, Scope, find, keys};

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
    selected(Scope::Topic, names)
        .map(|key| {
            let chain = behind(Scope::Topic, key.name).first().map(|(first, _)| chain(first, layers));
            with_overrides(key, overrides, Source::Topic, chain.unwrap_or_default(), layers)
        })
        .collect()
}

/// The configuration of a group.
pub fn describe_group(overrides: &dyn Lookup, layers: &Layers<'_>, names: Option<&[&str]>) -> Vec<Described> {
    selected(Scope::Group, names)
        .map(|key| {
            let chain = match behind(Scope::Group, key.name).first() {
                Some((first, _)) => chain(first, layers),
                None => key
                    .default
                    .map(|text| synonym(key, key.name, text, Source::Default))
                    .into_iter()
                    .collect(),
            };
            with_overrides(key, overrides, Source::Group, chain, layers)
        })
        .collect()
}

/// A client metrics subscription.
pub fn describe_client_metrics(overrides: &dyn Lookup, names: Option<&[&str]>) -> Vec<Described> {
    selected(Scope::ClientMetrics, names)
        .map(|key| with_overrides(key, overrides, Source::ClientMetrics, Vec::new(), &Layers::none()))
        .collect()
}

/// The configuration of this broker. As in Kafka, an internal key is listed only where somebody set it.
pub fn describe_broker(layers: &Layers<'_>, names: Option<&[&str]>) -> Vec<Described> {
    let set = |name: &str| [layers.broker, layers.cluster, layers.file].iter().any(|l| l.get(name).is_some());
    keys(Scope::Broker)
        .filter(|key| !key.internal && !dynamic_only(key.name) || set(key.name))
        .filter(|key| names.is_none_or(|names| names.contains(&key.name)))
        .map(|key| {
            let synonyms = chain(key.name, layers);
            let value = effective(Scope::Broker, key.name, &Nothing, layers).map(|value| value.to_string());
            described(key, value, synonyms)
        })
        .collect()
}

/// The dynamic configuration that all brokers share (the broker resource with an empty name): only what is set.
pub fn describe_cluster(layers: &Layers<'_>, names: Option<&[&str]>) -> Vec<Described> {
    keys(Scope::Broker)
        .filter(|key| names.is_none_or(|names| names.contains(&key.name)))
        .filter_map(|key| layers.cluster.get(key.name).map(|text| (key, text)))
        .map(|(key, text)| {
            let synonyms = vec![synonym(key, key.name, text, Source::DynamicDefaultBroker)];
            described(key, Some(text.to_owned()), synonyms)
        })
        .collect()
}

/// Quotas of replication: Kafka lists them only once they are set.
fn dynamic_only(name: &str) -> bool {
    matches!(
        name,
        "leader.replication.throttled.rate"
            | "follower.replication.throttled.rate"
            | "replica.alter.log.dirs.io.max.bytes.per.second"
    )
}

fn selected<'a>(scope: Scope, names: Option<&'a [&'a str]>) -> impl Iterator<Item = &'static Key> + 'a {
    keys(scope).filter(move |key| match names {
        Some(names) => names.contains(&key.name),
        None => !key.internal,
    })
}

fn with_overrides(
    key: &'static Key,
    overrides: &dyn Lookup,
    source: Source,
    mut chain: Vec<Synonym>,
    layers: &Layers<'_>,
) -> Described {
    if let Some(text) = overrides.get(key.name) {
        chain.insert(0, synonym(key, key.name, text, source));
    }
    let value = effective(key.scope, key.name, overrides, layers).map(|value| value.to_string());
    described(key, value, chain)
}

fn described(key: &'static Key, value: Option<String>, synonyms: Vec<Synonym>) -> Described {
    Described {
        key,
        value: value.filter(|_| !key.is_sensitive()),
        source: synonyms.first().map_or(Source::Default, |synonym| synonym.source),
        read_only: !key.is_dynamic(),
        synonyms,
    }
}

/// Every place that has a value for a broker key, from the key's own first one on.
fn chain(name: &'static str, layers: &Layers<'_>) -> Vec<Synonym> {
    let names = same_as(name);
    let places = [
        (layers.broker, Source::DynamicBroker),
        (layers.cluster, Source::DynamicDefaultBroker),
        (layers.file, Source::StaticBroker),
        (&DEFAULTS as &dyn Lookup, Source::Default),
    ];
    let all = places.into_iter().flat_map(|(place, source)| {
        names.iter().filter_map(move |name| {
            let key = find(Scope::Broker, name)?;
            place.get(name).map(|text| synonym(key, name, text, source))
        })
    });
    all.skip_while(|synonym| synonym.name != name).collect()
}

fn synonym(key: &Key, name: &'static str, text: &str, source: Source) -> Synonym {
    Synonym { name, value: (!key.is_sensitive()).then(|| text.to_owned()), source }
}

struct Defaults;

static DEFAULTS: Defaults = Defaults;

impl Lookup for Defaults {
    fn get(&self, name: &str) -> Option<&str> {
        find(Scope::Broker, name)?.default
    }
}
