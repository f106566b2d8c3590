//! OffsetForLeaderEpoch (23), versions 2-4.
//!
//! v3 adds the replica id, v4 is flexible. Answers with the largest epoch that is not above the one asked for, and the
//! offset where it ends; (-1, -1) where that is not known (KIP-101, KIP-279). The current leader epoch fences a client
//! that believes in another leader (KIP-320).

use std::sync::Arc;

use chronik_log::EpochEnd;
use chronik_types::{ErrorCode, LeaderEpoch, PartitionIndex};
use chronik_wire::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use chronik_wire::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let partitions = topic.partitions.iter().map(|wanted| {
            let answer = EpochEndOffset::default().with_partition(wanted.partition);
            let current = LeaderEpoch(wanted.current_leader_epoch);
            match end_of(node, &topic.topic, PartitionIndex(wanted.partition), current, wanted.leader_epoch) {
                Ok(Some(end)) => answer.with_leader_epoch(end.epoch.0).with_end_offset(end.end_offset.0),
                Ok(None) => answer.with_leader_epoch(-1).with_end_offset(-1),
                Err(code) => answer.with_error_code(code.code()).with_leader_epoch(-1).with_end_offset(-1),
            }
        });
        let partitions = partitions.collect();
        topics
            .push(OffsetForLeaderTopicResult::default().with_topic(topic.topic).with_partitions(partitions));
    }
    OffsetForLeaderEpochResponse::default().with_topics(topics)
}

fn end_of(
    node: &Node,
    topic: &str,
    index: PartitionIndex,
    current: LeaderEpoch,
    asked: i32,
) -> Result<Option<EpochEnd>, ErrorCode> {
    let partition = node.led_partition(&node.image(), topic, index)?;
    partition.check_leads(current)?;
    let end = partition.with_log(|log, _| log.end_offset_for_epoch(LeaderEpoch(asked)));
    end.ok_or(ErrorCode::NotLeaderOrFollower)
}
