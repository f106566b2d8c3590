//! What a follower does: it appends what its leader sent, as it is, and follows the leader's high watermark and log start.
//!
//! Where it fetches next is what it vouches for: with `flush.messages=1` only what is on its disk, so whoever fetches on a
//! partition's behalf makes it durable first ([`Partition::make_durable`]).

use chronik_log::batch::Verified;
use chronik_log::{AppendError, EpochEnd};
use chronik_types::{ErrorCode, LeaderEpoch, Millis, NodeId, Offset, PartitionEpoch};

use super::{Partition, Role, State};
use crate::fetch_sessions::News;

pub(super) struct Following {
    pub(super) leader: NodeId,
    /// As far as it has told.
    pub(super) leader_high_watermark: Offset,
}

/// Where a follower's log ends, as its next fetch says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) end: Offset,
    /// Of the last record; -1 where there is none.
    pub(crate) last_epoch: LeaderEpoch,
    pub(crate) start: Offset,
}

/// What a leader sent for a partition.
pub(crate) struct Fetched {
    /// Where the fetch began.
    pub(crate) from: Offset,
    pub(crate) records: Option<Verified>,
    pub(crate) high_watermark: Offset,
    pub(crate) log_start: Offset,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    /// There was nothing to append.
    Nothing,
    /// So many bytes were appended, which are to be durable before the next fetch.
    Appended(usize),
    /// Appended, and what was appended may become durable when it likes.
    Cached,
}

/// Why it was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Unfollowed {
    /// The log has moved since the fetch, or this broker follows in that epoch no longer.
    #[error("the fetch is out of date")]
    Stale,
    /// The log refuses it.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl Partition {
    /// Takes note that another broker leads (nobody: [`NodeId::NONE`]). What is parked here learns that this one does
    /// not. Older news than what is known changes nothing. Returns whether leader or epoch are new.
    pub(crate) fn follow(&self, leader: NodeId, epoch: LeaderEpoch, partition_epoch: PartitionEpoch) -> bool {
        let mut state = self.state.lock();
        let state = &mut *state;
        if state.log.is_none() || epoch < state.leader_epoch {
            return false;
        }
        state.partition_epoch = partition_epoch;
        if let Role::Follower(following) = &state.role
            && epoch == state.leader_epoch
            && following.leader == leader
        {
            return false;
        }
        state.leader_epoch = epoch;
        state.role = Role::Follower(Following { leader, leader_high_watermark: state.high_watermark });
        state.fail(ErrorCode::NotLeaderOrFollower);
        #[cfg(feature = "planted")]
        state.truncate_if_planted();
        true
    }

    /// Where to fetch from; `None` if this broker does not follow in `epoch`, or cannot vouch for its log's end yet.
    pub(crate) fn position(&self, epoch: LeaderEpoch) -> Option<Position> {
        let state = self.state.lock();
        state.following(epoch)?;
        let log = state.log.as_ref()?;
        if state.own_end()? < log.end_offset() || self.dir.is_offline() {
            return None;
        }
        let last_epoch = log.latest_epoch().unwrap_or(LeaderEpoch::NONE);
        Some(Position { end: log.end_offset(), last_epoch, start: log.start_offset() })
    }

    /// Takes what the leader of `epoch` sent.
    pub(crate) fn copy(
        &self,
        epoch: LeaderEpoch,
        fetched: &Fetched,
        now: Millis,
    ) -> Result<Copied, Unfollowed> {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.following(epoch).ok_or(Unfollowed::Stale)?;
        let Some(log) = &mut state.log else { return Err(Unfollowed::Stale) };
        if log.end_offset() != fetched.from {
            return Err(Unfollowed::Stale);
        }
        let mut bytes = 0;
        if let Some(records) = &fetched.records {
            if let Err(error) = log.append_as_follower(records, now) {
                // What was appended before it went wrong stays, and is to become durable like anything else.
                let end = log.end_offset();
                let there = records.batches().map_while(Result::ok);
                let there = there.take_while(|batch| batch.header().base_offset() < end);
                state.dirty_bytes += there.map(|batch| batch.as_bytes().len() as u64).sum::<u64>();
                if let AppendError::Log(fault) = &error {
                    self.dir.failed(fault);
                }
                return Err(error.into());
            }
            self.dir.has_room();
            bytes = records.bytes().len();
            state.dirty_bytes += bytes as u64;
        }
        if let Role::Follower(following) = &mut state.role {
            following.leader_high_watermark = fetched.high_watermark;
        }
        state.advance();
        if let Some(log) = &mut state.log
            && fetched.log_start > log.start_offset()
        {
            log.delete_records(fetched.log_start.min(state.high_watermark));
            state.tell(News::Changed);
        }
        Ok(match bytes {
            0 => Copied::Nothing,
            bytes if state.settings.durable_first() => Copied::Appended(bytes),
            _ => Copied::Cached,
        })
    }

    /// Where to cut the log that differs from that of the leader of `epoch`, which says where its part ends
    /// (`AbstractFetcherThread.getOffsetTruncationState`). The next fetch tells whether that was enough.
    pub(crate) fn cut_for(&self, epoch: LeaderEpoch, leader: EpochEnd) -> Option<Offset> {
        let state = self.state.lock();
        state.following(epoch)?;
        let log = state.log.as_ref()?;
        let end = log.end_offset();
        if leader.epoch.0 < 0 {
            return Some(leader.end_offset.min(end));
        }
        Some(match log.end_offset_for_epoch(leader.epoch) {
            // The leader's epoch is not known here: what is older may still differ.
            Some(own) if own.epoch != leader.epoch => own.end_offset.min(end),
            Some(own) => own.end_offset.min(leader.end_offset).min(end),
            None => leader.end_offset.min(end),
        })
    }
}

impl State {
    pub(super) fn following(&self, epoch: LeaderEpoch) -> Option<&Following> {
        match &self.role {
            Role::Follower(following) if self.leader_epoch == epoch => Some(following),
            _ => None,
        }
    }
}
