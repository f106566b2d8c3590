//! SyncGroup (`GroupMetadataManager.classicGroupSyncToClassicGroup`): the leader's assignment is written down before
//! anybody is told of it; everyone else waits for it.

use std::collections::BTreeMap;

use bytes::Bytes;
use chronik_types::ErrorCode;

use crate::groups::Shard;
use crate::groups::replies::{Reply, SyncedGroup};
use crate::groups::requests::{At, SyncGroup};
use crate::groups::shard::{ClassicGroup, ClassicState, Timer};
use crate::records::Name;

impl<T> Shard<T> {
    pub(in crate::groups) fn sync_group(&mut self, at: &At<'_>, request: SyncGroup, token: T) {
        let name = request.group_id.clone();
        if name.is_empty() {
            return self.refuse_sync(at, token, ErrorCode::InvalidGroupId);
        }
        if self.state().consumer(&name).is_some() {
            return self.sync_consumer_group(at, request, token);
        }
        let Some(group) = self.classic.get_mut(&name) else {
            return self.refuse_sync(at, token, ErrorCode::UnknownMemberId);
        };
        if let Err(error) = check(group, &request) {
            return self.refuse_sync(at, token, error);
        }
        group.pending_syncs.remove(&request.member_id);
        if group.pending_syncs.is_empty() {
            self.timers.cancel(&Timer::Sync(name.clone()));
        }
        if group.state == ClassicState::Stable {
            let assignment = group.members.get(&request.member_id).map(|member| member.assignment.clone());
            let answer = group.synced(assignment.unwrap_or_default());
            return self.reply(at, token, Reply::SyncGroup(answer));
        }
        let before =
            group.members.get_mut(&request.member_id).and_then(|member| member.syncing.replace(token));
        let is_leader = group.is_leader(&request.member_id);
        if let Some(before) = before {
            self.refuse_sync(at, before, ErrorCode::RebalanceInProgress);
        }
        if is_leader {
            self.assign(at, &name, request.assignments);
        }
    }

    pub(super) fn refuse_sync(&mut self, at: &At<'_>, token: T, error: ErrorCode) {
        self.reply(at, token, Reply::SyncGroup(SyncedGroup::refused(error)));
    }

    /// The leader's assignment: written, then told.
    fn assign(&mut self, at: &At<'_>, name: &Name, assignments: Vec<(Name, Bytes)>) {
        let Some(group) = self.classic.get_mut(name) else { return };
        let mut assignments: BTreeMap<Name, Bytes> = assignments.into_iter().collect();
        for (id, member) in &mut group.members {
            member.assignment = assignments.remove(id).unwrap_or_default();
        }
        let record = group.record(name);
        if !self.fits(std::slice::from_ref(&record)) {
            // Kafka's words for a record that the log does not take (`appendGroupMetadataErrorToResponseError`).
            self.propagate(at, name, Err(ErrorCode::UnknownServerError));
            return self.rebalance_or_complete(at, name);
        }
        if let Some(group) = self.classic.get_mut(name) {
            group.enter(ClassicState::Stable, at.now);
        }
        self.write(at, vec![record]);
        self.propagate(at, name, Ok(()));
    }
}

fn check<T>(group: &ClassicGroup<T>, request: &SyncGroup) -> Result<(), ErrorCode> {
    if group.state == ClassicState::Empty {
        return Err(ErrorCode::UnknownMemberId);
    }
    group.check_member(&request.member_id, request.instance_id.as_ref())?;
    if request.generation != group.generation {
        return Err(ErrorCode::IllegalGeneration);
    }
    let differs =
        |asked: &Option<Name>, known: &Option<Name>| asked.is_some() && known.is_some() && asked != known;
    if differs(&request.protocol_type, &group.protocol_type)
        || differs(&request.protocol_name, &group.protocol)
    {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    if group.state == ClassicState::PreparingRebalance {
        return Err(ErrorCode::RebalanceInProgress);
    }
    Ok(())
}
