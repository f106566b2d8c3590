//! The metadata log of a running cluster, asked of the quorum's leader on its controller listener.
//!
//! A Fetch by nobody's replica gets what is committed. Where the leader's log begins later, its answer names a snapshot,
//! which FetchSnapshot brings piece by piece.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use chronik_log::batch::BatchIter;
use chronik_types::{LeaderEpoch, Offset, TopicId};
use chronik_wire::StrBytes;
use chronik_wire::messages::fetch_request::{FetchPartition, FetchTopic};
use chronik_wire::messages::fetch_response::PartitionData;
use chronik_wire::messages::fetch_snapshot_request::{
    PartitionSnapshot, SnapshotId as WireId, TopicSnapshot,
};
use chronik_wire::messages::{BrokerId, FetchRequest, FetchSnapshotRequest, TopicName};

use super::{Each, SnapshotId, entries};
use crate::cli::client::{Client, Error, Options};
use crate::cli::cluster::{METADATA, Quorum, describe};
use crate::cli::connect::Connect;

const FETCH_VERSION_MAX: i16 = 17;
const BY_ID: i16 = 13;
const BY_REPLICA_STATE: i16 = 15;
const SNAPSHOT_VERSION_MAX: i16 = 1;
const PIECE_BYTES_MAX: i32 = 8 << 20;
/// A snapshot that claims to be larger than this is not read into memory.
const SNAPSHOT_BYTES_MAX: i64 = 4 << 30;

/// Where the reading is: the next offset, and the epoch of the record before it.
struct At {
    next: Offset,
    epoch: LeaderEpoch,
}

/// Reads all that is committed now.
pub fn read(client: &mut Client, connect: &Connect, each: Each<'_>) -> Result<()> {
    let quorum = describe(client)?;
    let leader = quorum.leader_address().context("the quorum does not tell where its leader listens")?;
    let options = Options { bootstrap: vec![leader.clone()], ..connect.options() };
    let mut leader = Client::new(options);
    let mut at = At { next: Offset(0), epoch: LeaderEpoch(0) };
    while at.next < Offset(quorum.high_watermark) {
        let fetched = fetch(&mut leader, &quorum, &at)?;
        if fetched.snapshot_id.end_offset >= 0 {
            let id = SnapshotId {
                end: Offset(fetched.snapshot_id.end_offset),
                epoch: LeaderEpoch(fetched.snapshot_id.epoch),
            };
            let bytes = snapshot(&mut leader, &quorum, id)?;
            for batch in BatchIter::new(&bytes) {
                entries(batch?, Some(id), each)?;
            }
            at = At { next: id.end, epoch: id.epoch };
            continue;
        }
        let before = at.next;
        for batch in BatchIter::new(&fetched.records.unwrap_or_default()) {
            let batch = batch.and_then(|batch| batch.verify_crc().map(|()| batch))?;
            entries(batch, None, each)?;
            at = At { next: batch.header().next_offset(), epoch: batch.header().leader_epoch() };
        }
        if at.next == before {
            bail!("the leader of the quorum gives nothing at offset {before} of the metadata log");
        }
    }
    Ok(())
}

fn fetch(leader: &mut Client, quorum: &Quorum, at: &At) -> Result<PartitionData> {
    let response = leader.call_any(FETCH_VERSION_MAX, |version| {
        let partition = FetchPartition::default()
            .with_current_leader_epoch(quorum.epoch)
            .with_fetch_offset(at.next.0)
            .with_last_fetched_epoch(at.epoch.0)
            .with_partition_max_bytes(PIECE_BYTES_MAX);
        let topic = FetchTopic::default().with_partitions(vec![partition]);
        let topic = if version >= BY_ID {
            topic.with_topic_id(TopicId::METADATA.0)
        } else {
            topic.with_topic(TopicName(StrBytes::from_static_str(METADATA)))
        };
        let request = FetchRequest::default()
            .with_max_bytes(PIECE_BYTES_MAX)
            .with_session_epoch(-1)
            .with_topics(vec![topic]);
        if version < BY_REPLICA_STATE { request.with_replica_id(BrokerId(-1)) } else { request }
    })?;
    Error::check("read the metadata log", response.error_code, None)?;
    let partition = response.responses.into_iter().flat_map(|topic| topic.partitions).next();
    let partition = partition.context("the answer to Fetch has no partition")?;
    Error::check("read the metadata log", partition.error_code, None)?;
    Ok(partition)
}

fn snapshot(leader: &mut Client, quorum: &Quorum, id: SnapshotId) -> Result<Bytes> {
    let mut bytes = Vec::new();
    loop {
        let position = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let response = leader.call_any(SNAPSHOT_VERSION_MAX, |_| {
            let wanted = WireId::default().with_end_offset(id.end.0).with_epoch(id.epoch.0);
            let partition = PartitionSnapshot::default()
                .with_current_leader_epoch(quorum.epoch)
                .with_snapshot_id(wanted)
                .with_position(position);
            let topic = TopicSnapshot::default()
                .with_name(TopicName(StrBytes::from_static_str(METADATA)))
                .with_partitions(vec![partition]);
            FetchSnapshotRequest::default()
                .with_cluster_id(None)
                .with_replica_id(BrokerId(-1))
                .with_max_bytes(PIECE_BYTES_MAX)
                .with_topics(vec![topic])
        })?;
        Error::check("read a snapshot of the metadata", response.error_code, None)?;
        let piece = response.topics.into_iter().flat_map(|topic| topic.partitions).next();
        let piece = piece.context("the answer to FetchSnapshot has no partition")?;
        Error::check("read a snapshot of the metadata", piece.error_code, None)?;
        if piece.size > SNAPSHOT_BYTES_MAX || piece.unaligned_records.is_empty() {
            bail!(
                "the snapshot at offset {} cannot be read: {} bytes, none at {position}",
                id.end,
                piece.size
            );
        }
        bytes.extend_from_slice(&piece.unaligned_records);
        if bytes.len() as i64 >= piece.size {
            return Ok(bytes.into());
        }
    }
}
