//! A member's way to its target (`CurrentAssignmentBuilder`): it gives up what it is not to have any more, and only when it
//! says that it did does it get anything; and it gets only what nobody else has. So no partition is ever owned by two.

use std::collections::{BTreeMap, BTreeSet};

use chronik_types::{PartitionIndex, TopicId};

use crate::groups::requests::TopicPartitions;
use crate::groups::state::{ConsumerGroup, ConsumerMember, MemberState};

type Epochs = BTreeMap<TopicId, BTreeMap<PartitionIndex, i32>>;

/// The partitions that a member says it owns; `None`: it did not say.
pub(in crate::groups) type Owned<'a> = Option<&'a [TopicPartitions]>;

/// Where the member is to go.
pub(in crate::groups) struct Towards<'a> {
    /// What the others have.
    pub(in crate::groups) group: &'a ConsumerGroup,
    /// The epoch of the target.
    pub(in crate::groups) epoch: i32,
    /// The target.
    pub(in crate::groups) target: &'a BTreeMap<TopicId, Vec<PartitionIndex>>,
    /// The topics that the member subscribes to, if that just changed: it keeps no others, whatever its target says.
    pub(in crate::groups) subscribed: Option<&'a BTreeSet<TopicId>>,
    /// What the member says it owns.
    pub(in crate::groups) owned: Owned<'a>,
    /// [`PlantedFault::GiveBeforeRevoked`](crate::groups::PlantedFault).
    #[cfg(feature = "planted")]
    pub(in crate::groups) gives_early: bool,
}

impl Towards<'_> {
    /// Whether somebody has it.
    fn is_taken(&self, topic: TopicId, partition: PartitionIndex) -> bool {
        #[cfg(feature = "planted")]
        if self.gives_early {
            return false;
        }
        self.group.owner_epoch(topic, partition).is_some()
    }
}

/// The member's next step; the same member if it has none to take.
pub(in crate::groups) fn reconcile(member: &ConsumerMember, towards: &Towards<'_>) -> ConsumerMember {
    match member.state {
        MemberState::Stable if member.epoch != towards.epoch => next(member, towards),
        MemberState::Stable => without_unsubscribed(member, towards),
        MemberState::UnrevokedPartitions => {
            if owns_any(towards.owned, &member.pending_revocation) {
                without_unsubscribed(member, towards)
            } else {
                next(member, towards)
            }
        }
        MemberState::UnreleasedPartitions | MemberState::Unknown => next(member, towards),
    }
}

/// Whether the member owns any of these, as far as it said.
fn owns_any(owned: Owned<'_>, partitions: &Epochs) -> bool {
    let Some(owned) = owned else { return true };
    owned.iter().any(|topic| {
        let of = partitions.get(&topic.topic_id);
        of.is_some_and(|of| topic.partitions.iter().any(|partition| of.contains_key(partition)))
    })
}

fn is_subscribed(towards: &Towards<'_>, topic: TopicId) -> bool {
    towards.subscribed.is_none_or(|topics| topics.contains(&topic))
}

fn next(member: &ConsumerMember, towards: &Towards<'_>) -> ConsumerMember {
    let is_target = |topic: TopicId, partition: PartitionIndex| {
        let of = towards.target.get(&topic);
        is_subscribed(towards, topic) && of.is_some_and(|of| of.contains(&partition))
    };
    let mut kept = Epochs::new();
    let mut revoked = Epochs::new();
    for (topic, partitions) in &member.assigned {
        for (partition, since) in partitions {
            let into = if is_target(*topic, *partition) { &mut kept } else { &mut revoked };
            into.entry(*topic).or_default().insert(*partition, *since);
        }
    }
    let mut updated = member.clone();
    if !revoked.is_empty() && owns_any(towards.owned, &revoked) {
        updated.state = MemberState::UnrevokedPartitions;
        updated.assigned = kept;
        updated.pending_revocation = revoked;
        return updated;
    }
    let mut waits = false;
    for (topic, partitions) in towards.target.iter().filter(|(topic, _)| is_subscribed(towards, **topic)) {
        for partition in partitions {
            if kept.get(topic).is_some_and(|kept| kept.contains_key(partition)) {
                continue;
            }
            if towards.is_taken(*topic, *partition) {
                waits = true;
            } else {
                kept.entry(*topic).or_default().insert(*partition, towards.epoch);
            }
        }
    }
    updated.state = if waits { MemberState::UnreleasedPartitions } else { MemberState::Stable };
    updated.assigned = kept;
    updated.pending_revocation = Epochs::new();
    enter(&mut updated, towards.epoch);
    updated
}

/// In its epoch, but without the topics that it does not subscribe to any more.
fn without_unsubscribed(member: &ConsumerMember, towards: &Towards<'_>) -> ConsumerMember {
    let mut updated = member.clone();
    let gone: Vec<TopicId> =
        member.assigned.keys().copied().filter(|topic| !is_subscribed(towards, *topic)).collect();
    for topic in gone {
        let partitions = updated.assigned.remove(&topic).unwrap_or_default();
        updated.pending_revocation.entry(topic).or_default().extend(partitions);
        updated.state = MemberState::UnrevokedPartitions;
    }
    updated
}

fn enter(member: &mut ConsumerMember, epoch: i32) {
    if member.epoch != epoch {
        member.previous_epoch = member.epoch;
        member.epoch = epoch;
    }
}
