//! Heartbeat of a classic member (`GroupMetadataManager.classicGroupHeartbeat`): it prolongs the session, and is how a
//! member hears of a rebalance.

use chronik_types::ErrorCode;

use crate::groups::Shard;
use crate::groups::replies::Reply;
use crate::groups::requests::{At, Heartbeat};
use crate::groups::shard::ClassicState;

impl<T> Shard<T> {
    pub(in crate::groups) fn heartbeat(&mut self, at: &At<'_>, request: Heartbeat, token: T) {
        let outcome = if request.group_id.is_empty() {
            Err(ErrorCode::InvalidGroupId)
        } else if self.state().consumer(&request.group_id).is_some() {
            self.heartbeat_consumer_group(at, &request)
        } else {
            self.beat(at, &request)
        };
        self.reply(at, token, Reply::Heartbeat(outcome.err().unwrap_or(ErrorCode::None)));
    }

    fn beat(&mut self, at: &At<'_>, request: &Heartbeat) -> Result<(), ErrorCode> {
        let group = self.classic.get(&request.group_id).ok_or(ErrorCode::UnknownMemberId)?;
        group.check_member(&request.member_id, request.instance_id.as_ref())?;
        if request.generation != group.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        let state = group.state;
        if state == ClassicState::Empty {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.heard(at, &request.group_id, &request.member_id);
        if state == ClassicState::PreparingRebalance { Err(ErrorCode::RebalanceInProgress) } else { Ok(()) }
    }
}
