//! A controller process introduces itself (ControllerRegistration, KIP-919).

use chronik_types::NodeId;
use uuid::Uuid;

use super::{Change, Context, Decision, Refused};
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
    let _ = (context, command);
    unimplemented!()
}
