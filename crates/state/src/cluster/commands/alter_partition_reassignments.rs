//! AlterPartitionReassignments (45): replicas move to other brokers, or a move that is under way is cancelled (KIP-455,
//! KIP-860).
//!
//! While replicas move, a partition has the new ones followed by those that it is to lose. The leader takes the new ones
//! into the ISR by AlterPartition, and with the last of them the old ones go (see [`Target`]). A cancelled move goes back
//! to the replicas from before; it is refused if none of them is in sync and the topic forbids unclean elections.
//!
//! A move that is replaced by another one adds and removes what follows from the new target alone. Kafka keeps what the
//! earlier move added or removed where the new one has nothing to add or to remove, and then never completes it.

use chronik_types::{ErrorCode, NodeId, PartitionIndex};

use super::assignment::{Assigner, Replicas};
use super::{Change, Context, Decision, Refused, repeated};
use crate::cluster::leadership::{Rulebook, Rules, Target, may_lead};
use crate::cluster::{Partition, Topic};
use crate::records::Name;

/// Move replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterPartitionReassignments {
    /// Which partitions, by topic.
    pub topics: Vec<(Name, Vec<Reassignment>)>,
    /// Whether a partition may have more or fewer replicas than it had.
    pub allow_replication_factor_change: bool,
}

/// A partition and the replicas that it shall have; `None`: those from before the move that is under way.
pub type Reassignment = (PartitionIndex, Option<Vec<NodeId>>);

/// What became of each partition, by topic in the order of the request.
pub type ReassignmentResults = Vec<(Name, Vec<(PartitionIndex, Result<(), Refused>)>)>;

pub(super) fn decide(
    context: &Context<'_>,
    command: AlterPartitionReassignments,
) -> Decision<Change, ReassignmentResults> {
    let assigner = Assigner::new(context);
    let twice = repeated(command.topics.iter().flat_map(|(name, partitions)| {
        partitions.iter().map(|(index, _)| (name.clone(), *index)).collect::<Vec<_>>()
    }));
    let rulebook = Rulebook::open(context);
    let mut changes = Vec::new();
    let mut results = ReassignmentResults::new();
    for (name, partitions) in command.topics {
        let altered = partitions.into_iter().map(|(index, replicas)| {
            if twice.contains(&(name.clone(), index)) {
                let message = format!("The partition {name}:{index} is named more than once.");
                return (index, Err(Refused::new(ErrorCode::InvalidRequest, message)));
            }
            let altered = find(context, &name, index).and_then(|(topic, partition)| match replicas {
                None => cancel(context, &rulebook, topic, (index, partition)),
                Some(replicas) => {
                    let wanted = assigner.check_replicas(&replicas, None)?;
                    if !command.allow_replication_factor_change {
                        check_factor_unchanged(partition, wanted.len())?;
                    }
                    Ok(reassign(context, &rulebook, topic, (index, partition), &wanted))
                }
            });
            (index, altered.map(|change| changes.extend(change)))
        });
        let altered = altered.collect();
        results.push((name, altered));
    }
    Decision { changes, reply: results }
}

fn find<'a>(
    context: &Context<'a>,
    name: &str,
    index: PartitionIndex,
) -> Result<(&'a Topic, &'a Partition), Refused> {
    let unknown = |message| Refused::new(ErrorCode::UnknownTopicOrPartition, message);
    let topic = context.state.topic_named(name);
    let topic = topic.ok_or_else(|| unknown(format!("Unable to find a topic named {name}.")))?;
    let partition = topic.partition(index);
    let partition = partition.ok_or_else(|| unknown(format!("Unable to find partition {name}:{index}.")))?;
    Ok((topic, partition))
}

/// How many replicas the partition has, a move that is under way counted as done.
fn check_factor_unchanged(partition: &Partition, wanted: usize) -> Result<(), Refused> {
    let stays = |node: &&NodeId| !partition.removing_replicas.contains(node);
    let present = partition.replicas.iter().filter(stays).count();
    if present == wanted {
        return Ok(());
    }
    let message = format!("The replication factor is changed from {present} to {wanted}");
    Err(Refused::new(ErrorCode::InvalidReplicationFactor, message))
}

fn reassign(
    context: &Context<'_>,
    rulebook: &Rulebook<'_>,
    topic: &Topic,
    (index, partition): (PartitionIndex, &Partition),
    wanted: &Replicas,
) -> Option<Change> {
    let present = &partition.replicas;
    let sorted = |nodes: Vec<NodeId>| {
        let mut nodes = nodes;
        nodes.sort_unstable();
        nodes
    };
    let removing: Vec<NodeId> =
        sorted(present.iter().copied().filter(|node| !wanted.contains(node)).collect());
    let is_added = |node: &NodeId| !present.contains(node) || partition.adding_replicas.contains(node);
    let adding = sorted(wanted.iter().copied().filter(is_added).collect());
    let replicas = wanted.iter().chain(&removing).copied().collect();
    let mut target = Target::of(partition);
    for node in wanted.iter().filter(|node| !present.contains(node)) {
        if let Some(broker) = context.state.broker(*node) {
            target = target.directory(*node, broker.default_directory());
        }
    }
    let rules = Rules { unclean: false, ..rulebook.of(topic) };
    let acceptable = |node| may_lead(context, partition, node);
    target.replicas(replicas, adding, removing).change(topic.id, index, &rules, &acceptable)
}

fn cancel(
    context: &Context<'_>,
    rulebook: &Rulebook<'_>,
    topic: &Topic,
    (index, partition): (PartitionIndex, &Partition),
) -> Result<Option<Change>, Refused> {
    if !partition.is_reassigning() {
        let message = "No partition reassignment is in progress.";
        return Err(Refused::new(ErrorCode::NoReassignmentInProgress, message));
    }
    let refused = |message| Err(Refused::new(ErrorCode::InvalidReplicaAssignment, message));
    let is_original = |node: &NodeId| !partition.adding_replicas.contains(node);
    let replicas: Vec<NodeId> = partition.replicas.iter().copied().filter(is_original).collect();
    let mut isr: Vec<NodeId> = partition.isr.iter().copied().filter(is_original).collect();
    let rules = rulebook.of(topic);
    if isr.is_empty() {
        let Some(first) = replicas.first() else {
            return refused("Invalid replica assignment: addingReplicas contains all replicas.".to_owned());
        };
        if !rules.unclean {
            return refused(format!(
                "Unable to revert partition assignment for {}:{index} because it would require an unclean leader election.",
                topic.name
            ));
        }
        isr.push(*first);
    }
    let acceptable = |node| may_lead(context, partition, node);
    let target = Target::of(partition).isr(isr).replicas(replicas, Vec::new(), Vec::new());
    Ok(target.change(topic.id, index, &rules, &acceptable))
}
