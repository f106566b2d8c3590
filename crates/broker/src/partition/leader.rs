//! What a leader does: it appends, knows how far its followers are, and acknowledges what all in-sync replicas hold.
//!
//! The replicas that count for the high watermark are the *maximal* in-sync replicas: the committed ones and those that
//! have been proposed, since the controller may have taken the proposal in already (`Partition.maximalIsr`). With fewer
//! in sync than `min.insync.replicas` the high watermark stands (KIP-966).

use std::sync::Arc;
use std::time::Duration;

use chronik_log::batch::{Origin, Validated};
use chronik_log::{AppendError, Appended};
use chronik_state::cluster::Nodes;
use chronik_types::{BrokerEpoch, ErrorCode, LeaderEpoch, Millis, NodeId, Offset, PartitionEpoch};

use super::{Partition, Refusal, Role, State};
use crate::fetch_sessions::{LastFetch, News};
use crate::wait::Wait;

/// The controller's word that this broker leads.
pub(crate) struct Mandate {
    pub(crate) leader_epoch: LeaderEpoch,
    pub(crate) partition_epoch: PartitionEpoch,
    pub(crate) isr: Nodes,
    /// The other replicas.
    pub(crate) others: Nodes,
}

pub(super) struct Leading {
    pub(super) epoch_start: Offset,
    /// As committed by the controller.
    pub(super) isr: Nodes,
    /// Those that were proposed and not answered for; the committed ones are among them if they are to stay.
    pub(super) proposed: Option<Nodes>,
    /// The other replicas.
    pub(super) others: Vec<Replica>,
}

/// Another broker's copy, seen from the leader (`Replica`).
pub(super) struct Replica {
    pub(super) id: NodeId,
    pub(super) broker_epoch: BrokerEpoch,
    /// -1: it has not fetched from this leader.
    pub(super) end: Offset,
    pub(super) start: Offset,
    /// When it last had everything that was there.
    pub(super) caught_up: Option<Duration>,
    pub(super) last_fetch: Duration,
    /// When its session fetched last, this partition named or not.
    pub(super) heard: Option<LastFetch>,
    /// The leader's end at `last_fetch`.
    pub(super) end_at_last_fetch: Offset,
    /// Its broker lives, and is the one that fetched.
    pub(super) eligible: bool,
    /// It is about to join those in sync, which the high watermark must not prevent.
    pub(super) joining: bool,
}

impl Replica {
    fn new(id: NodeId, caught_up: Option<Duration>) -> Replica {
        Replica {
            id,
            broker_epoch: BrokerEpoch(-1),
            end: Offset::NONE,
            start: Offset::NONE,
            caught_up,
            last_fetch: Duration::ZERO,
            heard: None,
            end_at_last_fetch: Offset(i64::MAX),
            eligible: false,
            joining: false,
        }
    }

    /// Whether it had everything not longer than `lag_max` ago.
    pub(super) fn is_caught_up(&self, end: Offset, now: Duration, lag_max: Duration) -> bool {
        self.end == end || self.caught_up.is_some_and(|at| now.saturating_sub(at) <= lag_max)
    }
}

impl Leading {
    /// How many replicas there are, the leader's own included.
    pub(super) fn replicas(&self) -> usize {
        self.others.len() + 1
    }

    /// The committed in-sync replicas and those that may be.
    pub(super) fn is_in_maximal_isr(&self, id: NodeId) -> bool {
        self.isr.contains(&id) || self.proposed.as_ref().is_some_and(|proposed| proposed.contains(&id))
    }

    fn maximal_len(&self) -> usize {
        let added = self.proposed.iter().flatten().filter(|id| !self.isr.contains(id)).count();
        self.isr.len() + added
    }

    /// Up to where all that counts is held, if this leader itself holds everything below `own`.
    pub(super) fn committed(&self, own: Offset, min_in_sync: usize) -> Option<Offset> {
        if self.isr.len() < min_in_sync {
            return None;
        }
        let counts = |replica: &&Replica| replica.joining || self.is_in_maximal_isr(replica.id);
        Some(self.others.iter().filter(counts).fold(own, |least, replica| least.min(replica.end)))
    }
}

/// What an append of this node's own relies on: it was decided for the log as it is in one epoch, and holds nowhere else.
#[derive(Clone, Copy)]
pub(crate) struct Fence {
    /// The epoch that the decision was made in.
    pub(crate) epoch: LeaderEpoch,
    /// Where the append must go, if that matters.
    pub(crate) end: Option<Offset>,
}

/// What an append came to.
pub(crate) struct Placed {
    pub(crate) appended: Appended,
    /// To be waited for before acks=all is answered; `None` if it is committed already.
    pub(crate) committed: Option<Arc<Wait>>,
    /// The append is to be made durable soon.
    pub(crate) wants_sync: bool,
}

impl Partition {
    /// Takes note of what the controller decided. Older news than what is known changes nothing.
    pub(crate) fn lead(&self, mandate: Mandate, now: Duration) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let is_leader = matches!(state.role, Role::Leader(_));
        let Some(log) = &mut state.log else { return };
        if mandate.leader_epoch < state.leader_epoch {
            return;
        }
        if is_leader && mandate.leader_epoch == state.leader_epoch {
            return state.take_isr(mandate.partition_epoch, mandate.isr, &mandate.others, now);
        }
        log.assign_epoch(mandate.leader_epoch);
        let in_sync = |id: &NodeId| mandate.isr.contains(id).then_some(now);
        let others = mandate.others.iter().map(|id| Replica::new(*id, in_sync(id))).collect();
        let leading = Leading { epoch_start: log.end_offset(), isr: mandate.isr, proposed: None, others };
        state.role = Role::Leader(leading);
        state.leader_epoch = mandate.leader_epoch;
        state.partition_epoch = mandate.partition_epoch;
        // Followers that still believe in the epoch before learn of the new one at once.
        state.tell(News::Role);
        state.advance();
    }

    /// Which brokers live changed: `epoch` tells the registration of one that may be in sync.
    pub(crate) fn note_brokers(&self, epoch: impl Fn(NodeId) -> Option<BrokerEpoch>) {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &mut state.role else { return };
        for replica in &mut leading.others {
            replica.eligible = epoch(replica.id).is_some_and(|epoch| epoch == replica.broker_epoch);
            replica.joining &= replica.eligible;
        }
        state.advance();
    }

    /// Appends a batch. With `all`, the number of in-sync replicas is checked first, and the outcome says what to
    /// wait for. What `fence` asks for is checked under the same lock as the append.
    ///
    /// Errors: `NOT_LEADER_OR_FOLLOWER`, also for a fence of another epoch or end; `NOT_ENOUGH_REPLICAS`; the log's.
    pub(crate) fn append(
        &self,
        batch: &mut Validated,
        all: bool,
        fence: Option<Fence>,
        now: Millis,
    ) -> Result<Placed, Refusal> {
        let mut state = self.open_state().map_err(Refusal::Code)?;
        let state = &mut *state;
        if fence.is_some_and(|fence| !state.holds(fence)) {
            return Err(Refusal::Code(ErrorCode::NotLeaderOrFollower));
        }
        let Role::Leader(leading) = &state.role else {
            return Err(Refusal::Code(ErrorCode::NotLeaderOrFollower));
        };
        if all && leading.isr.len() < state.settings.min_in_sync(leading.replicas()) {
            return Err(Refusal::Code(ErrorCode::NotEnoughReplicas));
        }
        let epoch = state.leader_epoch;
        let Some(log) = &mut state.log else { return Err(Refusal::Code(ErrorCode::NotLeaderOrFollower)) };
        let end = log.end_offset();
        let appended = match log.append(batch, epoch, Origin::Client, now) {
            Ok(appended) => appended,
            Err(error) => {
                if let AppendError::Log(fault) = &error {
                    self.dir.failed(fault);
                }
                return Err(error.into());
            }
        };
        self.dir.has_room();
        if !appended.duplicate {
            state.dirty_bytes += batch.size() as u64;
            self.metrics.bytes_in.inc_by(batch.size() as u64);
            self.metrics.batches_in.inc();
            state.left_behind(end);
            state.tell(News::Appended);
        }
        state.advance();
        let until = appended.last_offset.next();
        let committed = (all && state.high_watermark < until).then(|| state.wait_for(until));
        Ok(Placed { appended, committed, wants_sync: state.wants_sync(until) })
    }

    /// Whether an append with acks=all would be taken in this epoch.
    ///
    /// Errors: `KAFKA_STORAGE_ERROR`, `NOT_ENOUGH_REPLICAS`, and those of [`Partition::check_leads`].
    pub(crate) fn check_can_commit(&self, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        let leading = state.leading(epoch)?;
        let (in_sync, replicas) = (leading.isr.len(), leading.replicas());
        if in_sync < state.settings.min_in_sync(replicas) {
            return Err(ErrorCode::NotEnoughReplicas);
        }
        Ok(())
    }

    /// Waits until everything below `until` is committed; `None` if it is.
    ///
    /// Errors: as [`Partition::check_leads`].
    pub(crate) fn when_committed(
        &self,
        epoch: LeaderEpoch,
        until: Offset,
    ) -> Result<Option<Arc<Wait>>, ErrorCode> {
        let mut state = self.state.lock();
        state.leading(epoch)?;
        Ok((state.high_watermark < until).then(|| state.wait_for(until)))
    }

    /// Completes `wait` when every live replica's log begins at `start` or later.
    pub(crate) fn await_deletion(&self, start: Offset, wait: &Arc<Wait>) -> Result<(), ErrorCode> {
        let mut state = self.state.lock();
        let low = state.low_watermark().ok_or(ErrorCode::NotLeaderOrFollower)?;
        if low < start {
            state.deletions.push((start, Arc::clone(wait)));
        } else {
            wait.complete(ErrorCode::None);
        }
        Ok(())
    }
}

impl State {
    /// The log goes on from `end`: whoever had everything had it when it fetched last, of which this partition was not told
    /// while it had no news.
    fn left_behind(&mut self, end: Offset) {
        let Role::Leader(leading) = &mut self.role else { return };
        for replica in leading.others.iter_mut().filter(|replica| replica.end >= end) {
            let heard = replica.heard.as_ref().map(LastFetch::get);
            replica.caught_up = replica.caught_up.max(heard);
        }
    }

    /// Takes the in-sync replicas as the controller has them, from the image or as the answer to a proposal.
    pub(super) fn take_isr(&mut self, epoch: PartitionEpoch, isr: Nodes, others: &[NodeId], now: Duration) {
        let Role::Leader(leading) = &mut self.role else { return };
        if epoch <= self.partition_epoch {
            return;
        }
        self.partition_epoch = epoch;
        leading.proposed = None;
        leading.isr = isr;
        let mut before = std::mem::take(&mut leading.others);
        leading.others = others
            .iter()
            .map(|id| match before.iter().position(|known| known.id == *id) {
                Some(at) => before.swap_remove(at),
                None => Replica::new(*id, leading.isr.contains(id).then_some(now)),
            })
            .collect();
        // Whoever is out of sync now is to be looked at with its next fetch.
        self.tell(News::Changed);
        self.advance();
        self.complete_deletions();
    }

    /// Answers the produces that the high watermark has reached.
    pub(super) fn acknowledge(&mut self) {
        let Role::Leader(leading) = &self.role else { return };
        let enough = leading.maximal_len() >= self.settings.min_in_sync(leading.replicas());
        let outcome = if enough { ErrorCode::None } else { ErrorCode::NotEnoughReplicasAfterAppend };
        while self.acks.front().is_some_and(|(until, _)| *until <= self.high_watermark) {
            if let Some((_, wait)) = self.acks.pop_front() {
                wait.complete(outcome);
            }
        }
    }

    fn holds(&self, fence: Fence) -> bool {
        let end = self.log.as_ref().map(chronik_log::Log::end_offset);
        fence.epoch == self.leader_epoch && (fence.end.is_none() || fence.end == end)
    }

    fn wait_for(&mut self, until: Offset) -> Arc<Wait> {
        let wait = Wait::new();
        // A duplicate waits for its original, which may be before what others wait for.
        let at = self.acks.partition_point(|(other, _)| *other <= until);
        self.acks.insert(at, (until, Arc::clone(&wait)));
        wait
    }

    /// The least start of the logs of all live replicas.
    fn low_watermark(&self) -> Option<Offset> {
        let Role::Leader(leading) = &self.role else { return None };
        let live = leading.others.iter().filter(|replica| replica.eligible);
        let own = self.log.as_ref()?.start_offset();
        Some(live.fold(own, |least, replica| least.min(replica.start)))
    }

    pub(super) fn complete_deletions(&mut self) {
        if self.deletions.is_empty() {
            return;
        }
        let Some(low) = self.low_watermark() else { return };
        self.deletions.retain(|(start, wait)| {
            let waits = low < *start;
            if !waits {
                wait.complete(ErrorCode::None);
            }
            waits
        });
    }
}
