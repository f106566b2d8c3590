//! Messages under way. Each has a time of arrival; which messages are lost is decided when they are sent.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chronik_types::NodeId;

use crate::{Request, RequestId, Response, Token};

#[derive(Clone, Debug)]
pub(crate) enum Delivery {
    Request {
        from: NodeId,
        life: u64,
        id: RequestId,
        to: NodeId,
        request: Request,
    },
    Response {
        to: NodeId,
        life: u64,
        id: RequestId,
        from: NodeId,
        response: Response,
    },
    Lost {
        to: NodeId,
        life: u64,
        id: RequestId,
        gone: bool,
    },
    /// The node's disk has finished a sync.
    Synced {
        node: NodeId,
        life: u64,
    },
    Restart {
        node: NodeId,
    },
    SnapshotReady {
        node: NodeId,
        life: u64,
    },
}

/// Whom the answer to an inbound request goes to.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) node: NodeId,
    pub(crate) life: u64,
    pub(crate) id: RequestId,
    pub(crate) request: Request,
}

#[derive(Debug, Default)]
pub(crate) struct Network {
    queue: BTreeMap<(Duration, u64), Delivery>,
    sequence: u64,
    pub(crate) callers: BTreeMap<Token, Caller>,
    /// Pairs that cannot talk, the first to the second.
    pub(crate) cut: Vec<(NodeId, NodeId)>,
}

impl Network {
    pub(crate) fn put(&mut self, at: Duration, delivery: Delivery) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), delivery);
    }

    pub(crate) fn next_at(&self) -> Option<Duration> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn take(&mut self) -> Option<Delivery> {
        self.queue.pop_first().map(|(_, delivery)| delivery)
    }

    pub(crate) fn token(&mut self) -> Token {
        self.sequence += 1;
        Token(self.sequence)
    }

    pub(crate) fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cut.contains(&(from, to))
    }
}

/// The node that listens at a host of the model: `n<id>`.
pub(crate) fn node_at(host: &Arc<str>) -> Option<NodeId> {
    host.strip_prefix('n')?.parse().ok().map(NodeId)
}
