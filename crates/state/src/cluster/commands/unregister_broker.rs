//! UnregisterBroker (64): a broker leaves the cluster for good (KIP-500).
//!
//! It leaves every ISR and leads nothing any more; its replicas stay assigned to it until they are moved. A broker that
//! still runs registers anew. Brokers' own configuration stays, as in Kafka.

use chronik_types::{ErrorCode, NodeId};

use super::{Change, Context, Decision, Refused};
use crate::cluster::leadership::{self, Event};
use crate::records::UnregisterBrokerRecord;

/// A broker leaves for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnregisterBroker {
    /// The broker.
    pub id: NodeId,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: UnregisterBroker,
) -> Decision<Change, Result<(), Refused>> {
    let UnregisterBroker { id } = command;
    let Some(broker) = context.state.broker(id) else {
        let message = format!("Broker ID {id} is not currently registered");
        return Decision::reply(Err(Refused::new(ErrorCode::BrokerIdNotRegistered, message)));
    };
    let concerned = context
        .state
        .partitions_of(id)
        .filter(|(_, _, partition)| partition.isr.contains(&id) || partition.elr.contains(&id));
    let mut changes = leadership::changes_of(context, Event::Gone(id), concerned);
    changes.push(Change::new(UnregisterBrokerRecord {
        broker_id: id,
        broker_epoch: broker.epoch,
        ..Default::default()
    }));
    Decision { changes, reply: Ok(()) }
}
