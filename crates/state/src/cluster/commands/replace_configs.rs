//! AlterConfigs (33): the older way, which states a resource's whole configuration.

use super::alter_configs::ConfigResults;
use super::{Change, Context, Decision};
use crate::cluster::ConfigResource;
use crate::records::Name;

/// Replace whole configurations: keys that are not named go back to their defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplaceConfigs {
    /// What they shall be.
    pub resources: Vec<(ConfigResource, Vec<(Name, Option<Name>)>)>,
    /// Say what would come of it and change nothing.
    pub validate_only: bool,
}

pub(super) fn decide(context: &Context<'_>, command: ReplaceConfigs) -> Decision<Change, ConfigResults> {
    let _ = (context, command);
    unimplemented!()
}
