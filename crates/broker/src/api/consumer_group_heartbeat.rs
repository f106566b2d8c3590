//! ConsumerGroupHeartbeat (68), versions 0-1 (KIP-848).
//!
//! v1 adds the subscription by pattern, and the client makes its own member id. Without `group.version` 1, or with
//! `consumer` missing from `group.coordinator.rebalance.protocols`, the answer is `UNSUPPORTED_VERSION`.

use std::sync::Arc;

use chronik_state::groups::{ConsumerHeartbeat, Refused, Reply, Request, TopicPartitions};
use chronik_types::{ErrorCode, PartitionIndex, TopicId};
use chronik_wire::RequestHeader;
use chronik_wire::messages::consumer_group_heartbeat_request::TopicPartitions as Owned;
use chronik_wire::messages::consumer_group_heartbeat_response::{Assignment, TopicPartitions as Assigned};
use chronik_wire::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use uuid::Uuid;

use super::groups::{asker, name, nullable, nullable_text, refusal};
use crate::connection::Client;
use crate::groups::{self, reply};
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    header: RequestHeader,
    request: ConsumerGroupHeartbeatRequest,
) -> ConsumerGroupHeartbeatResponse {
    if !groups::serves_consumer_protocol(&node) {
        return refused(&Refused::from(ErrorCode::UnsupportedVersion));
    }
    let asked = asked(&node, &client, &header, &request);
    let answered =
        reply!(node.ask_group(&client, Request::ConsumerHeartbeat(asked)).await, ConsumerHeartbeat);
    let heard = match answered.unwrap_or_else(|code| Err(Refused::from(code))) {
        Ok(heard) => heard,
        Err(why) => return refused(&why),
    };
    let assignment = heard.assignment.map(|topics| {
        let topics = topics.iter().map(|topic| {
            Assigned::default()
                .with_topic_id(topic.topic_id.0)
                .with_partitions(topic.partitions.iter().map(|index| index.0).collect())
        });
        Assignment::default().with_topic_partitions(topics.collect())
    });
    ConsumerGroupHeartbeatResponse::default()
        .with_member_id(nullable_text(heard.member_id.as_ref()))
        .with_member_epoch(heard.member_epoch)
        .with_heartbeat_interval_ms(heard.heartbeat_interval_ms)
        .with_assignment(assignment)
}

fn asked(
    node: &Node,
    client: &Client,
    header: &RequestHeader,
    request: &ConsumerGroupHeartbeatRequest,
) -> ConsumerHeartbeat {
    let topics =
        |names: &Vec<chronik_wire::messages::TopicName>| names.iter().map(|topic| name(topic)).collect();
    let owned = |topics: &Vec<Owned>| {
        let owned = topics.iter().map(|topic| TopicPartitions {
            topic_id: TopicId(topic.topic_id),
            partitions: topic.partitions.iter().map(|index| PartitionIndex(*index)).collect(),
        });
        owned.collect()
    };
    ConsumerHeartbeat {
        group_id: name(&request.group_id),
        member_id: name(&request.member_id),
        member_epoch: request.member_epoch,
        instance_id: nullable(request.instance_id.as_ref()),
        rack_id: nullable(request.rack_id.as_ref()),
        rebalance_timeout_ms: request.rebalance_timeout_ms,
        subscribed_topic_names: request.subscribed_topic_names.as_ref().map(topics),
        subscribed_topic_regex: nullable(request.subscribed_topic_regex.as_ref()),
        server_assignor: nullable(request.server_assignor.as_ref()),
        topic_partitions: request.topic_partitions.as_ref().map(owned),
        version: header.version,
        client: asker(client, header),
        fresh: Uuid::from_u128(node.env.random()),
    }
}

fn refused(why: &Refused) -> ConsumerGroupHeartbeatResponse {
    let (code, message) = refusal(why);
    ConsumerGroupHeartbeatResponse::default().with_error_code(code).with_error_message(message)
}
