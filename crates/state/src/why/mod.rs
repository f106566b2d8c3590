//! Why a partition is led by whom: its history, told from the metadata log (`chronik cluster why TOPIC-PARTITION`).
//!
//! The log holds facts, not reasons. But every decision is one atomic batch, so the event that made a partition change
//! stands in the same batch as the change: a broker that was fenced, came back, registered, is shutting down or left. A
//! change without such an event was asked for: by the partition's leader (who is in sync), by an election or by a move of
//! replicas, and its shape tells by which. What a snapshot swallowed is not told: the history starts with it.

mod cause;

use chronik_types::{LeaderEpoch, Millis, NodeId, Offset, PartitionIndex, TopicId};

use crate::cluster::Partition;
use crate::records::{BrokerRegistrationChangeRecord, Change, Name, Record};

pub use cause::{BrokerEvent, Cause};

/// Where a change stands in the metadata log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its offset.
    pub offset: Offset,
    /// The offset at which its batch starts.
    pub batch: Offset,
    /// The epoch of the controller that wrote it.
    pub epoch: LeaderEpoch,
    /// When it was written.
    pub timestamp: Millis,
}

/// One change of the partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it stands; for what a snapshot says: the snapshot's last offset.
    pub place: Place,
    /// What made it so.
    pub cause: Cause,
    /// The partition before; `None` if there was none.
    pub before: Option<Partition>,
    /// The partition after; `None` if it is gone.
    pub after: Option<Partition>,
}

impl Step {
    /// Whether another node leads since this step, or none, or the first one.
    pub fn changes_leader(&self) -> bool {
        leader(self.before.as_ref()) != leader(self.after.as_ref())
    }
}

fn leader(partition: Option<&Partition>) -> NodeId {
    partition.map_or(NodeId::NONE, |partition| partition.leader)
}

/// All that the log says about one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The topic's name.
    pub topic: Name,
    /// The topic's identity; of the latest one, if it was deleted and made anew.
    pub id: TopicId,
    /// The partition.
    pub index: PartitionIndex,
    /// What became of it, in order; never empty.
    pub steps: Vec<Step>,
}

impl History {
    /// The partition as it is; `None` if it is gone.
    pub fn now(&self) -> Option<&Partition> {
        self.steps.last().and_then(|step| step.after.as_ref())
    }

    /// The step since which the present leader leads, or nobody does.
    pub fn leading_since(&self) -> &Step {
        let since = self.steps.iter().rev().find(|step| step.changes_leader());
        since.unwrap_or(&self.steps[0])
    }
}

/// Collects the history of one partition from a snapshot and the log after it, fed in their order.
#[derive(Clone, Debug)]
pub struct Why {
    topic: Name,
    index: PartitionIndex,
    id: Option<TopicId>,
    now: Option<Partition>,
    steps: Vec<Step>,
    /// The batch that is being read: what it says about brokers, and about the partition.
    batch: Option<Offset>,
    events: Vec<(Place, BrokerEvent)>,
    pending: Vec<Step>,
    before_transaction: Option<Box<Why>>,
}

impl Why {
    /// Nothing is known yet.
    pub fn of(topic: impl Into<Name>, index: PartitionIndex) -> Why {
        Why {
            topic: topic.into(),
            index,
            id: None,
            now: None,
            steps: Vec::new(),
            batch: None,
            events: Vec::new(),
            pending: Vec::new(),
            before_transaction: None,
        }
    }

    /// A record of the snapshot that the log starts with; `place`: the last record that the snapshot contains.
    pub fn read_snapshot(&mut self, place: Place, change: &Change) {
        match &change.record {
            Record::Topic(record) if record.name == self.topic => self.id = Some(record.topic_id),
            Record::Partition(record) if self.is_it(record.topic_id, record.partition_id) => {
                self.note(place, Cause::Snapshot, Some(Partition::from_record(record)));
            }
            _ => {}
        }
    }

    /// A committed record of the log.
    pub fn read(&mut self, place: Place, change: &Change) {
        if self.batch != Some(place.batch) {
            self.settle();
            self.batch = Some(place.batch);
        }
        match &change.record {
            Record::Topic(record) if record.name == self.topic => self.id = Some(record.topic_id),
            Record::RemoveTopic(record) if Some(record.topic_id) == self.id && self.now.is_some() => {
                self.note(place, Cause::TopicDeleted, None);
            }
            Record::Partition(record) if self.is_it(record.topic_id, record.partition_id) => {
                self.note(place, Cause::Created, Some(Partition::from_record(record)));
            }
            Record::PartitionChange(record) if self.is_it(record.topic_id, record.partition_id) => {
                let mut after = self.now.clone();
                if let Some(partition) = &mut after {
                    partition.merge(record);
                }
                self.note(place, Cause::Unknown, after);
            }
            Record::ClearElr(record) if record.topic_name.is_empty() || record.topic_name == self.topic => {
                self.clear_elr(place);
            }
            Record::BeginTransaction(_) => {
                self.settle();
                self.before_transaction = Some(Box::new(self.clone()));
            }
            Record::EndTransaction(_) => self.before_transaction = None,
            Record::AbortTransaction(_) => {
                if let Some(before) = self.before_transaction.take() {
                    *self = *before;
                }
            }
            record => self.events.extend(broker_event(record).map(|event| (place, event))),
        }
    }

    /// What was collected; `None` if the log never says anything about the partition.
    pub fn finish(mut self) -> Option<History> {
        self.settle();
        let id = self.id?;
        let history = History { topic: self.topic, id, index: self.index, steps: self.steps };
        (!history.steps.is_empty()).then_some(history)
    }

    fn is_it(&self, topic: TopicId, index: PartitionIndex) -> bool {
        self.id == Some(topic) && self.index == index
    }

    fn note(&mut self, place: Place, cause: Cause, after: Option<Partition>) {
        let before = std::mem::replace(&mut self.now, after.clone());
        self.pending.push(Step { place, cause, before, after });
    }

    fn clear_elr(&mut self, place: Place) {
        let has_elr = |now: &&Partition| !now.elr.is_empty() || !now.last_known_elr.is_empty();
        let Some(mut after) = self.now.as_ref().filter(has_elr).cloned() else { return };
        after.elr.clear();
        after.last_known_elr.clear();
        after.partition_epoch.0 += 1;
        self.note(place, Cause::EligibilityCleared, Some(after));
    }

    /// The batch is read: now its events are known.
    fn settle(&mut self) {
        for mut step in self.pending.drain(..) {
            if step.cause == Cause::Unknown {
                step.cause = cause::of(&step, &self.events);
            }
            self.steps.push(step);
        }
        self.events.clear();
    }
}

fn broker_event(record: &Record) -> Option<BrokerEvent> {
    match record {
        Record::RegisterBroker(record) => Some(BrokerEvent::Registered(record.broker_id)),
        Record::UnregisterBroker(record) => Some(BrokerEvent::Unregistered(record.broker_id)),
        Record::FenceBroker(record) => Some(BrokerEvent::Fenced(record.id)),
        Record::UnfenceBroker(record) => Some(BrokerEvent::Unfenced(record.id)),
        Record::BrokerRegistrationChange(record) => registration_changed(record),
        _ => None,
    }
}

fn registration_changed(record: &BrokerRegistrationChangeRecord) -> Option<BrokerEvent> {
    let id = record.broker_id;
    match record {
        _ if record.fenced > 0 => Some(BrokerEvent::Fenced(id)),
        _ if record.fenced < 0 => Some(BrokerEvent::Unfenced(id)),
        _ if record.in_controlled_shutdown > 0 => Some(BrokerEvent::ShuttingDown(id)),
        _ if !record.log_dirs.is_empty() => Some(BrokerEvent::DirectoryFailed(id)),
        _ => None,
    }
}
