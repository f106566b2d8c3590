//! A partition that this broker has a replica of: its log, its role, its high watermark, and the requests parked on it.
//!
//! Everything is behind one short lock, under which nothing waits for the disk (a truncation apart, which is rare): batches
//! go to the page cache, syncs run as jobs outside. The high watermark follows what every replica in sync holds: on disk
//! where appends must be durable first (`flush.messages=1`, the default), in its log otherwise; it never goes back while
//! the broker leads.
//!
//! The role comes from the image by way of reconcile and from nowhere else ([`leader`], [`follower`]); who acts on another
//! leader epoch than the role's is refused.

mod follower;
mod isr;
mod leader;
mod nearest;
#[cfg(feature = "planted")]
mod planted;
mod read;
mod sync;
#[cfg(test)]
mod tests;
mod truncate;

use std::collections::VecDeque;
use std::sync::Arc;

use chronik_log::{AppendError, Log, LogError};
use chronik_types::{ErrorCode, LeaderEpoch, Millis, Offset, PartitionEpoch, TopicId, TopicPartition};

use crate::critical::{Critical, Locked};
use crate::data_dir::DataDir;
use crate::fetch_sessions::{News, Watch};
use crate::inspect::ReplicaView;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::wait::Wait;

pub(crate) use follower::{Copied, Fetched, Position, Unfollowed};
pub(crate) use isr::Proposal;
pub(crate) use leader::{Fence, Mandate, Placed};
pub(crate) use read::{Consumer, FollowerFetch, Reader, Who};
pub(crate) use truncate::Cutting;

use follower::Following;
use leader::Leading;
use sync::Sync;

/// A partition on this broker.
pub(crate) struct Partition {
    pub(crate) name: TopicPartition,
    pub(crate) topic_id: TopicId,
    pub(crate) dir: Arc<DataDir>,
    metrics: Arc<Metrics>,
    state: Critical<State>,
}

struct State {
    /// `None` once the partition is closed: its topic is deleted or the node stops.
    log: Option<Log>,
    settings: Arc<Settings>,
    role: Role,
    /// Of the role; -1 before there is one.
    leader_epoch: LeaderEpoch,
    partition_epoch: PartitionEpoch,
    high_watermark: Offset,
    sync: Sync,
    /// Bytes appended since the last sync began.
    dirty_bytes: u64,
    last_sync: Millis,
    /// Produce requests, by the end offset that the high watermark must reach.
    acks: VecDeque<(Offset, Arc<Wait>)>,
    /// Fetches to be told of news, with the slot that this partition has there.
    watches: Vec<(Arc<Watch>, u32)>,
    /// Whoever waits for everything below an offset to be on this broker's disk.
    durable: Vec<(Offset, Arc<Wait>)>,
    /// Deletions of records, by the start offset that every live replica must have reached.
    deletions: Vec<(Offset, Arc<Wait>)>,
}

enum Role {
    /// The image has said nothing yet.
    None,
    Leader(Leading),
    Follower(Following),
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("{0}")]
    Code(ErrorCode),
}

impl Refusal {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Refusal::Append(error) => error.code(),
            Refusal::Code(code) => *code,
        }
    }
}

/// A partition's marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub(crate) log_start: Offset,
    pub(crate) high_watermark: Offset,
    pub(crate) last_stable: Offset,
    pub(crate) log_end: Offset,
    /// Where the leader's epoch begins.
    pub(crate) epoch_start: Offset,
}

impl Partition {
    /// A partition without a role, over a log that was just opened: all of it is durable. `high_watermark` is what the
    /// checkpoint says.
    pub(crate) fn new(
        (name, topic_id): (TopicPartition, TopicId),
        dir: Arc<DataDir>,
        metrics: Arc<Metrics>,
        (log, high_watermark): (Log, Offset),
        settings: Arc<Settings>,
    ) -> Arc<Partition> {
        let high_watermark = high_watermark.clamp(log.start_offset(), log.end_offset());
        let state = State {
            log: Some(log),
            settings,
            role: Role::None,
            leader_epoch: LeaderEpoch::NONE,
            partition_epoch: PartitionEpoch(-1),
            high_watermark,
            sync: Sync::Idle,
            dirty_bytes: 0,
            last_sync: Millis(0),
            acks: VecDeque::new(),
            watches: Vec::new(),
            durable: Vec::new(),
            deletions: Vec::new(),
        };
        Arc::new(Partition { name, topic_id, dir, metrics, state: Critical::new(state) })
    }

    /// Takes the topic's settings as they are now.
    pub(crate) fn reconfigure(&self, settings: Arc<Settings>) {
        let mut state = self.state.lock();
        if let Some(log) = &mut state.log {
            log.reconfigure(Arc::clone(&settings.log));
        }
        state.settings = settings;
        // Switching to `flush.messages` other than 1 frees what waited for the disk.
        state.advance();
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.state.lock().settings)
    }

    /// The marks of the partition's leader.
    ///
    /// Errors: as [`Partition::check_leads`].
    pub(crate) fn offsets(&self) -> Result<Offsets, ErrorCode> {
        self.state.lock().offsets()
    }

    /// As [`Partition::offsets`], of the leader in this epoch.
    ///
    /// Errors: as [`Partition::check_leads`].
    pub(crate) fn offsets_in(&self, epoch: LeaderEpoch) -> Result<Offsets, ErrorCode> {
        let mut state = self.state.lock();
        state.leading(epoch)?;
        state.offsets()
    }

    /// Refuses a request that was made with another leader epoch in mind (-1 is always right), or that does not come to
    /// the leader.
    ///
    /// Errors: `FENCED_LEADER_EPOCH`, `UNKNOWN_LEADER_EPOCH`, `NOT_LEADER_OR_FOLLOWER`.
    pub(crate) fn check_leads(&self, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        self.state.lock().leading(epoch).map(drop)
    }

    /// The epoch of the role.
    pub(crate) fn leader_epoch(&self) -> LeaderEpoch {
        self.state.lock().leader_epoch
    }

    /// What a reader is told who planned in `epoch` and could not read. Batches that are not what they should be are not
    /// the disk's fault; and what the log has lost since, by a new role or by its end, was the reader's bad luck.
    pub(crate) fn unreadable(&self, epoch: LeaderEpoch, error: &LogError) -> ErrorCode {
        let state = self.state.lock();
        if state.log.is_none() || state.leader_epoch != epoch {
            return ErrorCode::NotLeaderOrFollower;
        }
        drop(state);
        if let LogError::Corrupt { .. } = error {
            tracing::error!(partition = %self.name, %error, "records cannot be read");
            return ErrorCode::CorruptMessage;
        }
        self.dir.failed(error);
        ErrorCode::KafkaStorageError
    }

    /// The copy as one sees it from outside; `None` once it is closed.
    pub(crate) fn view(&self) -> Option<ReplicaView> {
        let state = self.state.lock();
        let log = state.log.as_ref()?;
        Some(ReplicaView {
            name: self.name.clone(),
            topic_id: self.topic_id,
            leads: matches!(state.role, Role::Leader(_)),
            leader_epoch: state.leader_epoch,
            high_watermark: state.high_watermark,
            log_start: log.start_offset(),
            log_end: log.end_offset(),
            durable: log.durable_offset(),
            is_compacted: state.settings.topic.cleanup_compact,
        })
    }

    /// Runs something short on the log; `None` once the partition is closed.
    pub(crate) fn with_log<T>(&self, work: impl FnOnce(&mut Log, Offset) -> T) -> Option<T> {
        let mut state = self.state.lock();
        let high_watermark = state.high_watermark;
        let log = state.log.as_mut()?;
        let start = log.start_offset();
        let done = work(log, high_watermark);
        if log.start_offset() != start {
            state.tell(News::Changed);
        }
        Some(done)
    }

    /// Fails whatever is parked here: the log directory is gone.
    pub(crate) fn fail(&self, code: ErrorCode) {
        self.state.lock().fail(code);
    }

    /// Takes the log away, for closing or deleting it; parked requests learn that the broker does not lead any more.
    pub(crate) fn close(&self) -> Option<Log> {
        let mut state = self.state.lock();
        let log = state.log.take();
        state.role = Role::None;
        state.fail(ErrorCode::NotLeaderOrFollower);
        log
    }

    fn open_state(&self) -> Result<Locked<'_, State>, ErrorCode> {
        if self.dir.is_offline() {
            return Err(ErrorCode::KafkaStorageError);
        }
        Ok(self.state.lock())
    }
}

impl State {
    /// What this broker itself has to show for the high watermark.
    fn own_end(&self) -> Option<Offset> {
        let log = self.log.as_ref()?;
        Some(if self.settings.durable_first() { log.durable_offset() } else { log.end_offset() })
    }

    /// Moves the high watermark to where it may be, and completes what waited for that.
    fn advance(&mut self) {
        let Some(own) = self.own_end() else { return };
        let target = match &self.role {
            Role::None => return,
            Role::Leader(leading) => leading.committed(own, self.settings.min_in_sync(leading.replicas())),
            Role::Follower(following) => Some(following.leader_high_watermark.min(own)),
        };
        #[cfg(feature = "planted")]
        let target = self.planted_high_watermark(own).or(target);
        let Some(target) = target.filter(|target| *target > self.high_watermark) else { return };
        self.high_watermark = target;
        if !self.acks.is_empty() {
            self.acknowledge();
        }
        self.tell(News::Committed);
    }

    fn tell(&self, news: News) {
        self.watches.iter().for_each(|(watch, slot)| watch.note(*slot, news));
    }

    fn fail(&mut self, code: ErrorCode) {
        let acks = self.acks.drain(..).map(|(_, wait)| wait);
        let durable = self.durable.drain(..).map(|(_, wait)| wait);
        let deletions = self.deletions.drain(..).map(|(_, wait)| wait);
        for wait in acks.chain(durable).chain(deletions) {
            wait.complete(code);
        }
        self.tell(News::Role);
    }

    fn offsets(&mut self) -> Result<Offsets, ErrorCode> {
        let epoch_start = self.leading(LeaderEpoch::NONE)?.epoch_start;
        self.marks(epoch_start)
    }

    fn marks(&mut self, epoch_start: Offset) -> Result<Offsets, ErrorCode> {
        let high_watermark = self.high_watermark;
        let log = self.log.as_mut().ok_or(ErrorCode::NotLeaderOrFollower)?;
        Ok(Offsets {
            log_start: log.start_offset(),
            high_watermark,
            last_stable: log.last_stable_offset(high_watermark),
            log_end: log.end_offset(),
            epoch_start,
        })
    }

    fn check_epoch(&self, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        if epoch.0 >= 0 && epoch < self.leader_epoch {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        if epoch.0 >= 0 && epoch > self.leader_epoch {
            return Err(ErrorCode::UnknownLeaderEpoch);
        }
        Ok(())
    }

    /// The leader's part, for a request made with `epoch` in mind.
    fn leading(&mut self, epoch: LeaderEpoch) -> Result<&mut Leading, ErrorCode> {
        self.check_epoch(epoch)?;
        match &mut self.role {
            Role::Leader(leading) if self.log.is_some() => Ok(leading),
            _ => Err(ErrorCode::NotLeaderOrFollower),
        }
    }
}
