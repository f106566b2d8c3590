//! Which brokers live: what the controller knows from heartbeats and keeps to itself.
//!
//! None of it is in the metadata log. A new controller starts with an empty table and gives every broker that is not
//! fenced a whole session to be heard of ([`Sessions::start`]). Every call names the registration that it speaks of:
//! what arrives late from an older one changes nothing about the newer.
//!
//! The shell calls [`Sessions::heard`] for every registration and heartbeat that the machine accepted,
//! [`Sessions::lost`] when a broker's process is known to be dead, submits [`super::FenceBroker`] for what
//! [`Sessions::expired`] returns and, once that is decided, calls [`Sessions::forget`]; also for a broker that was told
//! that it may shut down, so that its next process need not wait for the end of a session that nobody uses.

use std::collections::BTreeMap;

use chronik_types::{BrokerEpoch, Millis, NodeId, Offset};

use super::ClusterState;

#[derive(Clone, Copy, Debug)]
struct Session {
    epoch: BrokerEpoch,
    heard: Millis,
    /// Its process is known to be dead.
    lost: bool,
    metadata_offset: Offset,
    /// Where the log ended when the broker entered its controlled shutdown.
    shutdown_offset: Option<Offset>,
}

/// The brokers' sessions with this controller. Times are the shell's monotonic milliseconds, never compared with others.
#[derive(Clone, Debug)]
pub struct Sessions {
    timeout_ms: i64,
    brokers: BTreeMap<NodeId, Session>,
}

impl Sessions {
    /// A new controller's table. `timeout_ms` is `broker.session.timeout.ms`.
    pub fn start(state: &ClusterState, timeout_ms: i64, now: Millis) -> Self {
        let mut sessions = Sessions { timeout_ms, brokers: BTreeMap::new() };
        for broker in state.brokers().filter(|broker| !broker.fenced) {
            sessions.heard(broker.id, broker.epoch, Offset::NONE, now);
        }
        sessions
    }

    /// A broker was heard of: it registered, or its heartbeat says how far it has applied the metadata.
    pub fn heard(&mut self, id: NodeId, epoch: BrokerEpoch, metadata_offset: Offset, now: Millis) {
        let fresh = Session { epoch, heard: now, lost: false, metadata_offset, shutdown_offset: None };
        let session = self.brokers.entry(id).or_insert(fresh);
        if epoch < session.epoch {
            return;
        }
        let shutdown_offset = session.shutdown_offset.filter(|_| session.epoch == epoch);
        *session = Session { shutdown_offset, ..fresh };
    }

    /// The broker's process is dead: its connection was reset, and nobody listens where it did. Its session is over at
    /// once, unless the broker is heard of again. Returns whether that says something new.
    pub fn lost(&mut self, id: NodeId, epoch: BrokerEpoch) -> bool {
        let session = self.brokers.get_mut(&id).filter(|session| session.epoch == epoch && !session.lost);
        session.map(|session| session.lost = true).is_some()
    }

    /// A broker is in controlled shutdown; the log ended at `end` with the changes that its heartbeat caused. The first
    /// call counts.
    pub fn shutting_down(&mut self, id: NodeId, epoch: BrokerEpoch, end: Offset) {
        if let Some(session) = self.brokers.get_mut(&id).filter(|session| session.epoch == epoch) {
            session.shutdown_offset.get_or_insert(end);
        }
    }

    /// Nobody listens to this registration of the broker any more: it was fenced or unregistered.
    pub fn forget(&mut self, id: NodeId, epoch: BrokerEpoch) {
        if self.brokers.get(&id).is_some_and(|session| session.epoch == epoch) {
            self.brokers.remove(&id);
        }
    }

    /// Whether this registration of the broker was heard of within the timeout.
    pub fn is_valid(&self, id: NodeId, epoch: BrokerEpoch, now: Millis) -> bool {
        self.brokers.get(&id).is_some_and(|session| session.epoch == epoch && !self.is_expired(session, now))
    }

    fn is_expired(&self, session: &Session, now: Millis) -> bool {
        session.lost || now.0 - session.heard.0 >= self.timeout_ms
    }

    /// Who was not heard of for too long or is known to be dead, to be fenced.
    pub fn expired(&self, now: Millis) -> Vec<(NodeId, BrokerEpoch)> {
        let expired = self.brokers.iter().filter(|(_, session)| self.is_expired(session, now));
        expired.map(|(id, session)| (*id, session.epoch)).collect()
    }

    /// When the next session ends unless its broker is heard of: the shell's timer. A time that is past means now.
    pub fn next_expiry(&self) -> Option<Millis> {
        let end = |session: &Session| {
            Millis(if session.lost { session.heard.0 } else { session.heard.0 + self.timeout_ms })
        };
        self.brokers.values().map(end).min()
    }

    /// How far a broker has applied the metadata, as it said last; `None` if it has no session.
    pub fn metadata_offset(&self, id: NodeId) -> Option<Offset> {
        self.brokers.get(&id).map(|session| session.metadata_offset)
    }

    /// Whether every active broker has applied the metadata up to where `id` entered its controlled shutdown.
    pub fn shutdown_is_known(&self, id: NodeId, state: &ClusterState) -> bool {
        let Some(offset) = self.brokers.get(&id).and_then(|session| session.shutdown_offset) else {
            return false;
        };
        let is_active = |id: &NodeId| state.broker(*id).is_some_and(|broker| broker.is_active());
        let mut active = self.brokers.iter().filter(|(id, _)| is_active(id));
        active.all(|(_, session)| session.metadata_offset.next() >= offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_its_broker_falls_silent() {
        let mut sessions = Sessions::start(&ClusterState::default(), 100, Millis(0));
        sessions.heard(NodeId(1), BrokerEpoch(5), Offset(5), Millis(0));
        sessions.heard(NodeId(2), BrokerEpoch(6), Offset(6), Millis(50));
        assert_eq!(sessions.next_expiry(), Some(Millis(100)));
        assert_eq!(sessions.expired(Millis(99)), []);
        assert_eq!(sessions.expired(Millis(100)), [(NodeId(1), BrokerEpoch(5))]);
        assert!(sessions.is_valid(NodeId(2), BrokerEpoch(6), Millis(100)));
        assert!(!sessions.is_valid(NodeId(2), BrokerEpoch(5), Millis(100)), "an older registration");
        sessions.forget(NodeId(1), BrokerEpoch(4));
        assert_eq!(sessions.next_expiry(), Some(Millis(100)), "another registration was meant");
        sessions.forget(NodeId(1), BrokerEpoch(5));
        assert_eq!(sessions.next_expiry(), Some(Millis(150)));
    }

    #[test]
    fn a_dead_process_has_no_session() {
        let mut sessions = Sessions::start(&ClusterState::default(), 100, Millis(0));
        sessions.heard(NodeId(1), BrokerEpoch(5), Offset(5), Millis(50));
        assert!(!sessions.lost(NodeId(1), BrokerEpoch(4)) && !sessions.lost(NodeId(2), BrokerEpoch(5)));
        assert!(sessions.lost(NodeId(1), BrokerEpoch(5)));
        assert!(!sessions.lost(NodeId(1), BrokerEpoch(5)), "nothing new");
        assert_eq!(sessions.next_expiry(), Some(Millis(50)));
        assert_eq!(sessions.expired(Millis(51)), [(NodeId(1), BrokerEpoch(5))]);
        assert!(!sessions.is_valid(NodeId(1), BrokerEpoch(5), Millis(51)), "another process may register");
        sessions.heard(NodeId(1), BrokerEpoch(5), Offset(6), Millis(60));
        assert_eq!(sessions.expired(Millis(61)), [], "it was not dead after all");
    }

    #[test]
    fn what_arrives_late_from_an_older_registration_changes_nothing() {
        let mut sessions = Sessions::start(&ClusterState::default(), 100, Millis(0));
        sessions.heard(NodeId(1), BrokerEpoch(9), Offset(9), Millis(50));
        sessions.heard(NodeId(1), BrokerEpoch(5), Offset(5), Millis(60));
        assert!(sessions.is_valid(NodeId(1), BrokerEpoch(9), Millis(60)));
        assert_eq!(sessions.metadata_offset(NodeId(1)), Some(Offset(9)));
        sessions.shutting_down(NodeId(1), BrokerEpoch(5), Offset(9));
        assert!(!sessions.shutdown_is_known(NodeId(1), &ClusterState::default()));
    }
}
