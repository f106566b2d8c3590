//! `__consumer_offsets`: which of its partitions a group belongs to, who leads it, and how the topic comes to be.
//!
//! It is created when a coordinator is first looked for (Kafka's `AutoTopicCreationManager`), by the controller, with the
//! asking broker's `offsets.topic.*`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chronik_state::cluster::{ClusterState, Topic};
use chronik_types::{ErrorCode, NodeId, PartitionIndex};
use chronik_wire::StrBytes;
use chronik_wire::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use chronik_wire::messages::{CreateTopicsRequest, TopicName};

use crate::node::Node;
use crate::peers::Purpose;
use crate::wait::WaitOrDeadline;

/// The topic that holds the groups.
pub(crate) const NAME: &str = "__consumer_offsets";

/// How long a client that looks for a coordinator waits for the topic.
const CREATION_TIMEOUT: Duration = Duration::from_secs(5);

/// The partition that a group belongs to (`GroupCoordinatorService.partitionFor`): Java's hash of the id.
pub(crate) fn partition_of(group: &str, partitions: usize) -> PartitionIndex {
    let hash =
        group.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // `Utils.abs`: the least number has no positive counterpart and becomes 0.
    let positive = hash.checked_abs().unwrap_or(0);
    PartitionIndex(positive % (partitions.max(1) as i32))
}

/// Who leads the group's partition, if anybody does.
pub(crate) fn leader(state: &ClusterState, group: &str) -> Option<NodeId> {
    let topic = state.topic_named(NAME)?;
    let leader = topic.partition(partition_of(group, topic.partitions.len()))?.leader;
    (leader.0 >= 0).then_some(leader)
}

/// The topic as this node sees it.
pub(crate) fn find(state: &ClusterState) -> Option<&Arc<Topic>> {
    state.topic_named(NAME)
}

/// Has the topic created if it is not there, and waits for it.
///
/// Errors: `COORDINATOR_NOT_AVAILABLE` if it does not come, as with fewer brokers than
/// `offsets.topic.replication.factor`.
pub(crate) async fn ensure(node: &Arc<Node>) -> Result<(), ErrorCode> {
    if find(&node.image().state).is_some() {
        return Ok(());
    }
    let request = CreateTopicsRequest::default()
        .with_topics(vec![wanted(node)])
        .with_timeout_ms(CREATION_TIMEOUT.as_millis() as i32);
    let answer = node.ask_controller(Purpose::Forwarding, CREATION_TIMEOUT, request).await;
    let answer = answer.map_err(|code| {
        tracing::debug!(%code, "the topic of groups was not created");
        ErrorCode::CoordinatorNotAvailable
    })?;
    match answer.topics.first().map(|topic| ErrorCode::from_code(topic.error_code)) {
        Some(ErrorCode::None) => tracing::info!(topic = NAME, "topic was created automatically"),
        Some(ErrorCode::TopicAlreadyExists) => {}
        code => {
            // Clients ask again and again; the operator is told once.
            if !node.groups.topic_refused.swap(true, Ordering::Relaxed) {
                let reason = answer.topics.first().and_then(|topic| topic.error_message.as_deref());
                tracing::warn!(
                    topic = NAME, code = %code.unwrap_or(ErrorCode::UnknownServerError),
                    reason = reason.unwrap_or_default(),
                    "groups have no coordinator: their topic cannot be created; with fewer brokers than that, set \
                     offsets.topic.replication.factor"
                );
            }
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
    }
    // The controller knows; this broker's own image follows at once.
    let mut deadline = node.env.sleep(CREATION_TIMEOUT);
    loop {
        let changed = node.quorum().image_changed();
        if find(&node.image().state).is_some() {
            return Ok(());
        }
        if (WaitOrDeadline { wait: &changed, deadline: &mut deadline }).await != ErrorCode::None {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
    }
}

fn wanted(node: &Node) -> CreatableTopic {
    let config = node.config.load();
    let configs = [
        ("cleanup.policy", "compact".to_owned()),
        ("compression.type", "producer".to_owned()),
        ("segment.bytes", config.groups.topic_segment_bytes.to_string()),
    ];
    let configs = configs.map(|(key, value)| {
        CreatableTopicConfig::default()
            .with_name(StrBytes::from_static_str(key))
            .with_value(Some(StrBytes::from_string(value)))
    });
    CreatableTopic::default()
        .with_name(TopicName(StrBytes::from_static_str(NAME)))
        .with_num_partitions(config.groups.topic_partitions as i32)
        .with_replication_factor(config.groups.topic_replication_factor as i16)
        .with_configs(configs.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_belongs_where_java_puts_it() {
        // `Utils.abs(group.hashCode()) % 50`; the hash of the last one is Java's least number.
        for (group, partition) in
            [("", 0), ("test", 48), ("grüße-😀", 27), ("my-group", 12), ("polygenelubricants", 0)]
        {
            assert_eq!(partition_of(group, 50), PartitionIndex(partition), "{group}");
        }
    }
}
