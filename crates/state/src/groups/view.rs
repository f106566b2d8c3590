//! The cluster as the group coordinator needs to see it: topics, partitions, racks and the groups' own configuration.

use chronik_types::{PartitionIndex, TopicId};

use crate::cluster::{ClusterState, ConfigResource, ResourceKind};
use crate::image::MetadataImage;
use crate::records::Name;

/// A topic, as assignors see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicView {
    /// Its identity.
    pub id: TopicId,
    /// Its name.
    pub name: Name,
    /// How many partitions it has.
    pub partitions: usize,
}

/// What a coordinator looks up. The image of the node's own committed metadata is one.
pub trait View {
    /// Something that changes whenever anything that this trait tells may have changed.
    fn version(&self) -> i64;
    /// A topic by its name.
    fn topic(&self, name: &str) -> Option<TopicView>;
    /// A topic by its id.
    fn topic_by_id(&self, id: TopicId) -> Option<TopicView>;
    /// The racks that have a replica of the partition, sorted, each once.
    fn racks(&self, topic: TopicId, partition: PartitionIndex) -> Vec<Name>;
    /// Every topic's name, sorted.
    fn topic_names(&self) -> Vec<Name>;
    /// A configuration key of the group itself (`consumer.session.timeout.ms`, ...), if it is set.
    fn group_config(&self, group: &str, key: &str) -> Option<Name>;
}

impl View for MetadataImage {
    fn version(&self) -> i64 {
        self.end.0
    }

    fn topic(&self, name: &str) -> Option<TopicView> {
        self.state.topic_id(name).and_then(|id| self.topic_by_id(id))
    }

    fn topic_by_id(&self, id: TopicId) -> Option<TopicView> {
        let topic = self.state.topic(id)?;
        Some(TopicView { id, name: topic.name.clone(), partitions: topic.partitions.len() })
    }

    fn racks(&self, topic: TopicId, partition: PartitionIndex) -> Vec<Name> {
        racks(&self.state, topic, partition).unwrap_or_default()
    }

    fn topic_names(&self) -> Vec<Name> {
        self.state.topics_from("").map(|topic| topic.name.clone()).collect()
    }

    fn group_config(&self, group: &str, key: &str) -> Option<Name> {
        self.state.config(&ConfigResource::new(ResourceKind::Group, group))?.get(key).cloned()
    }
}

fn racks(state: &ClusterState, topic: TopicId, partition: PartitionIndex) -> Option<Vec<Name>> {
    let partition = state.topic(topic)?.partition(partition)?;
    let rack = |id| state.broker(id).and_then(|broker| broker.rack.clone());
    let mut racks: Vec<Name> = partition.replicas.iter().filter_map(|id| rack(*id)).collect();
    racks.sort();
    racks.dedup();
    Some(racks)
}
