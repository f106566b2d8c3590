//! CreateTopics (19), versions 2-7.
//!
//! v4 lets counts of -1 mean the broker's defaults (KIP-464), v5 is flexible and answers with the topic's configuration
//! (KIP-525), v6 adds quota errors, v7 the topic id. The controller decides; the answer comes when it is committed.

use std::sync::Arc;

use chronik_state::cluster::{CreateTopics, CreatedTopic, NewTopic, Refused, Seed};
use chronik_state::config::describe_topic;
use chronik_state::records::Name;
use chronik_types::{ErrorCode, NodeId, PartitionIndex};
use chronik_wire::messages::create_topics_request::CreatableTopic;
use chronik_wire::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use chronik_wire::messages::{CreateTopicsRequest, CreateTopicsResponse};
use std::collections::BTreeMap;

use super::topics::{outcome, text, topic_name};
use crate::forward::ForController;
use crate::node::Node;
use crate::reconcile::with_layers;

pub(super) async fn handle(
    node: Arc<Node>,
    version: i16,
    request: CreateTopicsRequest,
) -> CreateTopicsResponse {
    let names: Vec<Name> = request.topics.iter().map(|topic| (**topic.name).into()).collect();
    let topics = request.topics.into_iter().map(new_topic).collect();
    let command =
        CreateTopics { topics, validate_only: request.validate_only, seed: Seed(node.env.random()) };
    let results = match node.ask(command).await {
        Ok(results) => results,
        Err(code) => names.into_iter().map(|name| (name, Err(Refused::code(code)))).collect(),
    };
    let topics = results.iter().map(|(name, result)| answer(&node, version, name, result));
    CreateTopicsResponse::default().with_topics(topics.collect())
}

fn new_topic(topic: CreatableTopic) -> NewTopic {
    let assignments = topic.assignments.into_iter().map(|assignment| {
        let nodes = assignment.broker_ids.iter().map(|id| NodeId(id.0)).collect();
        (PartitionIndex(assignment.partition_index), nodes)
    });
    let configs = topic.configs.into_iter().map(|config| {
        let value = config.value.map(|value| Name::from(&*value));
        (Name::from(&*config.name), value)
    });
    NewTopic {
        name: (**topic.name).into(),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: assignments.collect(),
        configs: configs.collect(),
    }
}

fn answer(
    node: &Node,
    version: i16,
    name: &str,
    result: &Result<CreatedTopic, Refused>,
) -> CreatableTopicResult {
    let (code, message) = outcome(result);
    let answer = CreatableTopicResult::default()
        .with_name(topic_name(name))
        .with_error_code(code)
        .with_error_message(message);
    match result {
        Ok(created) if version >= 5 => {
            let answer = answer
                .with_num_partitions(created.partitions)
                .with_replication_factor(created.replication_factor)
                .with_configs(Some(configs(node, created)));
            if version >= 7 { answer.with_topic_id(created.id.0) } else { answer }
        }
        Err(_) if version >= 5 => answer
            .with_num_partitions(-1)
            .with_replication_factor(-1)
            .with_configs(Some(Vec::new()))
            .with_topic_config_error_code(ErrorCode::None.code()),
        _ => answer,
    }
}

fn configs(node: &Node, created: &CreatedTopic) -> Vec<CreatableTopicConfigs> {
    let overrides: BTreeMap<Name, Name> = created.configs.iter().cloned().collect();
    let image = node.image();
    let described =
        with_layers(&image, node.id(), &node.file, |layers| describe_topic(&overrides, layers, None));
    let config = |described: chronik_state::config::Described| {
        CreatableTopicConfigs::default()
            .with_name(text(described.key.name))
            .with_value(described.value.as_deref().map(text))
            .with_read_only(described.read_only)
            .with_config_source(described.source as i8)
            .with_is_sensitive(described.key.is_sensitive())
    };
    described.into_iter().map(config).collect()
}

impl ForController for CreateTopicsRequest {
    fn decide(self, node: Arc<Node>) -> impl Future<Output = CreateTopicsResponse> + Send {
        handle(node, 7, self)
    }
}
