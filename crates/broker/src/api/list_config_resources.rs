//! ListConfigResources (74), versions 0-1 (KIP-1142; version 0 is ListClientMetricsResources of KIP-714).
//!
//! v0 lists client metrics subscriptions only; v1 lists the types that are asked for, or all of them. Topics and brokers
//! are listed whether or not they have configuration; subscriptions and groups only if they have. A type that has none
//! is `UNSUPPORTED_VERSION`.

use std::sync::Arc;

use chronik_state::cluster::{ClusterState, ResourceKind};
use chronik_types::ErrorCode;
use chronik_wire::messages::list_config_resources_response::ConfigResource;
use chronik_wire::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};

use super::topics::text;
use crate::node::Node;

const ALL: [ResourceKind; 5] = [
    ResourceKind::Topic,
    ResourceKind::Broker,
    ResourceKind::BrokerLogger,
    ResourceKind::ClientMetrics,
    ResourceKind::Group,
];

pub(super) fn handle(
    node: &Arc<Node>,
    version: i16,
    request: ListConfigResourcesRequest,
) -> ListConfigResourcesResponse {
    let kinds: Vec<ResourceKind> = match version {
        0 => vec![ResourceKind::ClientMetrics],
        _ if request.resource_types.is_empty() => ALL.to_vec(),
        _ => request.resource_types.iter().map(|&code| ResourceKind::from_code(code)).collect(),
    };
    if kinds.iter().any(|kind| matches!(kind, ResourceKind::Other(_))) {
        return ListConfigResourcesResponse::default().with_error_code(ErrorCode::UnsupportedVersion.code());
    }
    let image = node.image();
    let mut resources = Vec::new();
    for kind in ALL.into_iter().filter(|kind| kinds.contains(kind)) {
        for name in names(&image.state, kind) {
            let resource = ConfigResource::default().with_resource_name(text(&name));
            resources.push(if version == 0 { resource } else { resource.with_resource_type(kind.code()) });
        }
    }
    ListConfigResourcesResponse::default().with_config_resources(resources)
}

fn names(state: &ClusterState, kind: ResourceKind) -> Vec<String> {
    match kind {
        ResourceKind::Topic => state.topics().map(|topic| topic.name.to_string()).collect(),
        ResourceKind::Broker | ResourceKind::BrokerLogger => {
            state.brokers().map(|broker| broker.id.to_string()).collect()
        }
        ResourceKind::ClientMetrics | ResourceKind::Group | ResourceKind::Other(_) => {
            let with_config = state.configs().filter(|(resource, _)| resource.kind == kind);
            with_config.map(|(resource, _)| resource.name.to_string()).collect()
        }
    }
}
