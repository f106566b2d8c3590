//! A broker was not heard of for too long, or its process is known to be dead: it is fenced, leaves every ISR, and
//! its partitions get other leaders (`ReplicationControlManager.handleBrokerFenced`).

use chronik_types::{BrokerEpoch, NodeId};

use super::{Change, Context, Decision, Refused, broker_in_epoch};
use crate::cluster::leadership::{self, Event};
use crate::records::BrokerRegistrationChangeRecord;

/// A broker was not heard of for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FenceBroker {
    /// The broker.
    pub id: NodeId,
    /// The registration that went silent.
    pub epoch: BrokerEpoch,
}

pub(super) fn decide(context: &Context<'_>, command: FenceBroker) -> Decision<Change, Result<(), Refused>> {
    match broker_in_epoch(context, command.id, command.epoch) {
        Err(refused) => Decision::reply(Err(refused)),
        Ok(broker) if broker.fenced => Decision::reply(Ok(())),
        Ok(_) => Decision { changes: fence(context, command.id, command.epoch), reply: Ok(()) },
    }
}

/// The changes that fence a broker: its partitions first, so that none is ever led by a fenced broker.
pub(super) fn fence(context: &Context<'_>, id: NodeId, epoch: BrokerEpoch) -> Vec<Change> {
    let mut changes = leadership::changes(context, Event::Gone(id));
    changes.push(Change::new(BrokerRegistrationChangeRecord {
        broker_id: id,
        broker_epoch: epoch,
        fenced: 1,
        ..Default::default()
    }));
    changes
}
