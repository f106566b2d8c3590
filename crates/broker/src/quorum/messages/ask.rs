//! Asking another member of the quorum: which versions serve a request, its bytes, and its answer's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chronik_raft::{Ack, ApiVersionsResponse, Request, Response};
use chronik_types::ErrorCode;
use chronik_wire::add_raft_voter::AddRaftVoterRequest;
use chronik_wire::client::{encode_request, versions};
use chronik_wire::messages::{
    ApiVersionsRequest, BeginQuorumEpochRequest, EndQuorumEpochRequest, FetchRequest, FetchSnapshotRequest,
    RemoveRaftVoterRequest, UpdateRaftVoterRequest, VoteRequest,
};
use chronik_wire::{EncodeError, StrBytes};
use kafka_protocol::protocol::Request as WireRequest;

use super::{
    Fault, add_raft_voter, api_versions, begin_quorum_epoch, end_quorum_epoch, fetch, fetch_snapshot, leader,
    remove_raft_voter, update_raft_voter, vote,
};
use crate::peers::{CallError, Channel, Encoded};

/// Why a peer gave no answer that could be used.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Answer(#[from] Fault),
}

impl Failed {
    /// Whether the peer's host said that nobody is there (`Event::SendFailed`).
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Failed::Call(error) if error.is_gone())
    }
}

/// Asks a peer, at the newest version that both sides have. What it cannot be asked (a pre-vote below version 2, say) is
/// answered with `UnsupportedVersion` in its stead. `listener` is what the quorum calls the listener that is asked.
///
/// # Errors
/// The peer gave no answer, or none that could be used.
pub(crate) async fn ask(
    channel: &Arc<Channel>,
    timeout: Duration,
    request: Request,
    cluster_id: StrBytes,
    listener: &str,
) -> Result<Response, Failed> {
    let request = Arc::new(request);
    let (sent, client_id) = (Arc::clone(&request), Arc::clone(channel.client_id()));
    let answer = channel.call(timeout, move |peer, correlation_id| {
        let (key, versions) = api(&sent);
        let version = peer.choose(key, versions)?;
        let frame = encode(&sent, version, correlation_id, (&client_id, &cluster_id))?;
        Ok(Encoded { version, frame })
    });
    match answer.await {
        Ok(answer) => Ok(read(&request, answer.version, answer.frame, listener)?),
        Err(CallError::Unsupported { .. }) => Ok(unasked(&request, ErrorCode::UnsupportedVersion)),
        Err(error) => Err(error.into()),
    }
}

/// The key of a request's API, and the versions that can carry it.
pub(super) fn api(request: &Request) -> (i16, (i16, i16)) {
    fn of<R: WireRequest>(least: i16) -> (i16, (i16, i16)) {
        let (min, max) = versions::<R>();
        (R::KEY, (min.max(least), max))
    }
    match request {
        Request::Vote(request) => of::<VoteRequest>(if request.pre_vote { 2 } else { 0 }),
        Request::BeginQuorumEpoch(_) => of::<BeginQuorumEpochRequest>(0),
        Request::EndQuorumEpoch(_) => of::<EndQuorumEpochRequest>(0),
        Request::Fetch(_) => of::<FetchRequest>(fetch::OLDEST),
        Request::FetchSnapshot(_) => of::<FetchSnapshotRequest>(0),
        // Version 0 waits for the commit.
        Request::AddVoter(request) => of::<AddRaftVoterRequest>(i16::from(!request.ack_when_committed)),
        Request::RemoveVoter(_) => of::<RemoveRaftVoterRequest>(0),
        Request::UpdateVoter(_) => of::<UpdateRaftVoterRequest>(0),
        Request::ApiVersions => of::<ApiVersionsRequest>(0),
    }
}

/// The request's frame; `from` are the client id and the cluster id of who asks.
pub(super) fn encode(
    request: &Request,
    version: i16,
    correlation_id: i32,
    from: (&str, &StrBytes),
) -> Result<Bytes, EncodeError> {
    fn frame<R: WireRequest>(at: (i16, i32, &str), request: &R) -> Result<Bytes, EncodeError> {
        encode_request(at.0, at.1, at.2, request)
    }
    let (client_id, cluster_id) = from;
    let at = (version, correlation_id, client_id);
    match request {
        Request::Vote(request) => frame(at, &vote::request(request, version, cluster_id)),
        Request::BeginQuorumEpoch(request) => {
            frame(at, &begin_quorum_epoch::request(request, version, cluster_id))
        }
        Request::EndQuorumEpoch(request) => {
            frame(at, &end_quorum_epoch::request(request, version, cluster_id))
        }
        Request::Fetch(request) => frame(at, &fetch::request(request, version, cluster_id)),
        Request::FetchSnapshot(request) => frame(at, &fetch_snapshot::request(request, version, cluster_id)),
        Request::AddVoter(request) => frame(at, &add_raft_voter::request(request, cluster_id)),
        Request::RemoveVoter(request) => frame(at, &remove_raft_voter::request(request, cluster_id)),
        Request::UpdateVoter(request) => frame(at, &update_raft_voter::request(request, cluster_id)),
        Request::ApiVersions => frame(at, &api_versions::request()),
    }
}

/// The answer to a request that was sent at `version`, from a frame without its size.
pub(super) fn read(request: &Request, version: i16, frame: Bytes, listener: &str) -> Result<Response, Fault> {
    match request {
        Request::Vote(_) => vote::read(version, frame, listener),
        Request::BeginQuorumEpoch(_) => begin_quorum_epoch::read(version, frame, listener),
        Request::EndQuorumEpoch(_) => end_quorum_epoch::read(version, frame, listener),
        Request::Fetch(_) => fetch::read(version, frame, listener),
        Request::FetchSnapshot(_) => fetch_snapshot::read(version, frame, listener),
        Request::AddVoter(_) => add_raft_voter::read(version, frame),
        Request::RemoveVoter(_) => remove_raft_voter::read(version, frame),
        Request::UpdateVoter(_) => update_raft_voter::read(version, frame, listener),
        Request::ApiVersions => api_versions::read(version, frame),
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
        Request::AddVoter(_) | Request::RemoveVoter(_) => Response::Ack(Ack { error, message: None }),
        Request::UpdateVoter(_) => Response::UpdateVoter(leader::refused(error)),
        Request::ApiVersions => Response::ApiVersions(ApiVersionsResponse { error, versions: None }),
    }
}
