//! Syncs of a partition's log, grouped without timers: one covers everything appended before it began, and the next begins
//! when it ends.

use std::sync::Arc;

use chronik_log::SyncJob;
use chronik_types::{ErrorCode, Millis, Offset};

use super::{Partition, State};
use crate::env::{Env, Urgency};
use crate::wait::Wait;

/// A sync of more bytes than this is left to another thread, so that the connection can go on reading.
const INLINE_SYNC_BYTES: u64 = 256 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    Idle,
    Running,
}

impl Partition {
    /// Starts a sync if there is something to sync and none is running. Returns whether the caller should call again
    /// when it is next woken: a sync is running that does not cover everything.
    pub(crate) fn sync(self: &Arc<Self>, env: &dyn Env) -> bool {
        self.start_sync(env, None)
    }

    /// Makes everything that is in the log now durable. `None`: it is already. Small amounts are done on return if
    /// `inline`.
    pub(crate) fn make_durable(self: &Arc<Self>, env: &dyn Env, inline: bool) -> Option<Arc<Wait>> {
        let wait = {
            let mut state = self.state.lock();
            let log = state.log.as_ref()?;
            let (end, durable) = (log.end_offset(), log.durable_offset());
            if durable >= end {
                return None;
            }
            let wait = Wait::new();
            state.durable.push((end, Arc::clone(&wait)));
            wait
        };
        let small = inline && self.state.lock().dirty_bytes <= INLINE_SYNC_BYTES;
        self.start_sync(env, Some(if small { Urgency::Inline } else { Urgency::Background }));
        Some(wait)
    }

    fn start_sync(self: &Arc<Self>, env: &dyn Env, urgency: Option<Urgency>) -> bool {
        let mut state = self.state.lock();
        if state.sync == Sync::Running {
            return state.dirty_bytes > 0;
        }
        let Some(job) = state.begin_sync(env.now()) else {
            state.never_durable();
            return false;
        };
        self.dir.syncs(job.1);
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
            state.synced();
            if state.dirty_bytes == 0 {
                return;
            }
            if urgency == Urgency::Inline && state.durable.is_empty() && state.hand_over() {
                return;
            }
            match state.begin_sync(now) {
                Some((next, bytes)) => {
                    self.dir.syncs(bytes);
                    job = next;
                }
                None => return,
            }
        }
    }

    /// Whether appended data has waited for `flush.ms`.
    pub(crate) fn flush_is_due(&self, now: Millis) -> bool {
        let state = self.state.lock();
        let flush_ms = i64::try_from(state.settings.topic.flush_ms).unwrap_or(i64::MAX);
        state.dirty_bytes > 0 && now.0.saturating_sub(state.last_sync.0) >= flush_ms
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

    /// Wakes those who wait for commits, for the first of them to lead the next sync on its own thread. `false`: none of
    /// them would. Whoever waits for the log's very end comes back to sync it, if it is there to be woken; the others have
    /// had their sync, and who waits for nothing (acks=1) or is gone does not come back.
    fn hand_over(&self) -> bool {
        let end = self.log.as_ref().map(chronik_log::Log::end_offset);
        let last = self.acks.back().filter(|(until, _)| Some(*until) == end);
        let is_there = last.is_some_and(|(_, wait)| wait.nudge());
        if is_there {
            for (_, wait) in &self.acks {
                wait.nudge();
            }
        }
        is_there
    }

    /// No sync runs and none can begin: what waits for the disk waits in vain (an earlier sync failed).
    fn never_durable(&mut self) {
        for (_, wait) in self.durable.drain(..) {
            wait.complete(ErrorCode::KafkaStorageError);
        }
    }

    /// The durable offset has moved.
    fn synced(&mut self) {
        self.advance();
        if self.durable.is_empty() {
            return;
        }
        let Some(durable) = self.log.as_ref().map(chronik_log::Log::durable_offset) else { return };
        self.durable.retain(|(until, wait)| {
            let waits = *until > durable;
            if !waits {
                wait.complete(ErrorCode::None);
            }
            waits
        });
    }

    /// Whether an append that ends at `until` is to be synced now (`flush.messages`).
    pub(super) fn wants_sync(&self, until: Offset) -> bool {
        let Some(log) = &self.log else { return false };
        let unsynced = until.0.saturating_sub(log.durable_offset().0);
        unsynced > 0 && unsynced.unsigned_abs() >= self.settings.topic.flush_messages
    }
}
