//! Members of consumer groups that leave, or that were not heard of in time (`consumerGroupLeave`,
//! `consumerGroupFenceMembers`). A static member that says it will be back keeps what it has until its session ends.

use chronik_types::ErrorCode;

use super::consumer_heartbeat::{LEAVES_STATIC, check_instance, unknown_member};
use crate::groups::Shard;
use crate::groups::consumer::{Draft, refresh_patterns};
use crate::groups::options::Bounded;
use crate::groups::replies::{ConsumerHeartbeatReply, Refused, Reply};
use crate::groups::requests::{At, ConsumerHeartbeat};
use crate::groups::shard::Timer;
use crate::groups::state::{ConsumerMember, MemberState};
use crate::records::Name;

impl<T> Shard<T> {
    /// A member says that it leaves.
    pub(super) fn leave_consumer(&mut self, at: &At<'_>, request: &ConsumerHeartbeat, token: T) {
        let name = &request.group_id;
        let outcome = self.find_leaving(at, request);
        let left = outcome.map(|id| {
            if request.member_epoch == LEAVES_STATIC {
                self.leave_for_a_while(at, name, &id);
            } else {
                self.fence_consumers(at, name, std::slice::from_ref(&id));
            }
            ConsumerHeartbeatReply {
                member_id: Some(id),
                member_epoch: request.member_epoch,
                heartbeat_interval_ms: 0,
                assignment: None,
            }
        });
        self.reply(at, token, Reply::ConsumerHeartbeat(left));
    }

    fn find_leaving(&self, at: &At<'_>, request: &ConsumerHeartbeat) -> Result<Name, Refused> {
        let draft = self.draft_consumer(at, &request.group_id, false)?;
        let id = &request.member_id;
        let Some(instance) = &request.instance_id else {
            return draft.member(id).map(|_| id.clone()).ok_or_else(|| unknown_member(&draft, id));
        };
        let group = draft.group();
        let Some((former, _)) = group.static_member(instance) else {
            let message = format!("Instance id {instance} is unknown.");
            return Err(Refused::because(ErrorCode::UnknownMemberId, message));
        };
        check_instance(former, id, instance).map(|()| former.clone())
    }

    fn leave_for_a_while(&mut self, at: &At<'_>, name: &Name, id: &Name) {
        let Some(member) = self.state().consumer(name).and_then(|group| group.members.get(id)) else {
            return;
        };
        let mut member = member.clone();
        member.epoch = LEAVES_STATIC;
        member.pending_revocation.clear();
        let mut draft = Draft::new(self.state(), name);
        draft.set_current(id, member.current());
        let changes = draft.changes;
        self.write(at, changes);
        self.timers.cancel(&Timer::ConsumerRebalance(name.clone(), id.clone()));
    }

    /// Takes members out; those that stay are to get a new assignment.
    pub(super) fn fence_consumers(&mut self, at: &At<'_>, name: &Name, ids: &[Name]) {
        let mut draft = Draft::new(self.state(), name);
        for id in ids {
            draft.remove(id);
        }
        refresh_patterns(&mut draft, at, self.options.regex_refresh_interval_ms);
        self.raise_epoch(at, &mut draft, true);
        let changes = draft.changes;
        self.write(at, changes);
        for id in ids {
            self.cancel_consumer(name, id);
        }
        self.downgrade_if_classic(at, name);
    }

    pub(super) fn cancel_consumer(&mut self, name: &Name, id: &Name) {
        self.timers.cancel(&Timer::ConsumerSession(name.clone(), id.clone()));
        self.timers.cancel(&Timer::ConsumerRebalance(name.clone(), id.clone()));
        self.timers.cancel(&Timer::ConsumerRejoin(name.clone(), id.clone()));
    }

    /// A member was not heard of, did not give partitions up, or did not rejoin in time.
    pub(in crate::groups) fn consumer_timed_out(&mut self, at: &At<'_>, name: &Name, id: &Name) {
        let known = self.state().consumer(name).is_some_and(|group| group.members.contains_key(id));
        if known {
            self.fence_consumers(at, name, std::slice::from_ref(id));
        }
    }

    /// Gives every member that the log knows a whole session, and those that revoke their time to do so.
    pub(in crate::groups) fn load_consumers(&mut self, at: &At<'_>) {
        let groups = self.state().consumer_groups();
        let members: Vec<(Name, Name, ConsumerMember)> = groups
            .flat_map(|(name, group)| {
                group.members.iter().map(|(id, member)| (name.clone(), id.clone(), member.clone()))
            })
            .collect();
        for (name, id, member) in members {
            let timeout_ms = self.member_session_ms(at, &name, &member);
            self.timers.set(Timer::ConsumerSession(name.clone(), id.clone()), super::after(at, timeout_ms));
            let rebalance_ms = member.metadata.rebalance_timeout_ms;
            if member.state == MemberState::UnrevokedPartitions && !member.is_classic() && rebalance_ms >= 0 {
                self.timers.set(Timer::ConsumerRebalance(name, id), super::after(at, rebalance_ms));
            }
        }
    }

    /// How long a member may be silent.
    pub(super) fn member_session_ms(&self, at: &At<'_>, name: &Name, member: &ConsumerMember) -> i32 {
        match &member.metadata.classic {
            Some(classic) => classic.session_timeout_ms,
            None => {
                let bounded = self.options.consumer_session_timeout_ms;
                configured(at, name, "consumer.session.timeout.ms", bounded)
            }
        }
    }

    pub(super) fn heartbeat_interval_ms(&self, at: &At<'_>, name: &Name) -> i32 {
        let bounded = self.options.consumer_heartbeat_interval_ms;
        configured(at, name, "consumer.heartbeat.interval.ms", bounded)
    }

    pub(super) fn assignment_interval_ms(&self, at: &At<'_>, name: &Name) -> i64 {
        let bounded = self.options.consumer_assignment_interval_ms;
        i64::from(configured(at, name, "consumer.assignment.interval.ms", bounded))
    }
}

/// What the group itself says, within the node's bounds, or the node's default.
fn configured(at: &At<'_>, name: &Name, key: &str, bounded: Bounded) -> i32 {
    let own = at.view.group_config(name, key).and_then(|value| value.parse::<i32>().ok());
    own.map_or(bounded.default, |value| value.min(bounded.max).max(bounded.min))
}
