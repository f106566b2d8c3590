//! What heartbeats of consumer groups (KIP-848) are decided by: a draft of the group, its target, and each member's way there.

mod draft;
mod metadata_hash;
mod patterns;
mod reconcile;
mod target;

pub(in crate::groups) use draft::Draft;
pub(in crate::groups) use metadata_hash::metadata_hash;
pub(in crate::groups) use patterns::{check_pattern, refresh_patterns};
pub(in crate::groups) use reconcile::{Owned, Towards, reconcile};
pub(in crate::groups) use target::{assignor_name, update_target};

use std::collections::BTreeSet;

use crate::groups::state::{ConsumerGroup, ConsumerMember};
use crate::records::Name;

/// The names of the topics that a member subscribes to, by name and by pattern, whether they exist or not.
pub(in crate::groups) fn topic_names(group: &ConsumerGroup, member: &ConsumerMember) -> BTreeSet<Name> {
    let by_pattern = group.pattern_topics(member).iter();
    member.metadata.subscribed_topic_names.iter().chain(by_pattern).cloned().collect()
}
