//! The change feed: every committed metadata record, in order, as JSON, keyed by its metadata offset, in `__meta`.
//!
//! The partition's leader writes it, from its own committed log. Where it goes on is in the feed itself: after the key of
//! its last record. A new leader has all that was acknowledged of it, so nothing is written twice or left out, except
//! for what is older than the metadata log's beginning: that is only in snapshots. Nothing depends on the feed.

use std::sync::Arc;
use std::time::Duration;

use chronik_log::LogError;
use chronik_log::batch::{BatchBuilder, BatchIter, Compression, NewRecord, Records, validate};
use chronik_state::cluster::META_TOPIC;
use chronik_types::{ErrorCode, LeaderEpoch, Millis, Offset, PartitionIndex};

use crate::node::Node;
use crate::partition::{Fence, Partition};
use crate::wait::WaitOrDeadline;

/// Changes that come close together are written together.
const LINGER: Duration = Duration::from_millis(50);
/// Before the feed is tried again after it could not be written.
const RETRY: Duration = Duration::from_secs(1);
/// JSON in one batch; a single larger record still is one.
const BATCH_BYTES: usize = 256 << 10;

/// A metadata record that is committed.
pub(crate) struct Committed {
    /// Where the metadata log holds it.
    pub(crate) offset: Offset,
    /// When it was written.
    pub(crate) timestamp: Millis,
    /// What it says.
    pub(crate) json: String,
}

/// Why the feed is not further.
#[derive(Debug, thiserror::Error)]
enum Stuck {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the feed's partition answers {0}")]
    Partition(ErrorCode),
    #[error("the feed holds what it cannot hold: {0}")]
    Foreign(String),
}

/// Where the writer is, as long as this broker leads the partition in one epoch.
struct Position {
    epoch: LeaderEpoch,
    /// The metadata offset that comes next.
    next: Offset,
}

/// Writes the feed whenever this broker leads its partition.
pub(crate) fn start(node: &Arc<Node>) {
    let node = Arc::clone(node);
    let env = Arc::clone(&node.env);
    env.spawn(Box::pin(async move {
        let mut position = None;
        loop {
            let changed = node.quorum().image_changed();
            let wait = match write(&node, &mut position) {
                Ok(()) => Duration::MAX,
                Err(error) => {
                    tracing::debug!(%error, "the change feed waits");
                    position = None;
                    RETRY
                }
            };
            if wait == Duration::MAX {
                std::future::poll_fn(|cx| changed.poll(cx)).await;
            } else {
                let mut deadline = node.env.sleep(wait);
                WaitOrDeadline { wait: &changed, deadline: &mut deadline }.await;
            }
            node.env.sleep(LINGER).await;
        }
    }));
}

fn write(node: &Node, position: &mut Option<Position>) -> Result<(), Stuck> {
    let image = node.image();
    let feed = image.state.topic_named(META_TOPIC).and_then(|topic| {
        let registered = topic.partition(PartitionIndex(0))?;
        let leads = registered.leader == node.id();
        leads.then(|| (topic.id, registered.leader_epoch))
    });
    let Some((topic, epoch)) = feed else {
        *position = None;
        return Ok(());
    };
    let Some(partition) = node.partitions.get(topic, PartitionIndex(0)) else {
        return Err(Stuck::Partition(ErrorCode::NotLeaderOrFollower));
    };
    if partition.leader_epoch() != epoch {
        return Err(Stuck::Partition(ErrorCode::NotLeaderOrFollower));
    }
    let mut at = match position.take().filter(|position| position.epoch == epoch) {
        Some(position) => position,
        None => Position { epoch, next: last_key(&partition)?.map_or(Offset::ZERO, Offset::next) },
    };
    while at.next < image.end {
        let (committed, next) = node.quorum().committed_from(at.next, image.end)?;
        append(node, &partition, epoch, &committed)?;
        at.next = next;
    }
    partition.sync(&*node.env);
    *position = Some(at);
    Ok(())
}

fn append(
    node: &Node,
    partition: &Arc<Partition>,
    epoch: LeaderEpoch,
    committed: &[Committed],
) -> Result<(), Stuck> {
    // Where the feed ends was read in this epoch: once it is over, somebody else may have written it further.
    let fence = Some(Fence { epoch, end: None });
    let mut rest = committed;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|record| {
            let is_first = bytes == 0;
            bytes += record.json.len();
            is_first || bytes <= BATCH_BYTES
        });
        let (now, later) = rest.split_at(fits.count());
        let mut builder = BatchBuilder::new(Compression::None);
        for record in now {
            let key = record.offset.0.to_string();
            builder.push(NewRecord {
                timestamp: record.timestamp,
                key: Some(key.as_bytes()),
                value: Some(record.json.as_bytes()),
                headers: &[],
            });
        }
        let options = partition.settings().validate_options(node.env.now());
        let batch = validate(builder.build(), &options);
        let mut batch = batch.map_err(|error| Stuck::Foreign(error.to_string()))?;
        let placed = partition.append(&mut batch, false, fence, node.env.now());
        placed.map_err(|refusal| Stuck::Partition(refusal.code()))?;
        rest = later;
    }
    Ok(())
}

/// The metadata offset of the feed's last record; `None` if it is empty.
fn last_key(partition: &Partition) -> Result<Option<Offset>, Stuck> {
    let read = partition.with_log(|log, _| {
        let end = log.end_offset();
        if end <= log.start_offset() {
            return None;
        }
        Some(log.read(Offset(end.0 - 1), BATCH_BYTES, end, true))
    });
    let Some(read) = read.ok_or(Stuck::Partition(ErrorCode::KafkaStorageError))? else { return Ok(None) };
    let slice = read.map_err(|error| Stuck::Foreign(error.to_string()))?;
    let bytes = slice.load().map_err(|error| Stuck::Foreign(error.to_string()))?;
    let mut last = None;
    for batch in BatchIter::new(&bytes) {
        let batch = batch.map_err(|error| Stuck::Foreign(error.to_string()))?;
        if batch.header().is_control() {
            continue;
        }
        for record in Records::new(batch.header(), batch.body()) {
            let record = record.map_err(|error| Stuck::Foreign(error.to_string()))?;
            let key = record.key.and_then(|key| std::str::from_utf8(key).ok()?.parse().ok());
            last = Some(Offset(
                key.ok_or_else(|| Stuck::Foreign(format!("no offset as key at {}", record.offset)))?,
            ));
        }
    }
    Ok(last)
}
