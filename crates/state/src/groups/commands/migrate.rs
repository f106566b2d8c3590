//! The migration of groups between the protocols while they are in use (KIP-848, `group.consumer.migration.policy`).
//!
//! A classic group of consumers becomes a consumer group when a member comes that speaks the new protocol: everyone keeps
//! what the last generation gave them, and goes on as a classic member of the consumer group. When the last member that
//! speaks the new protocol goes, the group becomes a classic one again, and rebalances.

use std::collections::BTreeMap;

use bytes::Bytes;
use chronik_types::{ErrorCode, PartitionIndex, TopicId};

use crate::groups::Shard;
use crate::groups::consumer::{Draft, metadata_hash};
use crate::groups::records::{
    Change, ClassicMember as ClassicMetadata, ClassicProtocol, EpochValue, MemberValue, TargetEpochValue,
};
use crate::groups::replies::{JoinedGroup, Refused, Reply, SyncedGroup};
use crate::groups::requests::At;
use crate::groups::shard::{CONSUMER, ClassicGroup, ClassicMember, ClassicState, Timer};
use crate::groups::state::{ConsumerMember, MemberState, target_value};
use crate::groups::subscription;
use crate::records::Name;

impl<T> Shard<T> {
    /// Makes a consumer group of a classic one, in the draft (`ConsumerGroup.fromClassicGroup`).
    pub(super) fn upgrade(
        &self,
        at: &At<'_>,
        draft: &mut Draft<'_>,
        group: &ClassicGroup<T>,
    ) -> Result<(), Refused> {
        let can_be = self.options.migration_policy.upgrades()
            && group.is_consumers()
            && group.members.len() <= self.options.consumer_max_size;
        let upgraded: Option<Vec<(Name, ConsumerMember)>> = group
            .members
            .iter()
            .map(|(id, member)| Some((id.clone(), upgraded(at, group, member)?)))
            .collect();
        let Some(members) = upgraded.filter(|_| can_be) else {
            let message = format!("Group {} is not a consumer group.", draft.name);
            return Err(Refused::because(ErrorCode::GroupIdNotFound, message));
        };
        draft.push(Change::Group(draft.key(), None));
        for (id, member) in &members {
            draft.push(Change::Member(draft.member_key(id), Some(member.metadata.clone())));
        }
        let hash = metadata_hash(&draft.group(), at.view);
        let value = EpochValue { epoch: group.generation, metadata_hash: hash };
        draft.push(Change::Epoch(draft.key(), Some(value)));
        for (id, member) in &members {
            let target: BTreeMap<_, Vec<_>> = member
                .assigned
                .iter()
                .map(|(topic, partitions)| (*topic, partitions.keys().copied().collect()))
                .collect();
            draft.push(Change::Target(draft.member_key(id), Some(target_value(&target))));
        }
        let value = TargetEpochValue { assignment_epoch: group.generation, assignment_timestamp: 0 };
        draft.push(Change::TargetEpoch(draft.key(), Some(value)));
        for (id, member) in members {
            draft.set_current(&id, member.current());
        }
        Ok(())
    }

    /// The classic group has become a consumer group: nobody waits in it any more, and its members' sessions go on.
    pub(super) fn dissolve_classic(&mut self, at: &At<'_>, name: &Name) {
        let Some(mut group) = self.classic.remove(name) else { return };
        self.initial.remove(name);
        self.timers.cancel(&Timer::Join(name.clone()));
        self.timers.cancel(&Timer::Sync(name.clone()));
        for id in &group.pending_joins {
            self.timers.cancel(&Timer::Session(name.clone(), id.clone()));
        }
        let mut answers = Vec::new();
        for (id, member) in &mut group.members {
            self.timers.cancel(&Timer::Session(name.clone(), id.clone()));
            let deadline = super::after(at, member.session_timeout_ms);
            self.timers.set(Timer::ConsumerSession(name.clone(), id.clone()), deadline);
            let error = ErrorCode::RebalanceInProgress;
            let refused = Reply::JoinGroup(JoinedGroup::refused(error, id.clone()));
            answers.extend(member.joining.take().map(|token| (token, refused)));
            let refused = Reply::SyncGroup(SyncedGroup::refused(error));
            answers.extend(member.syncing.take().map(|token| (token, refused)));
        }
        self.answer(at, answers);
    }

    /// Makes a classic group of a consumer group in which only classic members are left (`ClassicGroup.fromConsumerGroup`).
    pub(super) fn downgrade_if_classic(&mut self, at: &At<'_>, name: &Name) {
        let Some(group) = self.state().consumer(name) else { return };
        let is_due = self.options.migration_policy.downgrades()
            && !group.members.is_empty()
            && group.members.values().all(ConsumerMember::is_classic)
            && group.members.len() <= self.options.max_size;
        if !is_due {
            return;
        }
        let mut classic = ClassicGroup::new(at.now);
        classic.generation = group.epoch;
        classic.protocol_type = Some(CONSUMER.into());
        classic.state = ClassicState::Stable;
        for (id, member) in &group.members {
            if let Some(member) = downgraded(at, member) {
                classic.add(id, member);
            }
        }
        classic.protocol = classic.select_protocol();
        classic.topics = classic.subscribed_topics();
        let ids: Vec<Name> = group.members.keys().cloned().collect();
        let mut changes = self.consumer_tombstones(name);
        changes.push(classic.record(name));
        self.write(at, changes);
        for id in &ids {
            self.cancel_consumer(name, id);
        }
        self.classic.insert(name.clone(), classic);
        for id in &ids {
            self.heard(at, name, id);
        }
        self.prepare_rebalance(at, name);
    }
}

/// A classic member as a member of the consumer group; `None` if what it says of itself cannot be read.
fn upgraded<T>(at: &At<'_>, group: &ClassicGroup<T>, member: &ClassicMember<T>) -> Option<ConsumerMember> {
    let subscription = subscription::read(
        &member.metadata(group.protocol.as_ref().or_else(|| member.protocols.first().map(|(name, _)| name))),
    )?;
    let given = if member.assignment.is_empty() {
        Vec::new()
    } else {
        subscription::read_assignment(&member.assignment)?
    };
    let mut topics = subscription.topics;
    topics.sort();
    topics.dedup();
    let protocol =
        |(name, metadata): &(Name, Bytes)| ClassicProtocol { name: name.clone(), metadata: metadata.clone() };
    let classic = ClassicMetadata {
        session_timeout_ms: member.session_timeout_ms,
        supported_protocols: member.protocols.iter().map(protocol).collect(),
    };
    let metadata = MemberValue {
        instance_id: member.instance_id.clone(),
        rack_id: subscription.rack,
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        subscribed_topic_names: topics,
        subscribed_topic_regex: Some("".into()),
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        server_assignor: None,
        classic: Some(Box::new(classic)),
    };
    let assigned = with_ids(at, &given)
        .into_iter()
        .map(|(topic, partitions)| {
            (topic, partitions.into_iter().map(|partition| (partition, group.generation)).collect())
        })
        .collect();
    Some(ConsumerMember {
        metadata,
        epoch: group.generation,
        previous_epoch: group.generation,
        state: MemberState::Stable,
        assigned,
        pending_revocation: BTreeMap::new(),
    })
}

/// A classic member of a consumer group as a member of a classic group.
fn downgraded<T>(at: &At<'_>, member: &ConsumerMember) -> Option<ClassicMember<T>> {
    let classic = member.metadata.classic.as_ref()?;
    Some(ClassicMember {
        instance_id: member.metadata.instance_id.clone(),
        client_id: member.metadata.client_id.clone(),
        client_host: member.metadata.client_host.clone(),
        rebalance_timeout_ms: member.metadata.rebalance_timeout_ms,
        session_timeout_ms: classic.session_timeout_ms,
        protocols: classic
            .supported_protocols
            .iter()
            .map(|protocol| (protocol.name.clone(), protocol.metadata.clone()))
            .collect(),
        assignment: assignment_bytes(at, member),
        is_new: false,
        joining: None,
        syncing: None,
    })
}

/// What a classic member of a consumer group has, as its protocol says it.
pub(super) fn assignment_bytes(at: &At<'_>, member: &ConsumerMember) -> Bytes {
    let protocols = member.metadata.classic.as_ref().map(|classic| &classic.supported_protocols);
    let first = protocols.and_then(|protocols| protocols.first());
    let version =
        first.and_then(|protocol| subscription::read(&protocol.metadata)).map_or(0, |of| of.version);
    let topics: Vec<(Name, Vec<PartitionIndex>)> = member
        .assigned
        .iter()
        .filter_map(|(id, partitions)| {
            Some((at.view.topic_by_id(*id)?.name, partitions.keys().copied().collect()))
        })
        .collect();
    subscription::write_assignment(version, &topics)
}

/// Topics by their ids; those that do not exist are left out.
pub(super) fn with_ids(
    at: &At<'_>,
    topics: &[(Name, Vec<PartitionIndex>)],
) -> BTreeMap<TopicId, Vec<PartitionIndex>> {
    topics
        .iter()
        .filter_map(|(name, partitions)| Some((at.view.topic(name)?.id, partitions.clone())))
        .collect()
}
