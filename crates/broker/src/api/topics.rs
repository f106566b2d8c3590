//! What several handlers say about topics in the same way.

use chronik_state::cluster::{ClusterState, Refused, Topic};
use chronik_types::{ErrorCode, NodeId, TopicId};
use chronik_wire::messages::{BrokerId, TopicName};
use chronik_wire::{StrBytes, TopicKey};
use std::sync::Arc;

/// The topic that a request names.
///
/// Errors: `UNKNOWN_TOPIC_OR_PARTITION` for a name, `UNKNOWN_TOPIC_ID` for an id.
pub(super) fn find<'a>(state: &'a ClusterState, key: &TopicKey) -> Result<&'a Arc<Topic>, ErrorCode> {
    match key {
        TopicKey::Name(name) => state.topic_named(name).ok_or(ErrorCode::UnknownTopicOrPartition),
        TopicKey::Id(id) => state.topic(*id).ok_or(ErrorCode::UnknownTopicId),
    }
}

/// The parts of a response that name a topic: its name up to some version, its id after.
pub(super) fn name_and_id(key: &TopicKey) -> (TopicName, uuid::Uuid) {
    match key {
        TopicKey::Name(name) => (TopicName(name.clone()), uuid::Uuid::nil()),
        TopicKey::Id(TopicId(id)) => (TopicName::default(), *id),
    }
}

/// A text for the wire.
pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A topic's name for the wire.
pub(super) fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

/// Nodes for the wire.
pub(super) fn broker_ids(nodes: &[NodeId]) -> Vec<BrokerId> {
    nodes.iter().map(|node| BrokerId(node.0)).collect()
}

/// Code and message of an outcome, for the wire.
pub(super) fn outcome<T>(result: &Result<T, Refused>) -> (i16, Option<StrBytes>) {
    match result {
        Ok(_) => (0, None),
        Err(refused) => (refused.code.code(), refused.message.as_deref().map(text)),
    }
}
