//! Incremental fetch sessions (KIP-227): a client names its partitions once and then only what changes.
//!
//! A session belongs to one client and is addressed by id and epoch; a request with another epoch than the next one
//! is refused, so a lost response cannot leave the two sides with different ideas of the partitions. The cache is
//! bounded (`max.incremental.fetch.session.cache.slots`): when it is full and no session is stale, a client simply
//! gets no session and goes on with full requests; a follower takes a client's slot. Source: `kafka.server.FetchSession`.

use std::sync::Arc;
use std::time::Duration;

use chronik_types::{ErrorCode, LeaderEpoch, Offset, PartitionIndex, TopicId};
use indexmap::IndexMap;
use parking_lot::Mutex;

/// A session must have been silent for this long before another may take its slot.
const EVICTION_AGE: Duration = Duration::from_mins(2);

/// The epoch of a request that wants no session (or closes the one it names).
const FINAL_EPOCH: i32 = -1;
/// The epoch of a request that starts a session.
const INITIAL_EPOCH: i32 = 0;

/// A partition as a fetch request names it: by id since version 13, by name before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PartitionKey {
    pub(crate) topic: Arc<str>,
    pub(crate) topic_id: TopicId,
    pub(crate) partition: PartitionIndex,
}

/// What a client wants of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) fetch_offset: Offset,
    pub(crate) max_bytes: i32,
    pub(crate) current_leader_epoch: LeaderEpoch,
    pub(crate) last_fetched_epoch: LeaderEpoch,
    pub(crate) log_start_offset: Offset,
}

/// What the session last told its client about a partition; `None` where it must be told again.
#[derive(Clone, Copy, Debug)]
struct Cached {
    wanted: Wanted,
    told: Option<Told>,
}

/// The parts of a partition's answer that, when changed, make it worth sending without records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) high_watermark: Offset,
    pub(crate) log_start_offset: Offset,
}

struct Session {
    epoch: i32,
    uses_topic_ids: bool,
    partitions: IndexMap<PartitionKey, Cached, foldhash::fast::FixedState>,
    /// Where the next answer starts, so that no partition starves behind a busy one.
    cursor: usize,
    last_used: Duration,
    is_privileged: bool,
}

/// The fetch at hand: what to read, in which order, and under which session to answer.
pub(crate) struct FetchContext {
    session: Option<Arc<Mutex<Session>>>,
    /// The id to answer with; 0 without a session.
    pub(crate) session_id: i32,
    /// Only changed partitions are answered.
    pub(crate) incremental: bool,
    /// In the order in which they share the response's byte limit.
    pub(crate) partitions: Vec<(PartitionKey, Wanted)>,
}

/// The session part of a fetch request.
pub(crate) struct SessionRequest {
    pub(crate) session_id: i32,
    pub(crate) epoch: i32,
    /// `None` where the request names no topic, and so says neither.
    pub(crate) uses_topic_ids: Option<bool>,
    pub(crate) wanted: Vec<(PartitionKey, Wanted)>,
    pub(crate) forgotten: Vec<PartitionKey>,
    /// It is a follower's, and comes before those of clients.
    pub(crate) is_privileged: bool,
}

/// All sessions of a node.
pub(crate) struct FetchSessions {
    slots: usize,
    sessions: Mutex<IndexMap<i32, Arc<Mutex<Session>>, foldhash::fast::FixedState>>,
}

impl FetchSessions {
    /// A cache with room for `slots` sessions.
    pub(crate) fn new(slots: usize) -> Self {
        FetchSessions { slots, sessions: Mutex::default() }
    }

    /// How many sessions there are.
    pub(crate) fn len(&self) -> usize {
        self.sessions.lock().len()
    }

    /// Resolves a request to the partitions it asks for.
    ///
    /// Errors: `FETCH_SESSION_ID_NOT_FOUND`, `INVALID_FETCH_SESSION_EPOCH`, `FETCH_SESSION_TOPIC_ID_ERROR`.
    pub(crate) fn open(
        &self,
        request: SessionRequest,
        now: Duration,
        random: u128,
    ) -> Result<FetchContext, ErrorCode> {
        if request.epoch == FINAL_EPOCH || request.epoch == INITIAL_EPOCH {
            if request.session_id != 0 {
                self.sessions.lock().swap_remove(&request.session_id);
            }
            let created =
                if request.epoch == INITIAL_EPOCH { self.create(&request, now, random) } else { None };
            let (session_id, session) = created.map_or((0, None), |(id, session)| (id, Some(session)));
            return Ok(FetchContext { session, session_id, incremental: false, partitions: request.wanted });
        }
        let session = self.sessions.lock().get(&request.session_id).cloned();
        let session = session.ok_or(ErrorCode::FetchSessionIdNotFound)?;
        let partitions = session.lock().advance(&request, now)?;
        Ok(FetchContext {
            session: Some(session),
            session_id: request.session_id,
            incremental: true,
            partitions,
        })
    }

    fn create(
        &self,
        request: &SessionRequest,
        now: Duration,
        random: u128,
    ) -> Option<(i32, Arc<Mutex<Session>>)> {
        if request.wanted.is_empty() {
            return None;
        }
        let mut sessions = self.sessions.lock();
        if sessions.len() >= self.slots {
            let stale = sessions.iter().find(|(_, session)| {
                session.try_lock().is_some_and(|session| {
                    let is_stale = now.saturating_sub(session.last_used) > EVICTION_AGE;
                    is_stale || (request.is_privileged && !session.is_privileged)
                })
            });
            let stale = stale.map(|(&id, _)| id)?;
            sessions.swap_remove(&stale);
        }
        let mut id = (random as i32) & i32::MAX;
        while id == 0 || sessions.contains_key(&id) {
            id = id.wrapping_add(1) & i32::MAX;
        }
        let partitions =
            request.wanted.iter().map(|(key, wanted)| (key.clone(), Cached { wanted: *wanted, told: None }));
        let session = Arc::new(Mutex::new(Session {
            epoch: next_epoch(INITIAL_EPOCH),
            uses_topic_ids: request.uses_topic_ids == Some(true),
            partitions: partitions.collect(),
            cursor: 0,
            last_used: now,
            is_privileged: request.is_privileged,
        }));
        sessions.insert(id, Arc::clone(&session));
        Some((id, session))
    }
}

impl Session {
    fn advance(
        &mut self,
        request: &SessionRequest,
        now: Duration,
    ) -> Result<Vec<(PartitionKey, Wanted)>, ErrorCode> {
        if request.epoch != self.epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if request.uses_topic_ids.is_some_and(|uses| uses != self.uses_topic_ids) {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        for (key, wanted) in &request.wanted {
            // What a client sends again it may have sought in: the cached answer no longer counts.
            self.partitions.insert(key.clone(), Cached { wanted: *wanted, told: None });
        }
        for key in &request.forgotten {
            self.partitions.shift_remove(key);
        }
        self.epoch = next_epoch(self.epoch);
        self.last_used = now;
        let count = self.partitions.len();
        self.cursor = if count == 0 { 0 } else { self.cursor % count };
        let rotated = (0..count).map(|at| (self.cursor + at) % count);
        Ok(rotated
            .filter_map(|at| self.partitions.get_index(at).map(|(key, cached)| (key.clone(), cached.wanted)))
            .collect())
    }
}

impl FetchContext {
    /// Whether a partition's answer would tell the client anything new.
    pub(crate) fn worth_telling(
        &self,
        key: &PartitionKey,
        told: Told,
        has_records: bool,
        failed: bool,
    ) -> bool {
        let Some(session) = self.session.as_ref().filter(|_| self.incremental) else { return true };
        has_records
            || failed
            || session.lock().partitions.get(key).is_none_or(|cached| cached.told != Some(told))
    }

    /// Remembers what the response tells; a failed partition will be told again whatever comes.
    pub(crate) fn remember(&self, key: &PartitionKey, told: Told, has_records: bool, failed: bool) {
        let Some(session) = &self.session else { return };
        let mut session = session.lock();
        let Some((at, _, cached)) = session.partitions.get_full_mut(key) else { return };
        cached.told = if failed { None } else { Some(told) };
        if has_records {
            session.cursor = at + 1;
        }
    }
}

fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(partition: i32) -> PartitionKey {
        PartitionKey { topic: "t".into(), topic_id: TopicId::ZERO, partition: PartitionIndex(partition) }
    }

    fn wanted(offset: i64) -> Wanted {
        Wanted {
            fetch_offset: Offset(offset),
            max_bytes: 1000,
            current_leader_epoch: LeaderEpoch::NONE,
            last_fetched_epoch: LeaderEpoch::NONE,
            log_start_offset: Offset::NONE,
        }
    }

    fn request(session_id: i32, epoch: i32, partitions: &[i32]) -> SessionRequest {
        SessionRequest {
            session_id,
            epoch,
            uses_topic_ids: Some(false),
            wanted: partitions.iter().map(|&partition| (key(partition), wanted(0))).collect(),
            forgotten: Vec::new(),
            is_privileged: false,
        }
    }

    const TOLD: Told = Told { high_watermark: Offset(5), log_start_offset: Offset(0) };

    #[test]
    fn a_session_tells_only_what_is_new() {
        let sessions = FetchSessions::new(10);
        let full = sessions.open(request(0, 0, &[0, 1]), Duration::ZERO, 7).unwrap();
        assert!(!full.incremental && full.session_id == 7);
        full.remember(&key(0), TOLD, false, false);
        full.remember(&key(1), TOLD, false, true);
        let next = sessions.open(request(7, 1, &[]), Duration::ZERO, 0).unwrap();
        assert!(next.incremental && next.partitions.len() == 2);
        assert!(!next.worth_telling(&key(0), TOLD, false, false));
        assert!(next.worth_telling(&key(0), TOLD, true, false));
        assert!(next.worth_telling(&key(1), TOLD, false, false), "it failed before");
        let moved = Told { high_watermark: Offset(6), ..TOLD };
        assert!(next.worth_telling(&key(0), moved, false, false));
    }

    #[test]
    fn a_busy_partition_goes_to_the_end_of_the_line() {
        let sessions = FetchSessions::new(10);
        let full = sessions.open(request(0, 0, &[0, 1, 2]), Duration::ZERO, 7).unwrap();
        full.remember(&key(0), TOLD, true, false);
        let next = sessions.open(request(7, 1, &[]), Duration::ZERO, 0).unwrap();
        let order: Vec<i32> = next.partitions.iter().map(|(key, _)| key.partition.0).collect();
        assert_eq!(order, [1, 2, 0]);
    }

    #[test]
    fn wrong_ids_and_epochs_are_refused() {
        let sessions = FetchSessions::new(10);
        sessions.open(request(0, 0, &[0]), Duration::ZERO, 7).unwrap();
        let refused = |id, epoch| sessions.open(request(id, epoch, &[]), Duration::ZERO, 0).err();
        assert_eq!(refused(8, 1), Some(ErrorCode::FetchSessionIdNotFound));
        assert_eq!(refused(7, 2), Some(ErrorCode::InvalidFetchSessionEpoch));
        assert_eq!(refused(7, 1), None);
        assert_eq!(refused(7, 1), Some(ErrorCode::InvalidFetchSessionEpoch), "a repeated request is refused");
    }

    #[test]
    fn a_full_cache_gives_up_only_stale_sessions() {
        let sessions = FetchSessions::new(1);
        assert_eq!(sessions.open(request(0, 0, &[0]), Duration::ZERO, 7).unwrap().session_id, 7);
        let young = Duration::from_mins(1);
        assert_eq!(sessions.open(request(0, 0, &[0]), young, 9).unwrap().session_id, 0);
        let stale = Duration::from_secs(121);
        assert_eq!(sessions.open(request(0, 0, &[0]), stale, 9).unwrap().session_id, 9);
        let follower = SessionRequest { is_privileged: true, ..request(0, 0, &[0]) };
        assert_eq!(sessions.open(follower, stale, 11).unwrap().session_id, 11);
        assert_eq!(sessions.open(request(0, 0, &[0]), stale, 12).unwrap().session_id, 0);
        assert_eq!(sessions.len(), 1);
    }

    #[test]
    fn closing_frees_the_slot() {
        let sessions = FetchSessions::new(1);
        sessions.open(request(0, 0, &[0]), Duration::ZERO, 7).unwrap();
        assert_eq!(sessions.open(request(7, FINAL_EPOCH, &[0]), Duration::ZERO, 0).unwrap().session_id, 0);
        assert_eq!(sessions.len(), 0);
    }
}
