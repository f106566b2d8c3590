//! EndQuorumEpoch (54), versions 0-1.
//!
//! v1 is flexible, names the successors with their directories, and adds where the leader listens (KIP-853).

use bytes::Bytes;
use chronik_raft::{DirectoryId, EpochResponse, ReplicaKey, Request, Response, is_top_level};
use chronik_types::{ErrorCode, LeaderEpoch, NodeId};
use chronik_wire::StrBytes;
use chronik_wire::client::decode_response;
use chronik_wire::messages::end_quorum_epoch_request::{
    LeaderEndpoint, PartitionData, ReplicaInfo, TopicData,
};
use chronik_wire::messages::end_quorum_epoch_response::{self, NodeEndpoint};
use chronik_wire::messages::{BrokerId, EndQuorumEpochRequest, EndQuorumEpochResponse, TopicName};

use super::{Answering, Fault, Inbound, METADATA, Served, leader, only_partition, other_kind, text};

impl Served for EndQuorumEpochRequest {
    type Response = EndQuorumEpochResponse;

    fn inbound(self) -> Result<Inbound, EndQuorumEpochResponse> {
        let open = |topic: TopicData| (&**topic.topic_name == METADATA, topic.partitions);
        let partition = only_partition(self.topics, open, |partition| partition.partition_index);
        let Some(partition) = partition else {
            return Err(EndQuorumEpochResponse::default().with_error_code(ErrorCode::InvalidRequest.code()));
        };
        // A message has the one list or the other, by its version.
        let successors = partition.preferred_successors.into_iter();
        let successors = successors.map(|id| ReplicaKey::without_directory(NodeId(id)));
        let candidates = partition.preferred_candidates.into_iter().map(|candidate| {
            let directory = DirectoryId(candidate.candidate_directory_id);
            ReplicaKey::new(NodeId(candidate.candidate_id.0), directory)
        });
        let endpoints = self.leader_endpoints.into_iter().map(|at| (at.name, at.host, at.port));
        let request = Request::EndQuorumEpoch(chronik_raft::EndQuorumEpochRequest {
            leader: NodeId(partition.leader_id.0),
            epoch: LeaderEpoch(partition.leader_epoch),
            preferred: successors.chain(candidates).collect(),
            endpoints: leader::endpoints(endpoints),
        });
        Ok(Inbound { cluster_id: super::cluster_id(self.cluster_id), request })
    }

    fn answer(response: Response, to: Answering<'_>, _: Bytes) -> EndQuorumEpochResponse {
        let Response::EndQuorumEpoch(response) = response else { other_kind(&response) };
        let code = response.error.code();
        if is_top_level(response.error) {
            return EndQuorumEpochResponse::default().with_error_code(code);
        }
        let partition = end_quorum_epoch_response::PartitionData::default()
            .with_error_code(code)
            .with_leader_id(leader::id(&response.hint))
            .with_leader_epoch(response.hint.epoch.0);
        let topic = end_quorum_epoch_response::TopicData::default()
            .with_topic_name(TopicName(text(METADATA)))
            .with_partitions(vec![partition]);
        let located = leader::endpoint(&response.hint, to.listener).filter(|_| to.version >= 1);
        let located = located.map(|(id, at)| {
            NodeEndpoint::default().with_node_id(id).with_host(text(&at.host)).with_port(at.port)
        });
        EndQuorumEpochResponse::default()
            .with_topics(vec![topic])
            .with_node_endpoints(located.into_iter().collect())
    }
}

pub(super) fn request(
    request: &chronik_raft::EndQuorumEpochRequest,
    version: i16,
    cluster_id: &StrBytes,
) -> EndQuorumEpochRequest {
    let mut partition = PartitionData::default()
        .with_leader_id(BrokerId(request.leader.0))
        .with_leader_epoch(request.epoch.0);
    let mut wire = EndQuorumEpochRequest::default().with_cluster_id(Some(cluster_id.clone()));
    if version >= 1 {
        let candidate = |key: &ReplicaKey| {
            ReplicaInfo::default()
                .with_candidate_id(BrokerId(key.id.0))
                .with_candidate_directory_id(key.directory.0)
        };
        partition = partition.with_preferred_candidates(request.preferred.iter().map(candidate).collect());
        let endpoint = |at: &chronik_raft::Endpoint| {
            LeaderEndpoint::default()
                .with_name(text(&at.listener))
                .with_host(text(&at.host))
                .with_port(at.port)
        };
        wire = wire.with_leader_endpoints(request.endpoints.0.iter().map(endpoint).collect());
    } else {
        partition =
            partition.with_preferred_successors(request.preferred.iter().map(|key| key.id.0).collect());
    }
    let topic =
        TopicData::default().with_topic_name(TopicName(text(METADATA))).with_partitions(vec![partition]);
    wire.with_topics(vec![topic])
}

pub(super) fn read(version: i16, frame: Bytes, listener: &str) -> Result<Response, Fault> {
    let (_, response) = decode_response::<EndQuorumEpochRequest>(version, frame)?;
    let error = ErrorCode::from_code(response.error_code);
    if error != ErrorCode::None {
        return Ok(Response::EndQuorumEpoch(leader::refused(error)));
    }
    let open =
        |topic: end_quorum_epoch_response::TopicData| (&**topic.topic_name == METADATA, topic.partitions);
    let partition = only_partition(response.topics, open, |partition| partition.partition_index);
    let partition = partition.ok_or(Fault::Elsewhere("EndQuorumEpoch response"))?;
    let located = response.node_endpoints.into_iter().map(|node| (node.node_id, node.host, node.port));
    Ok(Response::EndQuorumEpoch(EpochResponse {
        error: ErrorCode::from_code(partition.error_code),
        hint: leader::hint(partition.leader_id, partition.leader_epoch, located, listener),
    }))
}
