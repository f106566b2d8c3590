//! AlterConfigs (33), versions 0-2: the older way, which replaces a resource's whole configuration.
//!
//! v2 is flexible. Keys that are not named go back to their defaults. Otherwise as IncrementalAlterConfigs.

use std::sync::Arc;

use chronik_state::cluster::ReplaceConfigs;
use chronik_state::records::Name;
use chronik_wire::messages::alter_configs_response::AlterConfigsResourceResponse;
use chronik_wire::messages::{AlterConfigsRequest, AlterConfigsResponse};

use super::configs::alter;
use super::topics::outcome;
use crate::node::Node;

pub(super) async fn handle(node: Arc<Node>, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let resources = &request.resources;
    let names: Vec<(i8, &str)> =
        resources.iter().map(|wanted| (wanted.resource_type, &*wanted.resource_name)).collect();
    let validate_only = request.validate_only;
    let whole = |at: usize| -> Vec<(Name, Option<Name>)> {
        let configs = resources[at].configs.iter();
        configs.map(|config| (Name::from(&*config.name), config.value.as_deref().map(Name::from))).collect()
    };
    let results =
        alter(&node, &names, |at| Ok(whole(at)), |resources| ReplaceConfigs { resources, validate_only })
            .await;
    let responses = resources.iter().zip(&results).map(|(wanted, result)| {
        let (code, message) = outcome(result);
        AlterConfigsResourceResponse::default()
            .with_error_code(code)
            .with_error_message(message)
            .with_resource_type(wanted.resource_type)
            .with_resource_name(wanted.resource_name.clone())
    });
    AlterConfigsResponse::default().with_responses(responses.collect())
}
