//! DescribeCluster (60), versions 0-2.
//!
//! v1 asks for brokers or for controllers (KIP-919), v2 also for fenced brokers (KIP-1073). A broker listener tells
//! about brokers, a controller listener about controllers; the other question is `MISMATCHED_ENDPOINT_TYPE`, one that is
//! neither `UNSUPPORTED_ENDPOINT_TYPE`.

use std::sync::Arc;

use chronik_types::ErrorCode;
use chronik_wire::Listener;
use chronik_wire::messages::describe_cluster_response::DescribeClusterBroker;
use chronik_wire::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};

use super::metadata::CLUSTER_OPERATIONS;
use super::topics::text;
use crate::connection::Client;
use crate::node::Node;

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(super) fn handle(
    node: &Arc<Node>,
    client: &Arc<Client>,
    version: i16,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    let (served, name) = match client.peer.listener {
        Listener::Broker => (BROKERS, "BROKER"),
        Listener::Controller => (CONTROLLERS, "CONTROLLER"),
    };
    let asked = if version == 0 { served } else { request.endpoint_type };
    if asked != served {
        return mismatch(asked, name);
    }
    let mut response = DescribeClusterResponse::default().with_cluster_id(text(&node.cluster_id));
    if version >= 1 {
        response = response.with_endpoint_type(served);
    }
    if request.include_cluster_authorized_operations {
        response = response.with_cluster_authorized_operations(CLUSTER_OPERATIONS);
    }
    let nodes = match client.peer.listener {
        Listener::Broker => brokers(node, client, request.include_fenced_brokers && version >= 2),
        Listener::Controller => controllers(node, client),
    };
    let controller = match client.peer.listener {
        Listener::Broker => nodes.first().map_or(BrokerId(-1), |broker| broker.broker_id),
        Listener::Controller => BrokerId(node.quorum().leadership().leader.map_or(-1, |leader| leader.0)),
    };
    response.with_controller_id(controller).with_brokers(nodes)
}

fn mismatch(asked: i8, served: &str) -> DescribeClusterResponse {
    let (code, message) = match asked {
        BROKERS | CONTROLLERS => {
            let wanted = if asked == BROKERS { "BROKER" } else { "CONTROLLER" };
            let message = format!(
                "The request was sent to an endpoint of type {served}, but we wanted an endpoint of type {wanted}"
            );
            (ErrorCode::MismatchedEndpointType, message)
        }
        other => (ErrorCode::UnsupportedEndpointType, format!("Unsupported endpoint type {other}")),
    };
    DescribeClusterResponse::default().with_error_code(code.code()).with_error_message(Some(text(&message)))
}

fn brokers(node: &Node, client: &Client, with_fenced: bool) -> Vec<DescribeClusterBroker> {
    let image = node.image();
    let mut found = Vec::new();
    for broker in image.state.brokers().filter(|broker| with_fenced || broker.is_active()) {
        let Some(endpoint) = broker.endpoint(&client.peer.listener_name) else { continue };
        let described = DescribeClusterBroker::default()
            .with_broker_id(BrokerId(broker.id.0))
            .with_host(text(&endpoint.host))
            .with_port(i32::from(endpoint.port))
            .with_rack(broker.rack.as_deref().map(text));
        found.push(if with_fenced { described.with_is_fenced(broker.fenced) } else { described });
    }
    found
}

fn controllers(node: &Node, client: &Client) -> Vec<DescribeClusterBroker> {
    let image = node.image();
    let mut found = Vec::new();
    for controller in image.state.controllers() {
        let mut endpoints = controller.endpoints.iter();
        let Some(endpoint) = endpoints.find(|endpoint| endpoint.name == client.peer.listener_name) else {
            continue;
        };
        found.push(
            DescribeClusterBroker::default()
                .with_broker_id(BrokerId(controller.id.0))
                .with_host(text(&endpoint.host))
                .with_port(i32::from(endpoint.port)),
        );
    }
    found
}
