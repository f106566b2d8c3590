//! CreatePartitions (37): more partitions for topics that exist (KIP-195).
//!
//! New partitions get as many replicas as the topic's partition 0 has.

use std::collections::BTreeSet;

use chronik_types::{ErrorCode, NodeId, PartitionIndex};

use super::assignment::Assigner;
use super::create_topics::{PARTITIONS_MAX, excessive};
use super::{Change, Context, Decision, Refused, form_meta, repeated};
use crate::cluster::{Random, Seed, Topic};
use crate::records::Name;

/// Add partitions to topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePartitions {
    /// To which.
    pub topics: Vec<MorePartitions>,
    /// Say what would come of it and change nothing.
    pub validate_only: bool,
    /// For the placement.
    pub seed: Seed,
}

/// More partitions for one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MorePartitions {
    /// The topic.
    pub name: Name,
    /// How many it shall have in all.
    pub count: i32,
    /// The replicas of each new partition, if the client places them itself.
    pub assignments: Option<Vec<Vec<NodeId>>>,
}

type Results = Vec<(Name, Result<(), Refused>)>;

pub(super) fn decide(context: &Context<'_>, command: CreatePartitions) -> Decision<Change, Results> {
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
            extend(context, &assigner, &topic, &mut random, &mut changes)
        };
        results.push((topic.name, result));
    }
    if command.validate_only {
        changes.clear();
    }
    Decision { changes, reply: results }
}

fn extend(
    context: &Context<'_>,
    assigner: &Assigner<'_>,
    more: &MorePartitions,
    random: &mut Random,
    changes: &mut Vec<Change>,
) -> Result<(), Refused> {
    form_meta::guard(&more.name, "Extension")?;
    let topic =
        context.state.topic_named(&more.name).ok_or(Refused::code(ErrorCode::UnknownTopicOrPartition))?;
    let existing = topic.partitions.len() as i32;
    let additional = additional(&more.name, existing, more.count)?;
    if i64::from(additional) + changes.len() as i64 > PARTITIONS_MAX {
        return Err(excessive());
    }
    let factor = replication_factor(topic);
    let assigned = match &more.assignments {
        None => assigner.place(additional, factor as i16, random)?,
        Some(assignments) => {
            if assignments.len() != additional as usize {
                let given = assignments.len();
                let message = format!(
                    "Attempted to add {additional} additional partition(s), but only {given} assignment(s) were specified."
                );
                return Err(Refused::new(ErrorCode::InvalidReplicaAssignment, message));
            }
            let check = |(at, replicas): (usize, &Vec<NodeId>)| {
                assigner.check(replicas, PartitionIndex(existing + at as i32), Some(factor))
            };
            assignments.iter().enumerate().map(check).collect::<Result<_, _>>()?
        }
    };
    let version = context.state.metadata_version();
    for (at, replicas) in assigned.into_iter().enumerate() {
        let index = PartitionIndex(existing + at as i32);
        changes.push(assigner.partition(replicas).to_change(topic.id, index, version));
    }
    Ok(())
}

fn additional(name: &str, existing: i32, wanted: i32) -> Result<i32, Refused> {
    if wanted > existing {
        return Ok(wanted - existing);
    }
    let message = if wanted == existing {
        format!("Topic already has {existing} partition(s).")
    } else {
        format!("The topic {name} currently has {existing} partition(s); {wanted} would not be an increase.")
    };
    Err(Refused::new(ErrorCode::InvalidPartitions, message))
}

/// How many replicas a new partition of the topic gets: as many as its first has, moves that are under way not counted.
fn replication_factor(topic: &Topic) -> usize {
    topic
        .partitions
        .values()
        .next()
        .map_or(1, |first| first.replicas.len() - first.adding_replicas.len().min(first.replicas.len() - 1))
}
