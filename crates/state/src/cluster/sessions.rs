//! Which brokers live: what the controller knows from heartbeats and keeps to itself.
//!
//! None of it is in the metadata log. A new controller starts with an empty table and gives every broker that is not
//! fenced a whole session to be heard of ([`Sessions::start`]).

use std::collections::BTreeMap;

use chronik_types::{BrokerEpoch, Millis, NodeId, Offset};

use super::ClusterState;

#[derive(Clone, Copy, Debug)]
struct Session {
    epoch: BrokerEpoch,
    heard: Millis,
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
        let fresh = Session { epoch, heard: now, metadata_offset, shutdown_offset: None };
        let session = self.brokers.entry(id).or_insert(fresh);
        let shutdown_offset = session.shutdown_offset.filter(|_| session.epoch == epoch);
        *session = Session { shutdown_offset, ..fresh };
    }

    /// A broker entered its controlled shutdown; the log ended at `end` with the changes that this caused.
    pub fn shutting_down(&mut self, id: NodeId, end: Offset) {
        if let Some(session) = self.brokers.get_mut(&id) {
            session.shutdown_offset.get_or_insert(end);
        }
    }

    /// Nobody listens to the broker any more: it was fenced or unregistered.
    pub fn forget(&mut self, id: NodeId) {
        self.brokers.remove(&id);
    }

    /// Whether this registration of the broker was heard of within the timeout.
    pub fn is_valid(&self, id: NodeId, epoch: BrokerEpoch, now: Millis) -> bool {
        self.brokers.get(&id).is_some_and(|session| session.epoch == epoch && !self.is_expired(session, now))
    }

    fn is_expired(&self, session: &Session, now: Millis) -> bool {
        now.0 - session.heard.0 >= self.timeout_ms
    }

    /// Who was not heard of for too long, to be fenced.
    pub fn expired(&self, now: Millis) -> Vec<(NodeId, BrokerEpoch)> {
        let expired = self.brokers.iter().filter(|(_, session)| self.is_expired(session, now));
        expired.map(|(id, session)| (*id, session.epoch)).collect()
    }

    /// When the next session ends unless its broker is heard of: the shell's timer.
    pub fn next_expiry(&self) -> Option<Millis> {
        self.brokers.values().map(|session| Millis(session.heard.0 + self.timeout_ms)).min()
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
        sessions.forget(NodeId(1));
        assert_eq!(sessions.next_expiry(), Some(Millis(150)));
    }
}
