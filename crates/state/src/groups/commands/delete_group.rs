//! DeleteGroups (`GroupMetadataManager.validateDeleteGroup`): of a group that nobody is in, with its offsets.

use chronik_types::ErrorCode;

use super::offset_delete::tombstone;
use crate::groups::Shard;
use crate::groups::records::{Change, GroupKey, MemberKey, PatternKey};
use crate::groups::replies::Reply;
use crate::groups::requests::At;
use crate::groups::shard::{ClassicState, Timer};
use crate::records::Name;

impl<T> Shard<T> {
    pub(in crate::groups) fn delete_group(&mut self, at: &At<'_>, name: &Name, token: T) {
        let outcome = self.check_delete(name);
        if outcome.is_ok() {
            let offsets = self.state().offsets(name);
            let tombstones = offsets.into_iter().flat_map(|offsets| offsets.iter());
            let changes = tombstones.map(|(topic, partition, _)| tombstone(name, topic, partition)).collect();
            self.write_many(at, changes);
            self.forget_group(at, name);
        }
        self.reply(at, token, Reply::DeleteGroup(outcome.err().unwrap_or(ErrorCode::None)));
    }

    fn check_delete(&self, name: &Name) -> Result<(), ErrorCode> {
        let state = self.state();
        let is_empty = match (state.consumer(name), self.classic.get(name)) {
            (Some(group), _) => group.members.is_empty(),
            (None, Some(group)) => group.state == ClassicState::Empty,
            (None, None) if state.offsets(name).is_some() => true,
            (None, None) => return Err(ErrorCode::GroupIdNotFound),
        };
        if is_empty { Ok(()) } else { Err(ErrorCode::NonEmptyGroup) }
    }

    /// Deletes an empty group, but not its offsets.
    pub(super) fn forget_group(&mut self, at: &At<'_>, name: &Name) {
        self.delete_consumer_group(at, name);
        if self.classic.contains_key(name) || self.state().classic(name).is_some() {
            let changes = self.classic_tombstones(name);
            self.write(at, changes);
        }
    }

    /// Forgets a classic group that nobody waits in, and returns what deletes it from the log.
    pub(super) fn classic_tombstones(&mut self, name: &Name) -> Vec<Change> {
        self.classic.remove(name);
        self.initial.remove(name);
        self.timers.cancel(&Timer::Join(name.clone()));
        self.timers.cancel(&Timer::Sync(name.clone()));
        vec![Change::Group(GroupKey { group: name.clone() }, None)]
    }

    /// Deletes a consumer group's records, if it is one.
    pub(super) fn delete_consumer_group(&mut self, at: &At<'_>, name: &Name) {
        self.hashed.remove(name);
        let changes = self.consumer_tombstones(name);
        self.write_many(at, changes);
    }

    /// What deletes a consumer group from the log.
    pub(super) fn consumer_tombstones(&self, name: &Name) -> Vec<Change> {
        let Some(group) = self.state().consumer(name) else { return Vec::new() };
        let key = || GroupKey { group: name.clone() };
        let member = |id: &Name| MemberKey { group: name.clone(), member: id.clone() };
        let mut changes: Vec<Change> =
            group.members.keys().map(|id| Change::Current(member(id), None)).collect();
        changes.extend(group.target.keys().map(|id| Change::Target(member(id), None)));
        changes.push(Change::TargetEpoch(key(), None));
        changes.extend(group.members.keys().map(|id| Change::Member(member(id), None)));
        let pattern = |pattern: &Name| PatternKey { group: name.clone(), pattern: pattern.clone() };
        changes.extend(group.patterns.keys().map(|of| Change::Pattern(pattern(of), None)));
        if group.has_partition_metadata {
            changes.push(Change::PartitionMetadata(key(), None));
        }
        changes.push(Change::Epoch(key(), None));
        changes
    }
}
