//! A broker says that it lives (BrokerHeartbeat, KIP-631, KIP-858, KIP-1066).
//!
//! The controller answers with the state it wants the broker in: fenced until it has caught up with its own
//! registration, then unfenced, then, once the broker wants to stop, in controlled shutdown until it leads nothing.
//! When the broker was last heard of is the shell's knowledge: it submits [`super::FenceBroker`] when that is too long ago.

use chronik_types::{BrokerEpoch, NodeId, Offset};
use uuid::Uuid;

use super::{Change, Context, Decision, Refused};

/// A broker says that it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The broker.
    pub id: NodeId,
    /// Its registration.
    pub epoch: BrokerEpoch,
    /// The last metadata offset that it has applied.
    pub metadata_offset: Offset,
    /// It wants to be fenced.
    pub want_fence: bool,
    /// It wants to shut down.
    pub want_shut_down: bool,
    /// Its log directories that failed.
    pub offline_log_dirs: Vec<Uuid>,
    /// Its log directories that take no new replicas, if it says.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
    /// The metadata offset that every active broker has applied, as the shell knows from their heartbeats: a shutdown
    /// waits until all of them know of the leaders that it caused.
    pub lowest_active_offset: Offset,
}

/// The state that the controller wants a broker in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerStatus {
    /// It has applied its own registration.
    pub is_caught_up: bool,
    /// It is fenced.
    pub is_fenced: bool,
    /// It may stop now.
    pub should_shut_down: bool,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: Heartbeat,
) -> Decision<Change, Result<BrokerStatus, Refused>> {
    let _ = (context, command);
    unimplemented!()
}
