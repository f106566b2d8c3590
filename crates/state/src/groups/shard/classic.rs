//! A classic group as it lives in its coordinator (`ClassicGroup`): the generation, who is in it, who waits.
//!
//! Only a whole generation with its assignments is written down, and an empty one; the rest is made anew from that.
//! Nothing here decides; the commands do.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chronik_types::{ErrorCode, Millis};

use crate::groups::records::{Change, GroupKey, GroupMember, GroupValue};
use crate::groups::replies::{JoinedGroup, JoinedMember, SyncedGroup};
use crate::groups::subscription;
use crate::records::Name;

/// Consumers' protocol type.
pub(in crate::groups) const CONSUMER: &str = "consumer";

/// Where a group is in its rebalance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::groups) enum ClassicState {
    Empty,
    PreparingRebalance,
    CompletingRebalance,
    Stable,
}

impl ClassicState {
    pub(in crate::groups) fn name(self) -> &'static str {
        match self {
            ClassicState::Empty => "Empty",
            ClassicState::PreparingRebalance => "PreparingRebalance",
            ClassicState::CompletingRebalance => "CompletingRebalance",
            ClassicState::Stable => "Stable",
        }
    }
}

/// A member. `T` is somebody who waits for an answer.
#[derive(Debug)]
pub(in crate::groups) struct ClassicMember<T> {
    pub(in crate::groups) instance_id: Option<Name>,
    pub(in crate::groups) client_id: Name,
    pub(in crate::groups) client_host: Name,
    pub(in crate::groups) rebalance_timeout_ms: i32,
    pub(in crate::groups) session_timeout_ms: i32,
    pub(in crate::groups) protocols: Vec<(Name, Bytes)>,
    pub(in crate::groups) assignment: Bytes,
    /// It has not been in a generation yet.
    pub(in crate::groups) is_new: bool,
    /// It waits in JoinGroup.
    pub(in crate::groups) joining: Option<T>,
    /// It waits in SyncGroup.
    pub(in crate::groups) syncing: Option<T>,
}

impl<T> ClassicMember<T> {
    /// Its metadata for a protocol.
    pub(in crate::groups) fn metadata(&self, protocol: Option<&Name>) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| Some(name) == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }
}

/// A group.
#[derive(Debug)]
pub(in crate::groups) struct ClassicGroup<T> {
    pub(in crate::groups) state: ClassicState,
    pub(in crate::groups) previous: ClassicState,
    /// When it came into its state, by the wall clock; -1: unknown.
    pub(in crate::groups) since: Millis,
    pub(in crate::groups) generation: i32,
    pub(in crate::groups) protocol_type: Option<Name>,
    pub(in crate::groups) protocol: Option<Name>,
    pub(in crate::groups) leader: Option<Name>,
    pub(in crate::groups) members: BTreeMap<Name, ClassicMember<T>>,
    pub(in crate::groups) statics: BTreeMap<Name, Name>,
    /// Who was told an id and has not joined with it.
    pub(in crate::groups) pending_joins: BTreeSet<Name>,
    /// Who is in the generation and has not asked for its assignment.
    pub(in crate::groups) pending_syncs: BTreeSet<Name>,
    /// Somebody new came since the initial delay began.
    pub(in crate::groups) new_member_added: bool,
    /// The topics that the members subscribe to; `None` if that cannot be known.
    pub(in crate::groups) topics: Option<BTreeSet<Name>>,
}

impl<T> ClassicGroup<T> {
    /// A group that nobody is in.
    pub(in crate::groups) fn new(now: Millis) -> Self {
        ClassicGroup {
            state: ClassicState::Empty,
            previous: ClassicState::Empty,
            since: now,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            statics: BTreeMap::new(),
            pending_joins: BTreeSet::new(),
            pending_syncs: BTreeSet::new(),
            new_member_added: false,
            topics: None,
        }
    }

    /// The group that was written down.
    pub(in crate::groups) fn restore(value: &GroupValue) -> Self {
        let mut group = ClassicGroup::new(Millis(value.current_state_timestamp));
        group.generation = value.generation;
        group.protocol_type = Some(value.protocol_type.clone()).filter(|name| !name.is_empty());
        group.protocol.clone_from(&value.protocol);
        group.leader.clone_from(&value.leader);
        if !value.members.is_empty() {
            group.state = ClassicState::Stable;
        }
        for written in &value.members {
            let timeout = written.rebalance_timeout_ms;
            let protocol = value.protocol.clone().unwrap_or_else(|| "".into());
            let member = ClassicMember {
                instance_id: written.instance_id.clone(),
                client_id: written.client_id.clone(),
                client_host: written.client_host.clone(),
                rebalance_timeout_ms: if timeout == -1 { written.session_timeout_ms } else { timeout },
                session_timeout_ms: written.session_timeout_ms,
                protocols: vec![(protocol, written.subscription.clone())],
                assignment: written.assignment.clone(),
                is_new: false,
                joining: None,
                syncing: None,
            };
            group.add(&written.member_id, member);
        }
        group.topics = group.subscribed_topics();
        group
    }

    /// The record of this generation.
    pub(in crate::groups) fn record(&self, group: &Name) -> Change {
        let member = |(id, member): (&Name, &ClassicMember<T>)| GroupMember {
            member_id: id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            session_timeout_ms: member.session_timeout_ms,
            subscription: member.metadata(self.protocol.as_ref()),
            assignment: member.assignment.clone(),
        };
        let value = GroupValue {
            protocol_type: self.protocol_type.clone().unwrap_or_else(|| "".into()),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            current_state_timestamp: self.since.0,
            members: self.members.iter().map(member).collect(),
        };
        Change::Group(GroupKey { group: group.clone() }, Some(value))
    }

    pub(in crate::groups) fn enter(&mut self, state: ClassicState, now: Millis) {
        self.previous = self.state;
        self.state = state;
        self.since = now;
    }

    pub(in crate::groups) fn is_leader(&self, member: &str) -> bool {
        self.leader.as_deref() == Some(member)
    }

    pub(in crate::groups) fn is_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// Adds a member; the first one gives the group its protocol type and leads it.
    pub(in crate::groups) fn add(&mut self, id: &Name, member: ClassicMember<T>) {
        if let Some(instance) = &member.instance_id {
            self.statics.insert(instance.clone(), id.clone());
        }
        if self.leader.is_none() {
            self.leader = Some(id.clone());
        }
        self.pending_joins.remove(id);
        self.members.insert(id.clone(), member);
    }

    /// Takes a member out, pending or not; whoever waits is in what is returned.
    pub(in crate::groups) fn remove(&mut self, id: &Name) -> Option<ClassicMember<T>> {
        let member = self.members.remove(id);
        if let Some(instance) = member.as_ref().and_then(|member| member.instance_id.as_ref())
            && self.statics.get(instance) == Some(id)
        {
            self.statics.remove(instance);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
        self.pending_joins.remove(id);
        self.pending_syncs.remove(id);
        member
    }

    /// Whether this is a member, and the one that has its instance id.
    pub(in crate::groups) fn check_member(
        &self,
        id: &Name,
        instance: Option<&Name>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance) = instance {
            match self.statics.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(known) if known != id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(id) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    /// Whether a member with these protocols may be in the group.
    pub(in crate::groups) fn supports(&self, protocol_type: &Name, protocols: &[(Name, Bytes)]) -> bool {
        if self.state == ClassicState::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_ref() == Some(protocol_type)
            && protocols.iter().any(|(name, _)| self.is_supported_by_all(name))
    }

    fn is_supported_by_all(&self, protocol: &Name) -> bool {
        self.members.values().all(|member| member.protocols.iter().any(|(name, _)| name == protocol))
    }

    /// The protocol that most members prefer of those that all can do.
    pub(in crate::groups) fn select_protocol(&self) -> Option<Name> {
        let first = self.members.values().next()?;
        let candidates: Vec<&Name> = first
            .protocols
            .iter()
            .map(|(name, _)| name)
            .filter(|name| self.is_supported_by_all(name))
            .collect();
        let mut votes: Vec<(usize, &Name)> = candidates.iter().map(|name| (0, *name)).collect();
        for member in self.members.values() {
            let vote =
                member.protocols.iter().find_map(|(name, _)| candidates.iter().position(|of| *of == name));
            if let Some(at) = vote {
                votes[at].0 += 1;
            }
        }
        let most = votes.iter().map(|(count, _)| *count).max()?;
        votes.iter().find(|(count, _)| *count == most).map(|(_, name)| (*name).clone())
    }

    /// What the members subscribe to, if they are consumers whose metadata can be read.
    pub(in crate::groups) fn subscribed_topics(&self) -> Option<BTreeSet<Name>> {
        if !self.is_consumers() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol.as_ref()?;
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            topics.extend(subscription::topics(&member.metadata(Some(protocol)))?);
        }
        Some(topics)
    }

    /// Whether offsets of the topic are in use; consumers whose metadata cannot be read may use any.
    pub(in crate::groups) fn is_subscribed_to(&self, topic: &str) -> bool {
        self.topics.as_ref().map_or(self.is_consumers(), |topics| topics.contains(topic))
    }

    /// The longest rebalance timeout of a member.
    pub(in crate::groups) fn rebalance_timeout_ms(&self) -> i32 {
        self.members.values().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0)
    }

    pub(in crate::groups) fn joining(&self) -> usize {
        self.members.values().filter(|member| member.joining.is_some()).count()
    }

    pub(in crate::groups) fn all_joined(&self) -> bool {
        self.pending_joins.is_empty() && self.members.values().all(|member| member.joining.is_some())
    }

    /// Sees to it that the leader is one who joined; `false` if nobody did.
    pub(in crate::groups) fn elect_joined_leader(&mut self) -> bool {
        let Some(leader) = &self.leader else { return false };
        if self.members.get(leader).is_some_and(|member| member.joining.is_some()) {
            return true;
        }
        let joined = self.members.iter().find(|(_, member)| member.joining.is_some());
        let Some((id, _)) = joined else { return false };
        self.leader = Some(id.clone());
        true
    }

    /// The next generation: with members, or empty.
    pub(in crate::groups) fn begin_generation(&mut self, now: Millis) {
        // The number goes on like Java's, which never gets there.
        self.generation = self.generation.wrapping_add(1).max(0);
        self.protocol = self.select_protocol();
        self.topics = self.subscribed_topics();
        let state =
            if self.members.is_empty() { ClassicState::Empty } else { ClassicState::CompletingRebalance };
        self.enter(state, now);
        self.pending_syncs.clear();
    }

    /// What a member is told of the generation; the leader may see everyone's metadata.
    pub(in crate::groups) fn joined(&self, member: &Name, with_members: bool) -> JoinedGroup {
        let seen = |(id, member): (&Name, &ClassicMember<T>)| JoinedMember {
            member_id: id.clone(),
            instance_id: member.instance_id.clone(),
            metadata: member.metadata(self.protocol.as_ref()),
        };
        JoinedGroup {
            error: ErrorCode::None,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_else(|| "".into()),
            skip_assignment: false,
            member_id: member.clone(),
            members: if with_members { self.members.iter().map(seen).collect() } else { Vec::new() },
        }
    }

    /// What a member is told to do in the generation.
    pub(in crate::groups) fn synced(&self, assignment: Bytes) -> SyncedGroup {
        SyncedGroup {
            error: ErrorCode::None,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment,
        }
    }

    /// Everyone who waits.
    pub(in crate::groups) fn into_waiting(self) -> impl Iterator<Item = T> {
        self.members.into_values().flat_map(|member| member.joining.into_iter().chain(member.syncing))
    }
}

impl JoinedGroup {
    /// A refusal.
    pub(in crate::groups) fn refused(error: ErrorCode, member_id: Name) -> JoinedGroup {
        JoinedGroup {
            error,
            generation: -1,
            protocol_type: None,
            protocol_name: None,
            leader: "".into(),
            skip_assignment: false,
            member_id,
            members: Vec::new(),
        }
    }
}

impl SyncedGroup {
    /// A refusal.
    pub(in crate::groups) fn refused(error: ErrorCode) -> SyncedGroup {
        SyncedGroup { error, protocol_type: None, protocol_name: None, assignment: Bytes::new() }
    }
}
