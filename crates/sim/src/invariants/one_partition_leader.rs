//! A partition has one leader in each of its leader epochs (KIP-101): a change of the leader is a change of the epoch.

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_state::image::MetadataImage;
use chronik_types::{LeaderEpoch, NodeId, PartitionIndex, TopicId};

use super::Violation;

/// Who led which partition in its latest epoch; earlier ones do not come back.
#[derive(Default)]
pub(super) struct Leaders(BTreeMap<(TopicId, PartitionIndex), (LeaderEpoch, NodeId)>);

impl Leaders {
    pub(super) fn check(&mut self, image: &Arc<MetadataImage>) -> Result<(), Violation> {
        for topic in image.state.topics() {
            for (index, partition) in &topic.partitions {
                let now = (partition.leader_epoch, partition.leader);
                let known = self.0.insert((topic.id, *index), now).filter(|known| known.0 == now.0);
                if let Some((epoch, leader)) = known.filter(|known| *known != now) {
                    let what = format!(
                        "{}-{index} at {}: {leader} led epoch {epoch}, now {partition:?}",
                        topic.name, image.end
                    );
                    return Err(Violation::new("one leader per partition and epoch", what));
                }
            }
        }
        Ok(())
    }
}
