//! DeleteTopics (20), versions 1-6.
//!
//! v3 knows `TOPIC_DELETION_DISABLED` (before, that is `INVALID_REQUEST`), v4 is flexible, v5 adds messages, v6 names
//! topics by id too (KIP-516). The controller decides; when the answer comes, the topic is gone from the image and its
//! files have been renamed; they are removed in the background.

use std::sync::Arc;

use chronik_state::cluster::{DeleteTopics, DeletedTopic, Refused, TopicRef};
use chronik_types::{ErrorCode, TopicId};
use chronik_wire::messages::delete_topics_response::DeletableTopicResult;
use chronik_wire::messages::{DeleteTopicsRequest, DeleteTopicsResponse};

use super::topics::{outcome, topic_name};
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    version: i16,
    request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let by_name = request.topic_names.iter().map(|name| TopicRef::Name((***name).into()));
    let by_state = request.topics.iter().map(|topic| match &topic.name {
        Some(name) => TopicRef::Name((***name).into()),
        None => TopicRef::Id(TopicId(topic.topic_id)),
    });
    let topics: Vec<TopicRef> = by_name.chain(by_state).collect();
    let results = if node.config.load().topics.delete_enabled {
        match node.ask(DeleteTopics { topics: topics.clone() }).await {
            Ok(results) => results,
            Err(code) => refuse_all(&topics, code),
        }
    } else {
        let code = if version >= 3 { ErrorCode::TopicDeletionDisabled } else { ErrorCode::InvalidRequest };
        refuse_all(&topics, code)
    };
    let responses = results.iter().map(|result| answer(version, result)).collect();
    DeleteTopicsResponse::default().with_responses(responses)
}

fn refuse_all(topics: &[TopicRef], code: ErrorCode) -> Vec<DeletedTopic> {
    let refused = |topic: &TopicRef| {
        let (name, id) = match topic {
            TopicRef::Name(name) => (Some(name.clone()), TopicId::ZERO),
            TopicRef::Id(id) => (None, *id),
        };
        DeletedTopic { name, id, result: Err(Refused::code(code)) }
    };
    topics.iter().map(refused).collect()
}

fn answer(version: i16, deleted: &DeletedTopic) -> DeletableTopicResult {
    let (code, message) = outcome(&deleted.result);
    let answer = DeletableTopicResult::default()
        .with_name(deleted.name.as_deref().map(topic_name))
        .with_error_code(code);
    let answer = if version >= 5 { answer.with_error_message(message) } else { answer };
    if version >= 6 { answer.with_topic_id(deleted.id.0) } else { answer }
}
