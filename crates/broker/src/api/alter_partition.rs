//! AlterPartition (56), versions 2-3: a partition's leader proposes who is in sync (KIP-497).
//!
//! v3 names each replica's broker epoch (KIP-903), so that a broker that restarted meanwhile is not taken for the one that
//! was in sync. A refusal of one partition leaves the others alone.

use std::sync::Arc;

use chronik_state::cluster::{AlterPartition, PartitionState, ProposedIsr};
use chronik_types::{BrokerEpoch, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId};
use chronik_wire::messages::alter_partition_request::PartitionData;
use chronik_wire::messages::alter_partition_response as answer;
use chronik_wire::messages::{AlterPartitionRequest, AlterPartitionResponse, BrokerId};

use super::topics::broker_ids;
use crate::forward::ForController;
use crate::node::Node;

impl ForController for AlterPartitionRequest {
    async fn decide(self, node: Arc<Node>) -> AlterPartitionResponse {
        let mut partitions = Vec::new();
        for topic in self.topics {
            let id = TopicId(topic.topic_id);
            partitions.extend(topic.partitions.into_iter().map(|partition| proposal(id, partition)));
        }
        let command = AlterPartition {
            broker: NodeId(self.broker_id.0),
            broker_epoch: BrokerEpoch(self.broker_epoch),
            partitions,
        };
        let response = AlterPartitionResponse::default();
        match node.ask(command).await {
            Ok(Ok(states)) => response.with_topics(by_topic(states)),
            Ok(Err(refused)) => response.with_error_code(refused.code.code()),
            Err(code) => response.with_error_code(code.code()),
        }
    }
}

fn proposal(topic: TopicId, partition: PartitionData) -> ProposedIsr {
    let with_epochs = partition.new_isr_with_epochs.iter();
    let mut isr: Vec<(NodeId, BrokerEpoch)> =
        with_epochs.map(|state| (NodeId(state.broker_id.0), BrokerEpoch(state.broker_epoch))).collect();
    // Version 2 has no epochs.
    isr.extend(partition.new_isr.iter().map(|id| (NodeId(id.0), BrokerEpoch(-1))));
    ProposedIsr {
        topic,
        partition: PartitionIndex(partition.partition_index),
        leader_epoch: LeaderEpoch(partition.leader_epoch),
        partition_epoch: PartitionEpoch(partition.partition_epoch),
        isr,
        recovering: partition.leader_recovery_state != 0,
    }
}

fn by_topic(states: Vec<PartitionState>) -> Vec<answer::TopicData> {
    let mut topics: Vec<answer::TopicData> = Vec::new();
    for state in states {
        if topics.last().is_none_or(|topic| topic.topic_id != state.topic.0) {
            topics.push(answer::TopicData::default().with_topic_id(state.topic.0));
        }
        let data = answer::PartitionData::default().with_partition_index(state.partition.0);
        let data = match state.result {
            Ok(partition) => data
                .with_leader_id(BrokerId(partition.leader.0))
                .with_leader_epoch(partition.leader_epoch.0)
                .with_isr(broker_ids(&partition.isr))
                .with_leader_recovery_state(i8::from(partition.recovering))
                .with_partition_epoch(partition.partition_epoch.0),
            Err(code) => data.with_error_code(code.code()),
        };
        if let Some(topic) = topics.last_mut() {
            topic.partitions.push(data);
        }
    }
    topics
}
