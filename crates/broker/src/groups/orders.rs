//! What reconcile wants of the coordinator, carried out in order by a task of its own: reconcile runs under the quorum's
//! lock and must not wait.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chronik_state::records::Name;
use chronik_types::{ErrorCode, LeaderEpoch, PartitionIndex, TopicId};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use super::{Groups, Shard, load, topic};
use crate::node::Node;

/// Before a partition is tried again that could not be loaded, or whose append failed.
const RETRY: Duration = Duration::from_millis(100);

enum Order {
    /// This broker leads the partition in this epoch.
    Lead(TopicId, PartitionIndex, LeaderEpoch),
    /// It does not, or no more.
    Resign(PartitionIndex),
    /// The topic is gone.
    Deleted(Name),
}

/// Orders that were given and not carried out.
#[derive(Default)]
pub(super) struct Orders {
    waiting: Mutex<VecDeque<Order>>,
    waker: AtomicWaker,
}

impl Orders {
    fn push(&self, order: Order) {
        self.waiting.lock().push_back(order);
        self.waker.wake();
    }

    async fn next(&self) -> Order {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            self.waiting.lock().pop_front().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

impl Groups {
    /// This broker leads a partition of `__consumer_offsets`; saying so again changes nothing.
    pub(crate) fn leads(&self, topic: TopicId, index: PartitionIndex, epoch: LeaderEpoch) {
        self.orders.push(Order::Lead(topic, index, epoch));
    }

    /// This broker does not lead it.
    pub(crate) fn resigns(&self, index: PartitionIndex) {
        self.orders.push(Order::Resign(index));
    }

    /// A topic was deleted: offsets in it go.
    pub(crate) fn topic_deleted(&self, name: &Name) {
        self.orders.push(Order::Deleted(name.clone()));
    }

    fn resign(&self, index: PartitionIndex) {
        if let Some(shard) = self.shards.write().remove(&index) {
            shard.resign(ErrorCode::NotCoordinator);
        }
    }

    fn is_current(&self, index: PartitionIndex, shard: &Arc<Shard>) -> bool {
        self.shards.read().get(&index).is_some_and(|current| Arc::ptr_eq(current, shard))
    }
}

/// Carries out reconcile's orders for as long as the node lives.
pub(crate) fn start(node: &Arc<Node>) {
    let node = Arc::clone(node);
    let env = Arc::clone(&node.env);
    env.spawn(Box::pin(async move {
        loop {
            match node.groups.orders.next().await {
                Order::Lead(topic, index, epoch) => begin(&node, topic, index, epoch),
                Order::Resign(index) => node.groups.resign(index),
                Order::Deleted(name) => {
                    for shard in node.groups.all() {
                        shard.topics_deleted(&node, std::slice::from_ref(&name));
                    }
                }
            }
        }
    }));
}

fn begin(node: &Arc<Node>, topic: TopicId, index: PartitionIndex, epoch: LeaderEpoch) {
    if node.groups.shard(index).is_some_and(|shard| shard.epoch() == epoch) {
        return;
    }
    let Some(partition) = node.partitions.get(topic, index) else { return };
    node.groups.resign(index);
    let shard = Shard::new(&partition, epoch);
    node.groups.shards.write().insert(index, Arc::clone(&shard));
    let running = Arc::clone(node);
    node.env.spawn(Box::pin(async move { lead(&running, index, shard).await }));
}

/// Leads a partition's groups for as long as the image says that this broker does. After a fault (a full disk, a log that
/// somebody else has written to) the state in memory is dropped and the log is loaded anew.
async fn lead(node: &Arc<Node>, index: PartitionIndex, mut shard: Arc<Shard>) {
    loop {
        match load::load(node, &shard).await {
            Ok(()) => shard.drive(node).await,
            Err(load::LoadError::Partition(code)) => {
                tracing::debug!(partition = %index, %code, "groups are not loaded: the lead is lost");
                shard.resign(ErrorCode::NotCoordinator);
            }
            Err(error) => {
                tracing::error!(topic = topic::NAME, partition = %index, %error, "groups cannot be loaded");
                shard.resign(ErrorCode::NotCoordinator);
            }
        }
        if !node.groups.is_current(index, &shard) {
            return;
        }
        node.env.sleep(RETRY).await;
        let next = Shard::new(shard.partition(), shard.epoch());
        let mut shards = node.groups.shards.write();
        if !shards.get(&index).is_some_and(|current| Arc::ptr_eq(current, &shard)) {
            return;
        }
        shards.insert(index, Arc::clone(&next));
        drop(shards);
        shard = next;
    }
}
