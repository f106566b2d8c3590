//! ConsumerGroupDescribe (69), versions 0-1 (KIP-848).
//!
//! v1 adds which protocol each member speaks (KIP-1099). A group that is not there, or is classic, is
//! `GROUP_ID_NOT_FOUND`.

use std::sync::Arc;

use chronik_state::groups::{
    DescribedConsumerGroup, DescribedConsumerMember, NamedPartitions, Refused, Reply, Request,
};
use chronik_types::ErrorCode;
use chronik_wire::messages::consumer_group_describe_response::{
    Assignment, DescribedGroup, Member, TopicPartitions,
};
use chronik_wire::messages::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, GroupId};
use futures_util::future::join_all;

use super::groups::{GROUP_OPERATIONS, NO_OPERATIONS, name, nullable_text, refusal};
use super::topics::{text, topic_name};
use crate::connection::Client;
use crate::groups::{self, reply};
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    version: i16,
    request: ConsumerGroupDescribeRequest,
) -> ConsumerGroupDescribeResponse {
    let served = groups::serves_consumer_protocol(&node);
    let operations = if request.include_authorized_operations { GROUP_OPERATIONS } else { NO_OPERATIONS };
    let asked = request.group_ids.iter().map(|group| {
        let described = served.then(|| node.ask_group(&client, Request::DescribeConsumerGroup(name(group))));
        async {
            let described = described.ok_or_else(|| Refused::from(ErrorCode::UnsupportedVersion))?;
            reply!(described.await, DescribeConsumerGroup).unwrap_or_else(|code| Err(Refused::from(code)))
        }
    });
    let described = join_all(asked).await;
    let groups = request.group_ids.iter().zip(described).map(|(group, described)| {
        let answer = answer(version, group.clone(), described);
        if answer.error_code == 0 { answer.with_authorized_operations(operations) } else { answer }
    });
    ConsumerGroupDescribeResponse::default().with_groups(groups.collect())
}

fn answer(
    version: i16,
    group: GroupId,
    described: Result<DescribedConsumerGroup, Refused>,
) -> DescribedGroup {
    let answer = DescribedGroup::default().with_group_id(group);
    match described {
        Ok(group) => answer
            .with_group_state(text(group.state))
            .with_group_epoch(group.epoch)
            .with_assignment_epoch(group.assignment_epoch)
            .with_assignor_name(text(&group.assignor))
            .with_members(group.members.iter().map(|each| member(version, each)).collect()),
        Err(refused) => {
            let (code, message) = refusal(&refused);
            answer.with_error_code(code).with_error_message(message)
        }
    }
}

fn member(version: i16, member: &DescribedConsumerMember) -> Member {
    let answer = Member::default()
        .with_member_id(text(&member.member_id))
        .with_instance_id(nullable_text(member.instance_id.as_ref()))
        .with_rack_id(nullable_text(member.rack_id.as_ref()))
        .with_member_epoch(member.epoch)
        .with_client_id(text(&member.client_id))
        .with_client_host(text(&member.client_host))
        .with_subscribed_topic_names(
            member.subscribed_topic_names.iter().map(|topic| topic_name(topic)).collect(),
        )
        .with_subscribed_topic_regex(nullable_text(member.subscribed_topic_regex.as_ref()))
        .with_assignment(assignment(&member.assignment))
        .with_target_assignment(assignment(&member.target));
    if version >= 1 { answer.with_member_type(member.member_type) } else { answer }
}

fn assignment(topics: &[NamedPartitions]) -> Assignment {
    let topics = topics.iter().map(|topic| {
        TopicPartitions::default()
            .with_topic_id(topic.topic_id.0)
            .with_topic_name(topic_name(&topic.topic))
            .with_partitions(topic.partitions.iter().map(|index| index.0).collect())
    });
    Assignment::default().with_topic_partitions(topics.collect())
}
