//! Loading a shard: its partition's log is replayed in pieces, each a job of its own in the background, so that neither
//! other shards nor the network wait for it.
//!
//! What a transaction wrote counts when its marker says so; what one that is still open wrote does not count.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chronik_log::ReadError;
use chronik_log::batch::{Batch, BatchError, BatchIter, ControlType, Header, Records, decompress};
use chronik_state::groups::GroupMachine;
use chronik_types::{ErrorCode, Offset, ProducerId};

use super::Shard;
use crate::blocking;
use crate::node::Node;
use crate::partition::Partition;

/// What a batch of the log may become when it is decompressed.
const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;

/// Why a partition's groups cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// Its files cannot be read.
    #[error("read the log: {0}")]
    Io(#[from] std::io::Error),
    /// It cannot be read at this place.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is damaged.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// It is not open, or not led.
    #[error("the partition answers {0}")]
    Partition(ErrorCode),
}

/// A key and its value.
type Pair = (Bytes, Option<Bytes>);

/// The replay, as far as it is.
struct Loader {
    partition: Arc<Partition>,
    machine: GroupMachine,
    next: Offset,
    end: Offset,
    /// What open transactions have written.
    open: BTreeMap<ProducerId, Vec<Pair>>,
}

/// Replays the partition's log and gives the shard its state.
pub(super) async fn load(node: &Arc<Node>, shard: &Arc<Shard>) -> Result<(), LoadError> {
    let partition = Arc::clone(shard.partition());
    let offsets = partition.offsets_in(shard.epoch()).map_err(LoadError::Partition)?;
    let since = node.env.elapsed();
    let mut loader = Loader {
        partition,
        machine: GroupMachine::default(),
        next: offsets.log_start,
        end: offsets.log_end,
        open: BTreeMap::new(),
    };
    #[cfg(feature = "planted")]
    if node.env.planted_fault() == Some(crate::PlantedFault::LoadCommitted) {
        loader.end = offsets.high_watermark;
    }
    let bytes = node.config.load().groups.load_bytes as usize;
    while loader.next < loader.end && !shard.is_over() {
        let piece = move || loader.piece(bytes).map(|()| loader);
        loader = blocking::run(&*node.env, piece).await?;
    }
    let records = offsets.log_end.0 - offsets.log_start.0;
    if records > 0 {
        let took_ms = node.env.elapsed().saturating_sub(since).as_millis() as u64;
        tracing::info!(partition = %shard.partition().name, records, took_ms, "groups were loaded");
    }
    shard.serve(node, loader.machine, offsets.log_end);
    Ok(())
}

impl Loader {
    /// Replays about so many bytes.
    fn piece(&mut self, bytes_max: usize) -> Result<(), LoadError> {
        let (next, end) = (self.next, self.end);
        let slice =
            self.partition.with_log(|log, _| log.read(next.max(log.start_offset()), bytes_max, end, true));
        let slice = slice.ok_or(LoadError::Partition(ErrorCode::NotLeaderOrFollower))??;
        let bytes = slice.load()?;
        let mut reached = self.end;
        for batch in BatchIter::new(&bytes) {
            let batch = batch?;
            self.batch(batch)?;
            reached = batch.header().next_offset();
        }
        // Nothing between here and the end: compaction has removed it.
        self.next = if bytes.is_empty() { self.end } else { reached };
        Ok(())
    }

    fn batch(&mut self, batch: Batch<'_>) -> Result<(), LoadError> {
        let header = batch.header();
        let body = decompress(batch, DECOMPRESSED_BYTES_MAX)?;
        for record in Records::new(header, &body) {
            let record = record?;
            if header.is_control() {
                match ControlType::of(&record)? {
                    Some(ControlType::Commit) => {
                        for (key, value) in self.open.remove(&header.producer_id()).unwrap_or_default() {
                            self.replay(header, &key, value.as_ref());
                        }
                    }
                    Some(ControlType::Abort) => drop(self.open.remove(&header.producer_id())),
                    _ => {}
                }
                continue;
            }
            let Some(key) = record.key.map(Bytes::copy_from_slice) else { continue };
            let value = record.value.map(Bytes::copy_from_slice);
            if header.is_transactional() {
                self.open.entry(header.producer_id()).or_default().push((key, value));
            } else {
                self.replay(header, &key, value.as_ref());
            }
        }
        Ok(())
    }

    fn replay(&mut self, header: Header<'_>, key: &Bytes, value: Option<&Bytes>) {
        if let Err(error) = self.machine.replay(key, value) {
            tracing::error!(
                partition = %self.partition.name, offset = %header.base_offset(), %error,
                "a record of groups makes no sense and is passed over"
            );
        }
    }
}
