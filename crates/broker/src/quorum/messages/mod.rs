//! The quorum's requests and responses between the raft machine and the wire, one file per message: pure, both ways.
//!
//! As server: a request of the wire is [`Served`]: it becomes an [`Inbound`] for raft, and raft's answer becomes the
//! response at the request's version. As client: [`outbound`] frames raft's request at a version that the peer has, and
//! its [`Expected`] reads the answer.
//!
//! An error of [`chronik_raft::is_top_level`] stands at the top of the response, alone; any other stands at the partition, beside
//! who leads. So a peer of another cluster is told nothing of this one's epochs, and what stands beside a top-level
//! error is not believed.

mod add_raft_voter;
mod api_versions;
mod begin_quorum_epoch;
mod end_quorum_epoch;
mod fetch;
mod fetch_snapshot;
mod fetched;
mod leader;
mod remove_raft_voter;
mod update_raft_voter;
mod vote;

use std::sync::Arc;

use bytes::Bytes;
use chronik_raft::{Request, Response};
use chronik_types::ErrorCode;
use chronik_wire::client::{Unnumbered, versions};
use chronik_wire::messages::{
    ApiVersionsRequest, ApiVersionsResponse, BeginQuorumEpochRequest, EndQuorumEpochRequest, FetchRequest,
    FetchSnapshotRequest, RemoveRaftVoterRequest, UpdateRaftVoterRequest, VoteRequest,
};
use chronik_wire::{DecodeError, StrBytes, add_raft_voter::AddRaftVoterRequest};
use kafka_protocol::protocol::Request as WireRequest;

/// The topic that every one of these messages is about; its partition is 0.
const METADATA: &str = "__cluster_metadata";

/// A request of the quorum's protocol as this node serves it.
pub(crate) trait Served: Sized {
    /// Its response on the wire.
    type Response;

    /// The request for raft.
    ///
    /// Errors: the answer to a request that raft need not see: it is not about the metadata log alone, or says what
    /// cannot be.
    fn inbound(self) -> Result<Inbound, Self::Response>;

    /// The response of raft's answer to this kind of request. `read` is what the shell has read for it: whole batches
    /// for a Fetch that says what to read, a piece of the snapshot for a FetchSnapshot without an error (`size` and a
    /// late error are to be put into the answer); empty for all others.
    fn answer(response: Response, to: Answering<'_>, read: Bytes) -> Self::Response;
}

/// A request for raft, and what travels beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Inbound {
    /// The cluster that the sender believes in; `None` if it does not say.
    pub(crate) cluster_id: Option<Arc<str>>,
    pub(crate) request: Request,
}

/// What an answer needs to know of its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answering<'a> {
    pub(crate) version: i16,
    /// The listener that the request came in on: the leader's address on that one is told.
    pub(crate) listener: &'a str,
}

/// Who sends a request.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) cluster_id: StrBytes,
    pub(crate) client_id: String,
}

/// What versions a peer's APIs have, as its answer to ApiVersions says.
#[derive(Clone, Debug, Default)]
pub(crate) struct PeerVersions(Vec<(i16, i16, i16)>);

impl PeerVersions {
    pub(crate) fn new(response: &ApiVersionsResponse) -> PeerVersions {
        PeerVersions(
            response.api_keys.iter().map(|api| (api.api_key, api.min_version, api.max_version)).collect(),
        )
    }

    /// The newest version of a request that both sides have.
    pub(crate) fn common<R: WireRequest>(&self) -> Option<i16> {
        let (oldest, newest) = versions::<R>();
        let (_, min, max) = self.0.iter().find(|(key, ..)| *key == R::KEY)?;
        let version = newest.min(*max);
        (version >= oldest.max(*min)).then_some(version)
    }
}

/// A request ready to be sent, and how its answer is read.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) frame: Unnumbered,
    pub(crate) expected: Expected,
}

/// How the answer to a request is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    version: i16,
    read: fn(i16, Bytes, &str) -> Result<Response, Fault>,
}

impl Expected {
    /// The answer for raft, from a frame without its size. `listener` is the name of the listener that it came over, as
    /// the quorum calls it.
    ///
    /// Errors: the bytes are not such an answer: the connection is of no further use, and the request has failed.
    pub(crate) fn parse(self, frame: Bytes, listener: &str) -> Result<Response, Fault> {
        (self.read)(self.version, frame, listener)
    }
}

/// Why an answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("fetched batch: {0}")]
    Batch(#[from] chronik_log::batch::BatchError),
    #[error("fetched batch: {0}")]
    Control(#[from] chronik_raft::ControlRecordError),
    #[error("{0} is not about the metadata log")]
    Elsewhere(&'static str),
    #[error("{0} is negative")]
    Negative(&'static str),
}

/// Frames a request at the newest version that the peer has too.
///
/// Errors: raft's answer in the peer's stead: `UnsupportedVersion` for what cannot be asked of it (such as a pre-vote
/// below version 2), `UnknownServerError` for what cannot be written.
pub(crate) fn outbound(request: &Request, peer: &PeerVersions, from: &Sender) -> Result<Outbound, Response> {
    let to = To { peer, from };
    let framed = match request {
        Request::Vote(request) => {
            let least = if request.pre_vote { 2 } else { 0 };
            to.frame::<VoteRequest>(least, vote::read, |version| vote::request(request, version, from))
        }
        Request::BeginQuorumEpoch(request) => {
            to.frame::<BeginQuorumEpochRequest>(0, begin_quorum_epoch::read, |version| {
                begin_quorum_epoch::request(request, version, from)
            })
        }
        Request::EndQuorumEpoch(request) => {
            to.frame::<EndQuorumEpochRequest>(0, end_quorum_epoch::read, |version| {
                end_quorum_epoch::request(request, version, from)
            })
        }
        Request::Fetch(request) => to.frame::<FetchRequest>(fetch::OLDEST, fetch::read, |version| {
            fetch::request(request, version, from)
        }),
        Request::FetchSnapshot(request) => {
            to.frame::<FetchSnapshotRequest>(0, fetch_snapshot::read, |version| {
                fetch_snapshot::request(request, version, from)
            })
        }
        Request::AddVoter(request) => {
            // Version 0 waits for the commit.
            let least = i16::from(!request.ack_when_committed);
            to.frame::<AddRaftVoterRequest>(least, add_raft_voter::read, |_| {
                add_raft_voter::request(request, from)
            })
        }
        Request::RemoveVoter(request) => {
            to.frame::<RemoveRaftVoterRequest>(0, remove_raft_voter::read, |_| {
                remove_raft_voter::request(request, from)
            })
        }
        Request::UpdateVoter(request) => {
            to.frame::<UpdateRaftVoterRequest>(0, update_raft_voter::read, |_| {
                update_raft_voter::request(request, from)
            })
        }
        Request::ApiVersions => {
            to.frame::<ApiVersionsRequest>(0, api_versions::read, |_| api_versions::request())
        }
    };
    framed.map_err(|error| unasked(request, error))
}

struct To<'a> {
    peer: &'a PeerVersions,
    from: &'a Sender,
}

impl To<'_> {
    fn frame<R: WireRequest>(
        &self,
        least: i16,
        read: fn(i16, Bytes, &str) -> Result<Response, Fault>,
        request: impl FnOnce(i16) -> R,
    ) -> Result<Outbound, ErrorCode> {
        let version = self.peer.common::<R>().filter(|version| *version >= least);
        let version = version.ok_or(ErrorCode::UnsupportedVersion)?;
        let frame = Unnumbered::new(version, &self.from.client_id, &request(version))
            .map_err(|_| ErrorCode::UnknownServerError)?;
        Ok(Outbound { frame, expected: Expected { version, read } })
    }
}

/// An answer that nobody gave.
fn unasked(request: &Request, error: ErrorCode) -> Response {
    match request {
        Request::Vote(_) => Response::Vote(vote::refused(error)),
        Request::BeginQuorumEpoch(_) => Response::BeginQuorumEpoch(leader::refused(error)),
        Request::EndQuorumEpoch(_) => Response::EndQuorumEpoch(leader::refused(error)),
        Request::Fetch(_) => Response::Fetch(fetch::refused(error)),
        Request::FetchSnapshot(_) => Response::FetchSnapshot(fetch_snapshot::refused(error)),
        Request::AddVoter(_) | Request::RemoveVoter(_) => {
            Response::Ack(chronik_raft::Ack { error, message: None })
        }
        Request::UpdateVoter(_) => Response::UpdateVoter(leader::refused(error)),
        Request::ApiVersions => {
            Response::ApiVersions(chronik_raft::ApiVersionsResponse { error, versions: None })
        }
    }
}

/// The partition of a message about the metadata log alone. `open` says whether a topic is that one, and gives its
/// partitions.
fn only_partition<T, P>(
    topics: impl IntoIterator<Item = T>,
    open: impl FnOnce(T) -> (bool, Vec<P>),
    index: impl FnOnce(&P) -> i32,
) -> Option<P> {
    let (is_metadata, partitions) = open(only(topics)?);
    only(partitions).filter(|partition| is_metadata && index(partition) == 0)
}

fn only<T>(items: impl IntoIterator<Item = T>) -> Option<T> {
    let mut items = items.into_iter();
    let item = items.next()?;
    items.next().is_none().then_some(item)
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn cluster_id(id: Option<StrBytes>) -> Option<Arc<str>> {
    id.map(|id| Arc::from(&*id))
}

/// Which of raft's answers it is was decided by the request.
fn other_kind(response: &Response) -> ! {
    unreachable!("raft answers a request in kind, not with {response:?}")
}
