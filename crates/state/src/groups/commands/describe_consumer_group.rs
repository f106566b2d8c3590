//! ConsumerGroupDescribe (69). Topics that are gone are left out of assignments.

use std::collections::BTreeMap;

use chronik_types::{ErrorCode, PartitionIndex, TopicId};

use crate::groups::Shard;
use crate::groups::consumer::assignor_name;
use crate::groups::replies::{
    DescribedConsumerGroup, DescribedConsumerMember, NamedPartitions, Refused, Reply,
};
use crate::groups::requests::At;
use crate::groups::state::{ConsumerGroup, ConsumerMember};
use crate::records::Name;

impl<T> Shard<T> {
    pub(in crate::groups) fn describe_consumer_group(&mut self, at: &At<'_>, name: &Name, token: T) {
        let described = match self.state().consumer(name) {
            Some(group) => Ok(DescribedConsumerGroup {
                state: group.state_name(),
                epoch: group.epoch,
                assignment_epoch: group.target_epoch,
                assignor: assignor_name(group, &self.options).into(),
                members: group.members.iter().map(|(id, member)| described(at, group, id, member)).collect(),
            }),
            None if name.is_empty() => {
                Err(Refused::because(ErrorCode::InvalidGroupId, "GroupId can't be empty."))
            }
            None => {
                let exists = self.classic.contains_key(name) || self.state().offsets(name).is_some();
                let why = if exists { "is not a consumer group" } else { "not found" };
                Err(Refused::because(ErrorCode::GroupIdNotFound, format!("Group {name} {why}.")))
            }
        };
        self.reply(at, token, Reply::DescribeConsumerGroup(described));
    }
}

fn described(
    at: &At<'_>,
    group: &ConsumerGroup,
    id: &Name,
    member: &ConsumerMember,
) -> DescribedConsumerMember {
    let assigned: BTreeMap<TopicId, Vec<PartitionIndex>> = member
        .assigned
        .iter()
        .map(|(topic, partitions)| (*topic, partitions.keys().copied().collect()))
        .collect();
    let metadata = &member.metadata;
    DescribedConsumerMember {
        member_id: id.clone(),
        instance_id: metadata.instance_id.clone(),
        rack_id: metadata.rack_id.clone(),
        epoch: member.epoch,
        client_id: metadata.client_id.clone(),
        client_host: metadata.client_host.clone(),
        subscribed_topic_names: metadata.subscribed_topic_names.clone(),
        subscribed_topic_regex: metadata.subscribed_topic_regex.clone(),
        assignment: named(at, &assigned),
        target: group.target.get(id).map(|target| named(at, target)).unwrap_or_default(),
        member_type: i8::from(!member.is_classic()),
    }
}

fn named(at: &At<'_>, partitions: &BTreeMap<TopicId, Vec<PartitionIndex>>) -> Vec<NamedPartitions> {
    let topic = |(id, partitions): (&TopicId, &Vec<PartitionIndex>)| {
        let topic = at.view.topic_by_id(*id)?;
        Some(NamedPartitions { topic_id: *id, topic: topic.name, partitions: partitions.clone() })
    };
    partitions.iter().filter_map(topic).collect()
}
