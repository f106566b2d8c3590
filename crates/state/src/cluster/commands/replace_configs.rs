//! AlterConfigs (33): the older way, which states a resource's whole configuration.

use chronik_types::ErrorCode;

use super::alter_configs::{ConfigResults, accept, check_resource, each};
use super::{Change, Context, Decision, Refused, repeated};
use crate::cluster::ConfigResource;
use crate::records::Name;

/// A key and the value that it shall have.
pub type ConfigValue = (Name, Option<Name>);

/// Replace whole configurations: keys that are not named go back to their defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplaceConfigs {
    /// What they shall be.
    pub resources: Vec<(ConfigResource, Vec<ConfigValue>)>,
    /// Say what would come of it and change nothing.
    pub validate_only: bool,
}

pub(super) fn decide(context: &Context<'_>, command: ReplaceConfigs) -> Decision<Change, ConfigResults> {
    each(command.resources, command.validate_only, |resource, wanted| replace_one(context, resource, &wanted))
}

fn replace_one(
    context: &Context<'_>,
    resource: &ConfigResource,
    wanted: &[ConfigValue],
) -> Result<Vec<Change>, Refused> {
    let kind = check_resource(context, resource)?;
    if !repeated(wanted.iter().map(|(key, _)| key)).is_empty() {
        return Err(Refused::new(ErrorCode::InvalidRequest, "Error due to duplicate config keys"));
    }
    if let Some((key, _)) = wanted.iter().find(|(_, value)| value.is_none()) {
        return Err(Refused::new(ErrorCode::InvalidRequest, format!("Null value not supported for : {key}")));
    }
    let overrides = context.state.config(resource).cloned().unwrap_or_default();
    let is_new = |(key, value): &&ConfigValue| overrides.get(key) != value.as_ref();
    let mut altered: Vec<ConfigValue> = wanted.iter().filter(is_new).cloned().collect();
    let is_gone = |key: &&Name| !wanted.iter().any(|(named, _)| named == *key);
    altered.extend(overrides.keys().filter(is_gone).map(|key| (key.clone(), None)));
    accept(context, resource, kind, altered)
}
