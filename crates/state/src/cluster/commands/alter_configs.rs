//! IncrementalAlterConfigs (44): topics, brokers, the default of all brokers, groups, client metrics (KIP-339).
//!
//! Each resource is changed whole or refused on its own; a value that is already so is not logged again. While
//! eligible leader replicas are on, `min.insync.replicas` may not differ between brokers or be absent, and whenever it
//! changes nobody is eligible any more: eligibility was judged by the old value.

use chronik_types::{ErrorCode, NodeId};

use super::{Change, Context, Decision, MIN_INSYNC_REPLICAS, Refused, form_meta, repeated};
use crate::cluster::configuration;
use crate::cluster::{ConfigResource, ELIGIBLE_LEADER_REPLICAS_VERSION, ResourceKind, check_topic_name};
use crate::config::{AlterOp, Altered, ConfigError, Resource, alter, check_built, check_overrides};
use crate::records::{ClearElrRecord, ConfigRecord, Name};

/// The longest value, in bytes: the older clients' strings hold no more.
const VALUE_MAX: usize = 32_767;

/// One change of one key: the operation and, unless it is a deletion, its operand.
pub type ConfigChange = (Name, AlterOp, Option<Name>);

/// What became of each resource, in the order of the request.
pub type ConfigResults = Vec<(ConfigResource, Result<(), Refused>)>;

/// Change single keys of configurations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterConfigs {
    /// What to change.
    pub resources: Vec<(ConfigResource, Vec<ConfigChange>)>,
    /// Say what would come of it and change nothing.
    pub validate_only: bool,
}

pub(super) fn decide(context: &Context<'_>, command: AlterConfigs) -> Decision<Change, ConfigResults> {
    each(command.resources, command.validate_only, |resource, operations| {
        alter_one(context, resource, &operations)
    })
}

/// Runs `decide_one` on every resource; one that is named twice is refused.
pub(super) fn each<O>(
    resources: Vec<(ConfigResource, O)>,
    validate_only: bool,
    mut decide_one: impl FnMut(&ConfigResource, O) -> Result<Vec<Change>, Refused>,
) -> Decision<Change, ConfigResults> {
    let repeated = repeated(resources.iter().map(|(resource, _)| resource.clone()));
    let mut changes = Vec::new();
    let mut results = ConfigResults::new();
    for (resource, operations) in resources {
        if results.iter().any(|(answered, _)| *answered == resource) {
            continue;
        }
        let result = if repeated.contains(&resource) {
            Err(Refused::new(ErrorCode::InvalidRequest, "Each resource must appear at most once."))
        } else {
            decide_one(&resource, operations).map(|decided| changes.extend(decided))
        };
        results.push((resource, result));
    }
    if validate_only {
        changes.clear();
    }
    Decision { changes, reply: results }
}

fn alter_one(
    context: &Context<'_>,
    resource: &ConfigResource,
    operations: &[ConfigChange],
) -> Result<Vec<Change>, Refused> {
    let kind = check_resource(context, resource)?;
    if !repeated(operations.iter().map(|(key, _, _)| key)).is_empty() {
        return Err(Refused::new(ErrorCode::InvalidRequest, "Error due to duplicate config keys"));
    }
    let overrides = context.state.config(resource);
    let mut altered = Vec::new();
    for (key, operation, operand) in operations {
        let current = overrides.and_then(|overrides| overrides.get(key)).map(|value| &**value);
        match alter(kind, key, *operation, operand.as_deref(), current).map_err(refused)? {
            Altered::Same => {}
            Altered::Set(value) => altered.push((key.clone(), Some(Name::from(value)))),
            Altered::Remove => altered.push((key.clone(), None)),
        }
    }
    accept(context, resource, kind, altered)
}

/// Checks what the overrides will be, and logs what differs.
pub(super) fn accept(
    context: &Context<'_>,
    resource: &ConfigResource,
    kind: Resource,
    altered: Vec<(Name, Option<Name>)>,
) -> Result<Vec<Change>, Refused> {
    if kind == Resource::Topic {
        form_meta::guard_config(&resource.name, altered.iter().map(|(key, _)| key))?;
    }
    let mut overrides = context.state.config(resource).cloned().unwrap_or_default();
    for (key, value) in &altered {
        match value {
            Some(value) if value.len() > VALUE_MAX => {
                let message = format!(
                    "The configuration value cannot be added because it exceeds the maximum value size of {VALUE_MAX} bytes."
                );
                return Err(Refused::new(ErrorCode::InvalidConfig, message));
            }
            Some(value) => overrides.insert(key.clone(), value.clone()),
            None => overrides.remove(key),
        };
    }
    let pairs = overrides.iter().map(|(key, value)| (&**key, &**value));
    check_overrides(kind, pairs, &configuration::layers(context)).map_err(refused)?;
    let set = altered.iter().filter_map(|(key, value)| Some((&**key, &**value.as_ref()?)));
    check_built(kind, set).map_err(refused)?;
    let clears_elr = check_min_insync_replicas(context, resource, &altered)?;
    let mut changes: Vec<Change> =
        altered.into_iter().map(|(key, value)| record(resource, &key, value)).collect();
    changes.extend(clears_elr);
    Ok(changes)
}

/// The record that sets or deletes a key.
pub(super) fn record(resource: &ConfigResource, key: &str, value: Option<Name>) -> Change {
    Change::new(ConfigRecord {
        resource_type: resource.kind.code(),
        resource_name: resource.name.clone(),
        name: Name::from(key),
        value,
        ..Default::default()
    })
}

/// What a change of `min.insync.replicas` brings with it while eligible leader replicas are on.
fn check_min_insync_replicas(
    context: &Context<'_>,
    resource: &ConfigResource,
    altered: &[(Name, Option<Name>)],
) -> Result<Option<Change>, Refused> {
    let Some((_, value)) = altered.iter().find(|(key, _)| &**key == MIN_INSYNC_REPLICAS) else {
        return Ok(None);
    };
    if context.state.feature_level(ELIGIBLE_LEADER_REPLICAS_VERSION) == 0 {
        return Ok(None);
    }
    let invalid = |message: &str| Err(Refused::new(ErrorCode::InvalidConfig, message));
    match resource.kind {
        ResourceKind::Broker if !resource.name.is_empty() => {
            invalid("Broker-level min.insync.replicas cannot be altered while ELR is enabled.")
        }
        ResourceKind::Broker if value.is_none() => {
            invalid("Cluster-level min.insync.replicas cannot be removed while ELR is enabled.")
        }
        ResourceKind::Broker | ResourceKind::Topic => {
            let topic_name = resource.name.clone();
            Ok(Some(Change::new(ClearElrRecord { topic_name, ..Default::default() })))
        }
        _ => Ok(None),
    }
}

pub(super) fn refused(error: ConfigError) -> Refused {
    Refused::new(error.code(), error.to_string())
}

/// Whether the resource exists and can have configuration here.
pub(super) fn check_resource(context: &Context<'_>, resource: &ConfigResource) -> Result<Resource, Refused> {
    let request = |message: String| Err(Refused::new(ErrorCode::InvalidRequest, message));
    let name = &resource.name;
    match resource.kind {
        ResourceKind::Topic if name.is_empty() => {
            request("Default topic resources are not allowed.".to_owned())
        }
        ResourceKind::Topic => {
            check_topic_name(name).map_err(|why| Refused::new(ErrorCode::InvalidTopicException, why))?;
            let unknown = || {
                let message = format!("The topic '{name}' does not exist.");
                Refused::new(ErrorCode::UnknownTopicOrPartition, message)
            };
            context.state.topic_id(name).ok_or_else(unknown)?;
            Ok(Resource::Topic)
        }
        ResourceKind::Broker if name.is_empty() => Ok(Resource::AllBrokers),
        ResourceKind::Broker => match name.parse().map(NodeId) {
            Err(_) => request("Unable to parse broker name as a base 10 number.".to_owned()),
            Ok(id) if context.state.broker(id).is_none() => {
                Err(Refused::new(ErrorCode::BrokerIdNotRegistered, format!("No broker with id {id} found.")))
            }
            Ok(_) => Ok(Resource::Broker),
        },
        ResourceKind::Group if name.is_empty() => {
            request("Default group resources are not allowed.".to_owned())
        }
        ResourceKind::Group => Ok(Resource::Group),
        ResourceKind::ClientMetrics if name.is_empty() => {
            request("Subscription name can't be empty".to_owned())
        }
        ResourceKind::ClientMetrics => Ok(Resource::ClientMetrics),
        ResourceKind::BrokerLogger | ResourceKind::Other(_) => {
            request(format!("Unexpected resource type {:?}.", resource.kind))
        }
    }
}
