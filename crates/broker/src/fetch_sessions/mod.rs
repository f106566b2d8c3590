//! Incremental fetch sessions (KIP-227): a client names its partitions once and then only what changes, and the broker looks
//! only at those with news ([`session`]).
//!
//! A session belongs to one client and is addressed by id and epoch; a request with another epoch than the next one
//! is refused, so a lost response cannot leave the two sides with different ideas of the partitions. The cache is
//! bounded (`max.incremental.fetch.session.cache.slots`): when it is full and no session is stale, a client simply
//! gets no session and goes on with full requests; a follower takes a client's slot. Source: `kafka.server.FetchSession`.

mod session;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use chronik_types::{ErrorCode, LeaderEpoch, Offset, PartitionIndex, TopicId};
use indexmap::IndexMap;
use parking_lot::{Mutex, MutexGuard};

pub(crate) use session::{LastFetch, Session};
pub(crate) use watch::{News, Watch};

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

/// The parts of a partition's answer that, when changed, make it worth sending without records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) high_watermark: Offset,
    pub(crate) log_start_offset: Offset,
}

/// The fetch at hand: under which session to read and to answer.
pub(crate) struct FetchContext {
    session: Arc<Mutex<Session>>,
    /// The session's when this request was taken: a later request of the session takes all that is left.
    epoch: i32,
    /// The id to answer with; 0 without a session.
    pub(crate) session_id: i32,
    /// Only changed partitions are answered.
    pub(crate) incremental: bool,
    /// Partitions that are read are to tell their news from then on.
    pub(crate) watches: bool,
    pub(crate) last_fetch: LastFetch,
    pub(crate) watch: Arc<Watch>,
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
            let session = Arc::new(Mutex::new(Session::new(&request, now)));
            let is_wanted = request.epoch == INITIAL_EPOCH && !request.wanted.is_empty();
            let id = if is_wanted { self.keep(&session, now, random) } else { None };
            return Ok(FetchContext::new(session, id.unwrap_or(0), false));
        }
        let session = self.sessions.lock().get(&request.session_id).cloned();
        let session = session.ok_or(ErrorCode::FetchSessionIdNotFound)?;
        session.lock().advance(&request, now)?;
        Ok(FetchContext::new(session, request.session_id, true))
    }

    /// Finds room for a session. Returns its id.
    fn keep(&self, session: &Arc<Mutex<Session>>, now: Duration, random: u128) -> Option<i32> {
        let mut sessions = self.sessions.lock();
        let mut new = session.lock();
        if sessions.len() >= self.slots {
            let stale = sessions.iter().find(|(_, session)| {
                session.try_lock().is_some_and(|session| {
                    let is_stale = now.saturating_sub(session.last_fetch.get()) > EVICTION_AGE;
                    is_stale || (new.is_privileged && !session.is_privileged)
                })
            });
            let stale = stale.map(|(&id, _)| id)?;
            sessions.swap_remove(&stale);
        }
        let mut id = (random as i32) & i32::MAX;
        while id == 0 || sessions.contains_key(&id) {
            id = id.wrapping_add(1) & i32::MAX;
        }
        new.index();
        sessions.insert(id, Arc::clone(session));
        Some(id)
    }
}

impl FetchContext {
    fn new(session: Arc<Mutex<Session>>, session_id: i32, incremental: bool) -> FetchContext {
        let (epoch, last_fetch, watch) = {
            let session = session.lock();
            (session.epoch, session.last_fetch.clone(), Arc::clone(&session.watch))
        };
        let watches = session_id != 0;
        FetchContext { session, epoch, session_id, incremental, watches, last_fetch, watch }
    }

    /// The partitions; `None` if another request has taken the session on.
    pub(crate) fn session(&self) -> Option<MutexGuard<'_, Session>> {
        Some(self.session.lock()).filter(|session| session.epoch == self.epoch)
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

    /// The partitions that a fetch looks at.
    fn pending(context: &FetchContext) -> Vec<i32> {
        let mut session = context.session().unwrap();
        let slots = session.take_pending();
        slots.iter().map(|at| session.slot(*at).unwrap().key.partition.0).collect()
    }

    fn keep(context: &FetchContext, slots: &[u32]) {
        let mut session = context.session().unwrap();
        for at in slots {
            session.keep(*at);
        }
    }

    #[test]
    fn only_what_has_news_is_looked_at() {
        let sessions = FetchSessions::new(10);
        let full = sessions.open(request(0, 0, &[0, 1, 2]), Duration::ZERO, 7).unwrap();
        assert!(!full.incremental && full.session_id == 7);
        assert_eq!(pending(&full), [0, 1, 2]);
        let next = sessions.open(request(7, 1, &[]), Duration::ZERO, 0).unwrap();
        assert!(next.incremental && pending(&next).is_empty());
        next.watch.note(2, News::Committed);
        next.watch.note(2, News::Committed);
        assert_eq!(pending(&next), [2]);
        let named = sessions.open(request(7, 2, &[1, 5]), Duration::ZERO, 0).unwrap();
        assert!(next.session().is_none(), "another request has come");
        assert_eq!(pending(&named), [1, 5]);
        keep(&named, &[0]);
        let forgets = SessionRequest { forgotten: vec![key(0), key(1)], ..request(7, 3, &[]) };
        let last = sessions.open(forgets, Duration::ZERO, 0).unwrap();
        assert!(pending(&last).is_empty());
        assert_eq!(last.session().unwrap().len(), 2);
        let reused = sessions.open(request(7, 4, &[8]), Duration::ZERO, 0).unwrap();
        assert_eq!(pending(&reused), [8]);
        assert_eq!(reused.session().unwrap().slots(), 4);
    }

    #[test]
    fn a_session_tells_only_what_is_new() {
        let sessions = FetchSessions::new(10);
        let full = sessions.open(request(0, 0, &[0, 1]), Duration::ZERO, 7).unwrap();
        let mut session = full.session().unwrap();
        session.tell(0, Some(TOLD));
        session.tell(1, None);
        assert!(!session.slot(0).unwrap().is_news(TOLD));
        assert!(session.slot(1).unwrap().is_news(TOLD), "it failed before");
        assert!(session.slot(0).unwrap().is_news(Told { high_watermark: Offset(6), ..TOLD }));
        drop(session);
        let named = sessions.open(request(7, 1, &[0]), Duration::ZERO, 0).unwrap();
        assert!(named.session().unwrap().slot(0).unwrap().is_news(TOLD), "it was named again");
    }

    #[test]
    fn a_busy_partition_goes_to_the_end_of_the_line() {
        let sessions = FetchSessions::new(10);
        let full = sessions.open(request(0, 0, &[0, 1, 2]), Duration::ZERO, 7).unwrap();
        assert_eq!(pending(&full), [0, 1, 2]);
        keep(&full, &[0, 1, 2]);
        full.session().unwrap().served(vec![0]);
        let next = sessions.open(request(7, 1, &[]), Duration::ZERO, 0).unwrap();
        assert_eq!(pending(&next), [1, 2, 0]);
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
