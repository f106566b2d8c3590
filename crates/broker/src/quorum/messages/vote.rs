//! Vote (52), versions 0-2.
//!
//! v1 adds the directories and the leader's address (KIP-853), v2 the pre-vote (KIP-996). Below v2 nobody is asked for a
//! pre-vote.

use bytes::Bytes;
use chronik_raft::{DirectoryId, OffsetAndEpoch, ReplicaKey, Request, Response, is_top_level};
use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};
use chronik_wire::StrBytes;
use chronik_wire::client::decode_response;
use chronik_wire::messages::vote_request::{PartitionData, TopicData};
use chronik_wire::messages::vote_response::{self, NodeEndpoint};
use chronik_wire::messages::{BrokerId, TopicName, VoteRequest, VoteResponse};

use super::{Answering, Fault, Inbound, METADATA, Served, leader, only_partition, other_kind, text};

impl Served for VoteRequest {
    type Response = VoteResponse;

    fn inbound(self) -> Result<Inbound, VoteResponse> {
        let open = |topic: TopicData| (&**topic.topic_name == METADATA, topic.partitions);
        let partition = only_partition(self.topics, open, |partition| partition.partition_index);
        let Some(partition) = partition else {
            return Err(VoteResponse::default().with_error_code(ErrorCode::InvalidRequest.code()));
        };
        let request = Request::Vote(chronik_raft::VoteRequest {
            voter: ReplicaKey::new(NodeId(self.voter_id.0), DirectoryId(partition.voter_directory_id)),
            epoch: LeaderEpoch(partition.replica_epoch),
            candidate: ReplicaKey::new(
                NodeId(partition.replica_id.0),
                DirectoryId(partition.replica_directory_id),
            ),
            log_end: OffsetAndEpoch {
                offset: Offset(partition.last_offset),
                epoch: LeaderEpoch(partition.last_offset_epoch),
            },
            pre_vote: partition.pre_vote,
        });
        Ok(Inbound { cluster_id: super::cluster_id(self.cluster_id), request })
    }

    fn answer(response: Response, to: Answering<'_>, _: Bytes) -> VoteResponse {
        let Response::Vote(response) = response else { other_kind(&response) };
        let code = response.error.code();
        if is_top_level(response.error) {
            return VoteResponse::default().with_error_code(code);
        }
        let partition = vote_response::PartitionData::default()
            .with_error_code(code)
            .with_leader_id(leader::id(&response.hint))
            .with_leader_epoch(response.hint.epoch.0)
            .with_vote_granted(response.granted);
        let topic = vote_response::TopicData::default()
            .with_topic_name(TopicName(text(METADATA)))
            .with_partitions(vec![partition]);
        let located = leader::endpoint(&response.hint, to.listener).filter(|_| to.version >= 1);
        let located = located.map(|(id, at)| {
            NodeEndpoint::default().with_node_id(id).with_host(text(&at.host)).with_port(at.port)
        });
        VoteResponse::default().with_topics(vec![topic]).with_node_endpoints(located.into_iter().collect())
    }
}

pub(super) fn request(
    request: &chronik_raft::VoteRequest,
    version: i16,
    cluster_id: &StrBytes,
) -> VoteRequest {
    let mut partition = PartitionData::default()
        .with_replica_epoch(request.epoch.0)
        .with_replica_id(BrokerId(request.candidate.id.0))
        .with_last_offset_epoch(request.log_end.epoch.0)
        .with_last_offset(request.log_end.offset.0)
        .with_pre_vote(request.pre_vote);
    if version >= 1 {
        partition = partition
            .with_replica_directory_id(request.candidate.directory.0)
            .with_voter_directory_id(request.voter.directory.0);
    }
    let topic =
        TopicData::default().with_topic_name(TopicName(text(METADATA))).with_partitions(vec![partition]);
    let voter = if version >= 1 { request.voter.id } else { NodeId::NONE };
    VoteRequest::default()
        .with_cluster_id(Some(cluster_id.clone()))
        .with_voter_id(BrokerId(voter.0))
        .with_topics(vec![topic])
}

pub(super) fn read(version: i16, frame: Bytes, listener: &str) -> Result<Response, Fault> {
    let (_, response) = decode_response::<VoteRequest>(version, frame)?;
    let error = ErrorCode::from_code(response.error_code);
    if error != ErrorCode::None {
        return Ok(Response::Vote(refused(error)));
    }
    let open = |topic: vote_response::TopicData| (&**topic.topic_name == METADATA, topic.partitions);
    let partition = only_partition(response.topics, open, |partition| partition.partition_index);
    let partition = partition.ok_or(Fault::Elsewhere("Vote response"))?;
    let located = response.node_endpoints.into_iter().map(|node| (node.node_id, node.host, node.port));
    Ok(Response::Vote(chronik_raft::VoteResponse {
        error: ErrorCode::from_code(partition.error_code),
        hint: leader::hint(partition.leader_id, partition.leader_epoch, located, listener),
        granted: partition.vote_granted,
    }))
}

pub(super) fn refused(error: ErrorCode) -> chronik_raft::VoteResponse {
    chronik_raft::VoteResponse { error, hint: leader::unknown(), granted: false }
}
