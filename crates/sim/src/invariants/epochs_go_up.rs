//! Epochs never go back: a replica's quorum epoch, not even through a crash (Raft paper 5.1); a partition's leader epoch and
//! partition epoch, from image to image (KIP-320, KIP-841).

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_raft::{Inspection, ReplicaKey};
use chronik_state::image::MetadataImage;
use chronik_types::{LeaderEpoch, PartitionEpoch, PartitionIndex, TopicId};

use super::Violation;

/// The highest epochs seen.
#[derive(Default)]
pub(super) struct Epochs {
    quorum: BTreeMap<ReplicaKey, LeaderEpoch>,
    partitions: BTreeMap<(TopicId, PartitionIndex), (LeaderEpoch, PartitionEpoch)>,
}

impl Epochs {
    pub(super) fn check_quorum(&mut self, seen: &Inspection) -> Result<(), Violation> {
        let former = self.quorum.insert(seen.key, seen.epoch);
        match former.filter(|former| *former > seen.epoch) {
            None => Ok(()),
            Some(former) => {
                let what = format!("the quorum epoch of {:?} goes from {former} to {}", seen.key, seen.epoch);
                Err(Violation::new("epochs go up", what))
            }
        }
    }

    pub(super) fn check_image(&mut self, image: &Arc<MetadataImage>) -> Result<(), Violation> {
        for topic in image.state.topics() {
            for (index, partition) in &topic.partitions {
                let now = (partition.leader_epoch, partition.partition_epoch);
                let former = self.partitions.insert((topic.id, *index), now);
                if let Some(former) = former.filter(|former| former.0 > now.0 || former.1 > now.1) {
                    let what = format!("{}-{index} at {}: from {former:?} to {now:?}", topic.name, image.end);
                    return Err(Violation::new("epochs go up", what));
                }
            }
        }
        Ok(())
    }
}
