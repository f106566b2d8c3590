//! A consumer group as it will be: changes are collected and seen at once by what decides next, and written as one batch.
//!
//! As long as nothing changes nothing is copied, so an ordinary heartbeat costs no more than a look.

use std::borrow::Cow;

use crate::groups::records::{Change, CurrentValue, GroupKey, MemberKey};
use crate::groups::state::{ConsumerGroup, ConsumerMember, GroupState};
use crate::records::Name;

/// A group and the changes to it.
pub(in crate::groups) struct Draft<'a> {
    pub(in crate::groups) name: Name,
    base: Option<&'a ConsumerGroup>,
    changed: Option<GroupState>,
    pub(in crate::groups) changes: Vec<Change>,
}

impl<'a> Draft<'a> {
    pub(in crate::groups) fn new(state: &'a GroupState, name: &Name) -> Self {
        Draft { name: name.clone(), base: state.consumer(name), changed: None, changes: Vec::new() }
    }

    /// The group with the changes so far; an empty one if there is none.
    pub(in crate::groups) fn group(&self) -> Cow<'_, ConsumerGroup> {
        let found = match &self.changed {
            Some(changed) => changed.consumer(&self.name),
            None => self.base,
        };
        found.map_or_else(|| Cow::Owned(ConsumerGroup::default()), Cow::Borrowed)
    }

    pub(in crate::groups) fn member(&self, id: &Name) -> Option<ConsumerMember> {
        self.group().members.get(id).cloned()
    }

    pub(in crate::groups) fn push(&mut self, change: Change) {
        let (name, base) = (&self.name, self.base);
        let changed = self.changed.get_or_insert_with(|| GroupState::with_consumer(name, base));
        changed.apply(&change);
        self.changes.push(change);
    }

    pub(in crate::groups) fn key(&self) -> GroupKey {
        GroupKey { group: self.name.clone() }
    }

    pub(in crate::groups) fn member_key(&self, id: &Name) -> MemberKey {
        MemberKey { group: self.name.clone(), member: id.clone() }
    }

    pub(in crate::groups) fn set_current(&mut self, id: &Name, current: CurrentValue) {
        self.push(Change::Current(self.member_key(id), Some(current)));
    }

    /// Takes a member out.
    pub(in crate::groups) fn remove(&mut self, id: &Name) {
        self.push(Change::Current(self.member_key(id), None));
        self.push(Change::Target(self.member_key(id), None));
        self.push(Change::Member(self.member_key(id), None));
    }
}
