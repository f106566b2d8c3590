//! AllocateProducerIds (67): a broker gets a block of producer ids to hand out (KIP-730).

use chronik_types::{BrokerEpoch, ErrorCode, NodeId, ProducerId};

use super::{Change, Context, Decision, Refused};

/// How many ids a block has.
pub const PRODUCER_ID_BLOCK: i32 = 1000;

/// A broker needs producer ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocateProducerIds {
    /// The broker.
    pub broker: NodeId,
    /// Its registration.
    pub broker_epoch: BrokerEpoch,
}

/// Ids that nobody else will ever get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// The first.
    pub first: ProducerId,
    /// How many.
    pub count: i32,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: AllocateProducerIds,
) -> Decision<Change, Result<ProducerIdBlock, Refused>> {
    let _ = (context, command);
    unimplemented!()
}
