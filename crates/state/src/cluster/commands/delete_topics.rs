//! DeleteTopics (20), by name or by id.
//!
//! A topic that the request names twice, in whatever way, is an error of the request and stays. `__meta` stays too.

use std::collections::BTreeMap;

use chronik_types::{ErrorCode, TopicId};

use super::{Change, Context, Decision, Refused, form_meta};
use crate::records::{Name, RemoveTopicRecord};

/// Remove topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteTopics {
    /// Which.
    pub topics: Vec<TopicRef>,
}

/// A topic, as the client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicRef {
    /// By name.
    Name(Name),
    /// By identity.
    Id(TopicId),
}

/// What became of one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its name, if it is known.
    pub name: Option<Name>,
    /// Its identity, or [`TopicId::ZERO`].
    pub id: TopicId,
    /// Whether it is gone.
    pub result: Result<(), Refused>,
}

pub(super) fn decide(context: &Context<'_>, command: DeleteTopics) -> Decision<Change, Vec<DeletedTopic>> {
    let mut changes = Vec::new();
    let mut results: Vec<DeletedTopic> = Vec::new();
    // Where each topic that is to go stands in `results`, to find it named again.
    let mut found: BTreeMap<TopicId, usize> = BTreeMap::new();
    for reference in command.topics {
        let unknown = |name, id, code| DeletedTopic { name, id, result: Err(Refused::code(code)) };
        let topic = match &reference {
            TopicRef::Name(name) => context.state.topic_named(name),
            TopicRef::Id(id) => context.state.topic(*id),
        };
        let Some(topic) = topic else {
            results.push(match reference {
                TopicRef::Name(name) => {
                    unknown(Some(name), TopicId::ZERO, ErrorCode::UnknownTopicOrPartition)
                }
                TopicRef::Id(id) => unknown(None, id, ErrorCode::UnknownTopicId),
            });
            continue;
        };
        if let Some(&at) = found.get(&topic.id) {
            let message = match reference {
                TopicRef::Name(_) => "Duplicate topic name.",
                TopicRef::Id(_) => "Duplicate topic id.",
            };
            results[at].result = Err(Refused::new(ErrorCode::InvalidRequest, message));
        } else {
            found.insert(topic.id, results.len());
            let result = form_meta::guard(&topic.name, "Deletion");
            results.push(DeletedTopic { name: Some(topic.name.clone()), id: topic.id, result });
        }
    }
    for deleted in results.iter().filter(|deleted| deleted.result.is_ok()) {
        changes.push(Change::new(RemoveTopicRecord { topic_id: deleted.id, ..Default::default() }));
    }
    Decision { changes, reply: results }
}
