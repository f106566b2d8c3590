//! CreatePartitions (37), versions 0-3.
//!
//! v2 is flexible, v3 adds quota errors. `count` is the new total. The controller decides; the answer comes when it is
//! committed.

use std::sync::Arc;

use chronik_state::cluster::{CreatePartitions, MorePartitions, Refused, Seed};
use chronik_state::records::Name;
use chronik_types::NodeId;
use chronik_wire::messages::create_partitions_request::CreatePartitionsTopic;
use chronik_wire::messages::create_partitions_response::CreatePartitionsTopicResult;
use chronik_wire::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use super::topics::{outcome, topic_name};
use crate::node::Node;

pub(super) async fn handle(node: Arc<Node>, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let names: Vec<Name> = request.topics.iter().map(|topic| (**topic.name).into()).collect();
    let topics = request.topics.into_iter().map(more).collect();
    let command =
        CreatePartitions { topics, validate_only: request.validate_only, seed: Seed(node.env.random()) };
    let results = match node.ask(command).await {
        Ok(results) => results,
        Err(code) => names.into_iter().map(|name| (name, Err(Refused::code(code)))).collect(),
    };
    let results = results.iter().map(|(name, result)| {
        let (code, message) = outcome(result);
        CreatePartitionsTopicResult::default()
            .with_name(topic_name(name))
            .with_error_code(code)
            .with_error_message(message)
    });
    CreatePartitionsResponse::default().with_results(results.collect())
}

fn more(topic: CreatePartitionsTopic) -> MorePartitions {
    let assignments = topic.assignments.map(|assignments| {
        let nodes = assignments.into_iter().map(|one| one.broker_ids.iter().map(|id| NodeId(id.0)).collect());
        nodes.collect()
    });
    MorePartitions { name: (**topic.name).into(), count: topic.count, assignments }
}
