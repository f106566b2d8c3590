//! Members of consumer groups that speak the classic protocol.

use chronik_types::ErrorCode;

use crate::groups::Shard;
use crate::groups::replies::{JoinedGroup, LeftGroup, Reply};
use crate::groups::requests::{At, Heartbeat, JoinGroup, LeaveGroup, SyncGroup};

impl<T> Shard<T> {
    pub(super) fn join_consumer_group(&mut self, at: &At<'_>, request: JoinGroup, token: T) {
        let answer = JoinedGroup::refused(ErrorCode::InconsistentGroupProtocol, request.member_id);
        self.reply(at, token, Reply::JoinGroup(answer));
    }

    pub(super) fn sync_consumer_group(&mut self, at: &At<'_>, _: SyncGroup, token: T) {
        self.refuse_sync(at, token, ErrorCode::UnknownMemberId);
    }

    pub(super) fn heartbeat_consumer_group(&mut self, _: &At<'_>, _: &Heartbeat) -> Result<(), ErrorCode> {
        Err(ErrorCode::UnknownMemberId)
    }

    pub(super) fn leave_consumer_group(&mut self, _: &At<'_>, _: LeaveGroup) -> LeftGroup {
        LeftGroup { error: ErrorCode::UnknownMemberId, members: Vec::new() }
    }
}
