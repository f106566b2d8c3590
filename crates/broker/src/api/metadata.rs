//! Metadata (3), versions 0-13.
//!
//! v1 adds racks and the controller, v2 the cluster id, v4 lets the client forbid automatic creation, v5 adds offline
//! replicas, v7 leader epochs, v8 authorized operations, v9 is flexible, v10 adds topic ids, v11 drops the cluster's
//! operations (DescribeCluster has them), v12 asks by topic id, v13 adds a top-level error.
//!
//! What is told is what is true when the answer is due, not when the question came: answers go out in order.
//! Leaders are asked for a sign of life first (`roll_call`).
//! Brokers are listed until they are fenced, and a moment longer (`absence`).
//!
//! No list of topics (null, or an empty one at v0) means all. A topic that does not exist is created if client and
//! broker both want that, and then answered as it is: the request waits for the controller's commit.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chronik_state::cluster::{Broker, ClusterState, Partition, Topic, check_topic_name, is_internal_topic};
use chronik_state::image::MetadataImage;
use chronik_types::{ErrorCode, NodeId, PartitionIndex, TopicId};
use chronik_wire::messages::create_topics_request::CreatableTopic;
use chronik_wire::messages::metadata_request::MetadataRequestTopic;
use chronik_wire::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use chronik_wire::messages::{BrokerId, CreateTopicsRequest, MetadataRequest, MetadataResponse};

use super::topics::{broker_ids, text, topic_name};
use crate::absence::{Address, serves_at};
use crate::connection::Client;
use crate::node::Node;
use crate::peers::Purpose;
use crate::roll_call;
use crate::wait::{WaitOrDeadline, until_due};

/// How long a client that asks for a topic waits for its creation.
const CREATION_TIMEOUT: Duration = Duration::from_secs(5);

/// What a client may do with a topic where nothing restricts it: read, write, create, delete, alter, describe, describe
/// and alter its configuration (bits of `AclOperation`).
pub(super) const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// The same for the cluster: create, alter, describe, cluster action, describe and alter configuration, idempotent write.
pub(super) const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    version: i16,
    request: MetadataRequest,
) -> MetadataResponse {
    let all =
        request.topics.is_none() || (version == 0 && request.topics.as_ref().is_some_and(Vec::is_empty));
    let wanted = by_id_or_name(request.topics.unwrap_or_default());
    let may_create = request.allow_auto_topic_creation || version < 4;
    if may_create && node.config.load().topics.auto_create {
        create_missing(&node, &wanted).await;
    }
    // It may be behind a produce that waits for the very broker whose death is the news.
    until_due().await;
    let wanted_only = (!all).then_some(&wanted[..]);
    roll_call::confirm(&node, leaders(&node.image().state, wanted_only)).await;
    let image = image_beyond_doubt(&node, wanted_only).await;
    let view = View {
        state: &image.state,
        listener: &client.peer.listener_name,
        with_operations: request.include_topic_authorized_operations && version >= 8,
    };
    let topics = if all {
        image.state.topics().map(|topic| view.topic(topic)).collect()
    } else {
        wanted.iter().map(|wanted| view.wanted(wanted)).collect()
    };
    let now = node.env.elapsed();
    let brokers = view.brokers(|broker| node.absences.is_listed(broker, now));
    let active = view.brokers(Broker::is_active);
    let controller = active.first().map_or(BrokerId(-1), |broker| broker.node_id);
    let mut response = MetadataResponse::default().with_brokers(brokers).with_topics(topics);
    if version >= 1 {
        response = response.with_controller_id(controller);
    }
    if version >= 2 {
        response = response.with_cluster_id(Some(text(&node.cluster_id)));
    }
    if (8..=10).contains(&version) && request.include_cluster_authorized_operations {
        response = response.with_cluster_authorized_operations(CLUSTER_OPERATIONS);
    }
    response
}

/// Who asks for any topic by its id asks by ids only: names beside them count for nothing (Kafka's consumer sends empty ones).
fn by_id_or_name(mut wanted: Vec<MetadataRequestTopic>) -> Vec<MetadataRequestTopic> {
    if wanted.iter().any(|topic| !topic.topic_id.is_nil()) {
        wanted.retain(|topic| !topic.topic_id.is_nil());
        for topic in &mut wanted {
            topic.name = None;
        }
    }
    wanted
}

/// Asks the controller for the topics that are wanted and not there. What becomes of it is seen in the image.
async fn create_missing(node: &Arc<Node>, wanted: &[MetadataRequestTopic]) {
    let image = node.image();
    let names = wanted.iter().filter_map(|wanted| wanted.name.as_deref());
    let missing =
        names.filter(|name| check_topic_name(name).is_ok() && image.state.topic_named(name).is_none());
    let topics: Vec<CreatableTopic> = missing
        .map(|name| {
            CreatableTopic::default()
                .with_name(topic_name(name))
                .with_num_partitions(-1)
                .with_replication_factor(-1)
        })
        .collect();
    if topics.is_empty() {
        return;
    }
    let timeout_ms = CREATION_TIMEOUT.as_millis() as i32;
    let request = CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(timeout_ms);
    let answer = match node.ask_controller(Purpose::Forwarding, CREATION_TIMEOUT, request).await {
        Ok(answer) => answer,
        Err(code) => return tracing::debug!(%code, "topics were not created automatically"),
    };
    let mut created = Vec::new();
    for topic in answer.topics {
        match ErrorCode::from_code(topic.error_code) {
            ErrorCode::None => {
                tracing::info!(topic = %*topic.name, "topic was created automatically");
                created.push(topic.name);
            }
            code => tracing::debug!(topic = %*topic.name, %code, "topic was not created automatically"),
        }
    }
    // The controller knows; what this broker answers comes from its own image, which follows at once.
    let mut deadline = node.env.sleep(CREATION_TIMEOUT);
    loop {
        let changed = node.quorum().image_changed();
        let image = node.image();
        if created.iter().all(|name| image.state.topic_named(name).is_some()) {
            return;
        }
        if (WaitOrDeadline { wait: &changed, deadline: &mut deadline }).await != ErrorCode::None {
            return;
        }
    }
}

/// Who leads partitions of the topics that are asked for (`None`: of all).
fn leaders(state: &ClusterState, wanted: Option<&[MetadataRequestTopic]>) -> BTreeSet<NodeId> {
    match wanted {
        // As good as everybody: what there are many of is not looked at for that.
        None => state.brokers().map(|broker| broker.id).collect(),
        Some(wanted) => {
            let topics = wanted.iter().filter_map(|wanted| found(state, wanted));
            topics.flat_map(|topic| topic.partitions.values().map(|partition| partition.leader)).collect()
        }
    }
}

/// The image to answer from. Whoever asks for topics (`None`: for all) that a broker leads who may just have died waits for
/// the controller's decision, for a while.
async fn image_beyond_doubt(node: &Arc<Node>, wanted: Option<&[MetadataRequestTopic]>) -> Arc<MetadataImage> {
    let leads = |at: &Address| {
        let image = node.image();
        let is_there = |id| image.state.broker(id).is_some_and(|broker| serves_at(broker, at));
        let leads_in =
            |topic: &Arc<Topic>| topic.partitions.values().any(|partition| is_there(partition.leader));
        match wanted {
            None => image.state.topics().any(leads_in),
            Some(wanted) => wanted.iter().any(|wanted| found(&image.state, wanted).is_some_and(leads_in)),
        }
    };
    while let Some(doubt) = node.absences.doubt(node.env.elapsed(), leads) {
        let mut deadline = node.env.sleep(doubt.at_most);
        WaitOrDeadline { wait: &doubt.over, deadline: &mut deadline }.await;
    }
    node.image()
}

fn found<'a>(state: &'a ClusterState, wanted: &MetadataRequestTopic) -> Option<&'a Arc<Topic>> {
    match &wanted.name {
        Some(name) => state.topic_named(name),
        None => state.topic(TopicId(wanted.topic_id)),
    }
}

/// The cluster as a client of one listener sees it.
pub(super) struct View<'a> {
    pub(super) state: &'a ClusterState,
    pub(super) listener: &'a str,
    pub(super) with_operations: bool,
}

impl View<'_> {
    fn brokers(&self, is_listed: impl Fn(&Broker) -> bool) -> Vec<MetadataResponseBroker> {
        let listed = self.state.brokers().filter(|broker| is_listed(broker));
        let reachable = listed.filter_map(|broker| broker.endpoint(self.listener).map(|at| (broker, at)));
        reachable
            .map(|(broker, endpoint)| {
                MetadataResponseBroker::default()
                    .with_node_id(BrokerId(broker.id.0))
                    .with_host(text(&endpoint.host))
                    .with_port(i32::from(endpoint.port))
                    .with_rack(broker.rack.as_deref().map(text))
            })
            .collect()
    }

    fn wanted(&self, wanted: &MetadataRequestTopic) -> MetadataResponseTopic {
        let missing = match &wanted.name {
            Some(name) if check_topic_name(name).is_err() => ErrorCode::InvalidTopicException,
            Some(_) => ErrorCode::UnknownTopicOrPartition,
            None => ErrorCode::UnknownTopicId,
        };
        match found(self.state, wanted) {
            Some(topic) => self.topic(topic),
            None => MetadataResponseTopic::default()
                .with_error_code(missing.code())
                .with_name(wanted.name.clone())
                .with_topic_id(wanted.topic_id)
                .with_is_internal(wanted.name.as_deref().is_some_and(|name| is_internal_topic(name))),
        }
    }

    fn topic(&self, topic: &Arc<Topic>) -> MetadataResponseTopic {
        let partitions = topic.partitions.iter().map(|(index, partition)| self.partition(*index, partition));
        let response = MetadataResponseTopic::default()
            .with_name(Some(topic_name(&topic.name)))
            .with_topic_id(topic.id.0)
            .with_is_internal(is_internal_topic(&topic.name))
            .with_partitions(partitions.collect());
        if self.with_operations {
            response.with_topic_authorized_operations(TOPIC_OPERATIONS)
        } else {
            response
        }
    }

    fn partition(&self, index: PartitionIndex, partition: &Partition) -> MetadataResponsePartition {
        let (error, leader) = self.leader(partition);
        MetadataResponsePartition::default()
            .with_error_code(error.code())
            .with_partition_index(index.0)
            .with_leader_id(BrokerId(leader.0))
            .with_leader_epoch(partition.leader_epoch.0)
            .with_replica_nodes(broker_ids(&partition.replicas))
            .with_isr_nodes(broker_ids(&partition.isr))
            .with_offline_replicas(self.offline(partition))
    }

    /// Who leads, if clients of this listener can reach it.
    pub(super) fn leader(&self, partition: &Partition) -> (ErrorCode, NodeId) {
        let broker = self.state.broker(partition.leader).filter(|broker| broker.is_active());
        match broker {
            None => (ErrorCode::LeaderNotAvailable, NodeId::NONE),
            Some(broker) if broker.endpoint(self.listener).is_none() => {
                (ErrorCode::ListenerNotFound, NodeId::NONE)
            }
            Some(broker) => (ErrorCode::None, broker.id),
        }
    }

    /// Replicas on brokers that are not there.
    pub(super) fn offline(&self, partition: &Partition) -> Vec<BrokerId> {
        let is_there = |node: &NodeId| self.state.broker(*node).is_some_and(|broker| broker.is_active());
        partition.replicas.iter().filter(|node| !is_there(node)).map(|node| BrokerId(node.0)).collect()
    }
}
