//! A node as one sees it from outside, for those who judge it: the simulation's invariants. Nothing here changes anything.

use std::sync::Arc;

use bytes::Bytes;
use chronik_log::LogError;
use chronik_state::image::MetadataImage;
use chronik_types::{LeaderEpoch, Offset, PartitionIndex, TopicId, TopicPartition};

use crate::node::Node;

/// A node at one moment.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Its part in the quorum.
    pub quorum: chronik_raft::Inspection,
    /// The cluster as it knows it.
    pub image: Arc<MetadataImage>,
}

/// A batch of the metadata log, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataBatch {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset after its last record.
    pub end_offset: Offset,
    /// The epoch of the leader that wrote it.
    pub epoch: LeaderEpoch,
    /// All of it.
    pub bytes: Bytes,
}

impl Node {
    /// Shows the node as it is.
    pub fn inspect(&self) -> Inspection {
        Inspection { quorum: self.quorum().inspect(), image: self.image() }
    }

    /// The batches of its metadata log from the one that holds `from` on, or from the log's start, committed or not.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn metadata_batches(&self, from: Offset) -> Result<Vec<MetadataBatch>, LogError> {
        self.quorum().batches(from)
    }
}

/// A partition's copy on one node.
#[derive(Clone, Debug)]
pub struct ReplicaView {
    /// Which partition.
    pub name: TopicPartition,
    /// Its topic.
    pub topic_id: TopicId,
    /// Whether this node leads it.
    pub leads: bool,
    /// In this epoch.
    pub leader_epoch: LeaderEpoch,
    /// Up to where it is committed, as far as this node knows.
    pub high_watermark: Offset,
    /// Where its log begins.
    pub log_start: Offset,
    /// Where its log ends.
    pub log_end: Offset,
    /// Up to where its log survives a power failure.
    pub durable: Offset,
    /// It is compacted, each copy by itself.
    pub is_compacted: bool,
}

impl Node {
    /// The copies of partitions on this node, by name.
    pub fn replicas(&self) -> Vec<ReplicaView> {
        self.partitions.all().iter().filter_map(|partition| partition.view()).collect()
    }

    /// The batches of a copy from the one that holds `from` on, at most about `max_bytes`; empty at its end.
    ///
    /// # Errors
    /// The log is not here, or cannot be read.
    pub fn replica_batches(
        &self,
        topic_id: TopicId,
        index: PartitionIndex,
        from: Offset,
        max_bytes: usize,
    ) -> std::io::Result<Bytes> {
        let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let partition = self.partitions.get(topic_id, index).ok_or_else(gone)?;
        let slice = partition.with_log(|log, _| log.read(from, max_bytes, log.end_offset(), true));
        slice.ok_or_else(gone)?.map_err(std::io::Error::other)?.load()
    }
}
