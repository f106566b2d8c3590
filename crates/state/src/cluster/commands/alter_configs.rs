//! IncrementalAlterConfigs (44): topics, brokers, the default of all brokers, groups, client metrics.
//!
//! Each resource is changed whole or refused on its own; a value that is already so is not logged again.

use chronik_types::ErrorCode;

use super::{Change, Context, Decision, Refused};
use crate::cluster::ConfigResource;
use crate::config::AlterOp;
use crate::records::Name;

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
    let _ = (context, command);
    unimplemented!()
}
