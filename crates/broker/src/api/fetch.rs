//! Fetch (1), versions 4-18.
//!
//! What the versions add is in [`chronik_wire::fetch`]. Records are read up to the high watermark, or the last stable
//! offset for `READ_COMMITTED`. If fewer than `min_bytes` are there, the request is parked until something is committed
//! to one of its partitions or `max_wait` has passed, then read again; a partition in error or out of range is answered
//! at once. The response holds at most `max_bytes` (and `fetch.max.bytes`), but always at least one batch, so that a
//! consumer can go on whatever its limits.
//!
//! A follower (`replica_id >= 0`) reads to the log's end, and where it fetches says what it holds: that moves the high
//! watermark. Its wait ends with the next append, or when it sends another request behind this one.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chronik_state::image::MetadataImage;
use chronik_types::ErrorCode;
use chronik_wire::fetch::{
    AbortedTransaction, FetchRequest, FetchResponse, FetchedPartition, FetchedTopic, IsolationLevel, Records,
};
use chronik_wire::{StrBytes, TopicKey};
use smallvec::SmallVec;

use super::{Reply, Started};
use crate::connection::Client;
use crate::fetch_sessions::{FetchContext, PartitionKey, SessionRequest, Told, Wanted};
use crate::node::Node;
use crate::partition::{FollowerFetch, Partition, Reader, Who};
use crate::replication;
use crate::wait::Wait;

pub(super) fn start(node: &Arc<Node>, client: &Arc<Client>, request: FetchRequest) -> Started {
    let limits = Limits {
        who: who(node, &request),
        min_bytes: usize::try_from(request.min_bytes).unwrap_or(0),
        max_bytes: usize::try_from(request.max_bytes)
            .unwrap_or(0)
            .min(node.config.load().requests.fetch_bytes_max as usize),
        max_wait: Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)),
    };
    let context = match open_session(node, request) {
        Ok(context) => context,
        Err((code, session_id)) => return response(code, session_id).into(),
    };
    let mut first = Pass::default();
    first.read(node, &context, limits);
    if first.is_enough(limits) {
        return first.answer(node, &context).into();
    }
    let (node, client) = (Arc::clone(node), Arc::clone(client));
    Started::Parked(Box::pin(wait_and_read(node, client, context, limits, first)))
}

/// Who asks. A follower's fetch counts for its position if its broker is the one that the image knows.
fn who(node: &Node, request: &FetchRequest) -> Who {
    if request.replica_id.0 < 0 {
        return Who::Consumer(request.isolation);
    }
    let image = node.image();
    let broker = image.state.broker(request.replica_id);
    let eligible = broker.is_some_and(|broker| {
        let is_it = request.replica_epoch.0 < 0 || request.replica_epoch == broker.epoch;
        broker.is_active() && is_it
    });
    Who::Follower(FollowerFetch {
        id: request.replica_id,
        broker_epoch: request.replica_epoch,
        eligible,
        is_stale: request.replica_epoch.0 >= 0
            && broker.is_some_and(|broker| request.replica_epoch < broker.epoch),
        now: node.env.elapsed(),
        lag_max: replication::lag_max(node),
        is_first_look: true,
    })
}

#[derive(Clone, Copy)]
struct Limits {
    who: Who,
    min_bytes: usize,
    max_bytes: usize,
    max_wait: Duration,
}

/// One reading of all partitions.
#[derive(Default)]
struct Pass {
    partitions: Vec<FetchedPartition>,
    parkable: Vec<Arc<Partition>>,
    bytes: usize,
    failed: bool,
}

async fn wait_and_read(
    node: Arc<Node>,
    client: Arc<Client>,
    context: FetchContext,
    mut limits: Limits,
    mut pass: Pass,
) -> Reply {
    if let Who::Follower(follower) = &mut limits.who {
        follower.is_first_look = false;
    }
    let mut deadline = node.env.sleep(limits.max_wait);
    loop {
        let wait = Wait::new();
        pass.parkable.iter().for_each(|partition| partition.park_fetch(&wait, &limits.who));
        if let Who::Follower(_) = limits.who {
            client.waits_for_more(&wait);
        }
        // What was committed between the reading and the parking would not wake us: read once more.
        let _parked = Parked { wait: Arc::clone(&wait), partitions: std::mem::take(&mut pass.parkable) };
        pass = Pass::default();
        pass.read(&node, &context, limits);
        let mut timed_out = false;
        if !pass.is_enough(limits) {
            timed_out = poll_fn(|cx| match wait.poll(cx) {
                Poll::Ready(outcome) => Poll::Ready(outcome == ErrorCode::RequestTimedOut),
                Poll::Pending => deadline.as_mut().poll(cx).map(|()| true),
            })
            .await;
            pass = Pass::default();
            pass.read(&node, &context, limits);
        }
        if timed_out || pass.is_enough(limits) {
            return pass.answer(&node, &context).into();
        }
    }
}

/// A wait that is known to partitions; they forget it when the fetch goes on, or its connection goes.
struct Parked {
    wait: Arc<Wait>,
    partitions: Vec<Arc<Partition>>,
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.partitions.iter().for_each(|partition| partition.unpark_fetch(&self.wait));
    }
}

impl Pass {
    fn read(&mut self, node: &Arc<Node>, context: &FetchContext, limits: Limits) {
        let image = node.image();
        for (key, wanted) in &context.partitions {
            let found = match key.topic_id {
                chronik_types::TopicId::ZERO => node.led_partition(&image, &key.topic, key.partition),
                id => node.led_by_id(&image, id, key.partition),
            };
            let answer = found.and_then(|partition| self.read_one(node, partition, wanted, limits));
            let answer = answer.unwrap_or_else(|code| {
                self.failed = true;
                refused(&image, key, code)
            });
            self.partitions.push(answer);
        }
    }

    fn read_one(
        &mut self,
        node: &Node,
        partition: Arc<Partition>,
        wanted: &Wanted,
        limits: Limits,
    ) -> Result<FetchedPartition, ErrorCode> {
        let left = limits.max_bytes.saturating_sub(self.bytes);
        let max_bytes = usize::try_from(wanted.max_bytes).unwrap_or(0).min(left);
        let at_least_one = self.bytes == 0;
        let reader = Reader { who: limits.who, max_bytes, at_least_one };
        let readable = partition.read(wanted, reader)?;
        if readable.may_expand {
            node.replication.reconsider(&partition);
        }
        let mut answer = FetchedPartition::refused(partition.name.partition, ErrorCode::None);
        answer.high_watermark = readable.offsets.high_watermark;
        answer.last_stable_offset = readable.offsets.last_stable;
        answer.log_start_offset = readable.offsets.log_start;
        if let Some(diverging) = readable.diverging {
            answer.diverging_epoch = Some((diverging.epoch, diverging.end_offset));
            self.failed = true;
            return Ok(answer);
        }
        if matches!(limits.who, Who::Consumer(IsolationLevel::ReadCommitted)) {
            let aborted = readable.aborted.iter().map(|txn| AbortedTransaction {
                producer_id: txn.producer_id,
                first_offset: txn.first_offset,
            });
            answer.aborted_transactions = Some(aborted.collect());
        }
        if let Some(slice) = readable.slice.filter(|slice| !slice.is_empty()) {
            let bytes = slice.load().map_err(|error| {
                tracing::error!(partition = %partition.name, %error, "records cannot be read");
                ErrorCode::KafkaStorageError
            })?;
            self.bytes += bytes.len();
            answer.records = Records::Bytes(bytes);
        }
        self.parkable.push(partition);
        Ok(answer)
    }

    fn is_enough(&self, limits: Limits) -> bool {
        self.failed
            || self.bytes >= limits.min_bytes
            || limits.max_wait.is_zero()
            || self.partitions.is_empty()
    }

    fn answer(self, node: &Node, context: &FetchContext) -> FetchResponse {
        node.metrics.bytes_out.inc_by(self.bytes as u64);
        let mut topics: SmallVec<[FetchedTopic; 1]> = SmallVec::new();
        for ((key, _), answer) in context.partitions.iter().zip(self.partitions) {
            let told =
                Told { high_watermark: answer.high_watermark, log_start_offset: answer.log_start_offset };
            let has_records = !answer.records.is_empty();
            let failed = answer.error != ErrorCode::None || answer.diverging_epoch.is_some();
            if !context.worth_telling(key, told, has_records, failed) {
                continue;
            }
            context.remember(key, told, has_records, failed);
            let topic = topic_key(key);
            match topics.last_mut() {
                Some(last) if last.topic == topic => last.partitions.push(answer),
                _ => topics.push(FetchedTopic { topic, partitions: SmallVec::from_iter([answer]) }),
            }
        }
        FetchResponse { topics, ..response(ErrorCode::None, context.session_id) }
    }
}

/// A refusal. Who asked the wrong broker is told which one leads (KIP-951).
fn refused(image: &MetadataImage, key: &PartitionKey, code: ErrorCode) -> FetchedPartition {
    let mut answer = FetchedPartition::refused(key.partition, code);
    if matches!(code, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch) {
        let topic = match key.topic_id {
            chronik_types::TopicId::ZERO => image.state.topic_named(&key.topic),
            id => image.state.topic(id),
        };
        let partition = topic.and_then(|topic| topic.partition(key.partition));
        answer.current_leader = partition.map(|partition| (partition.leader, partition.leader_epoch));
    }
    answer
}

fn topic_key(key: &PartitionKey) -> TopicKey {
    if key.topic_id == chronik_types::TopicId::ZERO {
        TopicKey::Name(StrBytes::from_string(key.topic.to_string()))
    } else {
        TopicKey::Id(key.topic_id)
    }
}

fn open_session(node: &Node, request: FetchRequest) -> Result<FetchContext, (ErrorCode, i32)> {
    let uses_topic_ids = request
        .topics
        .first()
        .map(|topic| &topic.topic)
        .or_else(|| request.forgotten.first().map(|topic| &topic.topic))
        .map(|topic| topic.id().is_some());
    let wanted = request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            let wanted = Wanted {
                fetch_offset: partition.fetch_offset,
                max_bytes: partition.max_bytes,
                current_leader_epoch: partition.current_leader_epoch,
                last_fetched_epoch: partition.last_fetched_epoch,
                log_start_offset: partition.log_start_offset,
            };
            (partition_key(&topic.topic, partition.index), wanted)
        })
    });
    let forgotten = request
        .forgotten
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|&partition| partition_key(&topic.topic, partition)));
    let session = SessionRequest {
        session_id: request.session_id,
        epoch: request.session_epoch,
        uses_topic_ids,
        wanted: wanted.collect(),
        forgotten: forgotten.collect(),
        is_privileged: request.replica_id.0 >= 0,
    };
    let now = node.env.elapsed();
    node.sessions.open(session, now, node.env.random()).map_err(|code| (code, 0))
}

fn partition_key(topic: &TopicKey, partition: chronik_types::PartitionIndex) -> PartitionKey {
    match topic {
        TopicKey::Name(name) => {
            PartitionKey { topic: (**name).into(), topic_id: chronik_types::TopicId::ZERO, partition }
        }
        TopicKey::Id(id) => PartitionKey { topic: "".into(), topic_id: *id, partition },
    }
}

fn response(error: ErrorCode, session_id: i32) -> FetchResponse {
    FetchResponse {
        throttle_time_ms: 0,
        error,
        session_id,
        topics: SmallVec::new(),
        node_endpoints: Vec::new(),
    }
}
