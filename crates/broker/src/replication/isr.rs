//! Proposals of in-sync replicas to the controller (AlterPartition): one request at a time, for all partitions that have
//! something to propose; what got no answer is proposed again.
//!
//! Source: `DefaultAlterPartitionManager`.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chronik_state::cluster::Nodes;
use chronik_types::{BrokerEpoch, ErrorCode, NodeId, PartitionEpoch, PartitionIndex, TopicId};
use chronik_wire::messages::alter_partition_request::{BrokerState, PartitionData, TopicData};
use chronik_wire::messages::{AlterPartitionRequest, AlterPartitionResponse, BrokerId};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use super::{ByKey, Key, lag_max};
use crate::node::Node;
use crate::partition::{Partition, Proposal};
use crate::peers::Purpose;
use crate::wait::WaitOrDeadline;

/// Before a proposal that nobody answered is made again.
const BACKOFF: Duration = Duration::from_millis(50);

/// Partitions that may have something to propose.
#[derive(Default)]
pub(super) struct Queue {
    partitions: Mutex<ByKey<Arc<Partition>>>,
    woken: AtomicWaker,
}

impl Queue {
    pub(super) fn push(&self, partition: &Arc<Partition>) {
        let key = (partition.topic_id, partition.name.partition);
        self.partitions.lock().insert(key, Arc::clone(partition));
        self.woken.wake();
    }

    async fn take(&self) -> ByKey<Arc<Partition>> {
        poll_fn(|cx| {
            self.woken.register(cx.waker());
            let all = std::mem::take(&mut *self.partitions.lock());
            if all.is_empty() { Poll::Pending } else { Poll::Ready(all) }
        })
        .await
    }
}

/// Proposes until the node is gone.
pub(super) async fn run(node: Arc<Node>) {
    loop {
        let waiting = node.replication.isr.take().await;
        let (now, lag_max, own) = (node.env.elapsed(), lag_max(&node), own(&node));
        let mut proposed: ByKey<(Arc<Partition>, Proposal)> = ByKey::default();
        for (key, partition) in waiting {
            if let Some(proposal) = partition.propose(own, now, lag_max) {
                proposed.insert(key, (partition, proposal));
            }
        }
        while !proposed.is_empty() {
            let changed = node.quorum().leader_changed();
            proposed = once(&node, proposed).await;
            if !proposed.is_empty() {
                let mut pause = node.env.sleep(BACKOFF);
                WaitOrDeadline { wait: &changed, deadline: &mut pause }.await;
            }
        }
    }
}

fn own(node: &Node) -> (NodeId, BrokerEpoch) {
    (node.id(), node.broker_epoch())
}

/// Proposes once; returns what is to be proposed again.
async fn once(
    node: &Arc<Node>,
    proposed: ByKey<(Arc<Partition>, Proposal)>,
) -> ByKey<(Arc<Partition>, Proposal)> {
    let timeout = Duration::from_millis(node.options.session_timeout_ms / 2).max(Duration::from_millis(100));
    let answer = node.ask_controller(Purpose::InSync, timeout, request(node, &proposed)).await;
    let mut answers = match answer {
        Ok(answer) => match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => by_key(answer),
            code => {
                tracing::debug!(%code, "the controller does not take proposals of in-sync replicas");
                ByKey::default()
            }
        },
        Err(code) => {
            tracing::debug!(%code, "the controller did not answer a proposal of in-sync replicas");
            ByKey::default()
        }
    };
    let now = node.env.elapsed();
    let mut again = ByKey::default();
    for (key, (partition, proposal)) in proposed {
        let answer = answers.swap_remove(&key).unwrap_or(Err(ErrorCode::NetworkException));
        match &answer {
            Ok((epoch, isr)) => tracing::info!(
                partition = %partition.name, isr = ?isr, partition_epoch = %epoch, "in-sync replicas changed"
            ),
            Err(code) => tracing::debug!(partition = %partition.name, %code, "proposal of in-sync replicas"),
        }
        if partition.proposal_answered(proposal.leader_epoch, answer, now)
            && let Some(proposal) = partition.repropose(own(node))
        {
            again.insert(key, (partition, proposal));
        }
    }
    again
}

fn request(node: &Node, proposed: &ByKey<(Arc<Partition>, Proposal)>) -> AlterPartitionRequest {
    let mut topics: Vec<TopicData> = Vec::new();
    for (&(topic, index), (_, proposal)) in proposed {
        let isr = proposal.isr.iter().map(|(id, epoch)| {
            BrokerState::default().with_broker_id(BrokerId(id.0)).with_broker_epoch(epoch.0)
        });
        let data = PartitionData::default()
            .with_partition_index(index.0)
            .with_leader_epoch(proposal.leader_epoch.0)
            .with_partition_epoch(proposal.partition_epoch.0)
            .with_new_isr_with_epochs(isr.collect());
        match topics.last_mut() {
            Some(last) if last.topic_id == topic.0 => last.partitions.push(data),
            _ => topics.push(TopicData::default().with_topic_id(topic.0).with_partitions(vec![data])),
        }
    }
    AlterPartitionRequest::default()
        .with_broker_id(BrokerId(node.id().0))
        .with_broker_epoch(node.broker_epoch().0)
        .with_topics(topics)
}

fn by_key(answer: AlterPartitionResponse) -> ByKey<Result<(PartitionEpoch, Nodes), ErrorCode>> {
    let mut all: ByKey<Result<(PartitionEpoch, Nodes), ErrorCode>> = ByKey::default();
    for topic in answer.topics {
        for data in topic.partitions {
            let key: Key = (TopicId(topic.topic_id), PartitionIndex(data.partition_index));
            let result = match ErrorCode::from_code(data.error_code) {
                ErrorCode::None => {
                    let isr = data.isr.iter().map(|id| NodeId(id.0)).collect();
                    Ok((PartitionEpoch(data.partition_epoch), isr))
                }
                code => Err(code),
            };
            all.insert(key, result);
        }
    }
    all
}
