//! OffsetCommit (`OffsetMetadataManager.commitOffset`): from a member in its generation or epoch, or from nobody in
//! particular as long as the group is empty. Committing keeps a classic member's session alive.

use chronik_types::{ErrorCode, Millis};

use super::too_long::TEXT_BYTES_MAX;
use crate::groups::Shard;
use crate::groups::records::{Change, OffsetKey, OffsetValue};
use crate::groups::replies::Reply;
use crate::groups::requests::{At, CommitPartition, OffsetCommit};
use crate::groups::shard::{BATCH_OVERHEAD, ClassicGroup, ClassicState};
use crate::groups::state::{ConsumerGroup, ConsumerMember};

/// What a record of an offset takes beside its texts, at most.
const OFFSET_OVERHEAD: usize = 96;

/// How a commit is checked, partition by partition.
enum Accepted<'a> {
    /// All of it is good.
    Whole,
    /// The member is ahead of the commit: it is good where the member had the partition already then (KIP-1251).
    Since(&'a ConsumerMember),
}

impl<T> Shard<T> {
    pub(in crate::groups) fn offset_commit(&mut self, at: &At<'_>, request: OffsetCommit, token: T) {
        let count = request.partitions.len();
        let (errors, changes) = match self.check_commit(&request) {
            Err(error) => (vec![error; count], Vec::new()),
            Ok(accepted) => self.commit(at, &request, &accepted),
        };
        let group = self.classic.get(&request.group_id);
        if group.is_some_and(|group| keeps_session(group) && group.members.contains_key(&request.member_id))
            && errors.iter().any(|error| error.is_none())
        {
            self.heard(at, &request.group_id, &request.member_id);
        }
        let name = |partition: &CommitPartition| partition.topic.len() + metadata(partition).len();
        let bytes: usize = request
            .partitions
            .iter()
            .map(|partition| name(partition) + request.group_id.len() + OFFSET_OVERHEAD)
            .sum();
        if bytes + BATCH_OVERHEAD > self.options.batch_bytes_max {
            let errors = vec![ErrorCode::InvalidCommitOffsetSize; count];
            return self.reply(at, token, Reply::OffsetCommit(errors));
        }
        self.submit(at, changes, Some((token, Reply::OffsetCommit(errors))));
    }

    fn commit(
        &self,
        at: &At<'_>,
        request: &OffsetCommit,
        accepted: &Accepted<'_>,
    ) -> (Vec<ErrorCode>, Vec<Change>) {
        let mut errors = Vec::with_capacity(request.partitions.len());
        let mut changes = Vec::with_capacity(request.partitions.len());
        let expiry = request.retention_ms.map_or(-1, |retention| at.now.0.saturating_add(retention));
        for partition in &request.partitions {
            let error = self.check_partition(at, request, partition, accepted);
            errors.push(error.err().unwrap_or(ErrorCode::None));
            if error.is_err() {
                continue;
            }
            let key = OffsetKey {
                group: request.group_id.clone(),
                topic: partition.topic.clone(),
                partition: partition.partition,
            };
            let value = OffsetValue {
                offset: partition.offset.0,
                leader_epoch: partition.leader_epoch,
                metadata: partition.metadata.clone().unwrap_or_else(|| "".into()),
                commit_timestamp: at.now.0,
                expire_timestamp: expiry,
                topic_id: partition.topic_id,
            };
            changes.push(Change::Offset(key, Some(value)));
        }
        (errors, changes)
    }

    fn check_partition(
        &self,
        at: &At<'_>,
        request: &OffsetCommit,
        partition: &CommitPartition,
        accepted: &Accepted<'_>,
    ) -> Result<(), ErrorCode> {
        // Java counts a text's length in UTF-16.
        let text = metadata(partition);
        let units = text.encode_utf16().count();
        if units > self.options.offset_metadata_max_bytes || text.len() > TEXT_BYTES_MAX {
            return Err(ErrorCode::OffsetMetadataTooLarge);
        }
        let Accepted::Since(member) = accepted else { return Ok(()) };
        let id = if partition.topic_id == chronik_types::TopicId::ZERO {
            at.view.topic(&partition.topic).map(|topic| topic.id)
        } else {
            Some(partition.topic_id)
        };
        let held = id.and_then(|id| {
            let of = |map: &std::collections::BTreeMap<_, std::collections::BTreeMap<_, i32>>| {
                map.get(&id).and_then(|partitions| partitions.get(&partition.partition).copied())
            };
            of(&member.assigned).or_else(|| of(&member.pending_revocation))
        });
        let is_held = held.is_some_and(|since| request.generation_or_epoch >= since);
        if is_held { Ok(()) } else { Err(stale(member)) }
    }

    fn check_commit(&self, request: &OffsetCommit) -> Result<Accepted<'_>, ErrorCode> {
        let name = &request.group_id;
        if let Some(group) = self.state().consumer(name) {
            return check_consumer(group, request);
        }
        if let Some(group) = self.classic.get(name) {
            let checked = check_classic(group, request);
            #[cfg(feature = "planted")]
            let checked = self.overlook(checked);
            return checked.map(|()| Accepted::Whole);
        }
        if request.generation_or_epoch < 0 {
            return Ok(Accepted::Whole);
        }
        Err(match self.state().offsets(name) {
            Some(_) => ErrorCode::UnknownMemberId,
            None if request.version >= 9 => ErrorCode::GroupIdNotFound,
            None => ErrorCode::IllegalGeneration,
        })
    }
}

#[cfg(feature = "planted")]
impl<T> Shard<T> {
    /// Takes what planted faults have it take.
    fn overlook(&self, checked: Result<(), ErrorCode>) -> Result<(), ErrorCode> {
        use crate::groups::PlantedFault;
        let overlooked = match checked {
            Err(ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration) => PlantedFault::TakeStaleCommits,
            Err(ErrorCode::FencedInstanceId) => PlantedFault::TakeFencedCommits,
            other => return other,
        };
        if self.has_planted(overlooked) { Ok(()) } else { checked }
    }
}

fn metadata(partition: &CommitPartition) -> &str {
    partition.metadata.as_deref().unwrap_or_default()
}

fn keeps_session<T>(group: &ClassicGroup<T>) -> bool {
    matches!(group.state, ClassicState::Stable | ClassicState::PreparingRebalance)
}

/// `ClassicGroup.validateOffsetCommit`.
fn check_classic<T>(group: &ClassicGroup<T>, request: &OffsetCommit) -> Result<(), ErrorCode> {
    let is_empty = group.state == ClassicState::Empty;
    if request.generation_or_epoch < 0 && is_empty {
        return Ok(());
    }
    let is_member =
        request.generation_or_epoch >= 0 || !request.member_id.is_empty() || request.instance_id.is_some();
    if is_member {
        group.check_member(&request.member_id, request.instance_id.as_ref())?;
        if request.generation_or_epoch != group.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
    } else if !is_empty {
        return Err(ErrorCode::UnknownMemberId);
    }
    if group.state == ClassicState::CompletingRebalance {
        return Err(ErrorCode::RebalanceInProgress);
    }
    Ok(())
}

/// `ConsumerGroup.validateOffsetCommit`.
fn check_consumer<'a>(group: &'a ConsumerGroup, request: &OffsetCommit) -> Result<Accepted<'a>, ErrorCode> {
    let epoch = request.generation_or_epoch;
    if epoch < 0 && group.members.is_empty() {
        return Ok(Accepted::Whole);
    }
    let member = group.members.get(&request.member_id).ok_or(ErrorCode::UnknownMemberId)?;
    if !member.is_classic() && request.version < 9 {
        return Err(ErrorCode::UnsupportedVersion);
    }
    if epoch == member.epoch {
        return Ok(Accepted::Whole);
    }
    if epoch > member.epoch { Err(stale(member)) } else { Ok(Accepted::Since(member)) }
}

/// An epoch that is not the member's, in the words of the protocol that it speaks.
pub(super) fn stale(member: &ConsumerMember) -> ErrorCode {
    if member.is_classic() { ErrorCode::IllegalGeneration } else { ErrorCode::StaleMemberEpoch }
}

/// When an offset expires that was committed at `committed` and asked for so long a life.
pub(super) fn is_expired(value: &OffsetValue, base: Millis, now: Millis, retention_ms: i64) -> bool {
    if value.expire_timestamp >= 0 {
        now.0 >= value.expire_timestamp
    } else {
        now.0.saturating_sub(base.0) >= retention_ms
    }
}
