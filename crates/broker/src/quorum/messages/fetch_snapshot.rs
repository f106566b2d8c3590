//! FetchSnapshot (59), versions 0-1.
//!
//! v1 adds the replica's directory and the leader's address (KIP-853). A position below 0 comes to raft and the shell as
//! one that no snapshot reaches, so that it is answered with `POSITION_OUT_OF_RANGE`.

use bytes::Bytes;
use chronik_raft::{DirectoryId, ReplicaKey, Request, Response, SnapshotId, is_top_level};
use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};
use chronik_wire::StrBytes;
use chronik_wire::client::decode_response;
use chronik_wire::messages::fetch_snapshot_request::{self, PartitionSnapshot, TopicSnapshot};
use chronik_wire::messages::fetch_snapshot_response::{self, LeaderIdAndEpoch, NodeEndpoint};
use chronik_wire::messages::{BrokerId, FetchSnapshotRequest, FetchSnapshotResponse, TopicName};

use super::fetch::BYTES_MAX;
use super::{Answering, Fault, Inbound, METADATA, Served, leader, only, only_partition, other_kind, text};

impl Served for FetchSnapshotRequest {
    type Response = FetchSnapshotResponse;

    fn inbound(self) -> Result<Inbound, FetchSnapshotResponse> {
        let topic = only(self.topics).and_then(|topic| Some((topic.name, only(topic.partitions)?)));
        let Some((name, partition)) = topic else {
            return Err(FetchSnapshotResponse::default().with_error_code(ErrorCode::InvalidRequest.code()));
        };
        if &**name != METADATA || partition.partition != 0 {
            let partition = fetch_snapshot_response::PartitionSnapshot::default()
                .with_index(partition.partition)
                .with_error_code(ErrorCode::UnknownTopicOrPartition.code());
            return Err(FetchSnapshotResponse::default().with_topics(vec![
                fetch_snapshot_response::TopicSnapshot::default()
                    .with_name(name)
                    .with_partitions(vec![partition]),
            ]));
        }
        let request = Request::FetchSnapshot(chronik_raft::FetchSnapshotRequest {
            replica: ReplicaKey::new(NodeId(self.replica_id.0), DirectoryId(partition.replica_directory_id)),
            current_epoch: LeaderEpoch(partition.current_leader_epoch),
            snapshot: SnapshotId {
                offset: Offset(partition.snapshot_id.end_offset),
                epoch: LeaderEpoch(partition.snapshot_id.epoch),
            },
            position: partition.position.cast_unsigned(),
            max_bytes: self.max_bytes.clamp(0, BYTES_MAX).unsigned_abs(),
        });
        Ok(Inbound { cluster_id: super::cluster_id(self.cluster_id), request })
    }

    fn answer(response: Response, to: Answering<'_>, read: Bytes) -> FetchSnapshotResponse {
        let Response::FetchSnapshot(response) = response else { other_kind(&response) };
        let code = response.error.code();
        if is_top_level(response.error) {
            return FetchSnapshotResponse::default().with_error_code(code);
        }
        let id = fetch_snapshot_response::SnapshotId::default()
            .with_end_offset(response.snapshot.offset.0)
            .with_epoch(response.snapshot.epoch.0);
        let leads = LeaderIdAndEpoch::default()
            .with_leader_id(leader::id(&response.hint))
            .with_leader_epoch(response.hint.epoch.0);
        let partition = fetch_snapshot_response::PartitionSnapshot::default()
            .with_error_code(code)
            .with_snapshot_id(id)
            .with_current_leader(leads)
            .with_size(response.size.cast_signed())
            .with_position(response.position.cast_signed())
            .with_unaligned_records(read);
        let topic = fetch_snapshot_response::TopicSnapshot::default()
            .with_name(TopicName(text(METADATA)))
            .with_partitions(vec![partition]);
        let located = leader::endpoint(&response.hint, to.listener).filter(|_| to.version >= 1);
        let located = located.map(|(id, at)| {
            NodeEndpoint::default().with_node_id(id).with_host(text(&at.host)).with_port(at.port)
        });
        FetchSnapshotResponse::default()
            .with_topics(vec![topic])
            .with_node_endpoints(located.into_iter().collect())
    }
}

pub(super) fn request(
    request: &chronik_raft::FetchSnapshotRequest,
    version: i16,
    cluster_id: &StrBytes,
) -> FetchSnapshotRequest {
    let id = fetch_snapshot_request::SnapshotId::default()
        .with_end_offset(request.snapshot.offset.0)
        .with_epoch(request.snapshot.epoch.0);
    let mut partition = PartitionSnapshot::default()
        .with_current_leader_epoch(request.current_epoch.0)
        .with_snapshot_id(id)
        .with_position(request.position.cast_signed());
    if version >= 1 {
        partition = partition.with_replica_directory_id(request.replica.directory.0);
    }
    let topic =
        TopicSnapshot::default().with_name(TopicName(text(METADATA))).with_partitions(vec![partition]);
    FetchSnapshotRequest::default()
        .with_cluster_id(Some(cluster_id.clone()))
        .with_replica_id(BrokerId(request.replica.id.0))
        .with_max_bytes(i32::try_from(request.max_bytes).unwrap_or(i32::MAX))
        .with_topics(vec![topic])
}

pub(super) fn read(version: i16, frame: Bytes, listener: &str) -> Result<Response, Fault> {
    let (_, response) = decode_response::<FetchSnapshotRequest>(version, frame)?;
    let error = ErrorCode::from_code(response.error_code);
    if error != ErrorCode::None {
        return Ok(Response::FetchSnapshot(refused(error)));
    }
    let open = |topic: fetch_snapshot_response::TopicSnapshot| (&**topic.name == METADATA, topic.partitions);
    let partition = only_partition(response.topics, open, |partition| partition.index);
    let partition = partition.ok_or(Fault::Elsewhere("FetchSnapshot response"))?;
    let located = response.node_endpoints.into_iter().map(|node| (node.node_id, node.host, node.port));
    let leads = partition.current_leader;
    Ok(Response::FetchSnapshot(chronik_raft::FetchSnapshotResponse {
        error: ErrorCode::from_code(partition.error_code),
        hint: leader::hint(leads.leader_id, leads.leader_epoch, located, listener),
        snapshot: SnapshotId {
            offset: Offset(partition.snapshot_id.end_offset),
            epoch: LeaderEpoch(partition.snapshot_id.epoch),
        },
        size: partition.size.try_into().map_err(|_| Fault::Negative("a snapshot's size"))?,
        position: partition.position.try_into().map_err(|_| Fault::Negative("a position in a snapshot"))?,
        max_bytes: 0,
        bytes: partition.unaligned_records,
    }))
}

pub(super) fn refused(error: ErrorCode) -> chronik_raft::FetchSnapshotResponse {
    chronik_raft::FetchSnapshotResponse {
        error,
        hint: leader::unknown(),
        snapshot: SnapshotId::default(),
        size: 0,
        position: 0,
        max_bytes: 0,
        bytes: Bytes::new(),
    }
}
