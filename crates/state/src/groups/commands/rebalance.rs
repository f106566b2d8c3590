//! The phases of a classic group's rebalance: members join, the generation begins, the leader's assignment goes out.
//!
//! `PreparingRebalance` waits for everyone to rejoin, at most the longest rebalance timeout; an empty group waits for more
//! members instead (`group.initial.rebalance.delay.ms`). `CompletingRebalance` waits for the leader's assignment; who
//! does not ask for its own in time is removed. Source: Kafka's `GroupMetadataManager`.

use bytes::Bytes;
use chronik_types::{ErrorCode, Millis};

use crate::groups::Shard;
use crate::groups::replies::{JoinedGroup, Reply, SyncedGroup};
use crate::groups::requests::At;
use crate::groups::shard::{ClassicMember, ClassicState, Initial, Timer};
use crate::records::Name;

/// How long a group waits at least for its static members before it looks again, in ms: they may have asked for no time.
const AGAIN_MS_MIN: i32 = 1000;

impl<T> Shard<T> {
    /// Something about the group's members changed: a rebalance begins, or the one that runs may be complete.
    pub(super) fn rebalance_or_complete(&mut self, at: &At<'_>, name: &Name) {
        let Some(group) = self.classic.get(name) else { return };
        match group.state {
            ClassicState::PreparingRebalance => self.complete_join_if_all(at, name),
            _ => self.prepare_rebalance(at, name),
        }
    }

    /// Begins a rebalance.
    pub(in crate::groups) fn prepare_rebalance(&mut self, at: &At<'_>, name: &Name) {
        self.propagate(at, name, Err(ErrorCode::RebalanceInProgress));
        self.timers.cancel(&Timer::Sync(name.clone()));
        let Some(group) = self.classic.get_mut(name) else { return };
        let is_initial = group.state == ClassicState::Empty;
        group.enter(ClassicState::PreparingRebalance, at.now);
        if is_initial {
            let delay_ms = self.options.initial_rebalance_delay_ms.max(0);
            let remaining_ms = (group.rebalance_timeout_ms() - delay_ms).max(0);
            self.initial.insert(name.clone(), Initial { delay_ms, remaining_ms });
            self.timers.set(Timer::Join(name.clone()), after(at, delay_ms));
        } else if group.all_joined() {
            self.complete_join(at, name);
        } else {
            let timeout_ms = group.rebalance_timeout_ms();
            self.timers.set(Timer::Join(name.clone()), after(at, timeout_ms));
        }
    }

    /// Ends the join phase if everyone is there; the initial one always takes its time.
    pub(super) fn complete_join_if_all(&mut self, at: &At<'_>, name: &Name) {
        let Some(group) = self.classic.get(name) else { return };
        if group.state == ClassicState::PreparingRebalance
            && group.previous != ClassicState::Empty
            && group.all_joined()
        {
            self.complete_join(at, name);
        }
    }

    /// The join phase has lasted long enough.
    pub(in crate::groups) fn join_timed_out(&mut self, at: &At<'_>, name: &Name) {
        let Some(group) = self.classic.get_mut(name) else { return };
        if let Some(initial) = self.initial.get_mut(name)
            && group.new_member_added
            && initial.remaining_ms != 0
        {
            group.new_member_added = false;
            let delay_ms = self.options.initial_rebalance_delay_ms.max(0).min(initial.remaining_ms);
            let remaining_ms = (initial.remaining_ms - initial.delay_ms).max(0);
            *initial = Initial { delay_ms, remaining_ms };
            self.timers.set(Timer::Join(name.clone()), after(at, delay_ms));
            return;
        }
        self.complete_join(at, name);
    }

    /// Ends the join phase: who did not rejoin is out (static members stay), and the generation begins.
    fn complete_join(&mut self, at: &At<'_>, name: &Name) {
        self.timers.cancel(&Timer::Join(name.clone()));
        self.initial.remove(name);
        let Some(group) = self.classic.get_mut(name) else { return };
        group.new_member_added = false;
        let is_missing = |member: &ClassicMember<T>| member.joining.is_none() && member.instance_id.is_none();
        let missing: Vec<Name> =
            group.members.iter().filter(|(_, member)| is_missing(member)).map(|(id, _)| id.clone()).collect();
        for id in missing {
            group.remove(&id);
            self.timers.cancel(&Timer::Session(name.clone(), id));
        }
        if !group.elect_joined_leader() && !group.members.is_empty() {
            // Only static members are left, and none of them came back yet: their sessions decide.
            let timeout_ms = group.rebalance_timeout_ms().max(AGAIN_MS_MIN);
            self.timers.set(Timer::Join(name.clone()), after(at, timeout_ms));
            return;
        }
        group.begin_generation(at.now);
        if group.state == ClassicState::Empty {
            let record = group.record(name);
            return self.write(at, vec![record]);
        }
        self.tell_joined(at, name);
    }

    /// Tells everyone about the generation that begins.
    fn tell_joined(&mut self, at: &At<'_>, name: &Name) {
        let Some(group) = self.classic.get_mut(name) else { return };
        let timeout_ms = group.rebalance_timeout_ms();
        let mut answers = Vec::new();
        let ids: Vec<Name> = group.members.keys().cloned().collect();
        for id in &ids {
            let answer = group.joined(id, group.is_leader(id));
            group.pending_syncs.insert(id.clone());
            let Some(member) = group.members.get_mut(id) else { continue };
            member.is_new = false;
            let deadline = after(at, member.session_timeout_ms);
            self.timers.set(Timer::Session(name.clone(), id.clone()), deadline);
            answers.extend(member.joining.take().map(|token| (token, Reply::JoinGroup(answer))));
        }
        self.timers.set(Timer::Sync(name.clone()), after(at, timeout_ms));
        self.answer(at, answers);
    }

    /// Answers everyone who waits for an assignment: with it, or with why there is none.
    pub(super) fn propagate(&mut self, at: &At<'_>, name: &Name, outcome: Result<(), ErrorCode>) {
        let Some(group) = self.classic.get_mut(name) else { return };
        let mut answers = Vec::new();
        let ids: Vec<Name> = group.members.keys().cloned().collect();
        for id in ids {
            let Some(member) = group.members.get_mut(&id) else { continue };
            if outcome.is_err() && group.state == ClassicState::CompletingRebalance {
                member.assignment = Bytes::new();
            }
            let Some(token) = member.syncing.take() else { continue };
            let (assignment, timeout_ms) = (member.assignment.clone(), member.session_timeout_ms);
            let answer = match outcome {
                Ok(()) => group.synced(assignment),
                Err(error) => SyncedGroup::refused(error),
            };
            answers.push((token, Reply::SyncGroup(answer)));
            self.timers.set(Timer::Session(name.clone(), id), after(at, timeout_ms));
        }
        self.answer(at, answers);
    }

    /// Not everyone has asked for the assignment in time: who has not is out.
    pub(in crate::groups) fn sync_timed_out(&mut self, at: &At<'_>, name: &Name) {
        let Some(group) = self.classic.get_mut(name) else { return };
        if !matches!(group.state, ClassicState::CompletingRebalance | ClassicState::Stable) {
            return;
        }
        let late = std::mem::take(&mut group.pending_syncs);
        if late.is_empty() {
            return;
        }
        for id in late {
            self.remove_classic_member(at, name, &id, ErrorCode::UnknownMemberId);
        }
        self.prepare_rebalance(at, name);
    }

    /// A member, or one that was told its id, was not heard of for its session.
    pub(in crate::groups) fn session_timed_out(&mut self, at: &At<'_>, name: &Name, id: &Name) {
        let Some(group) = self.classic.get_mut(name) else { return };
        if group.pending_joins.contains(id) {
            group.remove(id);
            return self.complete_join_if_all(at, name);
        }
        let Some(member) = group.members.get(id) else { return };
        // Whoever waits for the others is alive as far as anyone can know; only who is new may be given up meanwhile.
        if !member.is_new && (member.joining.is_some() || member.syncing.is_some()) {
            return;
        }
        let state = group.state;
        self.remove_classic_member(at, name, id, ErrorCode::UnknownMemberId);
        match state {
            ClassicState::Stable | ClassicState::CompletingRebalance => self.rebalance_or_complete(at, name),
            ClassicState::PreparingRebalance => self.complete_join_if_all(at, name),
            ClassicState::Empty => {}
        }
    }

    /// Takes a member out; if it waits, it is told `error`.
    pub(super) fn remove_classic_member(&mut self, at: &At<'_>, name: &Name, id: &Name, error: ErrorCode) {
        self.timers.cancel(&Timer::Session(name.clone(), id.clone()));
        let removed = self.classic.get_mut(name).and_then(|group| group.remove(id));
        if let Some(member) = removed {
            let answers = dismissals(member, "".into(), error);
            self.answer(at, answers);
        }
    }

    /// A member was heard of.
    pub(super) fn heard(&mut self, at: &At<'_>, name: &Name, id: &Name) {
        let member = self.classic.get(name).and_then(|group| group.members.get(id));
        if let Some(timeout_ms) = member.map(|member| member.session_timeout_ms) {
            self.timers.set(Timer::Session(name.clone(), id.clone()), after(at, timeout_ms));
        }
    }
}

pub(in crate::groups) fn after(at: &At<'_>, ms: i32) -> Millis {
    Millis(at.clock.0 + i64::from(ms.max(0)))
}

/// What whoever waits as this member is told when the member goes.
pub(super) fn dismissals<T>(member: ClassicMember<T>, id: Name, error: ErrorCode) -> Vec<(T, Reply)> {
    let joining = member.joining.map(|token| (token, Reply::JoinGroup(JoinedGroup::refused(error, id))));
    let syncing = member.syncing.map(|token| (token, Reply::SyncGroup(SyncedGroup::refused(error))));
    joining.into_iter().chain(syncing).collect()
}
