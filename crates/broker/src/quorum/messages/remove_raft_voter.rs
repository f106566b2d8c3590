//! RemoveRaftVoter (81), version 0.

use bytes::Bytes;
use chronik_raft::{Ack, DirectoryId, RemoveVoterRequest, ReplicaKey, Request, Response};
use chronik_types::{ErrorCode, NodeId};
use chronik_wire::StrBytes;
use chronik_wire::client::decode_response;
use chronik_wire::messages::{RemoveRaftVoterRequest, RemoveRaftVoterResponse};

use super::{Answering, Fault, Inbound, Served, other_kind};

impl Served for RemoveRaftVoterRequest {
    type Response = RemoveRaftVoterResponse;

    fn inbound(self) -> Result<Inbound, RemoveRaftVoterResponse> {
        let voter = ReplicaKey::new(NodeId(self.voter_id), DirectoryId(self.voter_directory_id));
        let request = Request::RemoveVoter(RemoveVoterRequest { voter });
        Ok(Inbound { cluster_id: super::cluster_id(self.cluster_id), request })
    }

    fn answer(response: Response, _: Answering<'_>, _: Bytes) -> RemoveRaftVoterResponse {
        let Response::Ack(ack) = response else { other_kind(&response) };
        RemoveRaftVoterResponse::default()
            .with_error_code(ack.error.code())
            .with_error_message(ack.message.map(StrBytes::from_string))
    }
}

pub(super) fn request(request: &RemoveVoterRequest, cluster_id: &StrBytes) -> RemoveRaftVoterRequest {
    RemoveRaftVoterRequest::default()
        .with_cluster_id(Some(cluster_id.clone()))
        .with_voter_id(request.voter.id.0)
        .with_voter_directory_id(request.voter.directory.0)
}

pub(super) fn read(version: i16, frame: Bytes) -> Result<Response, Fault> {
    let (_, response) = decode_response::<RemoveRaftVoterRequest>(version, frame)?;
    let message = response.error_message.map(|message| message.to_string());
    Ok(Response::Ack(Ack { error: ErrorCode::from_code(response.error_code), message }))
}
