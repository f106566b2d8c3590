//! A broker was not heard of for too long, or its process is known to be dead: it is fenced, leaves every ISR, and
//! its partitions get other leaders (`ReplicationControlManager.handleBrokerFenced`).

use chronik_types::{BrokerEpoch, ErrorCode, NodeId};

use super::{Change, Context, Decision, Refused};

/// A broker was not heard of for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FenceBroker {
    /// The broker.
    pub id: NodeId,
    /// The registration that went silent.
    pub epoch: BrokerEpoch,
}

pub(super) fn decide(context: &Context<'_>, command: FenceBroker) -> Decision<Change, Result<(), Refused>> {
    let _ = (context, command);
    unimplemented!()
}
