//! BeginQuorumEpoch (53), versions 0-1.
//!
//! v1 is flexible, and adds whom it is meant for and where the leader listens (KIP-853).

use bytes::Bytes;
use chronik_raft::{DirectoryId, EpochResponse, ReplicaKey, Request, Response, is_top_level};
use chronik_types::{ErrorCode, LeaderEpoch, NodeId};
use chronik_wire::StrBytes;
use chronik_wire::client::decode_response;
use chronik_wire::messages::begin_quorum_epoch_request::{LeaderEndpoint, PartitionData, TopicData};
use chronik_wire::messages::begin_quorum_epoch_response::{self, NodeEndpoint};
use chronik_wire::messages::{BeginQuorumEpochRequest, BeginQuorumEpochResponse, BrokerId, TopicName};

use super::{Answering, Fault, Inbound, METADATA, Served, leader, only_partition, other_kind, text};

impl Served for BeginQuorumEpochRequest {
    type Response = BeginQuorumEpochResponse;

    fn inbound(self) -> Result<Inbound, BeginQuorumEpochResponse> {
        let open = |topic: TopicData| (&**topic.topic_name == METADATA, topic.partitions);
        let partition = only_partition(self.topics, open, |partition| partition.partition_index);
        let Some(partition) = partition else {
            return Err(BeginQuorumEpochResponse::default().with_error_code(ErrorCode::InvalidRequest.code()));
        };
        let endpoints = self.leader_endpoints.into_iter().map(|at| (at.name, at.host, at.port));
        let request = Request::BeginQuorumEpoch(chronik_raft::BeginQuorumEpochRequest {
            voter: ReplicaKey::new(NodeId(self.voter_id.0), DirectoryId(partition.voter_directory_id)),
            leader: NodeId(partition.leader_id.0),
            epoch: LeaderEpoch(partition.leader_epoch),
            endpoints: leader::endpoints(endpoints),
        });
        Ok(Inbound { cluster_id: super::cluster_id(self.cluster_id), request })
    }

    fn answer(response: Response, to: Answering<'_>, _: Bytes) -> BeginQuorumEpochResponse {
        let Response::BeginQuorumEpoch(response) = response else { other_kind(&response) };
        let code = response.error.code();
        if is_top_level(response.error) {
            return BeginQuorumEpochResponse::default().with_error_code(code);
        }
        let partition = begin_quorum_epoch_response::PartitionData::default()
            .with_error_code(code)
            .with_leader_id(leader::id(&response.hint))
            .with_leader_epoch(response.hint.epoch.0);
        let topic = begin_quorum_epoch_response::TopicData::default()
            .with_topic_name(TopicName(text(METADATA)))
            .with_partitions(vec![partition]);
        let located = leader::endpoint(&response.hint, to.listener).filter(|_| to.version >= 1);
        let located = located.map(|(id, at)| {
            NodeEndpoint::default().with_node_id(id).with_host(text(&at.host)).with_port(at.port)
        });
        BeginQuorumEpochResponse::default()
            .with_topics(vec![topic])
            .with_node_endpoints(located.into_iter().collect())
    }
}

pub(super) fn request(
    request: &chronik_raft::BeginQuorumEpochRequest,
    version: i16,
    cluster_id: &StrBytes,
) -> BeginQuorumEpochRequest {
    let mut partition = PartitionData::default()
        .with_leader_id(BrokerId(request.leader.0))
        .with_leader_epoch(request.epoch.0);
    let mut wire = BeginQuorumEpochRequest::default().with_cluster_id(Some(cluster_id.clone()));
    if version >= 1 {
        partition = partition.with_voter_directory_id(request.voter.directory.0);
        let endpoint = |at: &chronik_raft::Endpoint| {
            LeaderEndpoint::default()
                .with_name(text(&at.listener))
                .with_host(text(&at.host))
                .with_port(at.port)
        };
        wire = wire
            .with_voter_id(BrokerId(request.voter.id.0))
            .with_leader_endpoints(request.endpoints.0.iter().map(endpoint).collect());
    }
    let topic =
        TopicData::default().with_topic_name(TopicName(text(METADATA))).with_partitions(vec![partition]);
    wire.with_topics(vec![topic])
}

pub(super) fn read(version: i16, frame: Bytes, listener: &str) -> Result<Response, Fault> {
    let (_, response) = decode_response::<BeginQuorumEpochRequest>(version, frame)?;
    let error = ErrorCode::from_code(response.error_code);
    if error != ErrorCode::None {
        return Ok(Response::BeginQuorumEpoch(leader::refused(error)));
    }
    let open =
        |topic: begin_quorum_epoch_response::TopicData| (&**topic.topic_name == METADATA, topic.partitions);
    let partition = only_partition(response.topics, open, |partition| partition.partition_index);
    let partition = partition.ok_or(Fault::Elsewhere("BeginQuorumEpoch response"))?;
    let located = response.node_endpoints.into_iter().map(|node| (node.node_id, node.host, node.port));
    Ok(Response::BeginQuorumEpoch(EpochResponse {
        error: ErrorCode::from_code(partition.error_code),
        hint: leader::hint(partition.leader_id, partition.leader_epoch, located, listener),
    }))
}
