//! The Fetch response, written around the record bytes rather than over them.

use bytes::Bytes;
use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset, PartitionIndex, ProducerId};
use kafka_protocol::protocol::StrBytes;
use smallvec::SmallVec;

use crate::body::ResponseBody;
use crate::error::EncodeError;
use crate::header::RequestHeader;
use crate::out::Outgoing;
use crate::topic::TopicKey;
use crate::write::Writer;

/// A Fetch response. Fields that the request's version lacks are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchResponse {
    /// For how long the client was held back.
    pub throttle_time_ms: i32,
    /// The request as a whole (v7): session errors.
    pub error: ErrorCode,
    /// The session (v7); 0: none.
    pub session_id: i32,
    /// Topics; in an incremental session only those with news.
    pub topics: SmallVec<[FetchedTopic; 1]>,
    /// Where the leaders named in `current_leader` are (v16, tagged); empty: left out.
    pub node_endpoints: Vec<NodeEndpoint>,
}

/// One topic of a [`FetchResponse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedTopic {
    /// As the request named it.
    pub topic: TopicKey,
    /// Its partitions.
    pub partitions: SmallVec<[FetchedPartition; 1]>,
}

/// One partition of a [`FetchedTopic`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPartition {
    /// Which partition.
    pub index: PartitionIndex,
    /// What became of it.
    pub error: ErrorCode,
    /// -1: unknown.
    pub high_watermark: Offset,
    /// -1: unknown.
    pub last_stable_offset: Offset,
    /// (v5) -1: unknown.
    pub log_start_offset: Offset,
    /// Where the follower's log leaves the leader's (v12, tagged): the epoch and its end offset.
    pub diverging_epoch: Option<(LeaderEpoch, Offset)>,
    /// Who leads, for a client that asked the wrong broker (v12, tagged).
    pub current_leader: Option<(NodeId, LeaderEpoch)>,
    /// The snapshot to fetch instead (v12, tagged): its end offset and epoch.
    pub snapshot_id: Option<(Offset, LeaderEpoch)>,
    /// Transactions to be skipped by a `READ_COMMITTED` consumer; `None`: null, for other consumers.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// The replica to read from instead (v11); [`NodeId::NONE`]: this one.
    pub preferred_read_replica: NodeId,
    /// The record batches.
    pub records: Records,
}

/// A transaction whose records are to be skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Whose.
    pub producer_id: ProducerId,
    /// From where on.
    pub first_offset: Offset,
}

/// Where a broker can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeEndpoint {
    /// The broker.
    pub node_id: NodeId,
    /// Its host.
    pub host: StrBytes,
    /// Its port.
    pub port: i32,
    /// Its rack.
    pub rack: Option<StrBytes>,
}

/// The record bytes of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Records {
    /// Null. Kafka's own clients take it for no records; some others do not: prefer [`Records::EMPTY`].
    Null,
    /// Bytes in memory.
    Bytes(Bytes),
    /// `len` bytes of a file that the caller knows by `token`.
    File {
        /// How many bytes.
        len: usize,
        /// Comes back in [`crate::Chunk::File`].
        token: usize,
    },
}

impl Records {
    /// No records.
    pub const EMPTY: Records = Records::Bytes(Bytes::new());

    /// How many bytes.
    pub fn len(&self) -> usize {
        match self {
            Records::Null => 0,
            Records::Bytes(bytes) => bytes.len(),
            Records::File { len, .. } => *len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FetchedPartition {
    /// A partition that was refused: no offsets, no records.
    pub fn refused(index: PartitionIndex, error: ErrorCode) -> Self {
        FetchedPartition {
            index,
            error,
            high_watermark: Offset::NONE,
            last_stable_offset: Offset::NONE,
            log_start_offset: Offset::NONE,
            diverging_epoch: None,
            current_leader: None,
            snapshot_id: None,
            aborted_transactions: None,
            preferred_read_replica: NodeId::NONE,
            records: Records::EMPTY,
        }
    }
}

impl FetchResponse {
    /// An answer without topics: a refused request, or a session without news.
    pub fn empty(error: ErrorCode, session_id: i32) -> Self {
        FetchResponse {
            throttle_time_ms: 0,
            error,
            session_id,
            topics: SmallVec::new(),
            node_endpoints: Vec::new(),
        }
    }
}

impl ResponseBody for FetchResponse {
    fn encode(self, header: &RequestHeader) -> Result<Outgoing, EncodeError> {
        let version = header.response_version();
        let mut out = Writer::response_with_capacity(header, capacity(&self));
        out.i32(self.throttle_time_ms);
        if version >= 7 {
            out.i16(self.error.code());
            out.i32(self.session_id);
        }
        out.length(Some(self.topics.len()));
        for topic in self.topics {
            out.topic(&topic.topic);
            out.length(Some(topic.partitions.len()));
            for partition in topic.partitions {
                write_partition(&mut out, partition, version);
            }
            out.no_tags();
        }
        write_endpoints(&mut out, &self.node_endpoints, version);
        out.finish()
    }
}

/// Room for everything but the records that become chunks of their own.
fn capacity(response: &FetchResponse) -> usize {
    let partition = |partition: &FetchedPartition| {
        let inline =
            if partition.records.len() <= crate::write::INLINE_MAX { partition.records.len() } else { 0 };
        96 + inline + 17 * partition.aborted_transactions.as_ref().map_or(0, Vec::len)
    };
    let topic = |topic: &FetchedTopic| {
        24 + topic.topic.name().map_or(0, str::len) + topic.partitions.iter().map(partition).sum::<usize>()
    };
    64 + 300 * response.node_endpoints.len() + response.topics.iter().map(topic).sum::<usize>()
}

fn write_partition(out: &mut Writer, partition: FetchedPartition, version: i16) {
    out.i32(partition.index.0);
    out.i16(partition.error.code());
    out.i64(partition.high_watermark.0);
    out.i64(partition.last_stable_offset.0);
    if version >= 5 {
        out.i64(partition.log_start_offset.0);
    }
    match &partition.aborted_transactions {
        None => out.length(None),
        Some(aborted) => out.array(aborted, |out, aborted| {
            out.i64(aborted.producer_id.0);
            out.i64(aborted.first_offset.0);
            out.no_tags();
        }),
    }
    if version >= 11 {
        out.i32(partition.preferred_read_replica.0);
    }
    match partition.records {
        Records::Null => out.length(None),
        Records::Bytes(bytes) => out.records(bytes),
        Records::File { len, token } => out.file(len, token),
    }
    if version < 12 {
        return;
    }
    let tags = [
        partition.diverging_epoch.is_some(),
        partition.current_leader.is_some(),
        partition.snapshot_id.is_some(),
    ];
    out.varint(tags.iter().filter(|&&set| set).count() as u32);
    // Each is two numbers and an empty tag list; only their order and widths differ.
    if let Some((epoch, end_offset)) = partition.diverging_epoch {
        out.tag(0, 13);
        out.i32(epoch.0);
        out.i64(end_offset.0);
        out.no_tags();
    }
    if let Some((leader, epoch)) = partition.current_leader {
        out.tag(1, 9);
        out.i32(leader.0);
        out.i32(epoch.0);
        out.no_tags();
    }
    if let Some((end_offset, epoch)) = partition.snapshot_id {
        out.tag(2, 13);
        out.i64(end_offset.0);
        out.i32(epoch.0);
        out.no_tags();
    }
}

fn write_endpoints(out: &mut Writer, endpoints: &[NodeEndpoint], version: i16) {
    if version < 16 || endpoints.is_empty() {
        out.no_tags();
        return;
    }
    out.varint(1);
    out.tagged(0, |out| {
        out.array(endpoints, |out, endpoint| {
            out.i32(endpoint.node_id.0);
            out.string(&endpoint.host);
            out.i32(endpoint.port);
            out.nullable_string(endpoint.rack.as_deref());
            out.no_tags();
        });
    });
}
