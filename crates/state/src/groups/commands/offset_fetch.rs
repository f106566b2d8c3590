//! OffsetFetch (`OffsetMetadataManager.fetchOffsets`): what a group has committed. A group that nobody knows has committed
//! nothing. An offset that was committed for a topic of the same name but another id counts as none.

use chronik_types::{ErrorCode, Offset, PartitionIndex, TopicId};

use super::offset_commit::stale;
use crate::groups::Shard;
use crate::groups::records::OffsetValue;
use crate::groups::replies::{FetchedOffset, Reply};
use crate::groups::requests::{At, OffsetFetch};
use crate::records::Name;

impl<T> Shard<T> {
    pub(in crate::groups) fn offset_fetch(&mut self, at: &At<'_>, request: &OffsetFetch, token: T) {
        let fetched = self.check_fetch(request).map(|()| self.fetch(request));
        self.reply(at, token, Reply::OffsetFetch(fetched));
    }

    /// `ConsumerGroup.validateOffsetFetch`; members of classic groups need not say who they are.
    fn check_fetch(&self, request: &OffsetFetch) -> Result<(), ErrorCode> {
        let Some(group) = self.state().consumer(&request.group_id) else { return Ok(()) };
        let Some(id) = &request.member_id else {
            return if request.member_epoch < 0 { Ok(()) } else { Err(ErrorCode::UnknownMemberId) };
        };
        let member = group.members.get(id).ok_or(ErrorCode::UnknownMemberId)?;
        if member.epoch == request.member_epoch {
            return Ok(());
        }
        Err(stale(member))
    }

    fn fetch(&self, request: &OffsetFetch) -> Vec<FetchedOffset> {
        let offsets = self.state().offsets(&request.group_id);
        let Some(partitions) = &request.partitions else {
            let all = offsets.into_iter().flat_map(|offsets| offsets.iter());
            let all = all.map(|(topic, partition, value)| fetched(topic, partition, Some(value)));
            return all.map(|one| self.if_stable(request, one)).collect();
        };
        let one = |partition: &crate::groups::requests::FetchPartition| {
            let value = offsets.and_then(|offsets| offsets.get(&partition.topic, partition.partition));
            let is_other = |value: &&OffsetValue| {
                value.topic_id != TopicId::ZERO
                    && partition.topic_id != TopicId::ZERO
                    && value.topic_id != partition.topic_id
            };
            let one = fetched(&partition.topic, partition.partition, value.filter(|value| !is_other(value)));
            self.if_stable(request, one)
        };
        partitions.iter().map(one).collect()
    }

    /// The offset, unless a transaction is about to commit another and the asker wants to know the outcome (KIP-447).
    fn if_stable(&self, request: &OffsetFetch, one: FetchedOffset) -> FetchedOffset {
        if !request.require_stable || !self.state().is_pending(&request.group_id, &one.topic, one.partition) {
            return one;
        }
        FetchedOffset { error: ErrorCode::UnstableOffsetCommit, ..fetched(&one.topic, one.partition, None) }
    }
}

fn fetched(topic: &Name, partition: PartitionIndex, value: Option<&OffsetValue>) -> FetchedOffset {
    FetchedOffset {
        topic: topic.clone(),
        partition,
        offset: value.map_or(Offset::NONE, |value| Offset(value.offset)),
        leader_epoch: value.map_or(-1, |value| value.leader_epoch),
        metadata: value.map_or_else(|| "".into(), |value| value.metadata.clone()),
        error: ErrorCode::None,
    }
}
