//! The table itself, one file for each area, and the search in it.

mod former;
mod groups;
mod log;
mod network;
mod node;
mod own;
mod remote;
mod rows;
mod scopes;
mod security;
mod topic;
mod topics;
mod transactions;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{Key, Scope};

pub(super) use former::former;

const AREAS: &[&[Key]] = &[
    node::NODE,
    network::NETWORK,
    log::LOG,
    topics::TOPICS,
    groups::GROUPS,
    transactions::TRANSACTIONS,
    security::SECURITY,
    remote::REMOTE,
    topic::TOPIC,
    scopes::GROUP,
    scopes::CLIENT_METRICS,
    own::OWN,
];

static INDEX: LazyLock<BTreeMap<(Scope, &'static str), &'static Key>> = LazyLock::new(|| {
    AREAS.iter().flat_map(|area| area.iter()).map(|key| ((key.scope, key.name), key)).collect()
});

/// Every key of a scope, by name.
pub fn keys(scope: Scope) -> impl Iterator<Item = &'static Key> {
    INDEX.iter().filter(move |((of, _), _)| *of == scope).map(|(_, key)| *key)
}

/// The key of this name. A broker key may carry a listener's prefix, as in `listener.name.client.ssl.keystore.location`.
pub fn find(scope: Scope, name: &str) -> Option<&'static Key> {
    let name = if scope == Scope::Broker { without_listener(name) } else { name };
    let index: &BTreeMap<(Scope, &str), &'static Key> = &INDEX;
    index.get(&(scope, name)).copied()
}

/// The name of the same scope that looks most like this one, if any looks like it at all.
pub fn nearest(scope: Scope, name: &str) -> Option<&'static str> {
    keys(scope)
        .filter(|key| !key.internal)
        .map(|key| (strsim::damerau_levenshtein(key.name, name), key.name))
        .min()
        .filter(|(distance, known)| *distance * 3 <= known.len().max(name.len()))
        .map(|(_, known)| known)
}

/// `ssl.keystore.location` of `listener.name.client.ssl.keystore.location`, and `sasl.jaas.config` of
/// `listener.name.client.plain.sasl.jaas.config`, where a mechanism stands in between.
fn without_listener(name: &str) -> &str {
    let Some((_, key)) = name.strip_prefix("listener.name.").and_then(|rest| rest.split_once('.')) else {
        return name;
    };
    match key.split_once('.') {
        Some((_, rest)) if rest.starts_with("sasl.") || rest.starts_with("connections.max.reauth.") => rest,
        _ => key,
    }
}
