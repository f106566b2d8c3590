//! DeleteRecords (21), versions 0-2.
//!
//! v2 is flexible. Records before the offset are gone for every reader (-1: everything below the high watermark). An
//! offset above the high watermark is `OFFSET_OUT_OF_RANGE`; a topic whose `cleanup.policy` lacks `delete` is
//! `POLICY_VIOLATION`. The new start offsets are on disk before the answer, and every live replica has taken them over
//! (else `REQUEST_TIMED_OUT`); segments go with the next retention check.

use std::sync::Arc;
use std::time::Duration;

use chronik_types::{ErrorCode, Offset, PartitionIndex};
use chronik_wire::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use chronik_wire::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use crate::blocking;
use crate::chores;
use crate::node::Node;
use crate::partition::Partition;
use crate::wait::{Wait, WaitOrDeadline};

pub(super) async fn handle(node: Arc<Node>, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let mut awaited = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let partitions = topic.partitions.iter().enumerate().map(|(at, wanted)| {
            let index = PartitionIndex(wanted.partition_index);
            let deleted = delete(&node, &topic.name, index, wanted.offset);
            let answer = DeleteRecordsPartitionResult::default().with_partition_index(index.0);
            match deleted {
                Ok((partition, start)) => {
                    awaited.push((topics.len(), at, partition, start));
                    answer.with_low_watermark(start.0)
                }
                Err(code) => answer.with_low_watermark(-1).with_error_code(code.code()),
            }
        });
        let partitions = partitions.collect();
        topics.push(DeleteRecordsTopicResult::default().with_name(topic.name).with_partitions(partitions));
    }
    if !awaited.is_empty() {
        let here = Arc::clone(&node);
        blocking::run(&*node.env, move || chores::write_checkpoints(&here)).await;
        refuse_offline(&node, &mut topics);
        let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
        await_replicas(&node, timeout, awaited, &mut topics).await;
    }
    DeleteRecordsResponse::default().with_topics(topics)
}

/// A deletion that the replicas are to take over: where its answer is, and the new start of the log.
type Awaited = (usize, usize, Arc<Partition>, Offset);

async fn await_replicas(
    node: &Arc<Node>,
    timeout: Duration,
    awaited: Vec<Awaited>,
    topics: &mut [DeleteRecordsTopicResult],
) {
    let mut deadline = node.env.sleep(timeout);
    for (topic, at, partition, start) in awaited {
        let answer = &mut topics[topic].partitions[at];
        if answer.error_code != 0 {
            continue;
        }
        let wait = Wait::new();
        let outcome = match partition.await_deletion(start, &wait) {
            Ok(()) => WaitOrDeadline { wait: &wait, deadline: &mut deadline }.await,
            Err(code) => code,
        };
        if outcome != ErrorCode::None {
            answer.error_code = outcome.code();
            answer.low_watermark = -1;
        }
    }
}

fn delete(
    node: &Node,
    topic: &str,
    index: PartitionIndex,
    offset: i64,
) -> Result<(Arc<Partition>, Offset), ErrorCode> {
    let partition = node.led_partition(&node.image(), topic, index)?;
    if !partition.settings().topic.cleanup_delete {
        return Err(ErrorCode::PolicyViolation);
    }
    let offsets = partition.offsets()?;
    let to = match offset {
        -1 => offsets.high_watermark,
        offset if offset < 0 || Offset(offset) > offsets.high_watermark => {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        offset => Offset(offset),
    };
    let start = partition.with_log(|log, _| {
        log.delete_records(to);
        log.start_offset()
    });
    let start = start.ok_or(ErrorCode::NotLeaderOrFollower)?;
    Ok((partition, start))
}

/// What could not be written down is not done.
fn refuse_offline(node: &Node, topics: &mut [DeleteRecordsTopicResult]) {
    let image = node.image();
    for topic in topics {
        for answer in topic.partitions.iter_mut().filter(|answer| answer.error_code == 0) {
            let partition = node.led_partition(&image, &topic.name, PartitionIndex(answer.partition_index));
            if partition.is_ok_and(|partition| partition.dir.is_offline()) {
                answer.error_code = ErrorCode::KafkaStorageError.code();
                answer.low_watermark = -1;
            }
        }
    }
}
