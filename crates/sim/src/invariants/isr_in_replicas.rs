//! The in-sync replicas are replicas (TLA+ `KafkaReplication`, `ValidIsr`), the leader is one of them, and no list names a
//! node twice.

use std::sync::Arc;

use chronik_state::cluster::Partition;
use chronik_state::image::MetadataImage;
use chronik_types::NodeId;

use super::Violation;

pub(super) fn check(image: &Arc<MetadataImage>) -> Result<(), Violation> {
    for topic in image.state.topics() {
        for (index, partition) in &topic.partitions {
            if let Some(problem) = problem(partition) {
                let what = format!("{}-{index} at {}: {problem}: {partition:?}", topic.name, image.end);
                return Err(Violation::new("in-sync replicas are replicas", what));
            }
        }
    }
    Ok(())
}

fn problem(partition: &Partition) -> Option<&'static str> {
    let has_twice = |nodes: &[NodeId]| (1..nodes.len()).any(|at| nodes[..at].contains(&nodes[at]));
    if partition.replicas.is_empty() {
        Some("no replicas")
    } else if !partition.isr.iter().all(|node| partition.replicas.contains(node)) {
        Some("a node in sync is no replica")
    } else if partition.has_leader() && !partition.isr.contains(&partition.leader) {
        Some("the leader is not in sync")
    } else if has_twice(&partition.replicas) || has_twice(&partition.isr) {
        Some("a node is named twice")
    } else {
        None
    }
}
