//! DescribeConfigs (32), versions 1-4.
//!
//! v1 adds synonyms (KIP-226), v3 types and documentation (KIP-569), v4 is flexible. A broker describes itself or, with
//! an empty name, the dynamic defaults of all brokers; secrets have no value. Log levels (`BROKER_LOGGER`) are not
//! configuration here and are refused.

use std::sync::Arc;

use chronik_state::cluster::{ConfigResource, Refused, ResourceKind};
use chronik_state::config::{
    Described, Lookup, Nothing, describe_broker, describe_client_metrics, describe_cluster, describe_group,
    describe_topic,
};
use chronik_types::ErrorCode;
use chronik_wire::messages::describe_configs_request::DescribeConfigsResource;
use chronik_wire::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use chronik_wire::messages::{DescribeConfigsRequest, DescribeConfigsResponse};

use super::configs::{check_broker, log_levels, resource};
use super::topics::text;
use crate::node::Node;
use crate::reconcile::with_layers;

/// What to tell beside the values.
#[derive(Clone, Copy)]
struct Detail {
    synonyms: bool,
    types: bool,
    documentation: bool,
}

pub(super) fn handle(
    node: &Arc<Node>,
    version: i16,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let detail = Detail {
        synonyms: request.include_synonyms,
        types: version >= 3,
        documentation: request.include_documentation && version >= 3,
    };
    let results = request.resources.iter().map(|wanted| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(wanted.resource_type)
            .with_resource_name(wanted.resource_name.clone());
        match describe(node, wanted) {
            Ok(described) => {
                result.with_configs(described.into_iter().map(|one| answer(one, detail)).collect())
            }
            Err(refused) => result
                .with_error_code(refused.code.code())
                .with_error_message(refused.message.as_deref().map(text)),
        }
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn describe(node: &Node, wanted: &DescribeConfigsResource) -> Result<Vec<Described>, Refused> {
    let resource = resource(wanted.resource_type, &wanted.resource_name)?;
    let names: Option<Vec<&str>> =
        wanted.configuration_keys.as_ref().map(|keys| keys.iter().map(|key| &**key).collect());
    let names = names.as_deref();
    let image = node.image();
    let overrides = image.state.config(&resource);
    let overrides: &dyn Lookup = overrides.map_or(&Nothing, |overrides| overrides);
    let ConfigResource { kind, name } = &resource;
    match kind {
        ResourceKind::Topic if image.state.topic_named(name).is_none() => {
            Err(Refused::code(ErrorCode::UnknownTopicOrPartition))
        }
        ResourceKind::Topic => {
            Ok(with_layers(&image, node.id(), &node.file, |layers| describe_topic(overrides, layers, names)))
        }
        ResourceKind::Broker => {
            check_broker(node, name)?;
            let describe = if name.is_empty() { describe_cluster } else { describe_broker };
            Ok(with_layers(&image, node.id(), &node.file, |layers| describe(layers, names)))
        }
        ResourceKind::Group if name.is_empty() => {
            Err(Refused::new(ErrorCode::InvalidRequest, "Group name must not be empty"))
        }
        ResourceKind::Group => {
            Ok(with_layers(&image, node.id(), &node.file, |layers| describe_group(overrides, layers, names)))
        }
        ResourceKind::ClientMetrics if name.is_empty() => {
            Err(Refused::new(ErrorCode::InvalidRequest, "Client metrics subscription name must not be empty"))
        }
        ResourceKind::ClientMetrics => Ok(describe_client_metrics(overrides, names)),
        ResourceKind::BrokerLogger | ResourceKind::Other(_) => Err(log_levels()),
    }
}

fn answer(described: Described, detail: Detail) -> DescribeConfigsResourceResult {
    let mut answer = DescribeConfigsResourceResult::default()
        .with_name(text(described.key.name))
        .with_value(described.value.as_deref().map(text))
        .with_read_only(described.read_only)
        .with_config_source(described.source as i8)
        .with_is_sensitive(described.key.is_sensitive());
    if detail.synonyms {
        let synonyms = described.synonyms.iter().map(|synonym| {
            DescribeConfigsSynonym::default()
                .with_name(text(synonym.name))
                .with_value(synonym.value.as_deref().map(text))
                .with_source(synonym.source as i8)
        });
        answer = answer.with_synonyms(synonyms.collect());
    }
    if detail.types {
        answer = answer.with_config_type(described.key.kind.code());
    }
    if detail.documentation {
        answer = answer.with_documentation(Some(text(described.key.doc)));
    }
    answer
}
