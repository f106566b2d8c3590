//! JoinGroup of a classic group (`GroupMetadataManager.classicGroupJoinToClassicGroup`).
//!
//! A dynamic member is told its id first and joins with it (KIP-394). A static member that comes back takes the place of
//! its former self, which is fenced, without a rebalance if the protocol stays the same (KIP-345). The answer waits for the
//! end of the join phase.

use chronik_types::ErrorCode;

use super::rebalance::{after, dismissals};
use crate::groups::Shard;
use crate::groups::replies::{JoinedGroup, Reply};
use crate::groups::requests::{At, JoinGroup};
use crate::groups::shard::{ClassicGroup, ClassicMember, ClassicState, Timer};
use crate::records::Name;

/// How long a member that never was in a generation may wait in JoinGroup: its client may be gone unnoticed.
const NEW_MEMBER_JOIN_TIMEOUT_MS: i32 = 5 * 60 * 1000;

impl<T> Shard<T> {
    pub(in crate::groups) fn join_group(&mut self, at: &At<'_>, request: JoinGroup, token: T) {
        if request.group_id.is_empty() {
            return self.refuse_join(at, token, ErrorCode::InvalidGroupId, request.member_id);
        }
        let bounds = self.options.min_session_timeout_ms..=self.options.max_session_timeout_ms;
        if !bounds.contains(&request.session_timeout_ms) {
            return self.refuse_join(at, token, ErrorCode::InvalidSessionTimeout, request.member_id);
        }
        let name = request.group_id.clone();
        if let Some(group) = self.state().consumer(&name) {
            if !group.members.is_empty() {
                return self.join_consumer_group(at, request, token);
            }
            self.delete_consumer_group(at, &name);
        }
        let is_unknown = request.member_id.is_empty();
        if !self.classic.contains_key(&name) {
            let exists = self.state().offsets(&name).is_some();
            if !is_unknown && !exists {
                return self.refuse_join(at, token, ErrorCode::UnknownMemberId, "".into());
            }
            let group = ClassicGroup::new(at.now);
            let record = group.record(&name);
            self.classic.insert(name.clone(), group);
            if !exists {
                self.write(at, vec![record]);
            }
        }
        if !self.accepts(&name, &request.member_id) {
            if let Some(group) = self.classic.get_mut(&name) {
                group.remove(&request.member_id);
            }
            return self.refuse_join(at, token, ErrorCode::GroupMaxSizeReached, "".into());
        }
        if is_unknown {
            self.join_new(at, request, token);
        } else {
            self.join_known(at, request, token);
        }
    }

    fn refuse_join(&mut self, at: &At<'_>, token: T, error: ErrorCode, member_id: Name) {
        self.reply(at, token, Reply::JoinGroup(JoinedGroup::refused(error, member_id)));
    }

    /// Whether the group has room. While it rebalances only those count that have joined.
    fn accepts(&self, name: &Name, id: &Name) -> bool {
        let Some(group) = self.classic.get(name) else { return false };
        let max = self.options.max_size;
        match group.state {
            ClassicState::Empty => true,
            ClassicState::PreparingRebalance => {
                group.members.get(id).is_some_and(|member| member.joining.is_some()) || group.joining() < max
            }
            _ => group.members.contains_key(id) || group.members.len() < max,
        }
    }

    fn join_new(&mut self, at: &At<'_>, request: JoinGroup, token: T) {
        let Some(group) = self.classic.get_mut(&request.group_id) else { return };
        if !group.supports(&request.protocol_type, &request.protocols) {
            return self.refuse_join(at, token, ErrorCode::InconsistentGroupProtocol, "".into());
        }
        let stem = request.instance_id.as_ref().unwrap_or(&request.client.id);
        let id = Name::from(format!("{stem}-{}", request.fresh));
        if let Some(instance) = &request.instance_id {
            if let Some(former) = group.statics.get(instance).cloned() {
                return self.replace_static(at, request, &former, id, token);
            }
        } else if request.requires_known_member_id {
            group.pending_joins.insert(id.clone());
            let deadline = after(at, request.session_timeout_ms);
            self.timers.set(Timer::Session(request.group_id.clone(), id.clone()), deadline);
            return self.refuse_join(at, token, ErrorCode::MemberIdRequired, id);
        }
        self.add_member(at, request, id, token);
    }

    fn join_known(&mut self, at: &At<'_>, request: JoinGroup, token: T) {
        let name = request.group_id.clone();
        let id = request.member_id.clone();
        let Some(group) = self.classic.get_mut(&name) else { return };
        if !group.supports(&request.protocol_type, &request.protocols) {
            return self.refuse_join(at, token, ErrorCode::InconsistentGroupProtocol, id);
        }
        if group.pending_joins.contains(&id) {
            return self.add_member(at, request, id, token);
        }
        if let Err(error) = group.check_member(&id, request.instance_id.as_ref()) {
            return self.refuse_join(at, token, error, id);
        }
        let is_leader = group.is_leader(&id);
        let is_same =
            group.members.get(&id).is_some_and(|member| same(&member.protocols, &request.protocols));
        let answer = match group.state {
            // It did not get the answer to its first request, or it has nothing new to say.
            ClassicState::CompletingRebalance if is_same => Some(group.joined(&id, is_leader)),
            ClassicState::Stable if is_same && !is_leader => Some(group.joined(&id, false)),
            ClassicState::Empty => Some(JoinedGroup::refused(ErrorCode::UnknownMemberId, id.clone())),
            _ => None,
        };
        match answer {
            Some(answer) => self.reply(at, token, Reply::JoinGroup(answer)),
            None => {
                self.update_member(at, &request, &id, token);
                self.rebalance_or_complete(at, &name);
            }
        }
    }

    /// Takes what a member says of itself, and lets it wait.
    fn update_member(&mut self, at: &At<'_>, request: &JoinGroup, id: &Name, token: T) {
        let Some(group) = self.classic.get_mut(&request.group_id) else { return };
        let Some(member) = group.members.get_mut(id) else { return };
        member.protocols.clone_from(&request.protocols);
        member.rebalance_timeout_ms = request.rebalance_timeout_ms;
        member.session_timeout_ms = request.session_timeout_ms;
        if let Some(before) = member.joining.replace(token) {
            // It gave up waiting for that answer and asks anew.
            self.refuse_join(at, before, ErrorCode::RebalanceInProgress, id.clone());
        }
    }

    fn add_member(&mut self, at: &At<'_>, request: JoinGroup, id: Name, token: T) {
        let name = request.group_id;
        let Some(group) = self.classic.get_mut(&name) else { return };
        if group.state == ClassicState::PreparingRebalance && group.previous == ClassicState::Empty {
            group.new_member_added = true;
        }
        if group.members.is_empty() {
            group.protocol_type = Some(request.protocol_type);
        }
        let member = ClassicMember {
            instance_id: request.instance_id,
            client_id: request.client.id,
            client_host: request.client.host,
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            session_timeout_ms: request.session_timeout_ms,
            protocols: request.protocols,
            assignment: bytes::Bytes::new(),
            is_new: true,
            joining: Some(token),
            syncing: None,
        };
        group.add(&id, member);
        self.timers.set(Timer::Session(name.clone(), id), after(at, NEW_MEMBER_JOIN_TIMEOUT_MS));
        self.rebalance_or_complete(at, &name);
    }

    /// A static member came back under a new id.
    fn replace_static(&mut self, at: &At<'_>, request: JoinGroup, former: &Name, id: Name, token: T) {
        let name = request.group_id.clone();
        let Some(group) = self.classic.get_mut(&name) else { return };
        let leader_before = group.leader.clone();
        let was_leader = group.is_leader(former);
        let was_pending = group.pending_syncs.contains(former);
        let Some(mut old) = group.remove(former) else { return };
        let member = ClassicMember {
            instance_id: old.instance_id.clone(),
            client_id: old.client_id.clone(),
            client_host: old.client_host.clone(),
            rebalance_timeout_ms: old.rebalance_timeout_ms,
            session_timeout_ms: old.session_timeout_ms,
            protocols: std::mem::take(&mut old.protocols),
            assignment: old.assignment.clone(),
            is_new: old.is_new,
            joining: None,
            syncing: None,
        };
        group.add(&id, member);
        if was_leader {
            group.leader = Some(id.clone());
        }
        if was_pending {
            group.pending_syncs.insert(id.clone());
        }
        self.timers.cancel(&Timer::Session(name.clone(), former.clone()));
        let answers = dismissals(old, former.clone(), ErrorCode::FencedInstanceId);
        self.answer(at, answers);
        self.update_member(at, &request, &id, token);
        self.heard(at, &name, &id);
        let Some(group) = self.classic.get_mut(&name) else { return };
        match group.state {
            ClassicState::Stable if group.select_protocol() == group.protocol => {
                let is_leader = group.is_leader(&id);
                let skips = request.supports_skipping_assignment;
                let mut answer = group.joined(&id, skips && is_leader);
                answer.skip_assignment = skips && is_leader;
                if !skips {
                    // Told of its former self's leadership, an older leader does not assign.
                    answer.leader = leader_before.unwrap_or_else(|| "".into());
                }
                let record = group.record(&name);
                let token = group.members.get_mut(&id).and_then(|member| member.joining.take());
                self.submit(at, vec![record], token.map(|token| (token, Reply::JoinGroup(answer))));
            }
            ClassicState::PreparingRebalance => self.complete_join_if_all(at, &name),
            _ => self.prepare_rebalance(at, &name),
        }
    }
}

fn same(left: &[(Name, bytes::Bytes)], right: &[(Name, bytes::Bytes)]) -> bool {
    left == right
}
