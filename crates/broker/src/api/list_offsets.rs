//! ListOffsets (2), versions 1-11.
//!
//! v2 adds the isolation level, v4 the leader epoch, v6 is flexible, v7 asks for the offset of the largest timestamp
//! (-3, KIP-734), v8 for the earliest local one (-4, KIP-405), v9 for the last tiered one (-5, KIP-1005), v10 adds the
//! time-out of remote lookups (KIP-1075; nothing is remote here), v11 asks for the earliest offset that is still to be
//! uploaded (-6, KIP-1023; without a remote tier there is none). -1 is the high watermark, or the last stable offset for
//! `READ_COMMITTED`; -2 the log's start. Nothing at or beyond that bound is ever found. A partition that is named twice
//! is `INVALID_REQUEST`. A replica's bound is the log's end.
//!
//! After an election the bound may still be below what was committed before it: until the high watermark has reached the
//! start of the leader's epoch, what would be bounded by it is `OFFSET_NOT_AVAILABLE` (KIP-207; before v5
//! `LEADER_NOT_AVAILABLE`).

use std::collections::BTreeSet;
use std::sync::Arc;

use chronik_log::{Located, TimestampQuery};
use chronik_types::{ErrorCode, LeaderEpoch, Millis, PartitionIndex};
use chronik_wire::messages::list_offsets_request::ListOffsetsPartition;
use chronik_wire::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use chronik_wire::messages::{ListOffsetsRequest, ListOffsetsResponse};

use crate::blocking;
use crate::node::Node;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

pub(super) async fn handle(
    node: Arc<Node>,
    version: i16,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let mut seen = BTreeSet::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    let bound = match (request.replica_id.0, request.isolation_level) {
        (0.., _) => Bound::LogEnd,
        (_, 1) => Bound::LastStable,
        _ => Bound::HighWatermark,
    };
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in topic.partitions {
            let first_time = seen.insert((topic.name.clone(), wanted.partition_index));
            let found = if first_time {
                locate(&node, version, &topic.name, &wanted, bound).await
            } else {
                Err(ErrorCode::InvalidRequest)
            };
            partitions.push(answer(version, wanted.partition_index, found));
        }
        topics.push(ListOffsetsTopicResponse::default().with_name(topic.name).with_partitions(partitions));
    }
    ListOffsetsResponse::default().with_topics(topics)
}

fn answer(
    version: i16,
    index: i32,
    found: Result<Option<Located>, ErrorCode>,
) -> ListOffsetsPartitionResponse {
    let answer = ListOffsetsPartitionResponse::default().with_partition_index(index);
    match found {
        Err(code) => answer.with_error_code(code.code()).with_offset(-1).with_timestamp(-1),
        Ok(None) => answer.with_offset(-1).with_timestamp(-1),
        Ok(Some(found)) => {
            let answer = answer.with_offset(found.offset.0).with_timestamp(found.timestamp.0);
            match found.leader_epoch {
                Some(epoch) if version >= 4 => answer.with_leader_epoch(epoch.0),
                _ => answer,
            }
        }
    }
}

/// Nothing at or past it is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    LogEnd,
    HighWatermark,
    LastStable,
}

async fn locate(
    node: &Arc<Node>,
    version: i16,
    topic: &str,
    wanted: &ListOffsetsPartition,
    bound: Bound,
) -> Result<Option<Located>, ErrorCode> {
    let partition = node.led_partition(&node.image(), topic, PartitionIndex(wanted.partition_index))?;
    partition.check_leads(LeaderEpoch(wanted.current_leader_epoch))?;
    let epoch = partition.leader_epoch();
    let offsets = partition.offsets_in(epoch)?;
    let upper = match bound {
        Bound::LogEnd => offsets.log_end,
        Bound::HighWatermark => offsets.high_watermark,
        Bound::LastStable => offsets.last_stable,
    };
    let lags = bound != Bound::LogEnd && offsets.high_watermark < offsets.epoch_start;
    let not_available =
        if version >= 5 { ErrorCode::OffsetNotAvailable } else { ErrorCode::LeaderNotAvailable };
    let query = match wanted.timestamp {
        LATEST if lags => return Err(not_available),
        LATEST => {
            let leader_epoch = Some(partition.leader_epoch());
            return Ok(Some(Located { timestamp: Millis::NONE, offset: upper, leader_epoch }));
        }
        EARLIEST => TimestampQuery::Earliest,
        MAX_TIMESTAMP if version >= 7 => TimestampQuery::MaxTimestamp,
        EARLIEST_LOCAL if version >= 8 => TimestampQuery::Earliest,
        LATEST_TIERED if version >= 9 => TimestampQuery::Tiered,
        EARLIEST_PENDING_UPLOAD if version >= 11 => TimestampQuery::Tiered,
        timestamp if timestamp < 0 => return Err(ErrorCode::UnsupportedVersion),
        timestamp => TimestampQuery::AtOrAfter(Millis(timestamp)),
    };
    let lookup = partition.with_log(|log, _| log.lookup(query)).ok_or(ErrorCode::NotLeaderOrFollower)?;
    let found = match query {
        // It reads nothing.
        TimestampQuery::Earliest | TimestampQuery::Tiered => lookup.run(),
        TimestampQuery::MaxTimestamp | TimestampQuery::AtOrAfter(_) => {
            blocking::run(&*node.env, move || lookup.run()).await
        }
    };
    match found {
        Ok(found) => {
            let is_bounded = query != TimestampQuery::Earliest;
            let visible = found.filter(|found| !is_bounded || found.offset < upper);
            if visible.is_none() && is_bounded && lags { Err(not_available) } else { Ok(visible) }
        }
        Err(error) => Err(partition.unreadable(epoch, &error)),
    }
}

#[cfg(test)]
mod tests {
    use chronik_types::Offset;

    use super::*;

    #[test]
    fn nothing_found_is_minus_one() {
        let nothing = answer(11, 3, Ok(None));
        assert_eq!((nothing.offset, nothing.timestamp, nothing.error_code), (-1, -1, 0));
        let located = Located { timestamp: Millis(5), offset: Offset(7), leader_epoch: Some(LeaderEpoch(2)) };
        assert_eq!(answer(3, 3, Ok(Some(located))).leader_epoch, -1, "version 3 has no epoch");
        assert_eq!(answer(4, 3, Ok(Some(located))).leader_epoch, 2);
    }
}
