//! Reading from the leader's log: consumers up to what is committed, followers up to the end. A follower's fetch says what
//! it holds, and with that moves the high watermark.

use std::sync::Arc;
use std::time::Duration;

use chronik_log::{AbortedTxn, EpochEnd, Log, ReadError, ReadSlice};
use chronik_types::{BrokerEpoch, ErrorCode, NodeId, Offset};
use chronik_wire::fetch::IsolationLevel;

use super::{Offsets, Partition, Role, State};
use crate::fetch_sessions::{LastFetch, Wanted, Watch};

/// The position and rights of a reader.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) who: &'a Who,
    pub(crate) max_bytes: usize,
    pub(crate) at_least_one: bool,
    /// A follower that is not in sync gets nothing for now.
    pub(crate) held_back: bool,
}

/// Who reads.
#[derive(Clone)]
pub(crate) enum Who {
    Consumer(Consumer),
    Follower(FollowerFetch),
}

/// A consumer.
#[derive(Clone)]
pub(crate) struct Consumer {
    pub(crate) isolation: IsolationLevel,
    /// It does not know of reading from followers (Fetch before version 11).
    pub(crate) leader_only: bool,
}

/// A follower, and what the image says of its broker.
#[derive(Clone)]
pub(crate) struct FollowerFetch {
    pub(crate) id: NodeId,
    pub(crate) broker_epoch: BrokerEpoch,
    /// Its broker lives, in this registration.
    pub(crate) eligible: bool,
    /// It is from an earlier registration than the one that the image knows.
    pub(crate) is_stale: bool,
    pub(crate) now: Duration,
    pub(crate) lag_max: Duration,
    /// When its session fetches, whatever partitions it names.
    pub(crate) heard: LastFetch,
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
    /// There is more to read, or a follower is not in sync: the next fetch is to look again, whatever happens.
    pub(crate) look_again: bool,
}

impl Partition {
    /// What a reader at `wanted` may see.
    pub(crate) fn read(&self, wanted: &Wanted, reader: Reader<'_>) -> Result<Readable, ErrorCode> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        let offsets = state.admit(wanted, reader.who)?;
        let Some(log) = &state.log else { return Err(ErrorCode::NotLeaderOrFollower) };
        let mut readable = Readable {
            slice: None,
            offsets,
            aborted: Vec::new(),
            diverging: None,
            may_expand: false,
            look_again: true,
        };
        readable.diverging = diverging(log, wanted)?;
        #[cfg(feature = "planted")]
        if state.settings.planted == Some(crate::PlantedFault::IgnoreDivergence) {
            readable.diverging = None;
        }
        if readable.diverging.is_some() {
            return Ok(readable);
        }
        let upper = match reader.who {
            Who::Consumer(Consumer { isolation: IsolationLevel::ReadUncommitted, .. }) => {
                offsets.high_watermark
            }
            Who::Consumer(_) => offsets.last_stable,
            Who::Follower(_) => offsets.log_end,
        };
        let (mut max_bytes, mut at_least_one) = (reader.max_bytes, reader.at_least_one);
        if let Who::Follower(follower) = reader.who
            && reader.held_back
            && !state.is_in_sync(follower.id)
        {
            (max_bytes, at_least_one) = (0, false);
        }
        let slice = log.read(wanted.fetch_offset, max_bytes, upper, at_least_one);
        readable.slice = Some(slice.map_err(|error| {
            if let ReadError::Log(fault) = &error {
                self.dir.failed(fault);
            }
            error.code()
        })?);
        readable.look_again = wanted.fetch_offset < upper;
        match reader.who {
            Who::Consumer(Consumer { isolation: IsolationLevel::ReadUncommitted, .. }) => {}
            Who::Consumer(_) => {
                readable.aborted = log.aborted_transactions(wanted.fetch_offset, upper);
            }
            Who::Follower(follower) => {
                if follower.is_first_look {
                    readable.may_expand = state.heard_from(follower, wanted)?;
                    readable.offsets.high_watermark = state.high_watermark;
                }
                readable.look_again |= !state.is_in_sync(follower.id);
            }
        }
        Ok(readable)
    }

    /// Tells `watch`, in the slot that this partition has there, of all news from now on.
    pub(crate) fn watch(&self, watch: &Arc<Watch>, slot: u32) {
        self.state.lock().watches.push((Arc::clone(watch), slot));
    }

    /// Tells it no longer.
    pub(crate) fn unwatch(&self, watch: &Arc<Watch>) {
        self.state.lock().watches.retain(|(other, _)| !Arc::ptr_eq(other, watch));
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
    /// Whether such a reader may read here at all: followers read from the leader, consumers from any replica.
    fn admit(&mut self, wanted: &Wanted, who: &Who) -> Result<Offsets, ErrorCode> {
        if let (Who::Consumer(Consumer { leader_only: false, .. }), Role::Follower(_)) = (who, &self.role) {
            self.check_epoch(wanted.current_leader_epoch)?;
            return self.marks(Offset::NONE);
        }
        let leading = self.leading(wanted.current_leader_epoch)?;
        if let Who::Follower(follower) = who
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
        self.offsets()
    }

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
        replica.heard = Some(follower.heard.clone());
        replica.end_at_last_fetch = end;
        replica.joining = replica.eligible && replica.is_caught_up(end, follower.now, follower.lag_max);
        self.advance();
        self.complete_deletions();
        Ok(self.may_join(follower.id))
    }

    fn is_in_sync(&self, id: NodeId) -> bool {
        matches!(&self.role, Role::Leader(leading) if leading.isr.contains(&id))
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
