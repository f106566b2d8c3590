//! AllocateProducerIds (67): a broker gets a block of producer ids to hand out (KIP-730).
//!
//! The record names the first id of the *next* block, so no id is ever given twice.

use chronik_types::{BrokerEpoch, ErrorCode, NodeId, ProducerId};

use super::{Change, Context, Decision, Refused, broker_in_epoch};
use crate::records::ProducerIdsRecord;

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
    let AllocateProducerIds { broker, broker_epoch } = command;
    if let Err(refused) = broker_in_epoch(context, broker, broker_epoch) {
        return Decision::reply(Err(refused));
    }
    let first = context.state.next_producer_id();
    let Some(next) = first.0.checked_add(i64::from(PRODUCER_ID_BLOCK)) else {
        let message = format!(
            "Exhausted all producerIds as the next block's end producerId has exceeded the int64 type limit: {first}"
        );
        return Decision::reply(Err(Refused::new(ErrorCode::UnknownServerError, message)));
    };
    let next_producer_id = ProducerId(next);
    let record =
        ProducerIdsRecord { broker_id: broker, broker_epoch, next_producer_id, ..Default::default() };
    Decision {
        changes: vec![Change::new(record)],
        reply: Ok(ProducerIdBlock { first, count: PRODUCER_ID_BLOCK }),
    }
}
