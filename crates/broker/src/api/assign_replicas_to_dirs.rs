//! AssignReplicasToDirs (73), version 0: a broker says in which log directory it has put its replicas (KIP-858).
//!
//! A broker that acts on an old registration is STALE_BROKER_EPOCH; a replica that is not its own has an error of its own.

use std::sync::Arc;

use chronik_state::cluster::{AssignReplicasToDirs, TopicReplicas, TopicResults};
use chronik_types::{BrokerEpoch, ErrorCode, NodeId, PartitionIndex, TopicId};
use chronik_wire::messages::assign_replicas_to_dirs_request::DirectoryData as Asked;
use chronik_wire::messages::assign_replicas_to_dirs_response::{DirectoryData, PartitionData, TopicData};
use chronik_wire::messages::{AssignReplicasToDirsRequest, AssignReplicasToDirsResponse};
use uuid::Uuid;

use crate::forward::ForController;
use crate::node::Node;

impl ForController for AssignReplicasToDirsRequest {
    async fn decide(self, node: Arc<Node>) -> AssignReplicasToDirsResponse {
        let command = AssignReplicasToDirs {
            broker: NodeId(self.broker_id.0),
            broker_epoch: BrokerEpoch(self.broker_epoch),
            directories: self.directories.into_iter().map(replicas).collect(),
        };
        let response = AssignReplicasToDirsResponse::default();
        match node.ask(command).await {
            Ok(Ok(results)) => response.with_directories(results.into_iter().map(answered).collect()),
            Ok(Err(refused)) => response.with_error_code(refused.code.code()),
            Err(code) => response.with_error_code(code.code()),
        }
    }
}

fn replicas(directory: Asked) -> (Uuid, Vec<TopicReplicas>) {
    let topics = directory.topics.into_iter().map(|topic| {
        let indexes = topic.partitions.iter().map(|partition| PartitionIndex(partition.partition_index));
        (TopicId(topic.topic_id), indexes.collect())
    });
    (directory.id, topics.collect())
}

fn answered((directory, topics): (Uuid, Vec<TopicResults>)) -> DirectoryData {
    let topics = topics.into_iter().map(|(topic, partitions)| {
        let partitions = partitions.into_iter().map(|(index, result)| {
            let code = result.err().unwrap_or(ErrorCode::None);
            PartitionData::default().with_partition_index(index.0).with_error_code(code.code())
        });
        TopicData::default().with_topic_id(topic.0).with_partitions(partitions.collect())
    });
    DirectoryData::default().with_id(directory).with_topics(topics.collect())
}
