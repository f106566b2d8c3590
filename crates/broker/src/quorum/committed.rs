//! What is committed goes into the image: the metadata log is read from where the image ends to the high watermark.
//!
//! Reading it back (rather than keeping what was appended) makes a leader and a follower apply the very same bytes by
//! the very same code.

use std::path::Path;

use bytes::Bytes;
use chronik_log::batch::{Batch, BatchError, BatchIter, Records, decompress};
use chronik_log::{Log, LogError, ReadError};
use chronik_state::cluster::{META_TOPIC, Partition};
use chronik_state::image::Published;
use chronik_state::records::Change;
use chronik_types::{NodeId, Offset, PartitionIndex};

use super::store::corrupt;
use super::{Quorum, State, warnings};
use crate::change_feed::Committed;

pub(super) const READ_BYTES: usize = 1 << 20;
/// Metadata batches are not compressed by Kafka; if one is, its records may take this much.
const DECOMPRESSED_BYTES_MAX: usize = 64 << 20;

impl Quorum {
    pub(super) fn committed(&self, state: &mut State, high_watermark: Offset) {
        if let Err(error) = apply(state, high_watermark) {
            // The log that everything follows from cannot be read: no state that follows could be trusted.
            return self.env.halt(&format!("metadata log cannot be applied: {error}"));
        }
        if let Some(published) = state.builder.publish() {
            self.publish(state, &published);
        }
        Self::deliver(state);
        if state.raft.is_leader() {
            // If not, the commit was the last thing before a resignation, which is the next action.
            self.take_lead(state);
            self.form_meta(state);
        }
        Self::note_lost_disk(state);
        self.maybe_snapshot(state);
    }

    /// A voter is a node and its directory: one that comes with another directory is no voter any more (KIP-853).
    fn note_lost_disk(state: &mut State) {
        let own = state.raft.key();
        let is_other = state
            .raft
            .voters()
            .get(own.id)
            .is_some_and(|voter| voter.key.directory.is_known() && voter.key.directory != own.directory);
        if is_other && !std::mem::replace(&mut state.has_warned, true) {
            tracing::warn!(
                node = %own.id, directory = ?own.directory,
                "the quorum knows this node with another directory: a voter that lost its disk only observes. When it has \
                 caught up, remove the lost voter and add this one (chronik cluster remove-voter, add-voter)"
            );
        }
    }

    /// Makes an image known, after whatever follows from it has been done.
    pub(super) fn publish(&self, state: &mut State, published: &Published) {
        self.image.store(published.image.clone());
        note_meta(published);
        (state.subscriber)(published);
        self.images.notify();
    }
}

impl Quorum {
    /// Committed records from `from` on (or from where the log begins, if that is later), some at least if there are any
    /// below `end`, and the offset after the last one that was looked at.
    ///
    /// Errors: the log cannot be read.
    pub(crate) fn committed_from(
        &self,
        from: Offset,
        end: Offset,
    ) -> Result<(Vec<Committed>, Offset), LogError> {
        let state = self.state.lock();
        let from = from.max(state.log.start_offset());
        let end = end.min(state.builder.end());
        if from >= end {
            return Ok((Vec::new(), end));
        }
        let bytes = read_batches(&state.log, from, end, READ_BYTES)?;
        let dir = state.log.dir().to_owned();
        drop(state);
        let (mut found, mut next) = (Vec::new(), from);
        for batch in BatchIter::new(&bytes) {
            let batch = batch.map_err(|error| corrupt(&dir, &error))?;
            let header = batch.header();
            let (timestamp, after) = (header.max_timestamp(), header.next_offset());
            for_each_record(batch, |offset, value| {
                if offset >= from {
                    let change = Change::decode(&value).map_err(|error| corrupt(&dir, &error))?;
                    found.push(Committed { offset, timestamp, json: change.to_json() });
                }
                Ok(())
            })
            .map_err(|fault| fault.at(&dir))?;
            next = after;
        }
        Ok((found, next))
    }
}

/// Says in the runbook's words where `__meta` is, when that is decided.
fn note_meta(published: &Published) {
    let image = &published.image.state;
    let Some(topic) = image.topic_named(META_TOPIC) else { return };
    if published.delta.topics_created.contains(&topic.id)
        && let Some(partition) = topic.partition(PartitionIndex(0))
    {
        tracing::info!("Assigned partition __meta-0: {}", shown(partition));
    }
}

/// An assignment as the runbook shows it.
pub(super) fn shown(partition: &Partition) -> String {
    let list = |nodes: &[NodeId]| {
        let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
        nodes.join(", ")
    };
    format!(
        "replicas=[{}], leader={}, ISR=[{}]",
        list(&partition.replicas),
        partition.leader,
        list(&partition.isr)
    )
}

/// Applies the log's records from the image's end up to `end`.
///
/// Errors: the log cannot be read, or holds what is no metadata record.
fn apply(state: &mut State, end: Offset) -> Result<(), LogError> {
    let State { builder, log, snapshots, controlling, .. } = state;
    while builder.end() < end {
        let from = builder.end();
        let bytes = read_batches(log, from, end, READ_BYTES)?;
        for batch in BatchIter::new(&bytes) {
            let batch = batch.map_err(|error| corrupt(log.dir(), &error))?;
            let header = batch.header();
            let (epoch, next) = (header.leader_epoch(), header.next_offset());
            snapshots.last_timestamp = header.max_timestamp();
            for_each_record(batch, |offset, value| {
                if offset >= from {
                    snapshots.bytes_since += value.len() as u64;
                    let change = Change::decode(&value).map_err(|error| corrupt(log.dir(), &error))?;
                    if controlling.is_some() {
                        warnings::warn(builder.state(), &change);
                    }
                    builder.apply(offset, epoch, &change);
                }
                Ok(())
            })
            .map_err(|fault| fault.at(log.dir()))?;
            builder.skip_to(next, epoch);
        }
    }
    Ok(())
}

/// Why a batch could not be used: it is damaged, or whoever was given its records refused one.
pub(super) enum Fault {
    Batch(BatchError),
    Log(LogError),
}

impl Fault {
    pub(super) fn at(self, path: &Path) -> LogError {
        match self {
            Fault::Batch(error) => corrupt(path, &error),
            Fault::Log(error) => error,
        }
    }
}

/// Calls `each` with the offset and value of every record of a data batch; a control batch has none for us.
pub(super) fn for_each_record(
    batch: Batch<'_>,
    mut each: impl FnMut(Offset, Bytes) -> Result<(), LogError>,
) -> Result<(), Fault> {
    if batch.header().is_control() {
        return Ok(());
    }
    let body = decompress(batch, DECOMPRESSED_BYTES_MAX).map_err(Fault::Batch)?;
    for record in Records::new(batch.header(), &body) {
        let record = record.map_err(Fault::Batch)?;
        each(record.offset, Bytes::copy_from_slice(record.value.unwrap_or_default())).map_err(Fault::Log)?;
    }
    Ok(())
}

/// Calls `each` with the offset, key and value of every record of a control batch.
pub(super) fn control_records(
    batch: Batch<'_>,
    mut each: impl FnMut(Offset, &[u8], &[u8]),
) -> Result<(), BatchError> {
    for record in Records::new(batch.header(), batch.body()) {
        let record = record?;
        each(record.offset, record.key.unwrap_or_default(), record.value.unwrap_or_default());
    }
    Ok(())
}

/// Whole batches from the one at `from` on, below `end`; at least one, and no more than `max_bytes` otherwise.
pub(super) fn read_batches(
    log: &Log,
    from: Offset,
    end: Offset,
    max_bytes: usize,
) -> Result<Bytes, LogError> {
    let slice = log.read(from, max_bytes, end, true).map_err(|error| match error {
        ReadError::Log(error) => error,
        out_of_range @ ReadError::OffsetOutOfRange { .. } => corrupt(log.dir(), &out_of_range),
    })?;
    let bytes = slice.load().map_err(|error| corrupt(log.dir(), &error))?;
    if bytes.is_empty() {
        return Err(corrupt(log.dir(), &format!("nothing at offset {from} though the log goes on to {end}")));
    }
    Ok(bytes)
}
