//! Where this broker's replicas are, said to the controller (`AssignReplicasToDirs`, KIP-858): whenever the image names
//! another log directory than the one that holds the replica. When a directory fails, the controller knows by that whose
//! lead goes to others.
//!
//! A broker that starts asks to be unfenced only when all of this was said ([`Placements::is_settled`]): the controller elects
//! then, and nobody whose directory it does not know.
//!
//! One request at a time; what was not taken is said again, unless the image knows it by then or the replica is gone.
//!
//! Source: `AssignmentsManager`, `ReplicaManager.maybeUpdateTopicAssignment`.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chronik_types::{ErrorCode, NodeId, PartitionIndex, TopicId};
use chronik_wire::messages::assign_replicas_to_dirs_request::{DirectoryData, PartitionData, TopicData};
use chronik_wire::messages::{AssignReplicasToDirsRequest, AssignReplicasToDirsResponse, BrokerId};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use uuid::Uuid;

use super::{ByKey, Key, Keys};
use crate::node::Node;
use crate::peers::Purpose;
use crate::wait::{Changes, Wait, WaitOrDeadline};

/// Replicas that one request names at most (`AssignReplicasToDirsRequest.MAX_ASSIGNMENTS_PER_REQUEST`).
const REPLICAS_MAX: usize = 2250;
/// Before what was not taken is said again, doubled with each time in a row.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// Replicas of which the controller is to be told.
#[derive(Default)]
pub(crate) struct Placements {
    waiting: Mutex<Waiting>,
    woken: AtomicWaker,
    settled: Changes,
}

#[derive(Default)]
struct Waiting {
    replicas: ByKey<Uuid>,
    /// Some more are being told.
    others_under_way: bool,
}

impl Placements {
    pub(super) fn push(&self, key: Key, directory: Uuid) {
        self.waiting.lock().replicas.insert(key, directory);
        self.woken.wake();
    }

    /// Whether the controller has taken note of all of them.
    pub(crate) fn is_settled(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.replicas.is_empty() && !waiting.others_under_way
    }

    /// Completes when the controller has taken note of all of them. To be asked for before [`Placements::is_settled`].
    pub(crate) fn settled(&self) -> Arc<Wait> {
        self.settled.next()
    }

    async fn take(&self) -> ByKey<Uuid> {
        poll_fn(|cx| {
            self.woken.register(cx.waker());
            let mut waiting = self.waiting.lock();
            if waiting.replicas.is_empty() {
                return Poll::Pending;
            }
            waiting.others_under_way = true;
            let first = waiting.replicas.len().min(REPLICAS_MAX);
            Poll::Ready(waiting.replicas.drain(..first).collect())
        })
        .await
    }

    /// Puts back what was not taken, unless there is newer news.
    fn put_back(&self, rest: ByKey<Uuid>) {
        let mut waiting = self.waiting.lock();
        waiting.others_under_way = false;
        for (key, directory) in rest {
            waiting.replicas.entry(key).or_insert(directory);
        }
        let is_settled = waiting.replicas.is_empty();
        drop(waiting);
        if is_settled {
            self.settled.notify();
        }
    }
}

/// Tells the controller until the node is gone.
pub(super) async fn run(node: Arc<Node>) {
    let mut backoff = BACKOFF_MIN;
    loop {
        let mut placed = node.replication.directories.take().await;
        let image = node.image();
        placed.retain(|&(topic, index), directory| {
            let registered = image.state.topic(topic).and_then(|topic| topic.partition(index));
            registered.and_then(|one| one.directory(node.id())).is_some_and(|known| known != *directory)
        });
        if placed.is_empty() {
            node.replication.directories.put_back(placed);
            continue;
        }
        let changed = node.quorum().leader_changed();
        let timeout =
            Duration::from_millis(node.options.session_timeout_ms / 2).max(Duration::from_millis(100));
        let request = request(node.id(), node.broker_epoch().0, &placed);
        let taken = match node.ask_controller(Purpose::Forwarding, timeout, request).await {
            Ok(answer) => taken(&answer),
            Err(code) => {
                tracing::debug!(%code, "the controller was not told where replicas are");
                Keys::default()
            }
        };
        placed.retain(|key, _| !taken.contains(key));
        let is_done = placed.is_empty();
        node.replication.directories.put_back(placed);
        if is_done {
            backoff = BACKOFF_MIN;
            continue;
        }
        let mut pause = node.env.sleep(backoff);
        backoff = (backoff * 2).min(BACKOFF_MAX);
        WaitOrDeadline { wait: &changed, deadline: &mut pause }.await;
    }
}

fn request(broker: NodeId, epoch: i64, placed: &ByKey<Uuid>) -> AssignReplicasToDirsRequest {
    let mut by_directory: BTreeMap<Uuid, BTreeMap<TopicId, Vec<PartitionData>>> = BTreeMap::new();
    for (&(topic, index), &directory) in placed {
        let partition = PartitionData::default().with_partition_index(index.0);
        by_directory.entry(directory).or_default().entry(topic).or_default().push(partition);
    }
    let directories = by_directory.into_iter().map(|(directory, topics)| {
        let topics = topics.into_iter().map(|(topic, partitions)| {
            TopicData::default().with_topic_id(topic.0).with_partitions(partitions)
        });
        DirectoryData::default().with_id(directory).with_topics(topics.collect())
    });
    AssignReplicasToDirsRequest::default()
        .with_broker_id(BrokerId(broker.0))
        .with_broker_epoch(epoch)
        .with_directories(directories.collect())
}

/// Those that the controller has taken note of.
fn taken(answer: &AssignReplicasToDirsResponse) -> Keys {
    let code = ErrorCode::from_code(answer.error_code);
    if code != ErrorCode::None {
        tracing::debug!(%code, "the controller does not take where replicas are");
        return Keys::default();
    }
    let topics = answer.directories.iter().flat_map(|directory| &directory.topics);
    let all = topics.flat_map(|topic| topic.partitions.iter().map(|one| (TopicId(topic.topic_id), one)));
    let good = all.filter(|(_, one)| one.error_code == ErrorCode::None.code());
    good.map(|(topic, one)| (topic, PartitionIndex(one.partition_index))).collect()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn all_are_said_when_nothing_waits_and_nothing_is_under_way() {
        let (placements, key) = (Placements::default(), (TopicId(Uuid::from_u128(1)), PartitionIndex(0)));
        let take = || placements.take().now_or_never();
        assert!(placements.is_settled() && take().is_none());
        placements.push(key, Uuid::from_u128(201));
        let settled = placements.settled();
        let first = take().expect("there is one");
        assert!(!placements.is_settled(), "nobody has answered");
        placements.push(key, Uuid::from_u128(202));
        placements.put_back(first);
        assert!(!placements.is_settled() && settled.outcome().is_none());
        assert_eq!(take().expect("there is one")[&key], Uuid::from_u128(202), "the newer news");
        placements.put_back(ByKey::default());
        assert!(placements.is_settled() && settled.outcome().is_some());
    }

    #[test]
    fn replicas_are_named_by_directory_and_topic() {
        let (one, two) = (TopicId(Uuid::from_u128(1)), TopicId(Uuid::from_u128(2)));
        let (here, there) = (Uuid::from_u128(201), Uuid::from_u128(202));
        let placed = [
            ((two, PartitionIndex(0)), here),
            ((one, PartitionIndex(1)), there),
            ((two, PartitionIndex(3)), here),
        ];
        let request = request(NodeId(4), 77, &placed.into_iter().collect());
        assert_eq!((request.broker_id.0, request.broker_epoch), (4, 77));
        let named: Vec<_> = request.directories.iter().map(|dir| (dir.id, dir.topics.len())).collect();
        assert_eq!(named, [(here, 1), (there, 1)]);
        let indexes = &request.directories[0].topics[0].partitions;
        assert_eq!(indexes.iter().map(|one| one.partition_index).collect::<Vec<_>>(), [0, 3]);
    }
}
