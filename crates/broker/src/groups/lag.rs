//! How far groups are behind: the committed offsets of the groups that this broker coordinates, for the metrics page.
//!
//! The lag is told against the high watermark of this broker's own replica; where it has none, it does not ask others and
//! tells only what is committed. A page names so many partitions at most, so that it costs little however many there are.

use chronik_state::records::Name;
use chronik_types::PartitionIndex;

use super::Groups;
use crate::node::Node;

/// Partitions of groups that a page names.
const NAMED_MAX: usize = 10_000;

/// What a group has committed for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) group: Name,
    pub(crate) topic: Name,
    pub(crate) partition: PartitionIndex,
    /// The next offset that the group reads.
    pub(crate) offset: i64,
}

/// One line of the page.
pub(crate) struct Progress {
    pub(crate) committed: Committed,
    /// Records that the group has not read, if this broker has a replica to tell by.
    pub(crate) lag: Option<i64>,
}

impl Groups {
    /// The first of what is committed, and how many are left out.
    fn committed(&self, named_max: usize) -> (Vec<Committed>, usize) {
        let (mut named, mut count) = (Vec::new(), 0);
        for shard in self.all() {
            count += shard.committed(named_max, &mut named);
        }
        let left_out = count - named.len();
        (named, left_out)
    }
}

impl Node {
    /// How far groups are, and how many partitions of groups are left out for their number.
    pub(crate) fn progress_of_groups(&self) -> (Vec<Progress>, usize) {
        let (named, left_out) = self.groups.committed(NAMED_MAX);
        let image = self.image();
        let progress = |committed: Committed| {
            let replica = image
                .state
                .topic_id(&committed.topic)
                .and_then(|id| self.partitions.get(id, committed.partition))
                .and_then(|partition| partition.view());
            let lag = replica.map(|replica| (replica.high_watermark.0 - committed.offset).max(0));
            Progress { committed, lag }
        };
        (named.into_iter().map(progress).collect(), left_out)
    }
}
