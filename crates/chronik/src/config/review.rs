//! Each setting against the table: unknown keys, values that do not fit, and what is not built.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use chronik_state::config::{Concern, Scope, concern, find};

use super::{Origin, Settings};

/// Checks every setting.
///
/// # Errors
/// One message that lists all faults, a line each.
pub fn review(settings: &Settings, warnings: &mut Vec<String>) -> Result<()> {
    let mut faults = Vec::new();
    let mut ignored: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut not_yet: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, (value, origin)) in settings {
        match concern(Scope::Broker, name, value) {
            Err(error) => faults.push(format!("{origin}: {error}")),
            Ok(Some(Concern::Ignored(why))) => ignored.entry(why).or_default().push(name),
            Ok(Some(Concern::NotYet(what))) if *origin != Origin::BuiltIn => {
                not_yet.entry(what).or_default().push(name);
            }
            Ok(Some(Concern::Refused(what))) => faults.push(format!(
                "{origin}: {name}={} asks for {what}, which is not built in this version of Chronik; \
                 remove it to go on without",
                shown(name, value)
            )),
            Ok(None | Some(Concern::NotYet(_))) => {}
        }
    }
    if !ignored.is_empty() {
        warnings.push(format!("keys without meaning here are ignored: {}", grouped(&ignored)));
    }
    if !not_yet.is_empty() {
        warnings.push(format!("keys whose function is not built yet have no effect: {}", grouped(&not_yet)));
    }
    match faults.len() {
        0 => Ok(()),
        1 => bail!("{}: {}", super::WRONG, faults[0]),
        _ => bail!("{}:\n  {}", super::WRONG, faults.join("\n  ")),
    }
}

fn shown<'a>(name: &str, value: &'a str) -> &'a str {
    match find(Scope::Broker, name) {
        Some(key) if key.is_sensitive() => "[hidden]",
        _ => value.trim(),
    }
}

/// `a, b (reason); c (other reason)`.
fn grouped(names: &BTreeMap<&str, Vec<&str>>) -> String {
    let groups: Vec<String> =
        names.iter().map(|(why, names)| format!("{} ({why})", names.join(", "))).collect();
    groups.join("; ")
}
