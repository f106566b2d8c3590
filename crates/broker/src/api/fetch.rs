//! Fetch (1), versions 4-18.
//!
//! What the versions add is in [`chronik_wire::fetch`]. Records are read up to the high watermark, or the last stable
//! offset for `READ_COMMITTED`. If fewer than `min_bytes` are there, the request is parked until something is committed
//! to one of its partitions or `max_wait` has passed, then read again; a partition in error or out of range is answered
//! at once. The response holds at most `max_bytes` (and `fetch.max.bytes`), but always at least one batch, so that a
//! consumer can go on whatever its limits.
//!
//! A consumer may read from any replica since version 11; a leader that chooses by rack (`replica.selector.class`) names it
//! the one that is nearest.
//!
//! A follower (`replica_id >= 0`) reads to the log's end, and where it fetches says what it holds: that moves the high
//! watermark. Its wait ends with the next append, or when it sends another request behind this one.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chronik_log::LogError;
use chronik_state::image::MetadataImage;
use chronik_types::{ErrorCode, NodeId};
use chronik_wire::fetch::{
    AbortedTransaction, FetchRequest, FetchResponse, FetchedPartition, FetchedTopic, IsolationLevel, Records,
};
use chronik_wire::{StrBytes, TopicKey};
use smallvec::SmallVec;

use super::{Reply, Started};
use crate::connection::Client;
use crate::fetch_sessions::{FetchContext, LastFetch, PartitionKey, SessionRequest, Told, Wanted};
use crate::node::Node;
use crate::partition::{Consumer, FollowerFetch, Partition, Reader, Who};
use crate::replication;
use crate::wait::Wait;

/// The version in which consumers learn of other replicas to read from (KIP-392).
const SINCE_FOLLOWERS: i16 = 11;

pub(super) fn start(node: &Arc<Node>, client: &Arc<Client>, version: i16, request: FetchRequest) -> Started {
    let mut limits = Limits {
        who: who(node, version, &request),
        near: near(node, client, &request),
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
    if let Who::Follower(follower) = &mut limits.who {
        follower.heard = context.last_fetch.clone();
    }
    let first = Pass::read(node, &context, &limits);
    if first.is_enough(&limits) {
        return first.answer(node, &context).into();
    }
    let (node, client) = (Arc::clone(node), Arc::clone(client));
    Started::Parked(Box::pin(wait_and_read(node, client, context, limits)))
}

/// Who asks. A follower's fetch counts for its position if its broker is the one that the image knows.
fn who(node: &Node, version: i16, request: &FetchRequest) -> Who {
    if request.replica_id.0 < 0 {
        let leader_only = version < SINCE_FOLLOWERS;
        return Who::Consumer(Consumer { isolation: request.isolation, leader_only });
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
        heard: LastFetch::default(),
        is_first_look: true,
    })
}

/// Where a consumer wants to read, if it says so and this broker chooses by rack.
fn near(node: &Node, client: &Client, request: &FetchRequest) -> Option<Near> {
    let is_consumer = request.replica_id.0 < 0 && !request.rack_id.is_empty();
    let chooses = is_consumer && node.config.load().replication.rack_aware;
    chooses.then(|| Near { rack: request.rack_id.clone(), listener: Arc::clone(&client.peer.listener_name) })
}

/// A consumer's rack, and the listener that it can reach.
struct Near {
    rack: StrBytes,
    listener: Arc<str>,
}

impl Near {
    fn has(&self, image: &MetadataImage, id: NodeId) -> bool {
        image.state.broker(id).is_some_and(|broker| {
            broker.rack.as_deref() == Some(&*self.rack)
                && broker.is_active()
                && broker.endpoint(&self.listener).is_some()
        })
    }
}

struct Limits {
    who: Who,
    near: Option<Near>,
    min_bytes: usize,
    max_bytes: usize,
    max_wait: Duration,
}

/// One reading of all partitions that may have something new.
#[derive(Default)]
struct Pass {
    /// By slot of the session.
    partitions: Vec<(u32, FetchedPartition)>,
    bytes: usize,
    /// A follower asks, and the leader's quota has a limit: whether that is exceeded.
    quota: Option<bool>,
    /// Of replicas that the quota counts.
    throttled_bytes: u64,
    /// Something is to be told without waiting for more.
    is_urgent: bool,
    /// There is nothing to wait for.
    is_empty: bool,
}

async fn wait_and_read(
    node: Arc<Node>,
    client: Arc<Client>,
    mut context: FetchContext,
    mut limits: Limits,
) -> Reply {
    if let Who::Follower(follower) = &mut limits.who {
        follower.is_first_look = false;
    }
    let mut deadline = node.env.sleep(limits.max_wait);
    if !context.watches {
        // Without a session nothing told of news until now: once more.
        context.watches = true;
        let pass = Pass::read(&node, &context, &limits);
        if pass.is_enough(&limits) {
            return pass.answer(&node, &context).into();
        }
    }
    loop {
        let wait = Wait::new();
        context.watch.park(&wait);
        if let Who::Follower(_) = limits.who {
            client.waits_for_more(&wait);
        }
        let timed_out = poll_fn(|cx| match wait.poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(outcome == ErrorCode::RequestTimedOut),
            Poll::Pending => deadline.as_mut().poll(cx).map(|()| true),
        })
        .await;
        let pass = Pass::read(&node, &context, &limits);
        if timed_out || pass.is_enough(&limits) {
            return pass.answer(&node, &context).into();
        }
    }
}

impl Pass {
    fn read(node: &Arc<Node>, context: &FetchContext, limits: &Limits) -> Pass {
        let mut pass = Pass::default();
        // Whoever asked again in this session gets what there is.
        let Some(mut session) = context.session() else { return Pass { is_empty: true, ..pass } };
        pass.is_empty = session.len() == 0;
        if let Who::Follower(_) = limits.who {
            pass.quota = replication::leader_quota_exceeded(node);
        }
        let image = node.image();
        for at in session.take_pending() {
            let Some((key, wanted)) = session.slot(at).map(|slot| (slot.key.clone(), slot.wanted)) else {
                continue;
            };
            let found = match key.topic_id {
                chronik_types::TopicId::ZERO => node.led_partition(&image, &key.topic, key.partition),
                id => node.led_by_id(&image, id, key.partition),
            };
            if let Ok(partition) = &found
                && context.watches
            {
                session.watch(at, partition);
            }
            let (answer, look_again) = found
                .and_then(|partition| pass.read_one((node, &image), &partition, &wanted, limits))
                .unwrap_or_else(|code| {
                    pass.is_urgent = true;
                    (refused(&image, &key, code), true)
                });
            let is_news = session.slot(at).is_some_and(|slot| slot.is_news(told(&answer)));
            if !context.incremental || look_again || is_news {
                session.keep(at);
                pass.partitions.push((at, answer));
            }
        }
        pass
    }

    fn read_one(
        &mut self,
        (node, image): (&Node, &MetadataImage),
        partition: &Arc<Partition>,
        wanted: &Wanted,
        limits: &Limits,
    ) -> Result<(FetchedPartition, bool), ErrorCode> {
        let left = limits.max_bytes.saturating_sub(self.bytes);
        let max_bytes = usize::try_from(wanted.max_bytes).unwrap_or(0).min(left);
        let at_least_one = self.bytes == 0;
        let throttled = self.quota.is_some() && replication::is_throttled(node, partition);
        let held_back = throttled && self.quota == Some(true);
        let epoch = partition.leader_epoch();
        let reader = Reader { who: &limits.who, max_bytes, at_least_one, held_back };
        let readable = partition.read(wanted, reader).map_err(|code| match code {
            // The log may have grown under another leader: a consumer that believes this would skip or repeat records.
            ErrorCode::OffsetOutOfRange if node.may_be_fenced() => ErrorCode::NotLeaderOrFollower,
            code => code,
        })?;
        if readable.may_expand {
            node.replication.reconsider(partition);
        }
        let mut answer = FetchedPartition::refused(partition.name.partition, ErrorCode::None);
        answer.high_watermark = readable.offsets.high_watermark;
        answer.last_stable_offset = readable.offsets.last_stable;
        answer.log_start_offset = readable.offsets.log_start;
        if let Some(diverging) = readable.diverging {
            answer.diverging_epoch = Some((diverging.epoch, diverging.end_offset));
            self.is_urgent = true;
            return Ok((answer, true));
        }
        let nearest = limits
            .near
            .as_ref()
            .and_then(|near| partition.nearest(wanted.fetch_offset, node.id(), |id| near.has(image, id)));
        if let Some(nearest) = nearest {
            answer.preferred_read_replica = nearest;
            self.is_urgent = true;
            return Ok((answer, true));
        }
        if matches!(&limits.who, Who::Consumer(consumer) if consumer.isolation == IsolationLevel::ReadCommitted)
        {
            let aborted = readable.aborted.iter().map(|txn| AbortedTransaction {
                producer_id: txn.producer_id,
                first_offset: txn.first_offset,
            });
            answer.aborted_transactions = Some(aborted.collect());
        }
        if let Some(slice) = readable.slice.filter(|slice| !slice.is_empty()) {
            let bytes = slice.load().map_err(|error| {
                partition.unreadable(epoch, &LogError::of_read(&partition.dir.path, error))
            })?;
            self.bytes += bytes.len();
            self.throttled_bytes += if throttled { bytes.len() as u64 } else { 0 };
            answer.records = Records::Bytes(bytes);
        }
        Ok((answer, readable.look_again))
    }

    fn is_enough(&self, limits: &Limits) -> bool {
        self.is_urgent || self.bytes >= limits.min_bytes || limits.max_wait.is_zero() || self.is_empty
    }

    fn answer(self, node: &Node, context: &FetchContext) -> FetchResponse {
        node.metrics.bytes_out.inc_by(self.bytes as u64);
        if self.throttled_bytes > 0 {
            replication::count_served(node, self.throttled_bytes);
        }
        let mut topics: SmallVec<[FetchedTopic; 1]> = SmallVec::new();
        let session = if self.partitions.is_empty() { None } else { context.session() };
        if let Some(mut session) = session {
            let mut served = Vec::new();
            for (at, answer) in self.partitions {
                let Some(slot) = session.slot(at) else { continue };
                let has_records = !answer.records.is_empty();
                let failed = answer.error != ErrorCode::None
                    || answer.diverging_epoch.is_some()
                    || answer.preferred_read_replica != NodeId::NONE;
                let is_told = has_records || failed || !context.incremental || slot.is_news(told(&answer));
                if !is_told {
                    continue;
                }
                let topic = topic_key(&slot.key);
                session.tell(at, Some(told(&answer)).filter(|_| !failed));
                if has_records {
                    served.push(at);
                }
                match topics.last_mut() {
                    Some(last) if last.topic == topic => last.partitions.push(answer),
                    _ => topics.push(FetchedTopic { topic, partitions: SmallVec::from_iter([answer]) }),
                }
            }
            session.served(served);
        }
        FetchResponse { topics, ..response(ErrorCode::None, context.session_id) }
    }
}

fn told(answer: &FetchedPartition) -> Told {
    Told { high_watermark: answer.high_watermark, log_start_offset: answer.log_start_offset }
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
