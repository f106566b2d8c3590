//! LeaveGroup (`GroupMetadataManager.classicGroupLeave`): one rebalance for all that leave at once. An administrator may
//! name a static member by its instance alone.

use chronik_types::ErrorCode;

use crate::groups::Shard;
use crate::groups::replies::{LeftGroup, LeftMember, Reply};
use crate::groups::requests::{At, LeaveGroup, LeavingMember};
use crate::groups::shard::{ClassicState, Timer};
use crate::records::Name;

impl<T> Shard<T> {
    pub(in crate::groups) fn leave_group(&mut self, at: &At<'_>, request: LeaveGroup, token: T) {
        let name = request.group_id.clone();
        let left = if name.is_empty() {
            LeftGroup { error: ErrorCode::InvalidGroupId, members: Vec::new() }
        } else if self.state().consumer(&name).is_some() {
            self.leave_consumer_group(at, request)
        } else {
            self.leave(at, &name, request.members)
        };
        self.reply(at, token, Reply::LeaveGroup(left));
    }

    /// In a group that does not exist nobody is known: that is said member by member, not of the group.
    fn leave(&mut self, at: &At<'_>, name: &Name, members: Vec<LeavingMember>) -> LeftGroup {
        let mut left = Vec::new();
        for member in members {
            let error = self.leave_one(at, name, &member).err().unwrap_or(ErrorCode::None);
            left.push(LeftMember { member_id: member.member_id, instance_id: member.instance_id, error });
        }
        if left.iter().any(|member| member.error.is_none()) {
            match self.classic.get(name).map(|group| group.state) {
                Some(ClassicState::Stable | ClassicState::CompletingRebalance) => {
                    self.rebalance_or_complete(at, name);
                }
                Some(ClassicState::PreparingRebalance) => self.complete_join_if_all(at, name),
                _ => {}
            }
        }
        LeftGroup { error: ErrorCode::None, members: left }
    }

    fn leave_one(&mut self, at: &At<'_>, name: &Name, member: &LeavingMember) -> Result<(), ErrorCode> {
        let group = self.classic.get_mut(name).ok_or(ErrorCode::UnknownMemberId)?;
        let id = if member.member_id.is_empty() {
            let instance = member.instance_id.as_ref().ok_or(ErrorCode::UnknownMemberId)?;
            group.statics.get(instance).cloned().ok_or(ErrorCode::UnknownMemberId)?
        } else if group.pending_joins.contains(&member.member_id) {
            group.remove(&member.member_id);
            self.timers.cancel(&Timer::Session(name.clone(), member.member_id.clone()));
            return Ok(());
        } else {
            group.check_member(&member.member_id, member.instance_id.as_ref())?;
            member.member_id.clone()
        };
        self.remove_classic_member(at, name, &id, ErrorCode::UnknownMemberId);
        Ok(())
    }
}
