//! The expiry of offsets, and of the groups that nobody is in any more (`GroupCoordinatorShard.cleanupGroupMetadata`).
//!
//! An offset lives `offsets.retention.minutes` since its group became empty, or since its commit where nobody in the group
//! subscribes to its topic. A group goes with its last offset.

use chronik_types::Millis;

use super::offset_commit::is_expired;
use super::offset_delete::tombstone;
use super::rebalance::after;
use crate::groups::Shard;
use crate::groups::requests::At;
use crate::groups::shard::{ClassicState, Timer};
use crate::records::Name;

impl<T> Shard<T> {
    /// Looks at everything, and sets the timer for the next look.
    pub(in crate::groups) fn expire_offsets(&mut self, at: &At<'_>) {
        let interval_ms = i32::try_from(self.options.offsets_retention_check_interval_ms).unwrap_or(i32::MAX);
        self.timers.set(Timer::Expiry, after(at, interval_ms));
        let state = self.state();
        let mut names: Vec<Name> = state.groups_with_offsets().map(|(name, _)| name.clone()).collect();
        names.extend(self.classic.keys().cloned());
        names.extend(state.consumer_groups().map(|(name, _)| name.clone()));
        names.sort();
        names.dedup();
        for name in names {
            self.expire_group(at, &name);
        }
    }

    fn expire_group(&mut self, at: &At<'_>, name: &Name) {
        let mut changes = Vec::new();
        let mut all = true;
        for (topic, partition, value) in self.state().offsets(name).into_iter().flat_map(|of| of.iter()) {
            let base = match self.expiry_base(name) {
                ExpiryBase::Never => None,
                ExpiryBase::Since(since) => Some(since),
                ExpiryBase::Commit => Some(Millis(value.commit_timestamp)),
            };
            let retention_ms = self.options.offsets_retention_ms;
            let expires = base.is_some_and(|base| is_expired(value, base, at.now, retention_ms))
                && !self.is_subscribed(name, topic)
                && !self.state().is_pending(name, topic, partition);
            if expires {
                changes.push(tombstone(name, topic, partition));
            } else {
                all = false;
            }
        }
        self.write_many(at, changes);
        if all && self.is_empty_group(name) {
            self.forget_group(at, name);
        }
    }

    fn is_empty_group(&self, name: &Name) -> bool {
        match (self.state().consumer(name), self.classic.get(name)) {
            (Some(group), _) => group.members.is_empty(),
            (None, Some(group)) => group.state == ClassicState::Empty,
            (None, None) => false,
        }
    }

    /// Since when an offset's time runs: `ClassicGroup.offsetExpirationCondition`.
    fn expiry_base(&self, name: &Name) -> ExpiryBase {
        let Some(group) = self.classic.get(name) else { return ExpiryBase::Commit };
        match group.state {
            _ if group.protocol_type.is_none() => ExpiryBase::Commit,
            ClassicState::Empty if group.since == Millis::NONE => ExpiryBase::Commit,
            ClassicState::Empty => ExpiryBase::Since(group.since),
            ClassicState::Stable if group.is_consumers() && group.topics.is_some() => ExpiryBase::Commit,
            _ => ExpiryBase::Never,
        }
    }
}

enum ExpiryBase {
    Never,
    Since(Millis),
    Commit,
}
