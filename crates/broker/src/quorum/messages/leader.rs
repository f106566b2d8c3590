//! Who leads, as the responses say it: an id, an epoch, and (from KIP-853 on) the leader's address on one listener.

use std::sync::Arc;

use chronik_raft::{Endpoint, Endpoints, EpochResponse, LeaderHint};
use chronik_types::{ErrorCode, LeaderEpoch, NodeId};
use chronik_wire::StrBytes;
use chronik_wire::messages::BrokerId;

/// A hint that says nothing: beside a top-level error, or where nobody was asked.
pub(super) fn unknown() -> LeaderHint {
    LeaderHint { epoch: LeaderEpoch::NONE, leader: None, endpoints: Endpoints::EMPTY }
}

pub(super) fn refused(error: ErrorCode) -> EpochResponse {
    EpochResponse { error, hint: unknown() }
}

/// The leader on the wire; -1 for none.
pub(super) fn id(hint: &LeaderHint) -> BrokerId {
    BrokerId(hint.leader.unwrap_or(NodeId::NONE).0)
}

/// Where the leader, if there is one, listens on that listener.
pub(super) fn endpoint<'a>(hint: &'a LeaderHint, listener: &str) -> Option<(BrokerId, &'a Endpoint)> {
    hint.leader.and_then(|leader| Some((BrokerId(leader.0), hint.endpoints.on(listener)?)))
}

/// A hint off the wire. `endpoints` are the nodes that the response locates, `listener` is the one it came over.
pub(super) fn hint(
    leader: BrokerId,
    epoch: i32,
    endpoints: impl IntoIterator<Item = (BrokerId, StrBytes, u16)>,
    listener: &str,
) -> LeaderHint {
    let known = leader.0 >= 0;
    let endpoint = endpoints.into_iter().find(|(id, ..)| known && *id == leader);
    LeaderHint {
        epoch: LeaderEpoch(epoch),
        leader: known.then_some(NodeId(leader.0)),
        endpoints: endpoint
            .map_or(Endpoints::EMPTY, |(_, host, port)| Endpoints::one(listener, &*host, port)),
    }
}

/// A node's addresses off the wire: name, host and port each.
pub(super) fn endpoints(listed: impl IntoIterator<Item = (StrBytes, StrBytes, u16)>) -> Endpoints {
    let endpoint = |(name, host, port): (StrBytes, StrBytes, u16)| Endpoint {
        listener: Arc::from(&*name),
        host: Arc::from(&*host),
        port,
    };
    Endpoints(listed.into_iter().map(endpoint).collect())
}
