//! Which replica a consumer should read from (KIP-392): the leader, or one that is in sync and in the consumer's own rack.
//!
//! Source: `ReplicaManager.findPreferredReadReplica`, `RackAwareReplicaSelector`.

use std::cmp::Reverse;
use std::time::Duration;

use chronik_types::{NodeId, Offset};

use super::{Partition, Role};
use crate::fetch_sessions::LastFetch;

impl Partition {
    /// The follower to read from at `offset`; `None`: this broker itself. `is_near` tells who is in the consumer's rack and
    /// can be reached, of `own` too.
    pub(crate) fn nearest(
        &self,
        offset: Offset,
        own: NodeId,
        is_near: impl Fn(NodeId) -> bool,
    ) -> Option<NodeId> {
        let state = self.state.lock();
        let Role::Leader(leading) = &state.role else { return None };
        if is_near(own) {
            return None;
        }
        let end = state.log.as_ref()?.end_offset();
        let holds = leading.others.iter().filter(|replica| {
            leading.isr.contains(&replica.id) && replica.start <= offset && offset <= replica.end
        });
        let near = holds.filter(|replica| is_near(replica.id));
        near.max_by_key(|replica| {
            let heard = replica.heard.as_ref().map(LastFetch::get).filter(|_| replica.end >= end);
            let caught_up: Option<Duration> = replica.caught_up.max(heard);
            (replica.end, caught_up, Reverse(replica.id))
        })
        .map(|replica| replica.id)
    }
}
