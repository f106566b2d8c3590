//! A new cluster gets its change feed: `__meta`, one partition on the first brokers (DESIGN section 2).
//!
//! It is formed once: as soon as every voter that is also a broker is active, or, if some of them stay away, with those
//! that are there when the grace time is over. A topic of this name that exists is left as it is. Clients can neither
//! create nor delete it; see [`guard`].

use chronik_types::{ErrorCode, NodeId, PartitionIndex, TopicId};

use super::assignment::{Assigner, Replicas};
use super::{Change, Context, Decision, Refused};
use crate::cluster::{ClusterState, META_TOPIC, Partition, Random, ResourceKind, Seed};
use crate::records::{ConfigRecord, Name, TopicRecord};

/// How many replicas it has, if there are as many brokers.
const META_REPLICAS: usize = 3;

/// It is bounded by size, never by time: its last record says where the feed goes on.
const META_CONFIG: &[(&str, &str)] =
    &[("retention.bytes", "268435456"), ("retention.ms", "-1"), ("segment.bytes", "67108864")];

/// What an operator may change about it; anything else could stop its writer or lose the feed's place.
const META_CONFIG_OPEN: &[&str] = &[
    "compression.type",
    "follower.replication.throttled.replicas",
    "leader.replication.throttled.replicas",
    "retention.bytes",
    "segment.bytes",
    "unclean.leader.election.enable",
];

/// Give the cluster its change feed, if it is time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormMeta {
    /// The voters that are brokers too; empty if controllers and brokers are separate processes.
    pub expected: Vec<NodeId>,
    /// For how long this controller has led, in milliseconds.
    pub led_ms: i64,
    /// For how long it waits for `expected`, in milliseconds.
    pub grace_ms: i64,
    /// For the topic's id.
    pub seed: Seed,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormedMeta {
    /// It was there already.
    Exists,
    /// It is too early: ask again when a broker was unfenced, or when the grace time is over.
    TooEarly,
    /// It was made just now.
    Formed {
        /// The topic.
        topic: TopicId,
        /// Its only partition, number 0.
        partition: Partition,
    },
}

impl FormMeta {
    /// Whether asking would form it. The shell may look here first and save the question.
    pub fn is_due(&self, state: &ClusterState) -> bool {
        if state.topic_id(META_TOPIC).is_some() {
            return false;
        }
        let is_active = |id: &NodeId| state.broker(*id).is_some_and(|broker| broker.is_active());
        let active = state.brokers().filter(|broker| broker.is_active()).count();
        let all_there = match &self.expected[..] {
            [] => active >= META_REPLICAS,
            expected => expected.iter().all(is_active),
        };
        all_there || (active > 0 && self.led_ms >= self.grace_ms)
    }
}

pub(super) fn decide(context: &Context<'_>, command: FormMeta) -> Decision<Change, FormedMeta> {
    if context.state.topic_id(META_TOPIC).is_some() {
        return Decision::reply(FormedMeta::Exists);
    }
    if !command.is_due(context.state) {
        return Decision::reply(FormedMeta::TooEarly);
    }
    let active = context.state.brokers().filter(|broker| broker.is_active());
    let replicas: Replicas = active.map(|broker| broker.id).take(META_REPLICAS).collect();
    let partition = Assigner::new(context).partition(replicas);
    let mut random = Random::new(command.seed);
    let mut topic = TopicId(random.id());
    while context.state.topic(topic).is_some() {
        topic = TopicId(random.id());
    }
    let name = Name::from(META_TOPIC);
    let mut changes =
        vec![Change::new(TopicRecord { name: name.clone(), topic_id: topic, ..Default::default() })];
    changes.extend(META_CONFIG.iter().map(|(key, value)| {
        Change::new(ConfigRecord {
            resource_type: ResourceKind::Topic.code(),
            resource_name: name.clone(),
            name: Name::from(*key),
            value: Some(Name::from(*value)),
            ..Default::default()
        })
    }));
    changes.push(partition.to_change(topic, PartitionIndex(0), context.state.metadata_version()));
    Decision { changes, reply: FormedMeta::Formed { topic, partition } }
}

/// Refuses what clients may not do to `__meta`, and what nobody may do to the metadata log; `what`: `Creation`,
/// `Deletion`, ... as the message begins.
pub(super) fn guard(topic: &str, what: &str) -> Result<(), Refused> {
    if topic == META_TOPIC || topic == super::METADATA_TOPIC {
        let message = format!("{what} of internal topic {topic} is prohibited.");
        return Err(Refused::new(ErrorCode::InvalidRequest, message));
    }
    Ok(())
}

/// Refuses configuration of `__meta` that its writer could not work with.
pub(super) fn guard_config<'a>(topic: &str, keys: impl Iterator<Item = &'a Name>) -> Result<(), Refused> {
    if topic != META_TOPIC {
        return Ok(());
    }
    for key in keys {
        if !META_CONFIG_OPEN.contains(&&**key) {
            let message = format!(
                "The configuration {key} of {META_TOPIC} cannot be changed. Only these can: {}.",
                META_CONFIG_OPEN.join(", ")
            );
            return Err(Refused::new(ErrorCode::InvalidConfig, message));
        }
    }
    Ok(())
}
