//! What administrators were told about topics, and whether the committed metadata log agrees with it.
//!
//! - An acknowledged creation is in the log, with the acknowledged id, name and number of partitions, and was committed
//!   before it was acknowledged.
//! - Nothing is created twice: a name is never that of two topics at once, an id never used again, and a name has no more
//!   creations than were asked for.
//! - A topic whose deletion nobody asked for exists; one whose deletion was acknowledged does not.
//! - A topic has at least the partitions that were acknowledged, and never a number that nobody asked for.
//! - A configuration has the value acknowledged last, or one whose fate is unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chronik_state::records::Record;
use chronik_types::{Offset, TopicId};

use crate::invariants::{Committed, CommittedChange};

/// Collects what is known; clones share it.
#[derive(Clone, Default)]
pub struct Topics {
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    /// How often the creation of a name was asked for, and with how many partitions.
    asked: BTreeMap<String, Vec<i32>>,
    created: BTreeMap<TopicId, Created>,
    deletion_asked: BTreeSet<TopicId>,
    deleted: BTreeMap<TopicId, Duration>,
    violations: Vec<String>,
}

#[derive(Clone, Debug)]
struct Created {
    name: String,
    partitions: i32,
    at: Duration,
    /// Numbers of partitions that were asked for later.
    grown_to: Vec<i32>,
    grown: i32,
    /// Values that the configuration may have.
    values: BTreeSet<Option<String>>,
}

/// A topic as the log adds up to it.
#[derive(Debug, Default)]
struct Logged {
    name: String,
    /// Partitions at its creation, and now.
    first: i32,
    partitions: i32,
    value: Option<String>,
    in_batch: Offset,
    committed: Duration,
    removed: Option<Duration>,
}

/// The configuration that administrators change.
pub const CONFIG: &str = "retention.ms";

impl Topics {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A creation is about to be asked for.
    pub fn asks_creation(&self, name: &str, partitions: i32) {
        self.lock().asked.entry(name.to_owned()).or_default().push(partitions);
    }

    /// A creation was acknowledged at that time.
    pub fn created(&self, at: Duration, id: TopicId, name: &str, partitions: i32) {
        let (name, values) = (name.to_owned(), BTreeSet::from([None]));
        let created = Created { name, partitions, at, grown_to: Vec::new(), grown: partitions, values };
        let mut known = self.lock();
        if let Some(other) = known.created.insert(id, created) {
            known.violations.push(format!("two creations were acknowledged with the id {id}: {other:?}"));
        }
    }

    /// A deletion is about to be asked for.
    pub fn asks_deletion(&self, id: TopicId) {
        self.lock().deletion_asked.insert(id);
    }

    /// A deletion was acknowledged at that time.
    pub fn deleted(&self, at: Duration, id: TopicId) {
        self.lock().deleted.insert(id, at);
    }

    /// More partitions are about to be asked for.
    pub fn asks_growth(&self, id: TopicId, partitions: i32) {
        if let Some(topic) = self.lock().created.get_mut(&id) {
            topic.grown_to.push(partitions);
        }
    }

    /// They were acknowledged.
    pub fn grown(&self, id: TopicId, partitions: i32) {
        if let Some(topic) = self.lock().created.get_mut(&id) {
            topic.grown = topic.grown.max(partitions);
        }
    }

    /// A value is about to be asked for.
    pub fn asks_value(&self, id: TopicId, value: &str) {
        if let Some(topic) = self.lock().created.get_mut(&id) {
            topic.values.insert(Some(value.to_owned()));
        }
    }

    /// It was acknowledged: what was acknowledged before it is gone, what is unknown may still come.
    pub fn has_value(&self, id: TopicId, value: &str, unknown: &BTreeSet<String>) {
        if let Some(topic) = self.lock().created.get_mut(&id) {
            topic.values = unknown.iter().cloned().map(Some).collect();
            topic.values.insert(Some(value.to_owned()));
        }
    }

    /// Something impossible happened.
    pub fn violated(&self, what: String) {
        crate::journal::note(&what);
        self.lock().violations.push(what);
    }

    /// How many creations were acknowledged.
    pub fn created_count(&self) -> u64 {
        self.lock().created.len() as u64
    }

    /// Everything that was wrong in what clients were told.
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// Judges the committed log, after everything has come to rest. `foreign`: topics that others made.
    pub fn judge(&self, committed: &Committed, foreign: &[&str]) -> Vec<String> {
        let known = self.lock();
        let mut replay = Replay::default();
        for change in committed.changes() {
            replay.apply(&change);
        }
        let mut found = std::mem::take(&mut replay.violations);
        found.extend(known.judge_creations(&replay, foreign));
        found.extend(known.judge_topics(&replay));
        found
    }
}

/// The topics of the log.
#[derive(Default)]
struct Replay {
    topics: BTreeMap<TopicId, Logged>,
    live: BTreeMap<String, TopicId>,
    creations: BTreeMap<String, usize>,
    violations: Vec<String>,
}

impl Replay {
    fn apply(&mut self, change: &CommittedChange) {
        let at = change.at;
        match &change.record {
            Record::Topic(topic) => {
                let name = topic.name.to_string();
                *self.creations.entry(name.clone()).or_default() += 1;
                if let Some(other) = self.live.insert(name.clone(), topic.topic_id) {
                    self.violations.push(format!("{name} is created as {} and is {other}", topic.topic_id));
                }
                let in_batch = change.in_batch;
                let logged = Logged { name, in_batch, committed: at, ..Logged::default() };
                if self.topics.insert(topic.topic_id, logged).is_some() {
                    self.violations.push(format!("the id {} is used twice", topic.topic_id));
                }
            }
            Record::Partition(partition) => {
                if let Some(topic) = self.topics.get_mut(&partition.topic_id) {
                    topic.partitions += 1;
                    topic.first += i32::from(topic.in_batch == change.in_batch);
                }
            }
            Record::RemoveTopic(removal) => {
                if let Some(topic) = self.topics.get_mut(&removal.topic_id) {
                    topic.removed = Some(at);
                    self.live.remove(&topic.name);
                }
            }
            Record::Config(config) if config.resource_type == 2 && &*config.name == CONFIG => {
                let live = self.live.get(&*config.resource_name);
                if let Some(topic) = live.and_then(|id| self.topics.get_mut(id)) {
                    topic.value = config.value.as_ref().map(ToString::to_string);
                }
            }
            _ => {}
        }
    }
}

impl Known {
    fn judge_creations(&self, replay: &Replay, foreign: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for (name, count) in replay.creations.iter().filter(|(name, _)| !foreign.contains(&name.as_str())) {
            let asked = self.asked.get(name).map_or(0, Vec::len);
            if *count > asked {
                found.push(format!("{name} was created {count} times and asked for {asked} times"));
            }
        }
        for topic in replay.topics.values().filter(|topic| !foreign.contains(&topic.name.as_str())) {
            if !self.asked.get(&topic.name).is_some_and(|asked| asked.contains(&topic.first)) {
                found.push(format!("nobody asked for {} with {} partitions", topic.name, topic.first));
            }
        }
        found
    }

    fn judge_topics(&self, replay: &Replay) -> Vec<String> {
        let mut found = Vec::new();
        for (id, told) in &self.created {
            let Some(topic) = replay.topics.get(id) else {
                found.push(format!("{} ({id}) was acknowledged and is not in the log", told.name));
                continue;
            };
            if topic.name != told.name || topic.first != told.partitions || topic.committed > told.at {
                found.push(format!("{id} was acknowledged as {told:?} and is {topic:?}"));
            }
            match topic.removed {
                Some(_) if !self.deletion_asked.contains(id) => {
                    found.push(format!("{} ({id}) was removed and nobody asked for it", told.name));
                }
                Some(_) => {}
                None => found.extend(judge_live(*id, told, topic)),
            }
        }
        for (id, at) in &self.deleted {
            if replay.topics.get(id).and_then(|topic| topic.removed).is_none_or(|removed| removed > *at) {
                found.push(format!(
                    "the deletion of {id} was acknowledged at {at:?} and is not in the log then"
                ));
            }
        }
        found
    }
}

/// A topic that exists.
fn judge_live(id: TopicId, told: &Created, topic: &Logged) -> Vec<String> {
    let mut found = Vec::new();
    let was_asked = topic.partitions == told.partitions || told.grown_to.contains(&topic.partitions);
    if topic.partitions < told.grown || !was_asked {
        found.push(format!(
            "{} ({id}) has {} partitions, and was told of {told:?}",
            told.name, topic.partitions
        ));
    }
    if !told.values.contains(&topic.value) {
        found.push(format!("{} ({id}) has {CONFIG}={:?}, and was told of {told:?}", told.name, topic.value));
    }
    found
}
