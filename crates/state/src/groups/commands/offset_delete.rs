//! OffsetDelete (`OffsetMetadataManager.deleteOffsets`): of topics that nobody in the group subscribes to.

use chronik_types::{ErrorCode, PartitionIndex};

use crate::groups::Shard;
use crate::groups::records::{Change, OffsetKey};
use crate::groups::replies::Reply;
use crate::groups::requests::{At, OffsetDelete};
use crate::groups::shard::ClassicState;
use crate::records::Name;

impl<T> Shard<T> {
    pub(in crate::groups) fn offset_delete(&mut self, at: &At<'_>, request: &OffsetDelete, token: T) {
        let name = &request.group_id;
        if let Err(error) = self.check_offset_delete(name) {
            return self.reply(at, token, Reply::OffsetDelete(Err(error)));
        }
        let mut errors = Vec::with_capacity(request.partitions.len());
        let mut changes = Vec::new();
        for (topic, partition) in &request.partitions {
            if self.is_subscribed(name, topic) {
                errors.push(ErrorCode::GroupSubscribedToTopic);
                continue;
            }
            errors.push(ErrorCode::None);
            if self.state().offsets(name).is_some_and(|offsets| offsets.get(topic, *partition).is_some()) {
                changes.push(tombstone(name, topic, *partition));
            }
        }
        self.write_many(at, changes);
        self.reply(at, token, Reply::OffsetDelete(Ok(errors)));
    }

    fn check_offset_delete(&self, name: &Name) -> Result<(), ErrorCode> {
        let state = self.state();
        if name.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        if state.consumer(name).is_some() {
            return Ok(());
        }
        match self.classic.get(name) {
            Some(group) if group.state == ClassicState::Empty || group.is_consumers() => Ok(()),
            Some(_) => Err(ErrorCode::NonEmptyGroup),
            None if state.offsets(name).is_some() => Ok(()),
            None => Err(ErrorCode::GroupIdNotFound),
        }
    }

    /// Whether somebody in the group uses the topic's offsets.
    pub(super) fn is_subscribed(&self, name: &Name, topic: &Name) -> bool {
        if let Some(group) = self.state().consumer(name) {
            return group.is_subscribed_to(topic);
        }
        let group = self.classic.get(name).filter(|group| group.state != ClassicState::Empty);
        group.is_some_and(|group| group.is_subscribed_to(topic))
    }

    /// Topics are deleted: nobody's offsets in them are kept. Take [`Shard::appends`] and [`Shard::replies`] afterwards.
    pub fn topics_deleted(&mut self, at: &At<'_>, topics: &[Name]) {
        let mut changes = Vec::new();
        for (group, offsets) in self.state().groups_with_offsets() {
            for topic in topics {
                let of = offsets.of_topic(topic).map(|(partition, _)| tombstone(group, topic, partition));
                changes.extend(of);
            }
        }
        self.write_many(at, changes);
    }
}

pub(super) fn tombstone(group: &Name, topic: &Name, partition: PartitionIndex) -> Change {
    Change::Offset(OffsetKey { group: group.clone(), topic: topic.clone(), partition }, None)
}
