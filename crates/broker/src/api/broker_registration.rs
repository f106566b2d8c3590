//! BrokerRegistration (62), versions 0-4: a broker process introduces itself to the controller (KIP-631).
//!
//! v1 has a flag of the migration from ZooKeeper, v2 the log directories (KIP-858), v3 the epoch of the last clean run
//! (KIP-966), v4 features that begin at level 0. The answer is the broker's epoch.

use std::sync::Arc;

use chronik_state::cluster::RegisterBroker;
use chronik_state::records::{EndpointRecord, FeatureRangeRecord};
use chronik_types::{BrokerEpoch, NodeId};
use chronik_wire::messages::{BrokerRegistrationRequest, BrokerRegistrationResponse};

use crate::forward::ForController;
use crate::node::Node;

async fn register(node: Arc<Node>, request: BrokerRegistrationRequest) -> BrokerRegistrationResponse {
    let endpoint = |listener: chronik_wire::messages::broker_registration_request::Listener| EndpointRecord {
        name: (*listener.name).into(),
        host: (*listener.host).into(),
        port: listener.port,
        security_protocol: listener.security_protocol,
        ..EndpointRecord::default()
    };
    let feature =
        |feature: chronik_wire::messages::broker_registration_request::Feature| FeatureRangeRecord {
            name: (*feature.name).into(),
            min_supported_version: feature.min_supported_version,
            max_supported_version: feature.max_supported_version,
            ..FeatureRangeRecord::default()
        };
    let command = RegisterBroker {
        id: NodeId(request.broker_id.0),
        cluster_id: request.cluster_id.to_string(),
        incarnation: request.incarnation_id,
        endpoints: request.listeners.into_iter().map(endpoint).collect(),
        features: request.features.into_iter().map(feature).collect(),
        rack: request.rack.map(|rack| (*rack).into()),
        log_dirs: request.log_dirs,
        previous_epoch: BrokerEpoch(request.previous_broker_epoch),
        session_is_valid: false,
    };
    let response = BrokerRegistrationResponse::default();
    match node.quorum().register(command).await {
        Ok(Ok(epoch)) => response.with_broker_epoch(epoch.0),
        Ok(Err(refused)) => {
            tracing::info!(broker = %request.broker_id.0, ?refused, "a broker was not registered");
            response.with_error_code(refused.code.code()).with_broker_epoch(-1)
        }
        Err(code) => response.with_error_code(code.code()).with_broker_epoch(-1),
    }
}

impl ForController for BrokerRegistrationRequest {
    fn decide(self, node: Arc<Node>) -> impl Future<Output = BrokerRegistrationResponse> + Send {
        register(node, self)
    }
}
