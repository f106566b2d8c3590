//! The group coordinator's shell: a shard for each partition of `__consumer_offsets` that this broker leads.
//!
//! Reconcile says, with each image, which partitions are led in which epoch ([`Groups::leads`]); a task for each of them
//! loads its log ([`load`]) and then looks after its timers and commits ([`Shard::drive`]). A request is decided on the
//! thread that read it, under the shard's short lock; its answer comes when everything that it was decided on is
//! committed. What is decided in one epoch is appended in that epoch or not at all: the append is fenced.
//!
//! Nothing here decides about groups: that is [`chronik_state::groups`].

mod append;
mod lag;
mod load;
mod orders;
mod shard;
mod ticket;
pub(crate) mod topic;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chronik_state::cluster::GROUP_VERSION;
use chronik_state::groups::{Reply, Request};
use chronik_types::{ErrorCode, PartitionIndex};
use parking_lot::RwLock;

use crate::connection::Client;
use crate::node::Node;

pub(crate) use lag::Progress;
pub(crate) use orders::start;
pub(crate) use shard::Shard;

use orders::Orders;
use ticket::Asked;

/// Takes the reply of the kind that was asked for.
macro_rules! reply {
    ($answered:expr, $kind:ident) => {
        match $answered {
            Ok(Reply::$kind(reply)) => Ok(reply),
            Ok(other) => unreachable!("a shard answers what it was asked, not {other:?}"),
            Err(code) => Err(code),
        }
    };
}
pub(crate) use reply;

/// The shards of this broker.
#[derive(Default)]
pub(crate) struct Groups {
    shards: RwLock<BTreeMap<PartitionIndex, Arc<Shard>>>,
    orders: Orders,
    /// The controller refused to create the topic, and the operator was told.
    topic_refused: AtomicBool,
}

impl Groups {
    fn shard(&self, index: PartitionIndex) -> Option<Arc<Shard>> {
        self.shards.read().get(&index).cloned()
    }

    /// Every shard, in the order of their partitions.
    pub(crate) fn all(&self) -> Vec<Arc<Shard>> {
        self.shards.read().values().cloned().collect()
    }

    /// The shard that a group belongs to.
    ///
    /// Errors: `NOT_COORDINATOR`; `COORDINATOR_LOAD_IN_PROGRESS` where this broker leads and has not begun to load.
    fn of(&self, node: &Node, group: &str) -> Result<Arc<Shard>, ErrorCode> {
        let image = node.image();
        let topic = topic::find(&image.state).ok_or(ErrorCode::NotCoordinator)?;
        let index = topic::partition_of(group, topic.partitions.len());
        match self.shard(index) {
            Some(shard) => Ok(shard),
            None if topic.partition(index).is_some_and(|partition| partition.leader == node.id()) => {
                Err(ErrorCode::CoordinatorLoadInProgress)
            }
            None => Err(ErrorCode::NotCoordinator),
        }
    }
}

/// Whether groups of the new protocol (KIP-848) are served: the cluster's `group.version`, and
/// `group.coordinator.rebalance.protocols`.
pub(crate) fn serves_consumer_protocol(node: &Node) -> bool {
    node.image().state.feature_level(GROUP_VERSION) >= 1 && node.config.load().groups.serves_consumer_protocol
}

impl Node {
    /// Asks the shard of a group. The request is decided at once; the answer comes when it is committed.
    ///
    /// Errors: the coordinator's: `NOT_COORDINATOR`, `COORDINATOR_LOAD_IN_PROGRESS`, `COORDINATOR_NOT_AVAILABLE`.
    pub(crate) fn ask_group(
        self: &Arc<Node>,
        client: &Arc<Client>,
        request: Request,
    ) -> impl Future<Output = Result<Reply, ErrorCode>> + Send + use<> {
        let group = request.group_id().expect("a request of one group").clone();
        let shard = self.groups.of(self, &group);
        let asked = shard.and_then(|shard| self.ask_shard(client, &shard, request));
        async move { asked?.answer().await }
    }

    /// Asks every shard of this broker the same.
    pub(crate) fn ask_every_shard(
        self: &Arc<Node>,
        client: &Arc<Client>,
        request: &Request,
    ) -> Vec<impl Future<Output = Result<Reply, ErrorCode>> + Send + use<>> {
        let shards = self.groups.all();
        let ask = |shard: &Arc<Shard>| {
            let asked = self.ask_shard(client, shard, request.clone());
            async move { asked?.answer().await }
        };
        shards.iter().map(ask).collect()
    }

    fn ask_shard(&self, client: &Client, shard: &Arc<Shard>, request: Request) -> Result<Asked, ErrorCode> {
        let waits_for_others = matches!(request, Request::JoinGroup(_) | Request::SyncGroup(_));
        let ticket = shard.handle(self, client, request)?;
        let timeout = Duration::from_millis(self.config.load().groups.commit_timeout_ms);
        Ok(Asked::new(ticket, (!waits_for_others).then_some(timeout), &self.env))
    }
}
