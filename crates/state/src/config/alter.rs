//! IncrementalAlterConfigs and CreateTopics: checking overrides, and the four operations.

use std::collections::BTreeMap;

use super::{ConfigError, Layers, Lookup, Scope};

/// What IncrementalAlterConfigs does to one key; the number is its code on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum AlterOp {
    /// Set to the given value.
    Set = 0,
    /// Back to the next layer's value.
    Delete = 1,
    /// Add the elements to a list.
    Append = 2,
    /// Remove the elements from a list.
    Subtract = 3,
}

/// Whether overrides for a new topic, group or subscription can be accepted: names, values, and values against each other.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_new(
    scope: Scope,
    overrides: &BTreeMap<String, String>,
    layers: &Layers<'_>,
) -> Result<(), ConfigError> {
    let _ = (scope, overrides, layers);
    Ok(())
}

/// The override that results from one operation on one key; `None` removes it.
///
/// # Errors
/// An unknown key, a value that does not fit, or a list operation on something else than a list.
pub fn alter(
    scope: Scope,
    name: &str,
    operation: AlterOp,
    operand: Option<&str>,
    current: &dyn Lookup,
    layers: &Layers<'_>,
) -> Result<Option<String>, ConfigError> {
    let _ = (scope, name, operation, operand, current, layers);
    Ok(None)
}
