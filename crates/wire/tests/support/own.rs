//! The library's messages as the types of ours that stand in for them: the oracle of our own codecs.

use bytes::{Buf, Bytes};
use chronik_types::{
    BrokerEpoch, ErrorCode, LeaderEpoch, NodeId, Offset, PartitionIndex, ProducerId, TopicId,
};
use chronik_wire::fetch::*;
use chronik_wire::log_dirs::*;
use chronik_wire::produce::*;
use chronik_wire::{StrBytes, TopicKey, messages};
use uuid::Uuid;

fn key(name: &messages::TopicName, id: Uuid, by_id: bool) -> TopicKey {
    if by_id { TopicKey::Id(TopicId(id)) } else { TopicKey::Name(name.0.clone()) }
}

/// What our decoder must make of it.
pub(crate) fn produce(request: messages::ProduceRequest, version: i16) -> ProduceRequest {
    let topic = |topic: messages::produce_request::TopicProduceData| ProduceTopic {
        topic: key(&topic.name, topic.topic_id, version >= 13),
        partitions: topic
            .partition_data
            .into_iter()
            .map(|part| ProducePartition { index: PartitionIndex(part.index), records: part.records })
            .collect(),
    };
    ProduceRequest {
        transactional_id: request.transactional_id.map(|id| id.0),
        acks: request.acks,
        timeout_ms: request.timeout_ms,
        topics: request.topic_data.into_iter().map(topic).collect(),
    }
}

/// What our decoder must make of it.
pub(crate) fn fetch(request: messages::FetchRequest, version: i16) -> FetchRequest {
    let partition = |part: messages::fetch_request::FetchPartition| FetchPartition {
        index: PartitionIndex(part.partition),
        current_leader_epoch: LeaderEpoch(part.current_leader_epoch),
        fetch_offset: Offset(part.fetch_offset),
        last_fetched_epoch: LeaderEpoch(part.last_fetched_epoch),
        log_start_offset: Offset(part.log_start_offset),
        max_bytes: part.partition_max_bytes,
        replica_directory_id: part.replica_directory_id,
        high_watermark: Offset(part.high_watermark),
    };
    let topic = |topic: messages::fetch_request::FetchTopic| FetchTopic {
        topic: key(&topic.topic, topic.topic_id, version >= 13),
        partitions: topic.partitions.into_iter().map(partition).collect(),
    };
    let forgotten = |topic: messages::fetch_request::ForgottenTopic| ForgottenTopic {
        topic: key(&topic.topic, topic.topic_id, version >= 13),
        partitions: topic.partitions.into_iter().map(PartitionIndex).collect(),
    };
    let replica = if version >= 15 { request.replica_state.replica_id.0 } else { request.replica_id.0 };
    FetchRequest {
        cluster_id: request.cluster_id,
        replica_id: NodeId(replica),
        replica_epoch: BrokerEpoch(request.replica_state.replica_epoch),
        max_wait_ms: request.max_wait_ms,
        min_bytes: request.min_bytes,
        max_bytes: request.max_bytes,
        isolation: if request.isolation_level == 1 {
            IsolationLevel::ReadCommitted
        } else {
            IsolationLevel::ReadUncommitted
        },
        session_id: request.session_id,
        session_epoch: request.session_epoch,
        topics: request.topics.into_iter().map(topic).collect(),
        forgotten: request.forgotten_topics_data.into_iter().map(forgotten).collect(),
        rack_id: request.rack_id,
    }
}

/// What our encoder is to write; `None` if there are unknown tagged fields in it, which we never write.
pub(crate) fn fetched(response: messages::FetchResponse, version: i16) -> Option<FetchResponse> {
    if format!("{response:?}").matches("unknown_tagged_fields: {").count()
        != format!("{response:?}").matches("unknown_tagged_fields: {}").count()
    {
        return None;
    }
    let some =
        |differs: bool, epoch: i32, offset: i64| differs.then_some((LeaderEpoch(epoch), Offset(offset)));
    let partition = |part: messages::fetch_response::PartitionData| FetchedPartition {
        index: PartitionIndex(part.partition_index),
        error: ErrorCode::from_code(part.error_code),
        high_watermark: Offset(part.high_watermark),
        last_stable_offset: Offset(part.last_stable_offset),
        log_start_offset: Offset(part.log_start_offset),
        diverging_epoch: some(
            part.diverging_epoch != Default::default(),
            part.diverging_epoch.epoch,
            part.diverging_epoch.end_offset,
        ),
        current_leader: (part.current_leader != Default::default()).then_some((
            NodeId(part.current_leader.leader_id.0),
            LeaderEpoch(part.current_leader.leader_epoch),
        )),
        snapshot_id: some(
            part.snapshot_id != Default::default(),
            part.snapshot_id.epoch,
            part.snapshot_id.end_offset,
        )
        .map(|(epoch, offset)| (offset, epoch)),
        aborted_transactions: part.aborted_transactions.map(|aborted| {
            let aborted = aborted.into_iter().map(|each| AbortedTransaction {
                producer_id: ProducerId(each.producer_id.0),
                first_offset: Offset(each.first_offset),
            });
            aborted.collect()
        }),
        preferred_read_replica: NodeId(part.preferred_read_replica.0),
        records: part.records.map_or(Records::Null, Records::Bytes),
    };
    let topic = |topic: messages::fetch_response::FetchableTopicResponse| FetchedTopic {
        topic: key(&topic.topic, topic.topic_id, version >= 13),
        partitions: topic.partitions.into_iter().map(partition).collect(),
    };
    let endpoint = |endpoint: messages::fetch_response::NodeEndpoint| NodeEndpoint {
        node_id: NodeId(endpoint.node_id.0),
        host: endpoint.host,
        port: endpoint.port,
        rack: endpoint.rack,
    };
    Some(FetchResponse {
        throttle_time_ms: response.throttle_time_ms,
        error: ErrorCode::from_code(response.error_code),
        session_id: response.session_id,
        topics: response.responses.into_iter().map(topic).collect(),
        node_endpoints: response.node_endpoints.into_iter().map(endpoint).collect(),
    })
}

/// The response read by the few lines below, since the library lacks version 5.
/// `None` if there are tagged fields in it.
pub(crate) fn log_dirs(bytes: &Bytes, version: i16) -> Option<DescribeLogDirsResponse> {
    let mut bytes = Plain { bytes: bytes.clone(), flexible: version >= 2 };
    let throttle_time_ms = bytes.bytes.get_i32();
    let error = (version >= 3).then(|| ErrorCode::from_code(bytes.bytes.get_i16()));
    let mut dirs = Vec::new();
    for _ in 0..bytes.count() {
        let mut dir = LogDir {
            error: ErrorCode::from_code(bytes.bytes.get_i16()),
            path: bytes.text(),
            topics: Vec::new(),
            total_bytes: -1,
            usable_bytes: -1,
            is_cordoned: false,
        };
        for _ in 0..bytes.count() {
            let mut topic = LogDirTopic { name: bytes.text(), partitions: Vec::new() };
            for _ in 0..bytes.count() {
                topic.partitions.push(LogDirPartition {
                    index: PartitionIndex(bytes.bytes.get_i32()),
                    size: bytes.bytes.get_i64(),
                    offset_lag: bytes.bytes.get_i64(),
                    is_future: bytes.bytes.get_u8() != 0,
                });
                bytes.no_tags()?;
            }
            bytes.no_tags()?;
            dir.topics.push(topic);
        }
        if version >= 4 {
            dir.total_bytes = bytes.bytes.get_i64();
            dir.usable_bytes = bytes.bytes.get_i64();
        }
        dir.is_cordoned = version >= 5 && bytes.bytes.get_u8() != 0;
        bytes.no_tags()?;
        dirs.push(dir);
    }
    bytes.no_tags()?;
    assert!(bytes.bytes.is_empty());
    Some(DescribeLogDirsResponse { throttle_time_ms, error, dirs })
}

struct Plain {
    bytes: Bytes,
    flexible: bool,
}

impl Plain {
    /// Fixtures have only short lists and texts: one byte of varint.
    fn count(&mut self) -> usize {
        if self.flexible { usize::from(self.bytes.get_u8()) - 1 } else { self.bytes.get_i32() as usize }
    }

    fn text(&mut self) -> StrBytes {
        let len =
            if self.flexible { usize::from(self.bytes.get_u8()) - 1 } else { self.bytes.get_i16() as usize };
        StrBytes::from_utf8(self.bytes.split_to(len)).unwrap()
    }

    fn no_tags(&mut self) -> Option<()> {
        (!self.flexible || self.bytes.get_u8() == 0).then_some(())
    }
}
