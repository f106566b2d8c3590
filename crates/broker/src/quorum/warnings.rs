//! What an operator must look at among the changes that are committed: the controller says it, nobody else.
//!
//! An unclean election may lose what was acknowledged, and so may a disk that comes back empty. A key that was set and has no meaning here is accepted, as Kafka's
//! tools expect, but whoever set it must be able to find out that it does nothing.

use chronik_state::cluster::{ClusterState, ResourceKind};
use chronik_state::config::{Concern, Scope, concern};
use chronik_state::records::{Change, ConfigRecord, PartitionChangeRecord, Record};

/// Warns of what `change`, which is about to be applied to `state`, does.
pub(super) fn warn(state: &ClusterState, change: &Change) {
    match &change.record {
        Record::PartitionChange(record) => warn_of_election(state, record),
        Record::Config(record) => warn_of_config(record),
        _ => {}
    }
}

fn warn_of_election(state: &ClusterState, record: &PartitionChangeRecord) {
    let Some(topic) = state.topic(record.topic_id) else { return };
    let Some(before) = topic.partition(record.partition_id) else { return };
    if let Some(leader) = before.unclean_leader(record) {
        tracing::warn!(
            partition = %format_args!("{}-{}", topic.name, record.partition_id), %leader,
            "unclean: records may be lost, since a replica that was not in sync leads now"
        );
    }
    if let Some(broker) = before.last_copy_moved(record) {
        tracing::warn!(
            partition = %format_args!("{}-{}", topic.name, record.partition_id), %broker,
            "the last replica that had all records is in another log directory now: unless the directory was moved with its \
             content, they are lost"
        );
    }
}

fn warn_of_config(record: &ConfigRecord) {
    let scope = match ResourceKind::from_code(record.resource_type) {
        ResourceKind::Topic => Scope::Topic,
        ResourceKind::Broker => Scope::Broker,
        ResourceKind::Group => Scope::Group,
        ResourceKind::ClientMetrics => Scope::ClientMetrics,
        ResourceKind::BrokerLogger | ResourceKind::Other(_) => return,
    };
    let Some(value) = &record.value else { return };
    if let Ok(Some(Concern::Ignored(why))) = concern(scope, &record.name, value) {
        tracing::warn!(
            scope = scope.word(), name = %record.resource_name, "{}={value} is ignored: {why}", record.name
        );
    }
}
