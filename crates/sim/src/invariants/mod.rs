//! What must hold after every step, one file each, with its statement and its source.
//!
//! A step changes the state of one node only, so that node alone is looked at. What was true once and must stay true
//! (votes, leaders, what is committed) is remembered here, through all the lives of the nodes.

pub mod commits_stay;
mod committed_prefix;
mod epochs_go_up;
mod images_agree;
mod isr_in_replicas;
mod leader_completeness;
mod leaders_are_unfenced;
mod log_matching;
mod majority_has_it;
mod marks_go_up;
mod one_leader_per_epoch;
pub mod one_owner;
mod one_partition_leader;
mod one_time_per_batch;
mod only_the_leader_proposes;
mod replicas_agree;
mod votes_are_kept;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chronik_broker::{MetadataBatch, Node};
use chronik_raft::Inspection as Quorum;
use chronik_state::image::MetadataImage;
use chronik_types::{NodeId, Offset};

pub use committed_prefix::{Committed, CommittedChange};

/// Copies of partitions are looked at after one step in so many.
const REPLICAS_EVERY: u64 = 8;

/// An invariant does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {what}")]
pub struct Violation {
    /// Which.
    pub invariant: &'static str,
    /// In what way.
    pub what: String,
}

impl Violation {
    fn new(invariant: &'static str, what: String) -> Violation {
        Violation { invariant, what }
    }
}

/// Everything that is remembered.
#[derive(Default)]
pub struct Invariants {
    /// The committed metadata log, as the first node that knew it had it.
    pub committed: Committed,
    /// How many leaders of the quorum there were.
    pub elections: u64,
    /// How many snapshots nodes were seen to have got.
    pub snapshots: u64,
    leaders: one_leader_per_epoch::Leaders,
    votes: votes_are_kept::Votes,
    batches: log_matching::Batches,
    disks: majority_has_it::Disks,
    images: images_agree::Images,
    partition_leaders: one_partition_leader::Leaders,
    epochs: epochs_go_up::Epochs,
    replicas: replicas_agree::Replicas,
    looks: u64,
    /// The image that is furthest ahead.
    newest: Option<Arc<MetadataImage>>,
    last: BTreeMap<NodeId, Last>,
}

/// A node when it was last looked at in its present life.
struct Last {
    quorum: Quorum,
    image: Arc<MetadataImage>,
    /// Everything before was compared with what is committed.
    compared: Offset,
}

impl Invariants {
    /// A node's life is over: what it knew, it may not know in the next.
    pub fn life_ends(&mut self, node: NodeId) {
        self.last.remove(&node);
        self.replicas.life_ends(node);
    }

    /// Looks at a node after a step of its own.
    ///
    /// # Errors
    /// Something is wrong.
    pub fn look(&mut self, id: NodeId, now: Duration, node: &Node) -> Result<(), Violation> {
        self.looks += 1;
        if self.looks.is_multiple_of(REPLICAS_EVERY) {
            self.replicas.check(id, node, self.newest.as_deref())?;
        }
        let seen = node.inspect();
        let last = self.last.remove(&id);
        let quorum_changed = last.as_ref().is_none_or(|last| last.quorum != seen.quorum);
        let image_changed = last.as_ref().is_none_or(|last| !Arc::ptr_eq(&last.image, &seen.image));
        let mut compared = last.as_ref().map_or(Offset::ZERO, |last| last.compared);
        if quorum_changed {
            let before = last.as_ref().map(|last| &last.quorum);
            self.look_at_quorum(id, before, &seen.quorum)?;
            if before.is_none_or(|before| before.snapshot != seen.quorum.snapshot) {
                self.snapshots += u64::from(before.is_some());
            }
            let log_of = |quorum: &Quorum| (quorum.log_end, quorum.high_watermark, quorum.epochs.len());
            if before.is_none_or(|before| log_of(before) != log_of(&seen.quorum)) {
                // A disk that fails right now can't be read; what is on it is seen when it works again.
                if let Ok(batches) = node.metadata_batches(compared) {
                    compared = self.look_at_log(id, now, &seen.quorum, &batches)?.unwrap_or(compared);
                }
            }
        }
        if image_changed {
            self.look_at_image(id, now, &seen.image)?;
        }
        self.last.insert(id, Last { quorum: seen.quorum, image: seen.image, compared });
        Ok(())
    }

    fn look_at_quorum(
        &mut self,
        id: NodeId,
        before: Option<&Quorum>,
        seen: &Quorum,
    ) -> Result<(), Violation> {
        only_the_leader_proposes::check(id, seen)?;
        self.votes.check(seen)?;
        self.epochs.check_quorum(seen)?;
        marks_go_up::check(id, before, seen)?;
        self.disks.note(id, seen);
        self.disks.check(id, before, seen)?;
        if self.leaders.check(id, seen)? {
            self.elections += 1;
            leader_completeness::check(id, seen, &self.committed)?;
        }
        Ok(())
    }

    /// Returns up to where the log was compared with what is committed.
    fn look_at_log(
        &mut self,
        id: NodeId,
        now: Duration,
        quorum: &Quorum,
        batches: &[MetadataBatch],
    ) -> Result<Option<Offset>, Violation> {
        self.batches.check(id, batches)?;
        one_time_per_batch::check(id, batches)?;
        let mark = quorum.high_watermark.unwrap_or(Offset::ZERO);
        let mut compared = None;
        for batch in batches.iter().filter(|batch| batch.end_offset <= mark) {
            self.committed.check(id, now, batch)?;
            compared = Some(batch.end_offset);
        }
        Ok(compared)
    }

    fn look_at_image(
        &mut self,
        id: NodeId,
        now: Duration,
        image: &Arc<MetadataImage>,
    ) -> Result<(), Violation> {
        if self.newest.as_ref().is_none_or(|newest| newest.end < image.end) {
            self.newest = Some(Arc::clone(image));
        }
        if !self.images.check(id, now, image)? {
            return Ok(());
        }
        isr_in_replicas::check(image)?;
        leaders_are_unfenced::check(image)?;
        self.partition_leaders.check(image)?;
        self.epochs.check_image(image)
    }
}
