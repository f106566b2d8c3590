//! CreatePartitions (37): more partitions for topics that exist.

use chronik_types::{ErrorCode, NodeId, PartitionIndex};

use super::{Change, Context, Decision, Refused};
use crate::cluster::Seed;
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

pub(super) fn decide(
    context: &Context<'_>,
    command: CreatePartitions,
) -> Decision<Change, Vec<(Name, Result<(), Refused>)>> {
    let _ = (context, command);
    unimplemented!()
}
