//! Fetch (1) without a session, and the records of its answer.
//!
//! With `read_committed` the broker sends nothing beyond the last stable offset and names the aborted
//! transactions; their records are left out here, as every Kafka client must do.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use chronik_log::batch::{
    Batch, BatchError, BatchIter, EndTxnMarker, Record, Records, TimestampType, decompress,
};
use chronik_types::NodeId;
use chronik_wire::StrBytes;
use chronik_wire::messages::fetch_request::{FetchPartition, FetchTopic};
use chronik_wire::messages::fetch_response::PartitionData;
use chronik_wire::messages::{BrokerId, FetchRequest, TopicName};

use super::position::Position;
use crate::cli::client::{Client, Error, Isolation, Topic};

const VERSION_MAX: i16 = 17;
/// From version 13 on Fetch names topics by id (KIP-516).
const BY_ID: i16 = 13;
/// From version 15 on the replica that asks is named in a tagged field (KIP-903).
const BY_REPLICA_STATE: i16 = 15;
const RESPONSE_BYTES_MAX: i32 = 50 << 20;
const PARTITION_BYTES_MAX: i32 = 4 << 20;
/// A batch that claims to hold more than this when decompressed is refused.
const DECOMPRESSED_BYTES_MAX: usize = 1 << 30;

/// What one partition had to give.
#[derive(Debug)]
pub struct Fetched {
    pub partition: i32,
    pub records: Bytes,
    /// (producer id, first offset) of aborted transactions, in the order of their first offsets.
    aborted: Vec<(i64, i64)>,
}

/// Asks one leader for the next batches of `positions`; waits at most `wait_ms` if there are none.
pub fn fetch(
    client: &mut Client,
    leader: NodeId,
    topic: &Topic,
    positions: &[Position],
    isolation: Isolation,
    wait_ms: i32,
) -> Result<Vec<Fetched>, Error> {
    let response = client.call_node(leader, VERSION_MAX, |version| {
        let partitions = positions.iter().map(|position| {
            FetchPartition::default()
                .with_partition(position.partition)
                .with_fetch_offset(position.next)
                .with_partition_max_bytes(PARTITION_BYTES_MAX)
        });
        let wanted = FetchTopic::default().with_partitions(partitions.collect());
        let wanted = if version >= BY_ID {
            wanted.with_topic_id(topic.id.0)
        } else {
            wanted.with_topic(TopicName(StrBytes::from_string(topic.name.clone())))
        };
        let request = FetchRequest::default()
            .with_max_wait_ms(wait_ms)
            .with_min_bytes(1)
            .with_max_bytes(RESPONSE_BYTES_MAX)
            .with_isolation_level(isolation.level())
            .with_session_epoch(-1)
            .with_topics(vec![wanted]);
        if version < BY_REPLICA_STATE { request.with_replica_id(BrokerId(-1)) } else { request }
    })?;
    Error::check(format!("read {}", topic.name), response.error_code, None)?;
    let partitions = response.responses.into_iter().flat_map(|topic| topic.partitions);
    partitions.map(|partition| fetched(&topic.name, partition)).collect()
}

fn fetched(topic: &str, data: PartitionData) -> Result<Fetched, Error> {
    Error::check(format!("read {topic}-{}", data.partition_index), data.error_code, None)?;
    let aborted = data.aborted_transactions.unwrap_or_default();
    let mut aborted: Vec<(i64, i64)> =
        aborted.iter().map(|txn| (txn.producer_id.0, txn.first_offset)).collect();
    aborted.sort_by_key(|(_, first_offset)| *first_offset);
    Ok(Fetched { partition: data.partition_index, records: data.records.unwrap_or_default(), aborted })
}

impl Fetched {
    /// Calls `each` with every record from `position.next` on, and moves the position behind it; `each` returns
    /// whether to go on.
    pub fn read(
        &self,
        position: &mut Position,
        mut each: impl FnMut(TimestampType, &Record<'_>) -> Result<bool>,
    ) -> Result<()> {
        let mut aborting = BTreeSet::new();
        let mut aborted = self.aborted.iter().peekable();
        let mut batches = 0;
        for batch in BatchIter::new(&self.records) {
            let batch = match batch {
                // The last batch may be cut off: the broker sends so many bytes, not so many batches.
                Err(BatchError::Truncated { .. }) if batches > 0 => break,
                batch => batch
                    .and_then(|batch| batch.verify_crc().map(|()| batch))
                    .with_context(|| self.at(position))?,
            };
            batches += 1;
            let header = batch.header();
            while let Some((producer, _)) = aborted.next_if(|(_, first)| *first <= header.last_offset().0) {
                aborting.insert(*producer);
            }
            let producer = header.producer_id().0;
            if header.is_control() {
                if is_abort(batch)? {
                    aborting.remove(&producer);
                }
            } else if !(header.is_transactional() && aborting.contains(&producer)) {
                let body = decompress(batch, DECOMPRESSED_BYTES_MAX).with_context(|| self.at(position))?;
                for record in Records::new(header, &body) {
                    let record = record.with_context(|| self.at(position))?;
                    if record.offset.0 < position.next {
                        continue;
                    }
                    position.next = record.offset.0 + 1;
                    if !each(header.timestamp_type(), &record)? {
                        return Ok(());
                    }
                }
            }
            position.next = position.next.max(header.next_offset().0);
        }
        if batches == 0 && !self.records.is_empty() {
            bail!("{}: the broker sent {} bytes that are no batch", self.at(position), self.records.len());
        }
        Ok(())
    }

    fn at(&self, position: &Position) -> String {
        format!("read partition {} at offset {}", self.partition, position.next)
    }
}

fn is_abort(batch: Batch<'_>) -> Result<bool> {
    for record in Records::new(batch.header(), batch.body()) {
        if let Some(marker) = EndTxnMarker::of(&record?)? {
            return Ok(!marker.commit);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chronik_log::batch::{BatchBuilder, Compression, EndTxnMarker, NewRecord};
    use chronik_types::{Offset, ProducerEpoch, ProducerId};

    use super::{Fetched, Position};

    fn batch(offset: i64, producer: Option<i64>, values: &[&str], codec: Compression) -> Bytes {
        let mut builder = BatchBuilder::new(codec).base_offset(Offset(offset));
        if let Some(producer) = producer {
            builder = builder.producer(ProducerId(producer), ProducerEpoch(0), 0).transactional();
        }
        for value in values {
            builder.push(NewRecord { value: Some(value.as_bytes()), ..NewRecord::default() });
        }
        builder.build()
    }

    fn marker(offset: i64, producer: i64, commit: bool) -> Bytes {
        let marker = EndTxnMarker { commit, coordinator_epoch: 0 };
        let builder = BatchBuilder::new(Compression::None).base_offset(Offset(offset));
        let mut builder =
            builder.producer(ProducerId(producer), ProducerEpoch(0), -1).transactional().control();
        let (key, value) = (marker.control_type().key(), marker.value());
        builder.push(NewRecord { key: Some(&key), value: Some(&value), ..NewRecord::default() });
        builder.build()
    }

    fn read(fetched: &Fetched, next: i64) -> (Vec<String>, i64) {
        let mut position = Position { partition: 0, next, end: 0 };
        let mut seen = Vec::new();
        let each = |_, record: &super::Record<'_>| {
            seen.push(format!("{}:{}", record.offset, String::from_utf8_lossy(record.value.unwrap())));
            Ok(true)
        };
        fetched.read(&mut position, each).unwrap();
        (seen, position.next)
    }

    #[test]
    fn records_of_aborted_transactions_are_left_out() {
        let batches = [
            batch(0, Some(7), &["aborted"], Compression::None),
            batch(1, Some(8), &["kept", "kept"], Compression::Zstd(3)),
            marker(3, 7, false),
            batch(4, Some(7), &["later"], Compression::None),
            marker(5, 8, true),
        ];
        let fetched = Fetched { partition: 0, records: batches.concat().into(), aborted: vec![(7, 0)] };
        let (seen, next) = read(&fetched, 0);
        assert_eq!(seen, ["1:kept", "2:kept", "4:later"]);
        assert_eq!(next, 6);
    }

    #[test]
    fn reading_starts_within_a_batch_and_stops_before_a_cut_one() {
        let whole = batch(10, None, &["a", "b", "c"], Compression::Lz4);
        let cut = batch(13, None, &["d"], Compression::None);
        let records = [&whole[..], &cut[..cut.len() - 1]].concat().into();
        let fetched = Fetched { partition: 0, records, aborted: Vec::new() };
        assert_eq!(read(&fetched, 11), (vec!["11:b".into(), "12:c".into()], 13));
    }

    #[test]
    fn a_damaged_batch_is_an_error_with_its_place() {
        let mut bytes = batch(0, None, &["a"], Compression::None).to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let fetched = Fetched { partition: 3, records: bytes.into(), aborted: Vec::new() };
        let mut position = Position { partition: 3, next: 0, end: 1 };
        let error = fetched.read(&mut position, |_, _| Ok(true)).unwrap_err();
        assert!(
            format!("{error:#}").starts_with("read partition 3 at offset 0: record batch is corrupt"),
            "{error:#}"
        );
    }
}
