//! A broker says that it lives (BrokerHeartbeat, KIP-631, KIP-858, KIP-1066).
//!
//! The controller answers with the state it wants the broker in: fenced until it has caught up with its own
//! registration, then unfenced, then, once the broker wants to stop, in controlled shutdown until it leads nothing
//! and everybody knows. When a broker was last heard of, and how far it is, is the shell's knowledge
//! ([`crate::cluster::Sessions`]): it submits [`super::FenceBroker`] when that is too long ago.

use chronik_types::{BrokerEpoch, NodeId, Offset};
use uuid::Uuid;

use super::fence_broker::fence;
use super::{Change, Context, Decision, Refused, broker_in_epoch};
use crate::cluster::leadership::{self, Event};
use crate::cluster::{Broker, ClusterState};
use crate::records::BrokerRegistrationChangeRecord;

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
    /// Whether every active broker has applied the metadata up to where this one entered its controlled shutdown.
    pub shutdown_is_known: bool,
}

/// The state that the controller wants a broker in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerStatus {
    /// It has applied its own registration.
    pub is_caught_up: bool,
    /// It is fenced.
    pub is_fenced: bool,
    /// It hands its leaderships over.
    pub in_controlled_shutdown: bool,
    /// It may stop now.
    pub should_shut_down: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Fenced,
    Unfenced,
    ControlledShutdown,
    ShutDownNow,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: Heartbeat,
) -> Decision<Change, Result<BrokerStatus, Refused>> {
    let broker = match broker_in_epoch(context, command.id, command.epoch) {
        Ok(broker) => broker,
        Err(refused) => return Decision::reply(Err(refused)),
    };
    let is_caught_up = command.metadata_offset.0 >= broker.epoch.0;
    let now = stage(broker);
    let next = next_stage(context.state, &command, now, is_caught_up);
    let mut changes = Vec::new();
    if next != now {
        match next {
            Stage::Unfenced => changes.extend(unfence(context, &command)),
            Stage::ControlledShutdown => changes.extend(enter_controlled_shutdown(context, &command)),
            // A broker that is fenced already needs no fencing to shut down.
            Stage::Fenced | Stage::ShutDownNow if now == Stage::Fenced => {}
            Stage::Fenced | Stage::ShutDownNow => changes.extend(fence(context, command.id, command.epoch)),
        }
    }
    changes.extend(directories_failed(context, broker, &command));
    changes.extend(directories_cordoned(context, broker, &command));
    let status = BrokerStatus {
        is_caught_up,
        is_fenced: matches!(next, Stage::Fenced | Stage::ShutDownNow),
        in_controlled_shutdown: next == Stage::ControlledShutdown,
        should_shut_down: next == Stage::ShutDownNow,
    };
    Decision { changes, reply: Ok(status) }
}

fn stage(broker: &Broker) -> Stage {
    if broker.fenced {
        Stage::Fenced
    } else if broker.in_controlled_shutdown {
        Stage::ControlledShutdown
    } else {
        Stage::Unfenced
    }
}

fn next_stage(state: &ClusterState, command: &Heartbeat, now: Stage, is_caught_up: bool) -> Stage {
    let leads = || state.leads(command.id);
    match now {
        Stage::Fenced if command.want_shut_down => Stage::ShutDownNow,
        Stage::Fenced if !command.want_fence && is_caught_up => Stage::Unfenced,
        Stage::Unfenced if command.want_fence && command.want_shut_down => Stage::ShutDownNow,
        Stage::Unfenced if command.want_fence => Stage::Fenced,
        Stage::Unfenced if command.want_shut_down && leads() => Stage::ControlledShutdown,
        Stage::Unfenced if command.want_shut_down => Stage::ShutDownNow,
        Stage::ControlledShutdown if command.shutdown_is_known && !leads() => Stage::ShutDownNow,
        stays => stays,
    }
}

fn registration_change(command: &Heartbeat) -> BrokerRegistrationChangeRecord {
    BrokerRegistrationChangeRecord {
        broker_id: command.id,
        broker_epoch: command.epoch,
        ..Default::default()
    }
}

/// The broker may lead again, and leads whatever waited for it.
fn unfence(context: &Context<'_>, command: &Heartbeat) -> Vec<Change> {
    let mut changes =
        vec![Change::new(BrokerRegistrationChangeRecord { fenced: -1, ..registration_change(command) })];
    changes.extend(leadership::changes(context, Event::Back(command.id)));
    changes
}

/// Its leaderships go to others; it stays a follower until it stops.
fn enter_controlled_shutdown(context: &Context<'_>, command: &Heartbeat) -> Vec<Change> {
    let record = BrokerRegistrationChangeRecord { in_controlled_shutdown: 1, ..registration_change(command) };
    let mut changes = vec![Change::versioned(record, 1)];
    changes.extend(leadership::changes(context, Event::Gone(command.id)));
    changes
}

/// Replicas in directories that failed are gone, as far as leading and being in sync goes.
fn directories_failed(context: &Context<'_>, broker: &Broker, command: &Heartbeat) -> Vec<Change> {
    let failed = &command.offline_log_dirs;
    let online: Vec<Uuid> =
        broker.log_dirs.iter().copied().filter(|directory| !failed.contains(directory)).collect();
    if online.len() == broker.log_dirs.len() || !context.state.metadata_version().has_directories() {
        return Vec::new();
    }
    let is_there = |directory: Uuid| failed.contains(&directory);
    let concerned = context.state.partitions_of(command.id);
    let concerned =
        concerned.filter(|(_, _, partition)| partition.directory(command.id).is_some_and(is_there));
    let mut changes = leadership::changes_of(context, Event::Gone(command.id), concerned);
    let record = BrokerRegistrationChangeRecord { log_dirs: online, ..registration_change(command) };
    changes.push(Change::versioned(record, 2));
    changes
}

fn directories_cordoned(context: &Context<'_>, broker: &Broker, command: &Heartbeat) -> Option<Change> {
    let cordoned = command.cordoned_log_dirs.as_ref()?;
    if !context.state.metadata_version().has_cordoned_directories()
        || broker.cordoned_log_dirs.as_ref() == Some(cordoned)
    {
        return None;
    }
    let record = BrokerRegistrationChangeRecord {
        cordoned_log_dirs: Some(cordoned.clone()),
        ..registration_change(command)
    };
    Some(Change::versioned(record, 3))
}
