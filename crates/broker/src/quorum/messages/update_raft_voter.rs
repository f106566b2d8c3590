//! UpdateRaftVoter (82), version 0. Its response tells the leader's address in the leader itself.

use bytes::Bytes;
use chronik_raft::{
    DirectoryId, EpochResponse, KRaftVersionRange, ReplicaKey, Request, Response, UpdateVoterRequest,
    is_top_level,
};
use chronik_types::{ErrorCode, LeaderEpoch, NodeId};
use chronik_wire::StrBytes;
use chronik_wire::client::decode_response;
use chronik_wire::messages::update_raft_voter_request::{KRaftVersionFeature, Listener};
use chronik_wire::messages::update_raft_voter_response::CurrentLeader;
use chronik_wire::messages::{UpdateRaftVoterRequest, UpdateRaftVoterResponse};

use super::{Answering, Fault, Inbound, Served, leader, other_kind, text};

impl Served for UpdateRaftVoterRequest {
    type Response = UpdateRaftVoterResponse;

    fn inbound(self) -> Result<Inbound, UpdateRaftVoterResponse> {
        let endpoints = self.listeners.into_iter().map(|at| (at.name, at.host, at.port));
        let versions = self.k_raft_version_feature;
        let request = Request::UpdateVoter(UpdateVoterRequest {
            current_epoch: LeaderEpoch(self.current_leader_epoch),
            voter: ReplicaKey::new(NodeId(self.voter_id), DirectoryId(self.voter_directory_id)),
            endpoints: leader::endpoints(endpoints),
            versions: KRaftVersionRange {
                min: versions.min_supported_version,
                max: versions.max_supported_version,
            },
        });
        Ok(Inbound { cluster_id: super::cluster_id(self.cluster_id), request })
    }

    fn answer(response: Response, to: Answering<'_>, _: Bytes) -> UpdateRaftVoterResponse {
        let Response::UpdateVoter(response) = response else { other_kind(&response) };
        let wire = UpdateRaftVoterResponse::default().with_error_code(response.error.code());
        if is_top_level(response.error) {
            return wire;
        }
        let leads = CurrentLeader::default()
            .with_leader_id(leader::id(&response.hint))
            .with_leader_epoch(response.hint.epoch.0);
        wire.with_current_leader(match leader::endpoint(&response.hint, to.listener) {
            None => leads,
            Some((_, at)) => leads.with_host(text(&at.host)).with_port(at.port.into()),
        })
    }
}

pub(super) fn request(request: &UpdateVoterRequest, cluster_id: &StrBytes) -> UpdateRaftVoterRequest {
    let listener = |at: &chronik_raft::Endpoint| {
        Listener::default().with_name(text(&at.listener)).with_host(text(&at.host)).with_port(at.port)
    };
    let versions = KRaftVersionFeature::default()
        .with_min_supported_version(request.versions.min)
        .with_max_supported_version(request.versions.max);
    UpdateRaftVoterRequest::default()
        .with_cluster_id(Some(cluster_id.clone()))
        .with_current_leader_epoch(request.current_epoch.0)
        .with_voter_id(request.voter.id.0)
        .with_voter_directory_id(request.voter.directory.0)
        .with_listeners(request.endpoints.0.iter().map(listener).collect())
        .with_k_raft_version_feature(versions)
}

pub(super) fn read(version: i16, frame: Bytes, listener: &str) -> Result<Response, Fault> {
    let (_, response) = decode_response::<UpdateRaftVoterRequest>(version, frame)?;
    let error = ErrorCode::from_code(response.error_code);
    if is_top_level(error) {
        return Ok(Response::UpdateVoter(leader::refused(error)));
    }
    let leads = response.current_leader;
    let port = u16::try_from(leads.port).ok().filter(|_| !leads.host.is_empty());
    let located = port.map(|port| (leads.leader_id, leads.host, port));
    let hint = leader::hint(leads.leader_id, leads.leader_epoch, located, listener);
    Ok(Response::UpdateVoter(EpochResponse { error, hint }))
}
