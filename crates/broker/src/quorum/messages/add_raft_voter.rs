//! AddRaftVoter (80), versions 0-1.
//!
//! v1 says whether to answer once the change is in the leader's log, or once it is committed (KIP-1186); v0 is answered
//! once it is committed. A follower that asks for itself takes the first: its own Fetch is needed for the commit.

use std::time::Duration;

use bytes::Bytes;
use chronik_raft::{Ack, AddVoterRequest, DirectoryId, ReplicaKey, Request, Response};
use chronik_types::{ErrorCode, NodeId};
use chronik_wire::StrBytes;
use chronik_wire::add_raft_voter::AddRaftVoterRequest;
use chronik_wire::client::decode_response;
use chronik_wire::messages::AddRaftVoterResponse;
use chronik_wire::messages::add_raft_voter_request::Listener;

use super::{Answering, Fault, Inbound, Served, leader, other_kind, text};

impl Served for AddRaftVoterRequest {
    type Response = AddRaftVoterResponse;

    fn inbound(self) -> Result<Inbound, AddRaftVoterResponse> {
        let endpoints = self.listeners.into_iter().map(|at| (at.name, at.host, at.port));
        let request = Request::AddVoter(AddVoterRequest {
            timeout: Duration::from_millis(self.timeout_ms.max(0).unsigned_abs().into()),
            voter: ReplicaKey::new(NodeId(self.voter_id), DirectoryId(self.voter_directory_id)),
            endpoints: leader::endpoints(endpoints),
            ack_when_committed: self.ack_when_committed,
        });
        Ok(Inbound { cluster_id: super::cluster_id(self.cluster_id), request })
    }

    fn answer(response: Response, _: Answering<'_>, _: Bytes) -> AddRaftVoterResponse {
        let Response::Ack(ack) = response else { other_kind(&response) };
        AddRaftVoterResponse::default()
            .with_error_code(ack.error.code())
            .with_error_message(ack.message.map(StrBytes::from_string))
    }
}

pub(super) fn request(request: &AddVoterRequest, cluster_id: &StrBytes) -> AddRaftVoterRequest {
    let listener = |at: &chronik_raft::Endpoint| {
        Listener::default().with_name(text(&at.listener)).with_host(text(&at.host)).with_port(at.port)
    };
    AddRaftVoterRequest {
        cluster_id: Some(cluster_id.clone()),
        timeout_ms: i32::try_from(request.timeout.as_millis()).unwrap_or(i32::MAX),
        voter_id: request.voter.id.0,
        voter_directory_id: request.voter.directory.0,
        listeners: request.endpoints.0.iter().map(listener).collect(),
        ack_when_committed: request.ack_when_committed,
    }
}

pub(super) fn read(version: i16, frame: Bytes) -> Result<Response, Fault> {
    let (_, response) = decode_response::<AddRaftVoterRequest>(version, frame)?;
    let message = response.error_message.map(|message| message.to_string());
    Ok(Response::Ack(Ack { error: ErrorCode::from_code(response.error_code), message }))
}
