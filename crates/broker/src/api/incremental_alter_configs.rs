//! IncrementalAlterConfigs (44), versions 0-1 (KIP-339).
//!
//! v1 is flexible. Each resource is changed whole or refused on its own; one that is named twice is `INVALID_REQUEST`.
//! The controller decides; when the answer comes, this node already acts on the change.

use std::sync::Arc;

use chronik_state::cluster::{AlterConfigs, ConfigChange, Refused};
use chronik_state::config::AlterOp;
use chronik_state::records::Name;
use chronik_types::ErrorCode;
use chronik_wire::messages::incremental_alter_configs_request::AlterConfigsResource;
use chronik_wire::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use chronik_wire::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use super::configs::alter;
use super::topics::outcome;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let resources = &request.resources;
    let names: Vec<(i8, &str)> =
        resources.iter().map(|wanted| (wanted.resource_type, &*wanted.resource_name)).collect();
    let validate_only = request.validate_only;
    let results = alter(
        &node,
        &names,
        |at| changes(&resources[at]),
        |resources| AlterConfigs { resources, validate_only },
    )
    .await;
    let responses = resources.iter().zip(&results).map(|(wanted, result)| {
        let (code, message) = outcome(result);
        AlterConfigsResourceResponse::default()
            .with_error_code(code)
            .with_error_message(message)
            .with_resource_type(wanted.resource_type)
            .with_resource_name(wanted.resource_name.clone())
    });
    IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
}

fn changes(wanted: &AlterConfigsResource) -> Result<Vec<ConfigChange>, Refused> {
    let change = |config: &chronik_wire::messages::incremental_alter_configs_request::AlterableConfig| {
        let operation = AlterOp::from_code(config.config_operation).ok_or_else(|| {
            let message = format!("Unknown operation {} on {}", config.config_operation, &*config.name);
            Refused::new(ErrorCode::InvalidRequest, message)
        })?;
        Ok((Name::from(&*config.name), operation, config.value.as_deref().map(Name::from)))
    };
    wanted.configs.iter().map(change).collect()
}
