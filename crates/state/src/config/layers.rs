//! Where a value can come from, in Kafka's order of precedence.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use super::{Scope, Value, find};

/// A set of overrides: key name to text value.
pub trait Lookup {
    /// The value that is set here for `name`.
    fn get(&self, name: &str) -> Option<&str>;
}

/// No overrides.
pub struct Nothing;

impl Lookup for Nothing {
    fn get(&self, _name: &str) -> Option<&str> {
        None
    }
}

impl<K: Borrow<str> + Ord, V: AsRef<str>> Lookup for BTreeMap<K, V> {
    fn get(&self, name: &str) -> Option<&str> {
        BTreeMap::get(self, name).map(AsRef::as_ref)
    }
}

impl<K: Borrow<str> + Ord, V: AsRef<str>> Lookup for imbl::OrdMap<K, V> {
    fn get(&self, name: &str) -> Option<&str> {
        imbl::OrdMap::get(self, name).map(AsRef::as_ref)
    }
}

/// What a broker's values are made of: its own dynamic overrides, the cluster's, then its file.
#[derive(Clone, Copy)]
pub struct Layers<'a> {
    /// Dynamic overrides of this broker (`ConfigRecord` of broker `"1"`).
    pub broker: &'a dyn Lookup,
    /// Dynamic overrides of all brokers (`ConfigRecord` of broker `""`).
    pub cluster: &'a dyn Lookup,
    /// What the node was started with: file, environment, command line.
    pub file: &'a dyn Lookup,
}

impl Layers<'_> {
    /// Defaults only.
    pub fn none() -> Layers<'static> {
        Layers { broker: &Nothing, cluster: &Nothing, file: &Nothing }
    }
}

impl Layers<'_> {
    /// The value that is set for a broker key, the most specific layer first. Text that does not parse counts as absent.
    pub(super) fn set(&self, name: &str) -> Option<Value> {
        let key = find(Scope::Broker, name)?;
        [self.broker, self.cluster, self.file]
            .into_iter()
            .find_map(|layer| layer.get(name).and_then(|text| key.parse(text).ok()))
    }
}
