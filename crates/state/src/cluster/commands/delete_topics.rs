//! DeleteTopics (20), by name or by id.

use chronik_types::{ErrorCode, TopicId};

use super::{Change, Context, Decision, Refused};
use crate::records::Name;

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
    let _ = (context, command);
    unimplemented!()
}
