//! Outbound requests: at most one in flight to each peer, a time-out for silence, a pause after a failure that
//! doubles while the peer does not answer.
//!
//! A change of role forgets them all: an answer to a forgotten request is ignored, whatever it says.

use std::{collections::BTreeMap, time::Duration};

use chronik_types::{LeaderEpoch, NodeId, Offset};

use crate::{RequestId, SnapshotId};

/// What an answer will be the answer to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    Vote { pre_vote: bool },
    BeginEpoch,
    EndEpoch,
    Fetch { offset: Offset, epoch: LeaderEpoch },
    Snapshot { id: SnapshotId, position: u64 },
    UpdateVoter,
    JoinOrLeave,
    Versions,
}

#[derive(Clone, Copy, Debug)]
struct InFlight {
    id: RequestId,
    asked: Asked,
    deadline: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    in_flight: Option<InFlight>,
    pause_until: Option<Duration>,
    /// How many requests in a row went without an answer.
    silent: u32,
}

/// How many times the pause doubles (from Kafka's 20 ms to 640 ms).
const DOUBLINGS_MAX: u32 = 5;

impl Peer {
    /// No answer came: pauses, longer each time.
    fn miss(&mut self, now: Duration, backoff: Duration) {
        self.in_flight = None;
        self.pause_until = Some(now + backoff * (1 << self.silent.min(DOUBLINGS_MAX)));
        self.silent += 1;
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Peers {
    peers: BTreeMap<NodeId, Peer>,
    last_id: u64,
    timeout: Duration,
    backoff: Duration,
}

impl Peers {
    pub(crate) fn new(timeout: Duration, backoff: Duration) -> Peers {
        Peers { peers: BTreeMap::new(), last_id: 0, timeout, backoff }
    }

    pub(crate) fn reset(&mut self) {
        self.peers.clear();
    }

    /// Whether a request could go to that peer now.
    pub(crate) fn is_ready(&self, now: Duration, peer: NodeId) -> bool {
        self.peers
            .get(&peer)
            .is_none_or(|peer| peer.in_flight.is_none() && peer.pause_until.is_none_or(|until| until <= now))
    }

    /// Whether that peer failed a moment ago.
    pub(crate) fn is_paused(&self, now: Duration, peer: NodeId) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.pause_until.is_some_and(|until| until > now))
    }

    pub(crate) fn any_in_flight(&self) -> bool {
        self.peers.values().any(|peer| peer.in_flight.is_some())
    }

    /// Notes a request to a peer that is ready.
    pub(crate) fn sent(&mut self, now: Duration, peer: NodeId, asked: Asked) -> RequestId {
        self.last_id += 1;
        let id = RequestId(self.last_id);
        self.peers.entry(peer).or_default().in_flight =
            Some(InFlight { id, asked, deadline: now + self.timeout });
        id
    }

    /// The peer and the question of a request that is still waited for; it no longer is after this.
    pub(crate) fn answered(&mut self, id: RequestId) -> Option<(NodeId, Asked)> {
        self.take(id).map(|(node, peer, asked)| {
            *peer = Peer::default();
            (node, asked)
        })
    }

    /// As `answered`, for a request that will not be answered.
    pub(crate) fn unanswered(&mut self, now: Duration, id: RequestId) -> Option<(NodeId, Asked)> {
        let backoff = self.backoff;
        self.take(id).map(|(node, peer, asked)| {
            peer.miss(now, backoff);
            (node, asked)
        })
    }

    fn take(&mut self, id: RequestId) -> Option<(NodeId, &mut Peer, Asked)> {
        self.peers.iter_mut().find_map(|(node, peer)| {
            let in_flight = peer.in_flight.filter(|in_flight| in_flight.id == id)?;
            Some((*node, peer, in_flight.asked))
        })
    }

    /// The peer answered, but not what was hoped for: pauses.
    pub(crate) fn failed(&mut self, now: Duration, peer: NodeId) {
        let backoff = self.backoff;
        let peer = self.peers.entry(peer).or_default();
        peer.in_flight = None;
        peer.pause_until = Some(now + backoff);
    }

    /// Gives up the requests that are overdue.
    pub(crate) fn expire(&mut self, now: Duration) {
        let backoff = self.backoff;
        for peer in self.peers.values_mut() {
            if peer.in_flight.is_some_and(|in_flight| in_flight.deadline <= now) {
                peer.miss(now, backoff);
            }
        }
    }

    /// When something here changes by itself.
    pub(crate) fn next_deadline(&self, now: Duration) -> Option<Duration> {
        self.peers
            .values()
            .filter_map(|peer| peer.in_flight.map(|in_flight| in_flight.deadline).or(peer.pause_until))
            .filter(|at| *at > now)
            .min()
    }
}
