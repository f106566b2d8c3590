//! From what a shard has decided to its partition's log: what has gathered while a batch was being committed goes into one.

use std::sync::Arc;

use chronik_log::batch::{BatchBuilder, Codec, Compression, NewRecord, Validated};
use chronik_state::groups::Append;
use chronik_types::{ErrorCode, LeaderEpoch, Millis, Offset};

use crate::partition::{Fence, Partition, Refusal};
use crate::wait::Wait;

/// What is written and not committed.
pub(super) struct InFlight {
    pub(super) until: Offset,
    pub(super) wait: Arc<Wait>,
}

/// Appends as much of `pending` as one batch holds, and takes it out. `None`: it is committed already.
///
/// Errors: the partition's. Nothing was appended.
pub(super) fn append(
    partition: &Partition,
    pending: &mut Vec<Append>,
    codec: Codec,
    now: Millis,
) -> Result<(Offset, Option<InFlight>), Refusal> {
    let bytes_max = partition.settings().topic.max_message_bytes as usize;
    let fits = fits(pending, bytes_max);
    let first = pending.first().expect("the caller has something to append");
    let fence = Fence { epoch: first.epoch, end: Some(first.base_offset) };
    let mut batch = build(&pending[..fits], codec, now);
    let placed = partition.append(&mut batch, true, Some(fence), now)?;
    pending.drain(..fits);
    let until = placed.appended.last_offset.next();
    Ok((until, placed.committed.map(|wait| InFlight { until, wait })))
}

/// How many of them make one batch: at least one, which the machine has kept within bounds.
fn fits(pending: &[Append], bytes_max: usize) -> usize {
    /// A record's own lengths, and its share of the batch's header.
    const OVERHEAD: usize = 32;
    let mut bytes = 0;
    let small = pending.iter().take_while(|append| {
        let records = append.records.iter();
        bytes += records
            .map(|record| OVERHEAD + record.key.len() + record.value.as_ref().map_or(0, bytes::Bytes::len))
            .sum::<usize>();
        bytes <= bytes_max
    });
    small.count().max(1)
}

fn build(appends: &[Append], codec: Codec, now: Millis) -> Validated {
    let mut builder = BatchBuilder::new(Compression::of(codec));
    for record in appends.iter().flat_map(|append| &append.records) {
        builder.push(NewRecord {
            timestamp: now,
            key: Some(&record.key),
            value: record.value.as_deref(),
            headers: &[],
        });
    }
    builder.build_validated()
}

/// The shards of one partition, in one epoch, write with one codec (`offsets.topic.compression.codec`).
pub(super) fn codec(number: u8) -> Codec {
    match number {
        1 => Codec::Gzip,
        2 => Codec::Snappy,
        3 => Codec::Lz4,
        4 => Codec::Zstd,
        _ => Codec::None,
    }
}

/// Waits for what the log held when it was loaded; `None` if all of it is committed.
///
/// Errors: as [`Partition::check_leads`].
pub(super) fn loaded(
    partition: &Partition,
    epoch: LeaderEpoch,
    end: Offset,
) -> Result<Option<InFlight>, ErrorCode> {
    let wait = partition.when_committed(epoch, end)?;
    Ok(wait.map(|wait| InFlight { until: end, wait }))
}
