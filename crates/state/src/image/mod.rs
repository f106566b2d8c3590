//! The cluster as one node sees it at one offset: an immutable image, made from committed changes and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chronik_types::{LeaderEpoch, NodeId, Offset, PartitionIndex, TopicId};

use crate::cluster::{ClusterState, ConfigResource};
use crate::records::{Change, Name};

/// The cluster's committed metadata at one offset. Cheap to clone; never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataImage {
    /// The first offset that it does not contain.
    pub end: Offset,
    /// The leader epoch of the last record that it contains.
    pub epoch: LeaderEpoch,
    /// What it says.
    pub state: ClusterState,
}

/// What is different between two images that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageDelta {
    /// Partitions that were made or changed, and not removed since.
    pub partitions: BTreeSet<(TopicId, PartitionIndex)>,
    /// Topics that were made, and not removed since.
    pub topics_created: BTreeSet<TopicId>,
    /// Topics that were removed, with the names they had; a topic that was also made since the older image is here too.
    pub topics_removed: BTreeMap<TopicId, Name>,
    /// Resources whose configuration changed; a removed topic's is not listed.
    pub configs: BTreeSet<ConfigResource>,
    /// Brokers whose registration changed or went.
    pub brokers: BTreeSet<NodeId>,
    /// Whether a feature's level changed.
    pub features: bool,
    /// Whether a controller's registration changed.
    pub controllers: bool,
    /// Whether a quota changed.
    pub quotas: bool,
    /// Whether an access control entry changed.
    pub acls: bool,
    /// Whether a SCRAM credential or a delegation token changed.
    pub credentials: bool,
    /// Whether a record came that this code does not know.
    pub unknown: bool,
}

/// The image as the log grows: applies committed changes and publishes what may be seen.
#[derive(Clone, Debug)]
pub struct ImageBuilder {
    end: Offset,
    epoch: LeaderEpoch,
    state: ClusterState,
    delta: ImageDelta,
    before_transaction: Option<ImageDelta>,
    published: Arc<MetadataImage>,
}

/// An image and what distinguishes it from the one published before.
#[derive(Clone, Debug)]
pub struct Published {
    /// The image before.
    pub before: Arc<MetadataImage>,
    /// The image now.
    pub image: Arc<MetadataImage>,
    /// What changed in between.
    pub delta: ImageDelta,
}

impl ImageBuilder {
    /// Continues from a state that contains the log up to (excluding) `end`: a snapshot's, or an empty one.
    pub fn new(state: ClusterState, end: Offset, epoch: LeaderEpoch) -> Self {
        let published = Arc::new(MetadataImage { end, epoch, state: state.visible().clone() });
        ImageBuilder { end, epoch, state, delta: ImageDelta::default(), before_transaction: None, published }
    }

    /// The image published last.
    pub fn image(&self) -> &Arc<MetadataImage> {
        &self.published
    }

    /// The first offset that has not been applied.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// All that is committed, what an open metadata transaction holds included: what a new leader continues from.
    pub fn state(&self) -> &ClusterState {
        &self.state
    }
}

impl ImageBuilder {
    /// Applies a committed change that the log holds at `offset`, written in `epoch`.
    pub fn apply(&mut self, offset: Offset, epoch: LeaderEpoch, change: &Change) {
        self.state.apply(change);
        self.end = offset.next();
        self.epoch = epoch;
    }

    /// The log is committed up to (excluding) `end` without further changes: control records of the quorum.
    pub fn skip_to(&mut self, end: Offset, epoch: LeaderEpoch) {
        self.end = end;
        self.epoch = epoch;
    }

    /// The image of all that was applied, or `None` while a metadata transaction is open.
    pub fn publish(&mut self) -> Option<Published> {
        if self.state.in_transaction() {
            return None;
        }
        let image = Arc::new(MetadataImage { end: self.end, epoch: self.epoch, state: self.state.clone() });
        let before = std::mem::replace(&mut self.published, Arc::clone(&image));
        Some(Published { before, image, delta: std::mem::take(&mut self.delta) })
    }
}
