//! The follower's side of an incremental fetch session (KIP-227): it names a partition once, and again when where it
//! fetches has changed. Source: `FetchSessionHandler`.
//!
//! Requests of an established session may be sent one behind the other; a full one is answered before the next is sent.

use chronik_types::{ErrorCode, LeaderEpoch};
use chronik_wire::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};

use super::{ByKey, Key, Keys};
use crate::partition::Position;

/// What was last said of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) epoch: LeaderEpoch,
    pub(super) position: Position,
}

/// One session with one leader.
#[derive(Default)]
pub(super) struct Session {
    id: i32,
    /// Of the next request; 0: it is a full one.
    epoch: i32,
    /// What is followed, with the epoch of the request that said so.
    told: ByKey<(Told, i32)>,
    /// To be named in the next request.
    changed: Keys,
    /// Not followed any more, of which the leader does not know yet.
    forgotten: Keys,
}

/// The session's part of a request.
pub(super) struct Asking {
    pub(super) id: i32,
    pub(super) epoch: i32,
    pub(super) topics: Vec<FetchTopic>,
    pub(super) forgotten: Vec<ForgottenTopic>,
}

impl Session {
    /// Whether a request may follow another one that is not answered.
    pub(super) fn is_established(&self) -> bool {
        self.epoch > 0
    }

    /// Whether nothing is followed.
    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// The partition is followed from there on.
    pub(super) fn want(&mut self, key: Key, told: Told) {
        let last = self.told.get(&key);
        if last.is_some_and(|(last, _)| *last == told) && !self.forgotten.contains(&key) {
            return;
        }
        self.told.insert(key, (told, self.epoch));
        self.forgotten.swap_remove(&key);
        self.changed.insert(key);
    }

    /// The partition is not followed, or not for now.
    pub(super) fn forget(&mut self, key: Key) {
        if self.told.swap_remove(&key).is_some() {
            self.changed.swap_remove(&key);
            self.forgotten.insert(key);
        }
    }

    /// The next request.
    pub(super) fn ask(&mut self, bytes_max: u32) -> Asking {
        let is_full = !self.is_established();
        let changed = std::mem::take(&mut self.changed);
        let forgotten = std::mem::take(&mut self.forgotten);
        let mut topics: Vec<FetchTopic> = Vec::new();
        let mut name = |&(topic, index): &Key, told: &Told| {
            let partition = FetchPartition::default()
                .with_partition(index.0)
                .with_current_leader_epoch(told.epoch.0)
                .with_fetch_offset(told.position.end.0)
                .with_last_fetched_epoch(told.position.last_epoch.0)
                .with_log_start_offset(told.position.start.0)
                .with_partition_max_bytes(i32::try_from(bytes_max).unwrap_or(i32::MAX));
            match topics.last_mut() {
                Some(last) if last.topic_id == topic.0 => last.partitions.push(partition),
                _ => {
                    topics
                        .push(FetchTopic::default().with_topic_id(topic.0).with_partitions(vec![partition]));
                }
            }
        };
        if is_full {
            for (key, (told, since)) in &mut self.told {
                name(key, told);
                *since = 0;
            }
        } else {
            changed
                .iter()
                .filter_map(|key| Some((key, self.told.get(key)?)))
                .for_each(|(key, (told, _))| name(key, told));
        }
        let forgotten = if is_full { Vec::new() } else { by_topic(&forgotten) };
        let asking = Asking { id: self.id, epoch: self.epoch, topics, forgotten };
        if !is_full {
            self.epoch = if self.epoch == i32::MAX { 1 } else { self.epoch + 1 };
        }
        asking
    }

    /// What the request of the session's `epoch` asked for this partition; `None` if a later one has asked for something
    /// else: the answer is to an older question then.
    pub(super) fn told(&self, key: &Key, epoch: i32) -> Option<&Told> {
        self.told.get(key).filter(|(_, since)| *since <= epoch).map(|(told, _)| told)
    }

    /// The session's part of an answer to a request made at `epoch`.
    ///
    /// Errors: the session is not what the leader thinks; the next request begins a new one.
    pub(super) fn answered(&mut self, epoch: i32, error: ErrorCode, id: i32) -> Result<(), ErrorCode> {
        match error {
            ErrorCode::None => {
                if epoch == 0 {
                    self.id = id;
                    self.epoch = i32::from(id != 0);
                }
                Ok(())
            }
            error => {
                // A session that the leader still has is closed by a full request that names it.
                let is_gone = error == ErrorCode::FetchSessionIdNotFound;
                *self = Session { id: if is_gone { 0 } else { self.id }, ..Session::default() };
                Err(error)
            }
        }
    }

    /// The connection is lost, and what the leader heard last is not known.
    pub(super) fn lost(&mut self) {
        *self = Session { id: self.id, ..Session::default() };
    }
}

fn by_topic(keys: &Keys) -> Vec<ForgottenTopic> {
    let mut topics: Vec<ForgottenTopic> = Vec::new();
    for &(topic, index) in keys {
        match topics.last_mut() {
            Some(last) if last.topic_id == topic.0 => last.partitions.push(index.0),
            _ => topics.push(ForgottenTopic::default().with_topic_id(topic.0).with_partitions(vec![index.0])),
        }
    }
    topics
}

#[cfg(test)]
mod tests {
    use chronik_types::{Offset, PartitionIndex, TopicId};
    use uuid::Uuid;

    use super::*;

    fn key(index: i32) -> Key {
        (TopicId(Uuid::from_u128(9)), PartitionIndex(index))
    }

    fn ask(session: &mut Session, ends: &[(i32, i64)]) -> Asking {
        for &(index, end) in ends {
            let position = Position { end: Offset(end), last_epoch: LeaderEpoch(2), start: Offset(0) };
            session.want(key(index), Told { epoch: LeaderEpoch(3), position });
        }
        session.ask(100)
    }

    fn named(asking: &Asking) -> Vec<i32> {
        asking.topics.iter().flat_map(|topic| topic.partitions.iter().map(|one| one.partition)).collect()
    }

    #[test]
    fn a_session_names_what_has_changed() {
        let mut session = Session::default();
        let full = ask(&mut session, &[(0, 5), (1, 5)]);
        assert_eq!((full.id, full.epoch, named(&full)), (0, 0, vec![0, 1]));
        assert!(!session.is_established());
        session.answered(0, ErrorCode::None, 77).unwrap();
        let next = ask(&mut session, &[(0, 5), (1, 6)]);
        assert_eq!((next.id, next.epoch, named(&next)), (77, 1, vec![1]));
        session.forget(key(1));
        let behind = ask(&mut session, &[(0, 5), (2, 0)]);
        assert_eq!((behind.epoch, named(&behind)), (2, vec![2]));
        assert_eq!(behind.forgotten[0].partitions, [1]);
        let idle = session.ask(100);
        assert!(idle.topics.is_empty() && idle.forgotten.is_empty() && idle.epoch == 3);
        session.forget(key(2));
        assert_eq!(named(&ask(&mut session, &[(2, 0)])), [2], "named again, and not forgotten");
    }

    #[test]
    fn an_answer_to_an_older_question_is_known_as_one() {
        let mut session = Session::default();
        ask(&mut session, &[(0, 5)]);
        session.answered(0, ErrorCode::None, 77).unwrap();
        // One request behind the other; the second says nothing new of partition 0, the third does.
        assert_eq!(ask(&mut session, &[(0, 5), (1, 0)]).epoch, 1);
        assert!(session.told(&key(0), 0).is_some() && session.told(&key(1), 0).is_none());
        assert_eq!(ask(&mut session, &[(0, 9), (1, 0)]).epoch, 2);
        assert!(session.told(&key(0), 1).is_none(), "what answers the second request begins at offset 5");
        assert!(session.told(&key(1), 1).is_some() && session.told(&key(0), 2).is_some());
    }

    #[test]
    fn a_refused_session_is_begun_anew() {
        let mut session = Session::default();
        ask(&mut session, &[(0, 5)]);
        session.answered(0, ErrorCode::None, 77).unwrap();
        ask(&mut session, &[(0, 5)]);
        session.answered(1, ErrorCode::InvalidFetchSessionEpoch, 0).unwrap_err();
        let full = ask(&mut session, &[(0, 5)]);
        assert_eq!((full.id, full.epoch, named(&full)), (77, 0, vec![0]));
        session.answered(0, ErrorCode::FetchSessionIdNotFound, 0).unwrap_err();
        assert_eq!(ask(&mut session, &[(0, 5)]).id, 0);
        // No room for a session at the leader: full requests go on.
        session.answered(0, ErrorCode::None, 0).unwrap();
        assert!(!session.is_established());
    }
}
