//! Reading from the leader's log: consumers up to what is committed, followers up to the end. A follower's fetch says what
//! it holds, and with that moves the high watermark.

use std::sync::Arc;
use std::time::Duration;

use chronik_log::{AbortedTxn, EpochEnd, Log, ReadError, ReadSlice};
use chronik_types::{BrokerEpoch, ErrorCode, NodeId, Offset};
use chronik_wire::fetch::IsolationLevel;

use super::{Offsets, Partition, Role, State};
use crate::fetch_sessions::Wanted;
use crate::wait::Wait;

/// The position and rights of a reader.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) who: Who,
    pub(crate) max_bytes: usize,
    pub(crate) at_least_one: bool,
}

/// Who reads.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    Consumer(IsolationLevel),
    Follower(FollowerFetch),
}

/// A follower, and what the image says of its broker.
#[derive(Clone, Copy)]
pub(crate) struct FollowerFetch {
    pub(crate) id: NodeId,
    pub(crate) broker_epoch: BrokerEpoch,
    /// Its broker lives, in this registration.
    pub(crate) eligible: bool,
    /// It is from an earlier registration than the one that the image knows.
    pub(crate) is_stale: bool,
    pub(crate) now: Duration,
    pub(crate) lag_max: Duration,
    /// Whether the fetch is news: not when its request is looked at again after a wait.
    pub(crate) is_first_look: bool,
}

/// What a fetch may read.
pub(crate) struct Readable {
    pub(crate) slice: Option<ReadSlice>,
    pub(crate) offsets: Offsets,
    pub(crate) aborted: Vec<AbortedTxn>,
    /// The reader's log differs from ours after this point.
    pub(crate) diverging: Option<EpochEnd>,
    /// The in-sync replicas should change: a follower has caught up.
    pub(crate) may_expand: bool,
}

impl Partition {
    /// What a reader at `wanted` may see.
    pub(crate) fn read(&self, wanted: &Wanted, reader: Reader) -> Result<Readable, ErrorCode> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        let leading = state.leading(wanted.current_leader_epoch)?;
        if let Who::Follower(follower) = &reader.who
            && leading.others.iter().all(|replica| replica.id != follower.id)
        {
            // It may know of a reassignment that has not come here yet.
            let named = wanted.current_leader_epoch.0 >= 0;
            return Err(if named {
                ErrorCode::UnknownLeaderEpoch
            } else {
                ErrorCode::UnknownTopicOrPartition
            });
        }
        let offsets = state.offsets()?;
        let Some(log) = &state.log else { return Err(ErrorCode::NotLeaderOrFollower) };
        let mut readable =
            Readable { slice: None, offsets, aborted: Vec::new(), diverging: None, may_expand: false };
        readable.diverging = diverging(log, wanted)?;
        #[cfg(feature = "planted")]
        if state.settings.planted == Some(crate::PlantedFault::IgnoreDivergence) {
            readable.diverging = None;
        }
        if readable.diverging.is_some() {
            return Ok(readable);
        }
        let upper = match reader.who {
            Who::Consumer(IsolationLevel::ReadUncommitted) => offsets.high_watermark,
            Who::Consumer(IsolationLevel::ReadCommitted) => offsets.last_stable,
            Who::Follower(_) => offsets.log_end,
        };
        let slice = log.read(wanted.fetch_offset, reader.max_bytes, upper, reader.at_least_one);
        readable.slice = Some(slice.map_err(|error| {
            if let ReadError::Log(fault) = &error {
                self.dir.failed(fault);
            }
            error.code()
        })?);
        match reader.who {
            Who::Consumer(IsolationLevel::ReadUncommitted) => {}
            Who::Consumer(IsolationLevel::ReadCommitted) => {
                readable.aborted = log.aborted_transactions(wanted.fetch_offset, upper);
            }
            Who::Follower(follower) if follower.is_first_look => {
                readable.may_expand = state.heard_from(&follower, wanted)?;
                readable.offsets.high_watermark = state.high_watermark;
            }
            Who::Follower(_) => {}
        }
        Ok(readable)
    }

    /// Completes `wait` when there is more for such a reader.
    pub(crate) fn park_fetch(&self, wait: &Arc<Wait>, who: &Who) {
        let mut state = self.state.lock();
        match who {
            Who::Consumer(_) => state.fetches.push(Arc::clone(wait)),
            Who::Follower(_) => state.tails.push(Arc::clone(wait)),
        }
    }

    /// Forgets a fetch that no longer waits.
    pub(crate) fn unpark_fetch(&self, wait: &Arc<Wait>) {
        let mut state = self.state.lock();
        state.fetches.retain(|parked| !Arc::ptr_eq(parked, wait));
        state.tails.retain(|parked| !Arc::ptr_eq(parked, wait));
    }
}

/// Where the reader's log leaves ours, if it says what it fetched last (KIP-320, KIP-595).
fn diverging(log: &Log, wanted: &Wanted) -> Result<Option<EpochEnd>, ErrorCode> {
    if wanted.last_fetched_epoch.0 < 0 {
        return Ok(None);
    }
    let end = log.end_offset_for_epoch(wanted.last_fetched_epoch).ok_or(ErrorCode::OffsetOutOfRange)?;
    if wanted.fetch_offset < log.start_offset() {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    let differs = end.epoch < wanted.last_fetched_epoch || end.end_offset < wanted.fetch_offset;
    Ok(differs.then_some(end))
}

impl State {
    /// A follower holds everything below where it fetches. Returns whether it has become ready to be in sync.
    fn heard_from(&mut self, follower: &FollowerFetch, wanted: &Wanted) -> Result<bool, ErrorCode> {
        let Some(end) = self.log.as_ref().map(Log::end_offset) else { return Ok(false) };
        let Role::Leader(leading) = &mut self.role else { return Ok(false) };
        let Some(replica) = leading.others.iter_mut().find(|replica| replica.id == follower.id) else {
            return Ok(false);
        };
        let is_older = replica.broker_epoch > follower.broker_epoch && follower.broker_epoch.0 >= 0;
        if is_older || follower.is_stale {
            // An older run of that broker.
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        if wanted.fetch_offset >= end {
            replica.caught_up = replica.caught_up.max(Some(follower.now));
        } else if wanted.fetch_offset >= replica.end_at_last_fetch {
            // It has all that was there when it fetched before.
            replica.caught_up = replica.caught_up.max(Some(replica.last_fetch));
        }
        replica.broker_epoch = follower.broker_epoch;
        replica.eligible = follower.eligible;
        replica.end = wanted.fetch_offset;
        replica.start = wanted.log_start_offset;
        replica.last_fetch = follower.now;
        replica.end_at_last_fetch = end;
        replica.joining = replica.eligible && replica.is_caught_up(end, follower.now, follower.lag_max);
        self.advance();
        self.complete_deletions();
        Ok(self.may_join(follower.id))
    }

    /// Whether a replica outside of those in sync holds all that is committed, in the leader's own epoch.
    pub(super) fn may_join(&self, id: NodeId) -> bool {
        let Role::Leader(leading) = &self.role else { return false };
        let least: Offset = self.high_watermark.max(leading.epoch_start);
        #[cfg(feature = "planted")]
        let least =
            if self.settings.planted == Some(crate::PlantedFault::JoinUnseen) { Offset::ZERO } else { least };
        let ready =
            |replica: &super::leader::Replica| replica.id == id && replica.eligible && replica.end >= least;
        leading.proposed.is_none() && !leading.isr.contains(&id) && leading.others.iter().any(ready)
    }
}
