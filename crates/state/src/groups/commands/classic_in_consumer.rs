//! Members of consumer groups that speak the classic protocol, while the group is on its way from one to the other: their
//! JoinGroup is a heartbeat that says what they own, their SyncGroup asks for what they have, and their Heartbeat says
//! REBALANCE_IN_PROGRESS when there is a step to take.

use bytes::Bytes;
use chronik_types::ErrorCode;

use super::consumer_heartbeat::{Step, replace_static};
use super::migrate::{assignment_bytes, with_ids};
use crate::groups::records::{ClassicMember, ClassicProtocol, MemberValue};
use crate::groups::replies::{JoinedGroup, LeftGroup, LeftMember, Refused, Reply, SyncedGroup};
use crate::groups::requests::{
    At, Heartbeat, JoinGroup, LeaveGroup, LeavingMember, SyncGroup, TopicPartitions,
};
use crate::groups::shard::{CONSUMER, Timer};
use crate::groups::state::{ConsumerGroup, ConsumerMember, MemberState};
use crate::groups::subscription::{self, Subscription};
use crate::groups::{MigrationPolicy, Shard};
use crate::records::Name;

impl<T> Shard<T> {
    pub(super) fn join_consumer_group(&mut self, at: &At<'_>, request: JoinGroup, token: T) {
        let name = request.group_id.clone();
        match self.join_step(at, &request) {
            Err((error, id)) => {
                self.reply(at, token, Reply::JoinGroup(JoinedGroup::refused(error, id)));
            }
            Ok(stepped) => {
                let (id, timeout_ms) = (stepped.id.clone(), request.rebalance_timeout_ms);
                let answer = JoinedGroup {
                    generation: stepped.after.epoch,
                    protocol_type: Some(CONSUMER.into()),
                    protocol_name: request.protocols.first().map(|(name, _)| name.clone()),
                    ..JoinedGroup::refused(ErrorCode::None, id.clone())
                };
                self.take_step(at, &name, stepped, Some((token, Reply::JoinGroup(answer))));
                // It has as long to ask for its assignment.
                self.timers.set(Timer::ConsumerRejoin(name.clone(), id), super::after(at, timeout_ms));
                self.downgrade_if_classic(at, &name);
            }
        }
    }

    fn join_step(
        &self,
        at: &At<'_>,
        request: &JoinGroup,
    ) -> Result<super::consumer_heartbeat::Stepped, (ErrorCode, Name)> {
        let is_unknown = request.member_id.is_empty();
        let id = if is_unknown {
            Name::from(chronik_types::uuid_to_text(request.fresh))
        } else {
            request.member_id.clone()
        };
        let refused = |refused: Refused| (refused.code, request.member_id.clone());
        if self.options.migration_policy == MigrationPolicy::Disabled {
            return Err((ErrorCode::InconsistentGroupProtocol, request.member_id.clone()));
        }
        let mut draft = self.draft_consumer(at, &request.group_id, false).map_err(refused)?;
        self.check_room(&draft, &id).map_err(refused)?;
        let metadata = supported(&draft.group(), request)
            .ok_or((ErrorCode::InconsistentGroupProtocol, request.member_id.clone()))?;
        if is_unknown && request.instance_id.is_none() && request.requires_known_member_id {
            return Err((ErrorCode::MemberIdRequired, id));
        }
        // Kafka's answer to what it cannot read, once it has given the member an id.
        let subscription = subscription::read(metadata).ok_or((ErrorCode::UnknownServerError, "".into()))?;
        let former = request.instance_id.as_ref().and_then(|instance| {
            draft.group().static_member(instance).map(|(id, member)| (id.clone(), member.clone()))
        });
        let before = match former {
            Some((former, member)) if is_unknown => {
                let epoch = draft.group().target_epoch;
                replace_static(&mut draft, &former, &id, member, epoch)
            }
            Some((former, _)) if former != id => return Err((ErrorCode::FencedInstanceId, id)),
            Some((_, member)) => member,
            None => draft.member(&id).unwrap_or_else(ConsumerMember::fresh),
        };
        let owned: Vec<TopicPartitions> = with_ids(at, &subscription.owned)
            .into_iter()
            .map(|(topic_id, partitions)| TopicPartitions { topic_id, partitions })
            .collect();
        let metadata = introduce(&before.metadata, request, subscription);
        self.step(at, draft, Step { id, before, metadata, owned: Some(&owned) }).map_err(refused)
    }

    pub(super) fn sync_consumer_group(&mut self, at: &At<'_>, request: SyncGroup, token: T) {
        let name = &request.group_id;
        let synced = match self.check_sync(&request) {
            Ok(member) => SyncedGroup {
                error: ErrorCode::None,
                protocol_type: Some(CONSUMER.into()),
                protocol_name: request.protocol_name.clone().or_else(|| protocol(&member)),
                assignment: assignment_bytes(at, &member),
            },
            Err(error) => SyncedGroup::refused(error),
        };
        if synced.error.is_none() {
            self.timers.cancel(&Timer::ConsumerRejoin(name.clone(), request.member_id.clone()));
            self.heard_classic(at, name, &request.member_id);
        } else if synced.error == ErrorCode::RebalanceInProgress {
            self.await_rejoin(at, name, &request.member_id);
        }
        self.reply(at, token, Reply::SyncGroup(synced));
    }

    fn check_sync(&self, request: &SyncGroup) -> Result<ConsumerMember, ErrorCode> {
        let (id, instance) = (&request.member_id, request.instance_id.as_ref());
        let (group, member) = self.classic_member(&request.group_id, id, instance)?;
        if request.generation != member.epoch {
            return Err(ErrorCode::IllegalGeneration);
        }
        let is_other = |asked: Option<&Name>, known: Option<Name>| asked.is_some() && asked != known.as_ref();
        if is_other(request.protocol_type.as_ref(), Some(CONSUMER.into()))
            || is_other(request.protocol_name.as_ref(), protocol(member))
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        if group.target_epoch > member.epoch && member.state != MemberState::UnrevokedPartitions {
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(member.clone())
    }

    pub(super) fn heartbeat_consumer_group(
        &mut self,
        at: &At<'_>,
        request: &Heartbeat,
    ) -> Result<(), ErrorCode> {
        let (name, id) = (&request.group_id, &request.member_id);
        let (group, member) = self.classic_member(name, id, request.instance_id.as_ref())?;
        if request.generation != member.epoch {
            return Err(ErrorCode::IllegalGeneration);
        }
        // A higher epoch of the group alone is no step: the target for it is still to be made.
        let has_step = member.epoch < group.target_epoch
            || member.state == MemberState::UnrevokedPartitions
            || (member.state == MemberState::UnreleasedPartitions && !waits_for_others(group, id));
        self.heard_classic(at, name, id);
        if !has_step {
            return Ok(());
        }
        self.await_rejoin(at, name, id);
        Err(ErrorCode::RebalanceInProgress)
    }

    pub(super) fn leave_consumer_group(&mut self, at: &At<'_>, request: LeaveGroup) -> LeftGroup {
        let name = &request.group_id;
        let mut gone = Vec::new();
        let mut members = Vec::new();
        for LeavingMember { member_id, instance_id, .. } in request.members {
            let found = self.find_leaver(name, &member_id, instance_id.as_ref());
            let error = found.as_ref().err().copied().unwrap_or(ErrorCode::None);
            gone.extend(found.ok().filter(|id| !gone.contains(id)));
            members.push(LeftMember { member_id, instance_id, error });
        }
        if !gone.is_empty() {
            self.fence_consumers(at, name, &gone);
        }
        LeftGroup { error: ErrorCode::None, members }
    }

    fn find_leaver(&self, name: &Name, id: &Name, instance: Option<&Name>) -> Result<Name, ErrorCode> {
        let group = self.state().consumer(name).ok_or(ErrorCode::UnknownMemberId)?;
        if !id.is_empty() {
            return self.classic_member(name, id, instance).map(|_| id.clone());
        }
        let found = instance.and_then(|instance| group.static_member(instance));
        let (id, _) = found.filter(|(_, member)| member.is_classic()).ok_or(ErrorCode::UnknownMemberId)?;
        Ok(id.clone())
    }

    /// A member of a consumer group that speaks the classic protocol.
    fn classic_member(
        &self,
        name: &Name,
        id: &Name,
        instance: Option<&Name>,
    ) -> Result<(&ConsumerGroup, &ConsumerMember), ErrorCode> {
        let group = self.state().consumer(name).ok_or(ErrorCode::UnknownMemberId)?;
        if let Some(instance) = instance {
            let (known, _) = group.static_member(instance).ok_or(ErrorCode::UnknownMemberId)?;
            if known != id {
                return Err(ErrorCode::FencedInstanceId);
            }
        }
        let member = group.members.get(id).filter(|member| member.is_classic());
        member.map(|member| (group, member)).ok_or(ErrorCode::UnknownMemberId)
    }

    fn heard_classic(&mut self, at: &At<'_>, name: &Name, id: &Name) {
        let member = self.state().consumer(name).and_then(|group| group.members.get(id));
        let Some(timeout_ms) = member.map(|member| self.member_session_ms(at, name, member)) else { return };
        self.timers.set(Timer::ConsumerSession(name.clone(), id.clone()), super::after(at, timeout_ms));
    }

    /// The member is told to rejoin, and has its rebalance timeout to do so, from the first time on.
    fn await_rejoin(&mut self, at: &At<'_>, name: &Name, id: &Name) {
        let timer = Timer::ConsumerRejoin(name.clone(), id.clone());
        let member = self.state().consumer(name).and_then(|group| group.members.get(id));
        let Some(timeout_ms) = member.map(|member| member.metadata.rebalance_timeout_ms) else { return };
        if !self.timers.is_set(&timer) {
            self.timers.set(timer, super::after(at, timeout_ms));
        }
    }
}

/// Whether what the member waits for is still with others.
fn waits_for_others(group: &ConsumerGroup, id: &Name) -> bool {
    let (Some(member), Some(target)) = (group.members.get(id), group.target.get(id)) else { return false };
    target.iter().any(|(topic, partitions)| {
        partitions.iter().any(|partition| {
            let is_mine = member.assigned.get(topic).is_some_and(|mine| mine.contains_key(partition));
            !is_mine && group.owner_epoch(*topic, *partition).is_some()
        })
    })
}

fn protocol(member: &ConsumerMember) -> Option<Name> {
    let classic = member.metadata.classic.as_ref()?;
    classic.supported_protocols.first().map(|protocol| protocol.name.clone())
}

/// The subscription of a consumer, if it has a protocol in common with the group's other classic members.
fn supported<'a>(group: &ConsumerGroup, request: &'a JoinGroup) -> Option<&'a Bytes> {
    if *request.protocol_type != *CONSUMER {
        return None;
    }
    let classic = group.members.iter().filter(|(id, _)| **id != request.member_id);
    let mut classic = classic.filter_map(|(_, member)| member.metadata.classic.as_ref());
    let is_common = |name: &Name, member: &ClassicMember| {
        member.supported_protocols.iter().any(|protocol| protocol.name == *name)
    };
    let is_supported =
        classic.all(|member| request.protocols.iter().any(|(name, _)| is_common(name, member)));
    request.protocols.first().filter(|_| is_supported).map(|(_, metadata)| metadata)
}

fn introduce(before: &MemberValue, request: &JoinGroup, subscription: Subscription) -> MemberValue {
    let mut topics = subscription.topics;
    topics.sort();
    topics.dedup();
    let protocol =
        |(name, metadata): &(Name, Bytes)| ClassicProtocol { name: name.clone(), metadata: metadata.clone() };
    let classic = ClassicMember {
        session_timeout_ms: request.session_timeout_ms,
        supported_protocols: request.protocols.iter().map(protocol).collect(),
    };
    MemberValue {
        instance_id: request.instance_id.clone().or_else(|| before.instance_id.clone()),
        rack_id: subscription.rack.or_else(|| before.rack_id.clone()),
        client_id: request.client.id.clone(),
        client_host: request.client.host.clone(),
        subscribed_topic_names: topics,
        subscribed_topic_regex: Some("".into()),
        rebalance_timeout_ms: request.rebalance_timeout_ms,
        server_assignor: before.server_assignor.clone(),
        classic: Some(Box::new(classic)),
    }
}
