//! Fetch (1) of the metadata log, versions 13-18.
//!
//! The topic is named by its id, that is from v13 on: to a request that names it otherwise Kafka answers
//! `INVALID_REQUEST`. v15 puts the replica into a tagged field (KIP-903), v17 adds its directory and the leader's address
//! (KIP-853), v18 the follower's high watermark (KIP-1166).
//!
//! Fetch sessions are not used in the quorum, neither by Kafka nor here.

use std::time::Duration;

use bytes::Bytes;
use chronik_raft::{DirectoryId, OffsetAndEpoch, Records, ReplicaKey, Request, Response, is_top_level};
use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset, PartitionIndex, TopicId};
use chronik_wire::client::decode_response;
use chronik_wire::fetch::{self, FetchResponse, FetchTopic, FetchedPartition, FetchedTopic, NodeEndpoint};
use chronik_wire::messages::fetch_request::{self, FetchPartition, ReplicaState};
use chronik_wire::messages::{BrokerId, FetchRequest, fetch_response};
use chronik_wire::{StrBytes, TopicKey, messages};
use smallvec::smallvec;

use super::{Answering, Fault, Inbound, Served, fetched, leader, only_partition, other_kind, text};

/// The oldest version that names a topic by its id.
pub(super) const OLDEST: i16 = 13;

/// How much one answer may carry, whatever the request says (`KafkaRaftClient.MAX_BATCH_SIZE_BYTES`).
pub(super) const BYTES_MAX: i32 = 8 << 20;

impl Served for fetch::FetchRequest {
    type Response = FetchResponse;

    fn inbound(self) -> Result<Inbound, FetchResponse> {
        let metadata = TopicKey::Id(TopicId::METADATA);
        let open = |topic: FetchTopic| (topic.topic == metadata, topic.partitions.into_vec());
        let partition = only_partition(self.topics, open, |partition| partition.index.0);
        let max_wait = u64::try_from(self.max_wait_ms).ok();
        let (Some(partition), Some(max_wait_ms)) = (partition, max_wait) else {
            return Err(FetchResponse::empty(ErrorCode::InvalidRequest, 0));
        };
        let request = Request::Fetch(chronik_raft::FetchRequest {
            replica: ReplicaKey::new(self.replica_id, DirectoryId(partition.replica_directory_id)),
            current_epoch: partition.current_leader_epoch,
            fetch_offset: partition.fetch_offset,
            last_fetched_epoch: partition.last_fetched_epoch,
            high_watermark: partition.high_watermark,
            max_wait: Duration::from_millis(max_wait_ms),
            max_bytes: self.max_bytes.clamp(0, BYTES_MAX).unsigned_abs(),
        });
        Ok(Inbound { cluster_id: super::cluster_id(self.cluster_id), request })
    }

    fn answer(response: Response, to: Answering<'_>, read: Bytes) -> FetchResponse {
        let Response::Fetch(response) = response else { other_kind(&response) };
        if is_top_level(response.error) {
            return FetchResponse::empty(response.error, 0);
        }
        let hint = &response.hint;
        let partition = FetchedPartition {
            high_watermark: response.high_watermark,
            log_start_offset: response.log_start,
            diverging_epoch: response.diverging.map(|end| (end.epoch, end.offset)),
            current_leader: Some((hint.leader.unwrap_or(NodeId::NONE), hint.epoch)),
            snapshot_id: response.snapshot.map(|id| (id.offset, id.epoch)),
            aborted_transactions: Some(Vec::new()),
            records: fetch::Records::Bytes(read),
            ..FetchedPartition::refused(PartitionIndex(0), response.error)
        };
        let topic = TopicKey::Id(TopicId::METADATA);
        let located = leader::endpoint(hint, to.listener).filter(|_| to.version >= 17);
        let located = located.map(|(id, at)| NodeEndpoint {
            node_id: NodeId(id.0),
            host: text(&at.host),
            port: i32::from(at.port),
            rack: None,
        });
        FetchResponse {
            topics: smallvec![FetchedTopic { topic, partitions: smallvec![partition] }],
            node_endpoints: located.into_iter().collect(),
            ..FetchResponse::empty(ErrorCode::None, 0)
        }
    }
}

pub(super) fn request(
    request: &chronik_raft::FetchRequest,
    version: i16,
    cluster_id: &StrBytes,
) -> messages::FetchRequest {
    // The limit is the request's: as Kafka, no partition's.
    let max_bytes = i32::try_from(request.max_bytes).unwrap_or(i32::MAX);
    let mut partition = FetchPartition::default()
        .with_current_leader_epoch(request.current_epoch.0)
        .with_fetch_offset(request.fetch_offset.0)
        .with_last_fetched_epoch(request.last_fetched_epoch.0);
    if version >= 17 {
        partition = partition.with_replica_directory_id(request.replica.directory.0);
    }
    if version >= 18 {
        partition = partition.with_high_watermark(request.high_watermark.0);
    }
    let topic = fetch_request::FetchTopic::default()
        .with_topic_id(TopicId::METADATA.0)
        .with_partitions(vec![partition]);
    let wire = FetchRequest::default()
        .with_cluster_id(Some(cluster_id.clone()))
        .with_max_wait_ms(i32::try_from(request.max_wait.as_millis()).unwrap_or(i32::MAX))
        .with_max_bytes(max_bytes)
        .with_topics(vec![topic]);
    let replica = BrokerId(request.replica.id.0);
    if version >= 15 {
        wire.with_replica_state(ReplicaState::default().with_replica_id(replica))
    } else {
        wire.with_replica_id(replica)
    }
}

pub(super) fn read(version: i16, frame: Bytes, listener: &str) -> Result<Response, Fault> {
    let (_, response) = decode_response::<FetchRequest>(version, frame)?;
    let error = ErrorCode::from_code(response.error_code);
    if error != ErrorCode::None {
        return Ok(Response::Fetch(refused(error)));
    }
    let open = |topic: fetch_response::FetchableTopicResponse| {
        (topic.topic_id == TopicId::METADATA.0, topic.partitions)
    };
    let partition = only_partition(response.responses, open, |partition| partition.partition_index);
    let partition = partition.ok_or(Fault::Elsewhere("Fetch response"))?;
    let located = response.node_endpoints.into_iter();
    let located = located.filter_map(|node| Some((node.node_id, node.host, node.port.try_into().ok()?)));
    let leads = partition.current_leader;
    let (diverging, snapshot) = (partition.diverging_epoch, partition.snapshot_id);
    // Both are there if their offset is set: absent ones hold -1.
    let some = |offset: i64, epoch: i32| {
        (offset >= 0).then_some(OffsetAndEpoch { offset: Offset(offset), epoch: LeaderEpoch(epoch) })
    };
    Ok(Response::Fetch(chronik_raft::FetchResponse {
        error: ErrorCode::from_code(partition.error_code),
        hint: leader::hint(leads.leader_id, leads.leader_epoch, located, listener),
        high_watermark: Offset(partition.high_watermark),
        log_start: Offset(partition.log_start_offset),
        diverging: some(diverging.end_offset, diverging.epoch),
        snapshot: some(snapshot.end_offset, snapshot.epoch),
        records: fetched::batches(partition.records.unwrap_or_default())?,
    }))
}

pub(super) fn refused(error: ErrorCode) -> chronik_raft::FetchResponse {
    chronik_raft::FetchResponse {
        error,
        hint: leader::unknown(),
        high_watermark: Offset::NONE,
        log_start: Offset::NONE,
        diverging: None,
        snapshot: None,
        records: Records::Empty,
    }
}
