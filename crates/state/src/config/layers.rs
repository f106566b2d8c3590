//! Where a value can come from, in Kafka's order of precedence.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ConfigError, Scope, Value, find};

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

/// Reads what a node was started with, strictly: a value that does not fit is an error.
pub(super) struct FileReader<'a>(pub(super) &'a dyn Lookup);

impl FileReader<'_> {
    /// The value or its default; `None` is null.
    pub(super) fn value(&self, name: &'static str) -> Result<Option<Value>, ConfigError> {
        let key = find(Scope::Broker, name).expect("the name is in the table");
        match self.0.get(name) {
            Some(text) => key.parse(text).map(Some),
            None => Ok(key.default_value()),
        }
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        Ok(self.value(name)?.map(|value| value.to_string()))
    }

    /// Text; empty counts as absent.
    pub(super) fn some_text(&self, name: &'static str) -> Result<Option<Arc<str>>, ConfigError> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()).map(Arc::from))
    }

    /// A number; negative counts as zero, null too.
    pub(super) fn size(&self, name: &'static str) -> Result<u64, ConfigError> {
        let number = self.value(name)?.and_then(|value| value.as_integer()).unwrap_or(0);
        Ok(u64::try_from(number).unwrap_or(0))
    }

    pub(super) fn flag(&self, name: &'static str) -> Result<bool, ConfigError> {
        Ok(self.value(name)? == Some(Value::Boolean(true)))
    }

    /// A list; null is empty.
    pub(super) fn list(&self, name: &'static str) -> Result<Vec<Arc<str>>, ConfigError> {
        Ok(self.value(name)?.map(|value| value.elements().to_vec()).unwrap_or_default())
    }

    /// A list that must be given.
    pub(super) fn required_list(&self, name: &'static str) -> Result<Vec<Arc<str>>, ConfigError> {
        let list = self.list(name)?;
        if list.is_empty() { Err(missing(name)) } else { Ok(list) }
    }
}

pub(super) fn missing(name: &str) -> ConfigError {
    ConfigError::Conflict(format!("Missing required configuration \"{name}\" which has no default value."))
}
