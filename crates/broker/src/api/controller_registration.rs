//! ControllerRegistration (70), version 0: a controller process tells where it listens (KIP-919).

use std::sync::Arc;

use chronik_state::cluster::RegisterController;
use chronik_state::records::{EndpointRecord, FeatureRangeRecord};
use chronik_types::NodeId;
use chronik_wire::messages::controller_registration_request::{Feature, Listener};
use chronik_wire::messages::{ControllerRegistrationRequest, ControllerRegistrationResponse};

use super::topics::text;
use crate::forward::ForController;
use crate::node::Node;

impl ForController for ControllerRegistrationRequest {
    async fn decide(self, node: Arc<Node>) -> ControllerRegistrationResponse {
        let endpoint = |listener: Listener| EndpointRecord {
            name: (*listener.name).into(),
            host: (*listener.host).into(),
            port: listener.port,
            security_protocol: listener.security_protocol,
            ..EndpointRecord::default()
        };
        let feature = |feature: Feature| FeatureRangeRecord {
            name: (*feature.name).into(),
            min_supported_version: feature.min_supported_version,
            max_supported_version: feature.max_supported_version,
            ..FeatureRangeRecord::default()
        };
        let command = RegisterController {
            id: NodeId(self.controller_id),
            incarnation: self.incarnation_id,
            zk_migration_ready: self.zk_migration_ready,
            endpoints: self.listeners.into_iter().map(endpoint).collect(),
            features: self.features.into_iter().map(feature).collect(),
        };
        let response = ControllerRegistrationResponse::default().with_error_message(None);
        match node.ask(command).await {
            Ok(Ok(())) => response,
            Ok(Err(refused)) => response
                .with_error_code(refused.code.code())
                .with_error_message(refused.message.as_deref().map(text)),
            Err(code) => response.with_error_code(code.code()),
        }
    }
}
