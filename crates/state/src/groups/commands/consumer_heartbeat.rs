//! ConsumerGroupHeartbeat (68), versions 0 and 1 (`GroupMetadataManager.consumerGroupHeartbeat`): a member joins, says what
//! it subscribes to and what it owns, and is told its epoch and what to own. From version 1 it makes its own id, and may
//! subscribe by pattern.
//!
//! One heartbeat may raise the group's epoch, make a new target, and take the member a step towards it; all that is one
//! batch. Who comes with an epoch that is not its own is fenced, but for the one before, which it says if it did not hear
//! the answer.

use std::collections::BTreeSet;

use chronik_types::{ErrorCode, TopicId};

use super::rebalance::after;
use crate::groups::Shard;
use crate::groups::consumer::{
    Draft, Owned, Towards, check_pattern, metadata_hash, reconcile, refresh_patterns, topic_names,
    update_target,
};
use crate::groups::records::{Change, EpochValue, MemberValue};
use crate::groups::replies::{ConsumerHeartbeatReply, Refused, Reply};
use crate::groups::requests::{At, ConsumerHeartbeat, TopicPartitions};
use crate::groups::shard::{ClassicState, Timer};
use crate::groups::state::{ConsumerMember, MemberState, target_value};
use crate::records::Name;

/// The epoch of a member that joins.
pub(super) const JOINS: i32 = 0;
/// The epoch of a static member that will be back.
pub(super) const LEAVES_STATIC: i32 = -2;

/// What a heartbeat, or a JoinGroup of a classic member, amounts to.
pub(super) struct Stepped {
    pub(super) changes: Vec<Change>,
    pub(super) id: Name,
    pub(super) before: ConsumerMember,
    pub(super) after: ConsumerMember,
}

impl<T> Shard<T> {
    pub(in crate::groups) fn consumer_heartbeat(
        &mut self,
        at: &At<'_>,
        request: ConsumerHeartbeat,
        token: T,
    ) {
        if let Err(refused) = self.check_heartbeat(&request) {
            return self.reply(at, token, Reply::ConsumerHeartbeat(Err(refused)));
        }
        if request.member_epoch < JOINS {
            return self.leave_consumer(at, &request, token);
        }
        match self.step_consumer(at, &request) {
            Err(refused) => self.reply(at, token, Reply::ConsumerHeartbeat(Err(refused))),
            Ok(stepped) => {
                let is_full = request.member_epoch == JOINS
                    || request.rebalance_timeout_ms != -1
                        && (request.subscribed_topic_names.is_some()
                            || request.subscribed_topic_regex.is_some())
                        && request.topic_partitions.is_some();
                let tells = is_full || stepped.before.assigned != stepped.after.assigned;
                let reply = ConsumerHeartbeatReply {
                    member_id: Some(stepped.id.clone()),
                    member_epoch: stepped.after.epoch,
                    heartbeat_interval_ms: self.heartbeat_interval_ms(at, &request.group_id),
                    assignment: tells.then(|| assignment(&stepped.after)),
                };
                self.take_step(
                    at,
                    &request.group_id,
                    stepped,
                    Some((token, Reply::ConsumerHeartbeat(Ok(reply)))),
                );
            }
        }
    }

    /// Writes what a member's step amounts to, and sets its timers.
    pub(super) fn take_step(
        &mut self,
        at: &At<'_>,
        name: &Name,
        stepped: Stepped,
        asker: Option<(T, Reply)>,
    ) {
        self.dissolve_classic(at, name);
        self.submit(at, stepped.changes, asker);
        self.hashed.insert(name.clone(), at.view.version());
        let (before, updated) = (stepped.before, stepped.after);
        let timeout_ms = self.member_session_ms(at, name, &updated);
        self.timers.set(Timer::ConsumerSession(name.clone(), stepped.id.clone()), after(at, timeout_ms));
        let timer = Timer::ConsumerRebalance(name.clone(), stepped.id);
        if updated.is_classic() || updated.state != MemberState::UnrevokedPartitions {
            self.timers.cancel(&timer);
        } else if before != updated && updated.metadata.rebalance_timeout_ms >= 0 {
            self.timers.set(timer, after(at, updated.metadata.rebalance_timeout_ms));
        }
    }

    /// The shape of a request: `throwIfConsumerGroupHeartbeatRequestIsInvalid`.
    fn check_heartbeat(&self, request: &ConsumerHeartbeat) -> Result<(), Refused> {
        let invalid = |message: &str| Err(Refused::because(ErrorCode::InvalidRequest, message));
        let is_blank = |text: &Option<Name>| text.as_ref().is_some_and(|text| text.trim().is_empty());
        let joins = request.member_epoch == JOINS;
        if request.member_id.trim().is_empty() && (request.version >= 1 || !joins) {
            return invalid("MemberId can't be empty.");
        }
        if request.group_id.trim().is_empty() {
            return invalid("GroupId can't be empty.");
        }
        if is_blank(&request.instance_id) {
            return invalid("InstanceId can't be empty.");
        }
        if is_blank(&request.rack_id) {
            return invalid("RackId can't be empty.");
        }
        if joins {
            if request.rebalance_timeout_ms == -1 {
                return invalid("RebalanceTimeoutMs must be provided in first request.");
            }
            if !request.topic_partitions.as_ref().is_some_and(Vec::is_empty) {
                return invalid("TopicPartitions must be empty when (re-)joining.");
            }
            if request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none() {
                return invalid(
                    "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
                );
            }
        } else if request.member_epoch == LEAVES_STATIC && request.instance_id.is_none() {
            return invalid("InstanceId can't be null.");
        } else if request.member_epoch < LEAVES_STATIC {
            return invalid("MemberEpoch is invalid.");
        }
        let known = &self.options.consumer_assignors;
        match &request.server_assignor {
            Some(name) if !known.iter().any(|of| **of == **name) => {
                let known = known.join(", ");
                let message =
                    format!("ServerAssignor {name} is not supported. Supported assignors: {known}.");
                Err(Refused::because(ErrorCode::UnsupportedAssignor, message))
            }
            _ => Ok(()),
        }
    }

    fn step_consumer(&self, at: &At<'_>, request: &ConsumerHeartbeat) -> Result<Stepped, Refused> {
        let name = &request.group_id;
        let mut draft = self.draft_consumer(at, name, request.member_epoch == JOINS)?;
        let id = if request.member_id.is_empty() {
            Name::from(chronik_types::uuid_to_text(request.fresh))
        } else {
            request.member_id.clone()
        };
        self.check_room(&draft, &id)?;
        let before = find_member(&mut draft, &id, request)?;
        let metadata = introduce(&before.metadata, request);
        self.step(at, draft, Step { id, before, metadata, owned: request.topic_partitions.as_deref() })
    }

    /// The group as it is, or as it becomes if it is a classic one.
    pub(super) fn draft_consumer(
        &self,
        at: &At<'_>,
        name: &Name,
        creates: bool,
    ) -> Result<Draft<'_>, Refused> {
        let mut draft = Draft::new(self.state(), name);
        if self.state().consumer(name).is_some() {
            return Ok(draft);
        }
        let classic = self.classic.get(name);
        if !creates {
            let why = if classic.is_some() { "is not a consumer group" } else { "not found" };
            return Err(Refused::because(ErrorCode::GroupIdNotFound, format!("Group {name} {why}.")));
        }
        match classic {
            Some(group) if group.state == ClassicState::Empty => {
                draft.push(Change::Group(draft.key(), None));
            }
            Some(group) => self.upgrade(at, &mut draft, group)?,
            None => {}
        }
        Ok(draft)
    }

    pub(super) fn check_room(&self, draft: &Draft<'_>, id: &Name) -> Result<(), Refused> {
        let max = self.options.consumer_max_size;
        let group = draft.group();
        if group.members.len() >= max && !group.members.contains_key(id) {
            let message = format!("The consumer group has reached its maximum capacity of {max} members.");
            return Err(Refused::because(ErrorCode::GroupMaxSizeReached, message));
        }
        Ok(())
    }

    /// Takes a member that introduces itself as `metadata` a step on.
    pub(super) fn step(&self, at: &At<'_>, mut draft: Draft<'_>, step: Step<'_>) -> Result<Stepped, Refused> {
        let Step { id, before, metadata, owned } = step;
        let pattern =
            |of: &MemberValue| of.subscribed_topic_regex.clone().filter(|pattern| !pattern.is_empty());
        let changed = metadata.subscribed_topic_names != before.metadata.subscribed_topic_names
            || pattern(&metadata) != pattern(&before.metadata);
        if let Some(pattern) = pattern(&metadata)
            && !draft.group().patterns.contains_key(&pattern)
        {
            check_pattern(&pattern)?;
        }
        if metadata != before.metadata || draft.member(&id).is_none() {
            draft.push(Change::Member(draft.member_key(&id), Some(metadata)));
        }
        let matches_more = refresh_patterns(&mut draft, at, self.options.regex_refresh_interval_ms);
        self.raise_epoch(at, &mut draft, changed || matches_more);
        let interval_ms = self.assignment_interval_ms(at, &draft.name);
        update_target(&mut draft, &self.options, at, interval_ms);
        let group = draft.group();
        let mut member = group.members.get(&id).cloned().unwrap_or_default();
        let subscribed: Option<BTreeSet<TopicId>> = changed.then(|| {
            let names = topic_names(&group, &member);
            names.iter().filter_map(|name| at.view.topic(name)).map(|topic| topic.id).collect()
        });
        let none = std::collections::BTreeMap::new();
        let towards = Towards {
            group: &group,
            epoch: group.target_epoch,
            target: group.target.get(&id).unwrap_or(&none),
            subscribed: subscribed.as_ref(),
            owned,
            #[cfg(feature = "planted")]
            gives_early: self.has_planted(crate::groups::PlantedFault::GiveBeforeRevoked),
        };
        if member.state == MemberState::Unknown && !owned.is_some_and(<[_]>::is_empty) {
            return Err(Refused::because(ErrorCode::FencedMemberEpoch, UNKNOWN_STATE));
        }
        let updated = reconcile(&member, &towards);
        drop(group);
        if updated != member {
            draft.set_current(&id, updated.current());
            member = updated;
        }
        if !self.fits(&draft.changes) {
            return Err(Refused::because(ErrorCode::UnknownServerError, TOO_LARGE));
        }
        Ok(Stepped { changes: draft.changes, id, before, after: member })
    }

    /// Raises the group's epoch if its subscriptions changed, or if what they depend on of the cluster did.
    pub(super) fn raise_epoch(&self, at: &At<'_>, draft: &mut Draft<'_>, is_due: bool) {
        // A new group's epoch is 1, even if nobody subscribes to anything: who was told 0 would seem to join for ever. The
        // first subscription raises that, as every one does.
        let is_new = draft.group().epoch == 0;
        let raise = if is_new { 1 + i32::from(is_due) } else { 1 };
        let is_due = is_due || is_new;
        if !is_due && self.hashed.get(&draft.name) == Some(&at.view.version()) {
            return;
        }
        let group = draft.group();
        let hash = metadata_hash(&group, at.view);
        if !is_due && hash == group.metadata_hash {
            return;
        }
        let value = EpochValue { epoch: group.epoch + raise, metadata_hash: hash };
        let is_old = group.has_partition_metadata;
        drop(group);
        if is_old {
            draft.push(Change::PartitionMetadata(draft.key(), None));
        }
        draft.push(Change::Epoch(draft.key(), Some(value)));
    }
}

const TOO_LARGE: &str = "The change of the group is larger than a batch of __consumer_offsets may be.";
const UNKNOWN_STATE: &str = "The consumer group member is in an unknown state. The member must abandon all its partitions and rejoin.";

/// A member's next step: who it was, how it introduces itself, and what it says it owns.
pub(super) struct Step<'a> {
    pub(super) id: Name,
    pub(super) before: ConsumerMember,
    pub(super) metadata: MemberValue,
    pub(super) owned: Owned<'a>,
}

/// The member as the group knows it; one that joins is made, or takes the place of its former self.
fn find_member(
    draft: &mut Draft<'_>,
    id: &Name,
    request: &ConsumerHeartbeat,
) -> Result<ConsumerMember, Refused> {
    let joins = request.member_epoch == JOINS;
    let Some(instance) = &request.instance_id else {
        let Some(member) = draft.member(id) else {
            return if joins { Ok(ConsumerMember::fresh()) } else { Err(unknown_member(draft, id)) };
        };
        check_epoch(&member, request.member_epoch, request.topic_partitions.as_deref())?;
        return Ok(member);
    };
    let former = draft.group().static_member(instance).map(|(id, member)| (id.clone(), member.clone()));
    match former {
        None if joins => Ok(draft.member(id).unwrap_or_else(ConsumerMember::fresh)),
        None => {
            Err(Refused::because(ErrorCode::UnknownMemberId, format!("Instance id {instance} is unknown.")))
        }
        Some((former, member)) if joins => {
            if member.epoch != LEAVES_STATIC {
                let message = format!(
                    "Static member {id} with instance id {instance} cannot join the group because the instance id is owned by {former} member."
                );
                return Err(Refused::because(ErrorCode::UnreleasedInstanceId, message));
            }
            Ok(replace_static(draft, &former, id, member, JOINS))
        }
        Some((former, member)) => {
            check_instance(&former, id, instance)?;
            check_epoch(&member, request.member_epoch, request.topic_partitions.as_deref())?;
            Ok(member)
        }
    }
}

pub(super) fn unknown_member(draft: &Draft<'_>, id: &Name) -> Refused {
    let message = format!("Member {id} is not a member of group {}.", draft.name);
    Refused::because(ErrorCode::UnknownMemberId, message)
}

pub(super) fn check_instance(former: &Name, id: &Name, instance: &Name) -> Result<(), Refused> {
    if former == id {
        return Ok(());
    }
    let message = format!("Static member {id} with instance id {instance} was fenced by member {former}.");
    Err(Refused::because(ErrorCode::FencedInstanceId, message))
}

/// A static member goes on under another id, with what its former self had.
pub(super) fn replace_static(
    draft: &mut Draft<'_>,
    former: &Name,
    id: &Name,
    mut member: ConsumerMember,
    epoch: i32,
) -> ConsumerMember {
    let target = draft.group().target.get(former).cloned().unwrap_or_default();
    draft.remove(former);
    member.epoch = epoch;
    draft.push(Change::Member(draft.member_key(id), Some(member.metadata.clone())));
    draft.push(Change::Target(draft.member_key(id), Some(target_value(&target))));
    draft.set_current(id, member.current());
    member
}

/// `throwIfConsumerGroupMemberEpochIsInvalid`.
fn check_epoch(member: &ConsumerMember, epoch: i32, owned: Owned<'_>) -> Result<(), Refused> {
    let is_behind = epoch == member.previous_epoch && owns_no_more(owned, member);
    if epoch == JOINS || epoch == member.epoch || (epoch < member.epoch && is_behind) {
        return Ok(());
    }
    let than = if epoch > member.epoch { "greater" } else { "smaller" };
    let message = format!(
        "The consumer group member has a {than} member epoch ({epoch}) than the one known by the group coordinator ({}). The member must abandon all its partitions and rejoin.",
        member.epoch
    );
    Err(Refused::because(ErrorCode::FencedMemberEpoch, message))
}

fn owns_no_more(owned: Owned<'_>, member: &ConsumerMember) -> bool {
    owned.is_some_and(|owned| {
        owned.iter().all(|topic| {
            let of = member.assigned.get(&topic.topic_id);
            of.is_some_and(|of| topic.partitions.iter().all(|partition| of.contains_key(partition)))
        })
    })
}

/// How the member introduces itself, with what it leaves as it was.
fn introduce(before: &MemberValue, request: &ConsumerHeartbeat) -> MemberValue {
    let names = request.subscribed_topic_names.clone().map(|mut names| {
        names.sort();
        names.dedup();
        names
    });
    let timeout_ms = request.rebalance_timeout_ms;
    MemberValue {
        instance_id: request.instance_id.clone().or_else(|| before.instance_id.clone()),
        rack_id: request.rack_id.clone().or_else(|| before.rack_id.clone()),
        client_id: request.client.id.clone(),
        client_host: request.client.host.clone(),
        subscribed_topic_names: names.unwrap_or_else(|| before.subscribed_topic_names.clone()),
        subscribed_topic_regex: request
            .subscribed_topic_regex
            .clone()
            .or_else(|| before.subscribed_topic_regex.clone())
            .or_else(|| Some("".into())),
        rebalance_timeout_ms: if timeout_ms == -1 { before.rebalance_timeout_ms } else { timeout_ms },
        server_assignor: request.server_assignor.clone().or_else(|| before.server_assignor.clone()),
        classic: None,
    }
}

fn assignment(member: &ConsumerMember) -> Vec<TopicPartitions> {
    let topics = member.assigned.iter().filter(|(_, partitions)| !partitions.is_empty());
    let topic = |(id, partitions): (&TopicId, &std::collections::BTreeMap<_, i32>)| TopicPartitions {
        topic_id: *id,
        partitions: partitions.keys().copied().collect(),
    };
    topics.map(topic).collect()
}
