//! A fenced broker leads nothing (KIP-631): the image that fences a broker names it as nobody's leader.

use std::sync::Arc;

use chronik_state::image::MetadataImage;

use super::Violation;

pub(super) fn check(image: &Arc<MetadataImage>) -> Result<(), Violation> {
    for topic in image.state.topics() {
        for (index, partition) in topic.partitions.iter().filter(|(_, partition)| partition.has_leader()) {
            if image.state.broker(partition.leader).is_none_or(|broker| broker.fenced) {
                let what = format!("{}-{index} at {}: {partition:?}", topic.name, image.end);
                return Err(Violation::new("leaders are unfenced", what));
            }
        }
    }
    Ok(())
}
