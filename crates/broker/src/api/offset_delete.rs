//! OffsetDelete (47), version 0.
//!
//! Deletes a group's offsets (KIP-496). Topics that the group is subscribed to are refused, as are partitions that do not
//! exist, one by one; an error of the group is the whole answer.

use std::sync::Arc;

use chronik_state::groups::{OffsetDelete, Reply, Request};
use chronik_types::{ErrorCode, PartitionIndex};
use chronik_wire::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use chronik_wire::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::groups::name;
use crate::connection::Client;
use crate::groups::reply;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let image = node.image();
    let mut partitions = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let found = image.state.topic_named(&topic.name);
        let answers = topic.partitions.iter().map(|wanted| {
            let index = PartitionIndex(wanted.partition_index);
            let known = found.and_then(|topic| topic.partition(index));
            let answer = OffsetDeleteResponsePartition::default().with_partition_index(index.0);
            if known.is_none() {
                return answer.with_error_code(ErrorCode::UnknownTopicOrPartition.code());
            }
            partitions.push((name(&topic.name), index));
            answer
        });
        let answers = answers.collect();
        topics.push(
            OffsetDeleteResponseTopic::default().with_name(topic.name.clone()).with_partitions(answers),
        );
    }
    let asked = OffsetDelete { group_id: name(&request.group_id), partitions };
    match reply!(node.ask_group(&client, Request::OffsetDelete(asked)).await, OffsetDelete) {
        Err(code) | Ok(Err(code)) => OffsetDeleteResponse::default().with_error_code(code.code()),
        Ok(Ok(codes)) => {
            let mut codes = codes.into_iter();
            let unanswered = topics.iter_mut().flat_map(|topic| &mut topic.partitions);
            for answer in unanswered.filter(|answer| answer.error_code == 0) {
                answer.error_code = codes.next().unwrap_or(ErrorCode::UnknownServerError).code();
            }
            OffsetDeleteResponse::default().with_topics(topics)
        }
    }
}
