//! A partition that this broker serves: its log, its role, its high watermark, and the requests parked on it.
//!
//! Everything is behind one short lock, under which nothing waits for the disk: batches go to the page cache, syncs run
//! as jobs outside. The high watermark follows the durable offset where appends must be durable first
//! (`flush.messages=1`, the default) and the log's end otherwise; it never goes back. Syncs are grouped without timers:
//! one covers everything appended before it began, and the next begins when it ends.

use std::collections::VecDeque;
use std::sync::Arc;

use chronik_log::batch::{Origin, Validated};
use chronik_log::{AbortedTxn, AppendError, Appended, EpochEnd, Log, ReadError, ReadSlice, SyncJob};
use chronik_types::{ErrorCode, LeaderEpoch, Millis, Offset, TopicId, TopicPartition};
use chronik_wire::fetch::IsolationLevel;

use crate::critical::{Critical, Locked};
use crate::data_dir::DataDir;
use crate::env::{Env, Urgency};
use crate::fetch_sessions::Wanted;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::wait::Wait;

/// A sync of more bytes than this is left to another thread, so that the connection can go on reading.
const INLINE_SYNC_BYTES: u64 = 256 << 10;

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
    leader_epoch: LeaderEpoch,
    in_sync_replicas: usize,
    high_watermark: Offset,
    sync: Sync,
    /// Bytes appended since the last sync began.
    dirty_bytes: u64,
    last_sync: Millis,
    /// Produce requests, by the end offset that the high watermark must reach.
    acks: VecDeque<(Offset, Arc<Wait>)>,
    /// Fetches that wait for the high watermark to move.
    fetches: Vec<Arc<Wait>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sync {
    Idle,
    Running,
}

/// What an append came to.
pub(crate) struct Placed {
    pub(crate) appended: Appended,
    /// To be waited for before acks=all is answered; `None` if it is committed already.
    pub(crate) committed: Option<Arc<Wait>>,
    /// The append is to be made durable soon.
    pub(crate) wants_sync: bool,
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

/// What a fetch may read.
pub(crate) struct Readable {
    pub(crate) slice: Option<ReadSlice>,
    pub(crate) offsets: Offsets,
    pub(crate) aborted: Vec<AbortedTxn>,
    /// The reader's log differs from ours after this point.
    pub(crate) diverging: Option<EpochEnd>,
}

/// A partition's marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub(crate) log_start: Offset,
    pub(crate) high_watermark: Offset,
    pub(crate) last_stable: Offset,
    pub(crate) log_end: Offset,
}

/// The position and rights of a reader.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) isolation: IsolationLevel,
    pub(crate) max_bytes: usize,
    pub(crate) at_least_one: bool,
}

impl Partition {
    /// A partition that this broker leads, over a log that was just opened: all of it is durable.
    pub(crate) fn new(
        name: TopicPartition,
        topic_id: TopicId,
        dir: Arc<DataDir>,
        metrics: Arc<Metrics>,
        log: Log,
        settings: Arc<Settings>,
    ) -> Arc<Partition> {
        let high_watermark = log.end_offset();
        let state = State {
            log: Some(log),
            settings,
            leader_epoch: LeaderEpoch(0),
            in_sync_replicas: 0,
            high_watermark,
            sync: Sync::Idle,
            dirty_bytes: 0,
            last_sync: Millis(0),
            acks: VecDeque::new(),
            fetches: Vec::new(),
        };
        Arc::new(Partition { name, topic_id, dir, metrics, state: Critical::new(state) })
    }

    /// Takes note of what the controller decided.
    pub(crate) fn lead(&self, epoch: LeaderEpoch, in_sync_replicas: usize) {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.in_sync_replicas = in_sync_replicas;
        if epoch != state.leader_epoch || state.log.as_ref().is_some_and(|log| log.latest_epoch().is_none()) {
            state.leader_epoch = epoch;
            if let Some(log) = &mut state.log {
                log.assign_epoch(epoch);
            }
        }
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

    /// The epoch in which this broker leads the partition.
    pub(crate) fn leader_epoch(&self) -> LeaderEpoch {
        self.state.lock().leader_epoch
    }

    /// Appends a batch. With `all`, the number of in-sync replicas is checked first, and the outcome says what to
    /// wait for.
    pub(crate) fn append(&self, batch: &mut Validated, all: bool, now: Millis) -> Result<Placed, Refusal> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        if all && state.in_sync_replicas < state.settings.topic.min_insync_replicas as usize {
            return Err(Refusal::Code(ErrorCode::NotEnoughReplicas));
        }
        let epoch = state.leader_epoch;
        let Some(log) = &mut state.log else { return Err(Refusal::Code(ErrorCode::NotLeaderOrFollower)) };
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
        }
        state.advance();
        let until = appended.last_offset.next();
        let committed = (all && state.high_watermark < until).then(|| state.wait_for(until));
        Ok(Placed { appended, committed, wants_sync: state.wants_sync(until) })
    }

    /// Starts a sync if there is something to sync and none is running. Returns whether the caller should call again
    /// when it is next woken: a sync is running that does not cover everything.
    pub(crate) fn sync(self: &Arc<Self>, env: &dyn Env) -> bool {
        self.start_sync(env, None)
    }

    fn start_sync(self: &Arc<Self>, env: &dyn Env, urgency: Option<Urgency>) -> bool {
        let mut state = self.state.lock();
        if state.sync == Sync::Running {
            return state.dirty_bytes > 0;
        }
        let Some(job) = state.begin_sync(env.now()) else { return false };
        let urgency = urgency.unwrap_or(if job.1 <= INLINE_SYNC_BYTES && !state.acks.is_empty() {
            Urgency::Inline
        } else {
            Urgency::Background
        });
        drop(state);
        let this = Arc::clone(self);
        env.block(urgency, Box::new(move || this.run_syncs(job.0, urgency)));
        false
    }

    /// Runs a sync, and in the background the ones after it for as long as somebody waits for more.
    fn run_syncs(&self, mut job: SyncJob, urgency: Urgency) {
        loop {
            let synced = job.run();
            self.metrics.syncs.inc();
            let mut state = self.state.lock();
            state.sync = Sync::Idle;
            let now = state.last_sync;
            let Some(log) = &mut state.log else { return };
            if let Err(error) = log.finish_sync(synced) {
                self.dir.failed(&error);
                state.fail(ErrorCode::KafkaStorageError);
                return;
            }
            state.advance();
            if state.dirty_bytes == 0 {
                return;
            }
            if urgency == Urgency::Inline && !state.acks.is_empty() {
                // Whoever wakes first leads the next group, on its own thread.
                state.acks.iter().for_each(|(_, wait)| wait.nudge());
                return;
            }
            match state.begin_sync(now) {
                Some((next, _)) => job = next,
                None => return,
            }
        }
    }

    /// What a reader at `wanted` may see.
    pub(crate) fn read(&self, wanted: &Wanted, reader: Reader) -> Result<Readable, ErrorCode> {
        let mut state = self.state.lock();
        if self.dir.is_offline() {
            return Err(ErrorCode::KafkaStorageError);
        }
        state.check_epoch(wanted.current_leader_epoch)?;
        let offsets = state.offsets()?;
        let Some(log) = &state.log else { return Err(ErrorCode::NotLeaderOrFollower) };
        if wanted.last_fetched_epoch.0 >= 0 {
            let end =
                log.end_offset_for_epoch(wanted.last_fetched_epoch).ok_or(ErrorCode::OffsetOutOfRange)?;
            if end.epoch < wanted.last_fetched_epoch || end.end_offset < wanted.fetch_offset {
                return Ok(Readable { slice: None, offsets, aborted: Vec::new(), diverging: Some(end) });
            }
        }
        let upper = match reader.isolation {
            IsolationLevel::ReadUncommitted => offsets.high_watermark,
            IsolationLevel::ReadCommitted => offsets.last_stable,
        };
        let slice = log.read(wanted.fetch_offset, reader.max_bytes, upper, reader.at_least_one);
        let slice = slice.map_err(|error| {
            if let ReadError::Log(fault) = &error {
                self.dir.failed(fault);
            }
            error.code()
        })?;
        let aborted = match reader.isolation {
            IsolationLevel::ReadUncommitted => Vec::new(),
            IsolationLevel::ReadCommitted => log.aborted_transactions(wanted.fetch_offset, upper),
        };
        Ok(Readable { slice: Some(slice), offsets, aborted, diverging: None })
    }

    /// Completes `wait` when the high watermark next moves.
    pub(crate) fn park_fetch(&self, wait: &Arc<Wait>) {
        self.state.lock().fetches.push(Arc::clone(wait));
    }

    /// Forgets a fetch that no longer waits.
    pub(crate) fn unpark_fetch(&self, wait: &Arc<Wait>) {
        self.state.lock().fetches.retain(|parked| !Arc::ptr_eq(parked, wait));
    }

    /// The partition's marks.
    pub(crate) fn offsets(&self) -> Result<Offsets, ErrorCode> {
        self.state.lock().offsets()
    }

    /// Refuses a request that was made with another leader epoch in mind; -1 is always right.
    pub(crate) fn check_epoch(&self, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        self.state.lock().check_epoch(epoch)
    }

    /// Runs something short on the log; `None` once the partition is closed.
    pub(crate) fn with_log<T>(&self, work: impl FnOnce(&mut Log, Offset) -> T) -> Option<T> {
        let mut state = self.state.lock();
        let high_watermark = state.high_watermark;
        state.log.as_mut().map(|log| work(log, high_watermark))
    }

    /// Whether appended data has waited for `flush.ms`.
    pub(crate) fn flush_is_due(&self, now: Millis) -> bool {
        let state = self.state.lock();
        let flush_ms = i64::try_from(state.settings.topic.flush_ms).unwrap_or(i64::MAX);
        state.dirty_bytes > 0 && now.0.saturating_sub(state.last_sync.0) >= flush_ms
    }

    /// Fails whatever is parked here: the log directory is gone.
    pub(crate) fn fail(&self, code: ErrorCode) {
        self.state.lock().fail(code);
    }

    /// Takes the log away, for closing or deleting it; parked requests learn that the broker does not lead any more.
    pub(crate) fn close(&self) -> Option<Log> {
        let mut state = self.state.lock();
        let log = state.log.take();
        state.fail(ErrorCode::NotLeaderOrFollower);
        log
    }

    fn open_state(&self) -> Result<Locked<'_, State>, Refusal> {
        if self.dir.is_offline() {
            return Err(Refusal::Code(ErrorCode::KafkaStorageError));
        }
        Ok(self.state.lock())
    }
}

impl State {
    fn begin_sync(&mut self, now: Millis) -> Option<(SyncJob, u64)> {
        let bytes = std::mem::take(&mut self.dirty_bytes);
        let job = self.log.as_mut()?.begin_sync()?;
        self.sync = Sync::Running;
        self.last_sync = now;
        Some((job, bytes))
    }

    /// Whether an append that ends at `until` is to be synced now (`flush.messages`).
    fn wants_sync(&self, until: Offset) -> bool {
        let Some(log) = &self.log else { return false };
        let unsynced = until.0.saturating_sub(log.durable_offset().0);
        unsynced > 0 && unsynced.unsigned_abs() >= self.settings.topic.flush_messages
    }

    fn wait_for(&mut self, until: Offset) -> Arc<Wait> {
        let wait = Wait::new();
        // A duplicate waits for its original, which may be before what others wait for.
        let at = self.acks.partition_point(|(other, _)| *other <= until);
        self.acks.insert(at, (until, Arc::clone(&wait)));
        wait
    }

    /// Moves the high watermark to where it may be, and completes what waited for that.
    fn advance(&mut self) {
        let Some(log) = &self.log else { return };
        let target = if self.settings.durable_first() { log.durable_offset() } else { log.end_offset() };
        if target <= self.high_watermark {
            return;
        }
        self.high_watermark = target;
        while self.acks.front().is_some_and(|(until, _)| *until <= target) {
            if let Some((_, wait)) = self.acks.pop_front() {
                wait.complete(ErrorCode::None);
            }
        }
        for wait in self.fetches.drain(..) {
            wait.complete(ErrorCode::None);
        }
    }

    fn fail(&mut self, code: ErrorCode) {
        for (_, wait) in self.acks.drain(..) {
            wait.complete(code);
        }
        for wait in self.fetches.drain(..) {
            wait.complete(code);
        }
    }

    fn offsets(&mut self) -> Result<Offsets, ErrorCode> {
        let high_watermark = self.high_watermark;
        let log = self.log.as_mut().ok_or(ErrorCode::NotLeaderOrFollower)?;
        Ok(Offsets {
            log_start: log.start_offset(),
            high_watermark,
            last_stable: log.last_stable_offset(high_watermark),
            log_end: log.end_offset(),
        })
    }

    fn check_epoch(&self, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        if epoch.0 < 0 || epoch == self.leader_epoch {
            Ok(())
        } else if epoch < self.leader_epoch {
            Err(ErrorCode::FencedLeaderEpoch)
        } else {
            Err(ErrorCode::UnknownLeaderEpoch)
        }
    }
}
