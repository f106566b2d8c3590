//! CreateTopics (19), and what the automatic creation of topics amounts to.
//!
//! Each topic is created or refused on its own; all that are created share one atomic batch. The order of the records
//! of one topic: TOPIC, its CONFIGs, its PARTITIONs. Names may not collide with an existing topic's once metrics have
//! replaced '.' by '_'; two topics of one request may.

use std::collections::{BTreeMap, BTreeSet};

use chronik_types::{ErrorCode, NodeId, PartitionIndex, TopicId};

use super::assignment::{self, Assigner};
use super::{Change, Context, Decision, Refused, form_meta, repeated};
use crate::cluster::configuration;
use crate::cluster::state::collision_key;
use crate::cluster::{Random, Seed, check_topic_name};
use crate::config::{Resource, check_built, check_overrides};
use crate::records::{ConfigRecord, Name, TopicRecord};

/// How many partitions one request may create, since they are one batch of the metadata log.
pub(super) const PARTITIONS_MAX: i64 = 10_000;

/// Make topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopics {
    /// Which.
    pub topics: Vec<NewTopic>,
    /// Say what would come of it and change nothing.
    pub validate_only: bool,
    /// For ids and placement.
    pub seed: Seed,
}

/// A topic to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: Name,
    /// How many partitions; -1: the default, or as many as are assigned.
    pub partitions: i32,
    /// How many replicas each; -1: the default, or as many as are assigned.
    pub replication_factor: i16,
    /// The replicas of each partition, if the client places them itself.
    pub assignments: Vec<(PartitionIndex, Vec<NodeId>)>,
    /// Its configuration; a key without a value is refused.
    pub configs: Vec<(Name, Option<Name>)>,
}

/// A topic that was made, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its identity.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many replicas each has.
    pub replication_factor: i16,
    /// The configuration that it overrides.
    pub configs: Vec<(Name, Name)>,
}

type Results = Vec<(Name, Result<CreatedTopic, Refused>)>;

pub(super) fn decide(context: &Context<'_>, command: CreateTopics) -> Decision<Change, Results> {
    if too_many(context, &command.topics) {
        let refused = excessive();
        return Decision::reply(command.topics.into_iter().map(|t| (t.name, Err(refused.clone()))).collect());
    }
    let mut random = Random::new(command.seed);
    let assigner = Assigner::new(context);
    let repeated = repeated(command.topics.iter().map(|topic| topic.name.clone()));
    let mut answered = BTreeSet::new();
    let mut changes = Vec::new();
    let mut results = Results::new();
    for topic in command.topics {
        if !answered.insert(topic.name.clone()) {
            continue;
        }
        let result = if repeated.contains(&topic.name) {
            Err(Refused::new(ErrorCode::InvalidRequest, "Duplicate topic name."))
        } else {
            create(context, &assigner, &topic, &mut random, &mut changes)
        };
        results.push((topic.name, result));
    }
    if command.validate_only {
        changes.clear();
    }
    Decision { changes, reply: results }
}

pub(super) fn excessive() -> Refused {
    Refused::new(ErrorCode::PolicyViolation, "Excessively large number of partitions per request.")
}

fn too_many(context: &Context<'_>, topics: &[NewTopic]) -> bool {
    let count = |topic: &NewTopic| match topic.partitions {
        _ if !topic.assignments.is_empty() => topic.assignments.len() as i64,
        -1 => i64::from(context.options.num_partitions),
        partitions => i64::from(partitions.max(0)),
    };
    topics.iter().map(count).sum::<i64>() > PARTITIONS_MAX
}

/// Decides about one topic; its changes are added only if it is created.
fn create(
    context: &Context<'_>,
    assigner: &Assigner<'_>,
    topic: &NewTopic,
    random: &mut Random,
    changes: &mut Vec<Change>,
) -> Result<CreatedTopic, Refused> {
    check_name(context, &topic.name)?;
    let configs = check_configs(context, topic)?;
    let assigned = if topic.assignments.is_empty() {
        let partitions = or_default(topic.partitions, context.options.num_partitions);
        let factor = or_default(topic.replication_factor, context.options.default_replication_factor);
        check_counts(topic)?;
        assigner.place(partitions, factor, random)?
    } else {
        assigned_by_hand(assigner, topic)?
    };
    let mut id = TopicId(random.id());
    while context.state.topic(id).is_some() {
        id = TopicId(random.id());
    }
    changes.push(Change::new(TopicRecord { name: topic.name.clone(), topic_id: id, ..Default::default() }));
    changes.extend(configs.iter().map(|(key, value)| {
        Change::new(ConfigRecord {
            resource_type: crate::cluster::ResourceKind::Topic.code(),
            resource_name: topic.name.clone(),
            name: key.clone(),
            value: Some(value.clone()),
            ..Default::default()
        })
    }));
    let created = CreatedTopic {
        id,
        partitions: assigned.len() as i32,
        replication_factor: assigned.first().map_or(0, |replicas| replicas.len() as i16),
        configs,
    };
    let version = context.state.metadata_version();
    for (index, replicas) in assigned.into_iter().enumerate() {
        let partition = assigner.partition(replicas);
        changes.push(partition.to_change(id, PartitionIndex(index as i32), version));
    }
    Ok(created)
}

fn or_default<N: Copy + PartialEq + From<i8>>(asked: N, default: N) -> N {
    if asked == N::from(-1) { default } else { asked }
}

fn check_name(context: &Context<'_>, name: &Name) -> Result<(), Refused> {
    form_meta::guard(name, "Creation")?;
    check_topic_name(name).map_err(|why| Refused::new(ErrorCode::InvalidTopicException, why))?;
    if context.state.topic_id(name).is_some() {
        return Err(Refused::new(ErrorCode::TopicAlreadyExists, format!("Topic '{name}' already exists.")));
    }
    let colliding = collision_key(name).and_then(|key| context.state.collisions.get(&key)?.get_min());
    match colliding {
        Some(other) => {
            let message = format!("Topic '{name}' collides with existing topic: {other}");
            Err(Refused::new(ErrorCode::InvalidTopicException, message))
        }
        None => Ok(()),
    }
}

fn check_configs(context: &Context<'_>, topic: &NewTopic) -> Result<Vec<(Name, Name)>, Refused> {
    let without_value: Vec<&str> =
        topic.configs.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| &**key).collect();
    if !without_value.is_empty() {
        let message = format!("Null value not supported for topic configs: {}", without_value.join(","));
        return Err(Refused::new(ErrorCode::InvalidConfig, message));
    }
    let overrides: BTreeMap<String, String> = topic
        .configs
        .iter()
        .filter_map(|(key, value)| Some((key.to_string(), value.as_ref()?.to_string())))
        .collect();
    let pairs = || overrides.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    check_overrides(Resource::Topic, pairs(), &configuration::layers(context))
        .and_then(|()| check_built(Resource::Topic, pairs()))
        .map_err(|error| Refused::new(ErrorCode::InvalidConfig, error.to_string()))?;
    Ok(overrides.into_iter().map(|(key, value)| (Name::from(key), Name::from(value))).collect())
}

fn check_counts(topic: &NewTopic) -> Result<(), Refused> {
    if topic.replication_factor < -1 || topic.replication_factor == 0 {
        let message = "Replication factor must be larger than 0, or -1 to use the default value.";
        return Err(Refused::new(ErrorCode::InvalidReplicationFactor, message));
    }
    if topic.partitions < -1 || topic.partitions == 0 {
        let message = "Number of partitions was set to an invalid non-positive value.";
        return Err(Refused::new(ErrorCode::InvalidPartitions, message));
    }
    Ok(())
}

/// The replicas of each partition as the client assigned them.
fn assigned_by_hand(assigner: &Assigner<'_>, topic: &NewTopic) -> Result<Vec<assignment::Replicas>, Refused> {
    let refused = |what: &str| {
        let message = format!("A manual partition assignment was specified, but {what} was not set to -1.");
        Err(Refused::new(ErrorCode::InvalidRequest, message))
    };
    if topic.replication_factor != -1 {
        return refused("replication factor");
    }
    if topic.partitions != -1 {
        return refused("numPartitions");
    }
    let mut by_index: BTreeMap<PartitionIndex, assignment::Replicas> = BTreeMap::new();
    let mut factor = None;
    for (index, replicas) in &topic.assignments {
        if by_index.contains_key(index) {
            let message = format!("Found multiple manual partition assignments for partition {index}");
            return Err(Refused::new(ErrorCode::InvalidReplicaAssignment, message));
        }
        let replicas = assigner.check(replicas, *index, factor)?;
        factor = Some(replicas.len());
        by_index.insert(*index, replicas);
    }
    if by_index.keys().enumerate().any(|(at, index)| index.0 != at as i32) {
        let message = "partitions should be a consecutive 0-based integer sequence";
        return Err(Refused::new(ErrorCode::InvalidReplicaAssignment, message));
    }
    Ok(by_index.into_values().collect())
}
