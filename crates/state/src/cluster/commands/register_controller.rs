//! A controller process introduces itself (ControllerRegistration, KIP-919).

use chronik_types::{ErrorCode, NodeId};
use uuid::Uuid;

use super::{Change, Context, Decision, Refused};
use crate::cluster::{Controller, KRAFT_VERSION};
use crate::records::{EndpointRecord, FeatureRangeRecord};

/// A controller process introduces itself.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisterController {
    /// Its id.
    pub id: NodeId,
    /// This run of its process.
    pub incarnation: Uuid,
    /// Left over from the migration off ZooKeeper.
    pub zk_migration_ready: bool,
    /// Where it listens.
    pub endpoints: Vec<EndpointRecord>,
    /// What it can do.
    pub features: Vec<FeatureRangeRecord>,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: RegisterController,
) -> Decision<Change, Result<(), Refused>> {
    if !context.state.metadata_version().has_controller_registration() {
        let message = "The current MetadataVersion is too old to support controller registrations.";
        return Decision::reply(Err(Refused::new(ErrorCode::UnsupportedVersion, message)));
    }
    for (name, level) in context.state.features().filter(|(name, _)| &***name != KRAFT_VERSION) {
        let range = command.features.iter().find(|feature| feature.name == *name);
        let (min, max) =
            range.map_or((0, 0), |range| (range.min_supported_version, range.max_supported_version));
        if level < min || level > max {
            let message = format!(
                "Unable to register because the controller does not support finalized version {level} of {name}. The controller wants a version between {min} and {max}, inclusive."
            );
            return Decision::reply(Err(Refused::new(ErrorCode::UnsupportedVersion, message)));
        }
    }
    let controller = Controller {
        id: command.id,
        incarnation: command.incarnation,
        zk_migration_ready: command.zk_migration_ready,
        endpoints: command.endpoints,
        features: command.features,
    };
    Decision { changes: vec![controller.to_change()], reply: Ok(()) }
}
