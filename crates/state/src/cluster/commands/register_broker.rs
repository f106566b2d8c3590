//! A broker process introduces itself (BrokerRegistration, KIP-631).
//!
//! The answer is the broker's epoch, which is the offset of its registration; whoever acts for the broker with an
//! older one is refused. A new registration is fenced until the broker has caught up with the metadata.

use chronik_types::{BrokerEpoch, ErrorCode, NodeId};
use uuid::Uuid;

use super::{Change, Context, Decision, Refused};
use crate::records::{EndpointRecord, FeatureRangeRecord, Name};

/// A broker process introduces itself.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisterBroker {
    /// Its id.
    pub id: NodeId,
    /// The cluster that it believes to be part of.
    pub cluster_id: String,
    /// This run of its process.
    pub incarnation: Uuid,
    /// Where it listens.
    pub endpoints: Vec<EndpointRecord>,
    /// What it can do.
    pub features: Vec<FeatureRangeRecord>,
    /// `broker.rack`.
    pub rack: Option<Name>,
    /// Its log directories.
    pub log_dirs: Vec<Uuid>,
    /// Its log directories that take no new replicas, if it says (KIP-1066).
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
    /// The epoch that it had when it last shut down cleanly; -1: unknown.
    pub previous_epoch: BrokerEpoch,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: RegisterBroker,
) -> Decision<Change, Result<BrokerEpoch, Refused>> {
    let _ = (context, command);
    unimplemented!()
}
