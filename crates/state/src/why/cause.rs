//! What made a partition change, as far as the log tells.

use std::fmt;

use chronik_types::{NodeId, Offset};

use super::{Place, Step};
use crate::cluster::Partition;

/// What happened to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerEvent {
    /// It was silent for too long, its process died, or it asked for it.
    Fenced(NodeId),
    /// It had caught up and may lead.
    Unfenced(NodeId),
    /// It wants to stop and hands its leaderships over.
    ShuttingDown(NodeId),
    /// A process with its id introduced itself; the one before is gone.
    Registered(NodeId),
    /// It left for good.
    Unregistered(NodeId),
    /// One of its log directories failed.
    DirectoryFailed(NodeId),
}

impl BrokerEvent {
    /// The broker.
    pub fn broker(self) -> NodeId {
        match self {
            BrokerEvent::Fenced(id)
            | BrokerEvent::Unfenced(id)
            | BrokerEvent::ShuttingDown(id)
            | BrokerEvent::Registered(id)
            | BrokerEvent::Unregistered(id)
            | BrokerEvent::DirectoryFailed(id) => id,
        }
    }
}

impl fmt::Display for BrokerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            BrokerEvent::Fenced(_) => "was fenced",
            BrokerEvent::Unfenced(_) => "was unfenced",
            BrokerEvent::ShuttingDown(_) => "is shutting down",
            BrokerEvent::Registered(_) => "registered anew",
            BrokerEvent::Unregistered(_) => "was unregistered",
            BrokerEvent::DirectoryFailed(_) => "lost a log directory",
        };
        write!(f, "broker {} {what}", self.broker())
    }
}

/// What made a partition change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A snapshot of the metadata says that it is so; what was before is not in the log any more.
    Snapshot,
    /// It was created.
    Created,
    /// Its topic was deleted.
    TopicDeleted,
    /// Something happened to a broker, as the record at this offset says.
    Broker(BrokerEvent, Offset),
    /// Its leader proposed who is in sync (AlterPartition).
    LeaderProposed(NodeId),
    /// Its replicas are to move.
    MoveStarted,
    /// The last replica that was to be added is in sync, or none was to be added.
    MoveCompleted,
    /// The move of its replicas was cancelled.
    MoveCancelled,
    /// The preferred replica was elected.
    PreferredElection,
    /// A replica that was not in sync was elected: records may be lost.
    UncleanElection,
    /// Another replica was elected.
    Election,
    /// A broker put its replica into a log directory.
    DirectoryAssigned,
    /// `min.insync.replicas` changed, so nobody is eligible beside the replicas in sync.
    EligibilityCleared,
    /// The log does not tell.
    Unknown,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Cause::Snapshot => "a snapshot says so",
            Cause::Created => "created",
            Cause::TopicDeleted => "topic deleted",
            Cause::Broker(event, offset) => return write!(f, "{event} (offset {offset})"),
            Cause::LeaderProposed(leader) => return write!(f, "leader {leader} proposed who is in sync"),
            Cause::MoveStarted => "replicas are to move",
            Cause::MoveCompleted => "replicas have moved",
            Cause::MoveCancelled => "move of replicas cancelled",
            Cause::PreferredElection => "preferred replica elected",
            Cause::UncleanElection => "unclean election: records may be lost",
            Cause::Election => "election",
            Cause::DirectoryAssigned => "log directory assigned",
            Cause::EligibilityCleared => "min.insync.replicas changed",
            Cause::Unknown => "not told by the log",
        };
        f.write_str(text)
    }
}

/// The cause of a change, given what its batch says about brokers.
pub(super) fn of(step: &Step, events: &[(Place, BrokerEvent)]) -> Cause {
    let (Some(before), Some(after)) = (&step.before, &step.after) else { return Cause::Unknown };
    if before.is_unclean_to(after) {
        // Whatever made it possible: that records may be lost is what must be told.
        return Cause::UncleanElection;
    }
    let concerned = events.iter().find(|(_, event)| concerns(*event, before, after));
    match concerned {
        Some((place, event)) => Cause::Broker(*event, place.offset),
        None => asked_for(before, after),
    }
}

/// Whether an event is why the partition changed in this way.
fn concerns(event: BrokerEvent, before: &Partition, after: &Partition) -> bool {
    let broker = event.broker();
    match event {
        // Whoever comes back lets somebody lead (again), itself or one who had waited for it.
        BrokerEvent::Unfenced(_) => !before.has_leader() && after.has_leader(),
        _ => {
            let loses = |was: &[NodeId], is: &[NodeId]| was.contains(&broker) && !is.contains(&broker);
            loses(&before.isr, &after.isr)
                || loses(&before.elr, &after.elr)
                || (before.leader == broker && after.leader != broker)
        }
    }
}

/// The cause of a change that no broker's fate explains: somebody asked for it, and its shape tells who.
fn asked_for(before: &Partition, after: &Partition) -> Cause {
    let original = || {
        let stays = |node: &&NodeId| !before.adding_replicas.contains(node);
        before.replicas.iter().filter(stays).eq(after.replicas.iter())
    };
    if before.is_reassigning() && !after.is_reassigning() {
        return if original() { Cause::MoveCancelled } else { Cause::MoveCompleted };
    }
    if before.replicas != after.replicas || before.is_reassigning() != after.is_reassigning() {
        return if after.is_reassigning() { Cause::MoveStarted } else { Cause::MoveCompleted };
    }
    if before.leader != after.leader && after.has_leader() {
        return if after.is_led_by_preferred() { Cause::PreferredElection } else { Cause::Election };
    }
    if before.isr != after.isr || before.recovering != after.recovering {
        return Cause::LeaderProposed(before.leader);
    }
    if before.directories == after.directories { Cause::Unknown } else { Cause::DirectoryAssigned }
}
