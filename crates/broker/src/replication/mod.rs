//! Replication between brokers: this node's followers fetch from their leaders, and its leaders tell the controller who is
//! in sync.
//!
//! Reconcile says who follows whom; each (leader, fetcher number) has a task with a connection of its own ([`fetcher`]).
//! One more task proposes changes of the in-sync replicas ([`isr`]), and one says in which directories replicas are
//! ([`directories`]). Nothing here decides who leads.

mod answer;
mod cut;
mod directories;
mod fetcher;
mod isr;
mod quota;
mod session;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use chronik_state::config::ReplicationConfig;
use chronik_types::{LeaderEpoch, NodeId, PartitionIndex, TopicId};
use futures_util::task::AtomicWaker;
use indexmap::{IndexMap, IndexSet};
use parking_lot::Mutex;
use uuid::Uuid;

use quota::{Limit, Quota, is_listed};

use crate::node::Node;
use crate::partition::Partition;

/// A partition, as requests between brokers name it.
pub(crate) type Key = (TopicId, PartitionIndex);

type ByKey<T> = IndexMap<Key, T, foldhash::fast::FixedState>;
type Keys = IndexSet<Key, foldhash::fast::FixedState>;

/// Who follows whom, and what is to be told to the controller.
#[derive(Default)]
pub(crate) struct Replication {
    /// By leader and number.
    inboxes: Mutex<BTreeMap<(NodeId, u32), Arc<Inbox>>>,
    /// Those that no task looks after yet.
    unattended: Mutex<Vec<Arc<Inbox>>>,
    arrived: AtomicWaker,
    isr: isr::Queue,
    pub(crate) directories: directories::Placements,
    /// Of what this broker serves to throttled replicas.
    served: Quota,
    /// Of what it copies for them.
    copied: Quota,
}

/// A partition to follow in an epoch; `None`: no longer.
type Order = Option<(Arc<Partition>, LeaderEpoch)>;

/// What a fetcher is told: which partitions to follow from now on (in which epoch), or no longer.
struct Inbox {
    leader: NodeId,
    number: u32,
    changes: Mutex<ByKey<Order>>,
    woken: AtomicWaker,
}

impl Inbox {
    fn put(&self, key: Key, change: Order) {
        self.changes.lock().insert(key, change);
        self.woken.wake();
    }

    fn take(&self) -> ByKey<Option<(Arc<Partition>, LeaderEpoch)>> {
        std::mem::take(&mut *self.changes.lock())
    }

    fn poll_changed(&self, cx: &Context<'_>) -> Poll<()> {
        self.woken.register(cx.waker());
        if self.changes.lock().is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Replication {
    /// The partition follows `leader` in `epoch` from now on, and nobody else.
    pub(crate) fn follow(
        &self,
        partition: &Arc<Partition>,
        leader: NodeId,
        epoch: LeaderEpoch,
        fetchers: u32,
    ) {
        let key = (partition.topic_id, partition.name.partition);
        let number = spread(key) % fetchers.max(1);
        let mut inboxes = self.inboxes.lock();
        for (_, inbox) in inboxes.iter().filter(|(other, _)| **other != (leader, number)) {
            inbox.put(key, None);
        }
        if leader == NodeId::NONE {
            return;
        }
        let inbox = inboxes.entry((leader, number)).or_insert_with(|| {
            let inbox =
                Arc::new(Inbox { leader, number, changes: Mutex::default(), woken: AtomicWaker::new() });
            self.unattended.lock().push(Arc::clone(&inbox));
            self.arrived.wake();
            inbox
        });
        inbox.put(key, Some((Arc::clone(partition), epoch)));
    }

    /// The partition follows nobody: this broker leads it, or has it no longer.
    pub(crate) fn release(&self, topic: TopicId, index: PartitionIndex) {
        for inbox in self.inboxes.lock().values() {
            inbox.put((topic, index), None);
        }
    }

    /// The controller believes this broker's replica to be elsewhere than in `directory`.
    pub(crate) fn place(&self, topic: TopicId, index: PartitionIndex, directory: Uuid) {
        self.directories.push((topic, index), directory);
    }

    /// A follower of a partition led here has caught up, or may have fallen behind.
    pub(crate) fn reconsider(&self, partition: &Arc<Partition>) {
        self.isr.push(partition);
    }
}

/// Spreads the partitions of one leader over its fetchers.
fn spread((topic, index): Key) -> u32 {
    let (high, low) = topic.0.as_u64_pair();
    ((high ^ low) as u32).wrapping_add(index.0.unsigned_abs())
}

/// Starts to tell the controller in which directories replicas are, which comes before everything else.
pub(crate) fn tell_directories(node: &Arc<Node>) {
    node.env.spawn(Box::pin(directories::run(Arc::clone(node))));
}

/// Starts what replicates: fetchers as they are needed, the proposals of in-sync replicas, the look for laggards.
pub(crate) fn start(node: &Arc<Node>) {
    let here = Arc::clone(node);
    node.env.spawn(Box::pin(async move {
        loop {
            let arrived = poll_fn(|cx| {
                here.replication.arrived.register(cx.waker());
                let arrived = std::mem::take(&mut *here.replication.unattended.lock());
                if arrived.is_empty() { Poll::Pending } else { Poll::Ready(arrived) }
            });
            for inbox in arrived.await {
                here.env.spawn(Box::pin(fetcher::run(Arc::clone(&here), inbox)));
            }
        }
    }));
    node.env.spawn(Box::pin(isr::run(Arc::clone(node))));
    let weak = Arc::downgrade(node);
    let env = Arc::clone(&node.env);
    node.env.spawn(Box::pin(async move {
        loop {
            let Some(lag_max) = weak.upgrade().map(|node| lag_max(&node)) else { return };
            env.sleep((lag_max / 2).max(Duration::from_millis(1))).await;
            let Some(node) = weak.upgrade() else { return };
            for partition in node.partitions.all() {
                node.replication.reconsider(&partition);
            }
        }
    }));
}

/// Whether more was served to throttled replicas than may be; `None`: there is no limit.
pub(crate) fn leader_quota_exceeded(node: &Node) -> Option<bool> {
    let config = node.config.load();
    let limit = limit(&config.replication, config.replication.leader_rate_max);
    limit.rate?;
    Some(node.replication.served.exceeded_for(limit, node.env.elapsed()).is_some())
}

/// So many bytes are served to throttled replicas.
pub(crate) fn count_served(node: &Node, bytes: u64) {
    let config = node.config.load();
    let limit = limit(&config.replication, config.replication.leader_rate_max);
    node.replication.served.record(limit, node.env.elapsed(), bytes);
}

/// Whether the leader's quota counts what is served of the partition.
pub(crate) fn is_throttled(node: &Node, partition: &Partition) -> bool {
    let list = &partition.settings().topic.leader_throttled_replicas;
    !list.is_empty() && is_listed(list, partition.name.partition, node.id())
}

fn limit(config: &ReplicationConfig, rate: Option<u64>) -> Limit {
    Limit { rate, window: Duration::from_millis(config.quota_window_ms), windows: config.quota_windows }
}

/// `replica.lag.time.max.ms`.
pub(crate) fn lag_max(node: &Node) -> Duration {
    Duration::from_millis(node.config.load().replication.lag_max_ms)
}
