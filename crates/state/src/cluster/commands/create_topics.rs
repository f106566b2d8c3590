//! CreateTopics (19), and what the automatic creation of topics amounts to.
//!
//! Each topic is created or refused on its own; all that are created share one atomic batch. Order of the records of
//! one topic: TOPIC, its CONFIGs, its PARTITIONs.

use chronik_types::{ErrorCode, NodeId, PartitionIndex, TopicId};

use super::{Change, Context, Decision, Refused};
use crate::cluster::Seed;
use crate::records::Name;

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

/// A topic that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its identity; [`TopicId::ZERO`] if it was only validated.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many replicas each has.
    pub replication_factor: i16,
    /// The configuration that it overrides.
    pub configs: Vec<(Name, Name)>,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: CreateTopics,
) -> Decision<Change, Vec<(Name, Result<CreatedTopic, Refused>)>> {
    let _ = (context, command);
    unimplemented!()
}
