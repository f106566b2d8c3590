//! The cluster as one node sees it at one offset: an immutable image, made from committed changes and nothing else.
//!
//! Every node has one [`ImageBuilder`], which applies what is committed and publishes an [`MetadataImage`] with what is
//! different from the one before. What a metadata transaction holds is seen when the transaction ends, or never.

mod delta;

use std::sync::Arc;

use chronik_types::{LeaderEpoch, Offset};

use crate::cluster::ClusterState;
use crate::records::{Change, Record};

pub use delta::ImageDelta;

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

/// The image as the log grows: applies committed changes and publishes what may be seen.
#[derive(Clone, Debug)]
pub struct ImageBuilder {
    end: Offset,
    epoch: LeaderEpoch,
    state: ClusterState,
    delta: ImageDelta,
    /// The delta from before the metadata transaction that is open.
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

    /// Applies a committed change that the log holds at `offset`, written in `epoch`.
    ///
    /// # Panics
    /// If a change is left out or applied twice, or contradicts the state.
    pub fn apply(&mut self, offset: Offset, epoch: LeaderEpoch, change: &Change) {
        assert!(
            offset >= self.end,
            "the change at {offset} was applied already: the image ends at {}",
            self.end
        );
        match change.record {
            Record::BeginTransaction(_) => self.before_transaction = Some(self.delta.clone()),
            Record::EndTransaction(_) => self.before_transaction = None,
            Record::AbortTransaction(_) => self.delta = self.before_transaction.take().unwrap_or_default(),
            _ => self.delta.note(&self.state, change),
        }
        self.state.apply(change);
        self.end = offset.next();
        self.epoch = epoch;
    }

    /// The log is committed up to (excluding) `end` without further changes: control records of the quorum.
    pub fn skip_to(&mut self, end: Offset, epoch: LeaderEpoch) {
        assert!(end >= self.end, "the log is committed up to {end}, but the image ends at {}", self.end);
        self.end = end;
        self.epoch = epoch;
    }

    /// Goes on from a snapshot, and publishes it: what was applied before may be far behind it.
    pub fn replace(&mut self, state: ClusterState, end: Offset, epoch: LeaderEpoch) -> Published {
        let before = Arc::clone(&self.published);
        *self = ImageBuilder::new(state, end, epoch);
        let image = Arc::clone(&self.published);
        let delta = ImageDelta::between(&before.state, &image.state);
        Published { before, image, delta }
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
