//! The partitions of one fetch session, and which of them are to be looked at.
//!
//! A fetch costs what is new, not what is followed: only *pending* partitions are read, and a partition stops being pending
//! when it was looked at and there was nothing to tell. It becomes pending when the client names it, or when the partition
//! has news ([`Watch`]). A fetch without a session has one of these to itself, for as long as it lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chronik_types::ErrorCode;
use foldhash::fast::FixedState;
use indexmap::IndexMap;

use super::watch::Watch;
use super::{PartitionKey, SessionRequest, Told, Wanted, next_epoch};
use crate::partition::Partition;

/// When a session's client has fetched last, for the partitions that it follows without naming them.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastFetch(Arc<AtomicU64>);

impl LastFetch {
    fn set(&self, now: Duration) {
        self.0.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Since the environment's moment zero.
    pub(crate) fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Acquire))
    }
}

pub(crate) struct Session {
    /// Of the next request.
    pub(super) epoch: i32,
    uses_topic_ids: bool,
    by_key: IndexMap<PartitionKey, u32, FixedState>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    /// Those that may still be called pending.
    freed: Vec<u32>,
    /// In the order in which they share the response's byte limit.
    pending: Vec<u32>,
    pub(super) watch: Arc<Watch>,
    pub(super) last_fetch: LastFetch,
    pub(super) is_privileged: bool,
}

/// A partition of a session.
pub(crate) struct Slot {
    pub(crate) key: PartitionKey,
    pub(crate) wanted: Wanted,
    /// What the session last told its client; `None` where it must be told again.
    told: Option<Told>,
    is_pending: bool,
    watched: Option<Arc<Partition>>,
}

impl Session {
    /// The session of a request that names all its partitions.
    pub(super) fn new(request: &SessionRequest, now: Duration) -> Session {
        let mut session = Session {
            epoch: next_epoch(super::INITIAL_EPOCH),
            uses_topic_ids: request.uses_topic_ids == Some(true),
            by_key: IndexMap::default(),
            slots: Vec::with_capacity(request.wanted.len()),
            free: Vec::new(),
            freed: Vec::new(),
            pending: Vec::with_capacity(request.wanted.len()),
            watch: Watch::new(request.is_privileged),
            last_fetch: LastFetch::default(),
            is_privileged: request.is_privileged,
        };
        session.last_fetch.set(now);
        for (key, wanted) in &request.wanted {
            session.add(key.clone(), *wanted);
        }
        session
    }

    /// Makes the partitions findable by name: the session outlives its first request.
    pub(super) fn index(&mut self) {
        let named = self.slots.iter().enumerate();
        let named = named.filter_map(|(at, slot)| Some((slot.as_ref()?.key.clone(), at as u32)));
        self.by_key = named.collect();
    }

    fn add(&mut self, key: PartitionKey, wanted: Wanted) -> u32 {
        let slot = Slot { key, wanted, told: None, is_pending: true, watched: None };
        let at = if let Some(at) = self.free.pop() {
            self.slots[at as usize] = Some(slot);
            at
        } else {
            self.slots.push(Some(slot));
            (self.slots.len() - 1) as u32
        };
        self.pending.push(at);
        at
    }

    /// Takes what an incremental request says.
    pub(super) fn advance(&mut self, request: &SessionRequest, now: Duration) -> Result<(), ErrorCode> {
        if request.epoch != self.epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if request.uses_topic_ids.is_some_and(|uses| uses != self.uses_topic_ids) {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        for (key, wanted) in &request.wanted {
            let known = self.by_key.get(key).copied();
            match known.and_then(|at| Some((at, self.slots[at as usize].as_mut()?))) {
                Some((at, slot)) => {
                    // What a client sends again it may have sought in: the cached answer no longer counts.
                    (slot.wanted, slot.told) = (*wanted, None);
                    self.keep(at);
                }
                None => {
                    let at = self.add(key.clone(), *wanted);
                    self.by_key.insert(key.clone(), at);
                }
            }
        }
        for key in &request.forgotten {
            if let Some(at) = self.by_key.swap_remove(key)
                && let Some(slot) = self.slots[at as usize].take()
            {
                slot.unwatch(&self.watch);
                self.freed.push(at);
            }
        }
        self.epoch = next_epoch(self.epoch);
        self.last_fetch.set(now);
        Ok(())
    }

    /// How many partitions there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len() - self.freed.len()
    }

    /// How many slots there are, free ones included.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The slots to be looked at now, in order. Those that stay pending are to be [kept](Session::keep).
    pub(crate) fn take_pending(&mut self) -> Vec<u32> {
        for at in self.watch.take() {
            self.keep(at);
        }
        let mut pending = std::mem::take(&mut self.pending);
        pending.retain(|at| match &mut self.slots[*at as usize] {
            Some(slot) => {
                slot.is_pending = false;
                true
            }
            None => false,
        });
        self.free.append(&mut self.freed);
        pending
    }

    /// The slot is to be looked at again.
    pub(crate) fn keep(&mut self, at: u32) {
        if let Some(Some(slot)) = self.slots.get_mut(at as usize)
            && !slot.is_pending
        {
            slot.is_pending = true;
            self.pending.push(at);
        }
    }

    /// The partition in a slot.
    pub(crate) fn slot(&self, at: u32) -> Option<&Slot> {
        self.slots.get(at as usize)?.as_ref()
    }

    /// From now on the slot has the news of `partition`, which is the one that it names.
    pub(crate) fn watch(&mut self, at: u32, partition: &Arc<Partition>) {
        let Some(Some(slot)) = self.slots.get_mut(at as usize) else { return };
        if slot.watched.as_ref().is_some_and(|watched| Arc::ptr_eq(watched, partition)) {
            return;
        }
        slot.unwatch(&self.watch);
        partition.watch(&self.watch, at);
        slot.watched = Some(Arc::clone(partition));
    }

    /// Remembers what the response tells; a failed partition (`None`) will be told again whatever comes.
    pub(crate) fn tell(&mut self, at: u32, told: Option<Told>) {
        if let Some(Some(slot)) = self.slots.get_mut(at as usize) {
            slot.told = told;
        }
    }

    /// Puts the partitions whose records were sent behind the others, so that none starves behind a busy one.
    pub(crate) fn served(&mut self, mut served: Vec<u32>) {
        if !served.is_empty() && self.pending.len() > served.len() {
            served.sort_unstable();
            self.pending.sort_by_key(|at| served.binary_search(at).is_ok());
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.slots.iter().flatten().for_each(|slot| slot.unwatch(&self.watch));
    }
}

impl Slot {
    fn unwatch(&self, watch: &Arc<Watch>) {
        if let Some(partition) = &self.watched {
            partition.unwatch(watch);
        }
    }

    /// Whether its answer would tell the client anything new beside records.
    pub(crate) fn is_news(&self, told: Told) -> bool {
        self.told != Some(told)
    }
}
