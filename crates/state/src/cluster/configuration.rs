//! The configuration that decisions depend on: a resource's own, and what lies below it.

use super::Context;
use crate::cluster::{ClusterState, ConfigResource};
use crate::config::{Layers, Lookup, Nothing};

/// The dynamic configuration of a resource, empty if it has none.
fn overrides<'a>(state: &'a ClusterState, resource: &ConfigResource) -> &'a dyn Lookup {
    match state.config(resource) {
        Some(overrides) => overrides,
        None => &Nothing,
    }
}

/// What a value of a topic falls back to, as the controller sees it: the cluster's dynamic defaults, then its own file.
pub(super) fn layers<'a>(context: &'a Context<'_>) -> Layers<'a> {
    Layers {
        broker: &Nothing,
        cluster: overrides(context.state, &ConfigResource::all_brokers()),
        file: &context.options.file,
    }
}
