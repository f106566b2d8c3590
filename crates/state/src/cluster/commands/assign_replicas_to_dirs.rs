//! AssignReplicasToDirs (73): a broker says in which log directory it has put its replicas (KIP-858).
//!
//! A replica that was put into a directory that does not work is in sync no more, and its broker does not lead it.

use chronik_types::{BrokerEpoch, ErrorCode, NodeId, PartitionIndex, TopicId};
use uuid::Uuid;

use super::{Change, Context, Decision, Refused, broker_in_epoch};
use crate::cluster::Located;
use crate::cluster::leadership::{self, Event, Rulebook, Rules, Target, may_lead};

/// A broker has put replicas into log directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignReplicasToDirs {
    /// The broker.
    pub broker: NodeId,
    /// Its registration.
    pub broker_epoch: BrokerEpoch,
    /// Its replicas by log directory and topic.
    pub directories: Vec<(Uuid, Vec<TopicReplicas>)>,
}

/// A broker's replicas of one topic.
pub type TopicReplicas = (TopicId, Vec<PartitionIndex>);

/// What became of each replica, by log directory in the order of the request.
pub type DirectoryResults = Vec<(Uuid, Vec<TopicResults>)>;

/// What became of each replica of one topic.
pub type TopicResults = (TopicId, Vec<(PartitionIndex, Result<(), ErrorCode>)>);

pub(super) fn decide(
    context: &Context<'_>,
    command: AssignReplicasToDirs,
) -> Decision<Change, Result<DirectoryResults, Refused>> {
    if !context.state.metadata_version().has_directories() {
        let message = "Directory assignment is not supported yet.";
        return Decision::reply(Err(Refused::new(ErrorCode::UnsupportedVersion, message)));
    }
    let broker = match broker_in_epoch(context, command.broker, command.broker_epoch) {
        Ok(broker) => broker,
        Err(refused) => return Decision::reply(Err(refused)),
    };
    let rulebook = Rulebook::open(context);
    let mut changes = Vec::new();
    let mut offline: Vec<Located<'_>> = Vec::new();
    let mut results = DirectoryResults::new();
    for (directory, topics) in command.directories {
        let works = broker.has_online_directory(directory);
        let mut by_topic = Vec::with_capacity(topics.len());
        for (topic, partitions) in topics {
            let assigned = partitions.into_iter().map(|index| {
                let found = find(context, topic, index, command.broker).map(|located| {
                    changes.extend(assign(context, &rulebook, located, (command.broker, directory)));
                    if !works {
                        offline.push(located);
                    }
                });
                (index, found)
            });
            let assigned = assigned.collect();
            by_topic.push((topic, assigned));
        }
        results.push((directory, by_topic));
    }
    offline.sort_by_key(|(topic, index, _)| (topic.id, *index));
    offline.dedup_by_key(|(topic, index, _)| (topic.id, *index));
    changes.extend(leadership::changes_of(context, Event::Gone(command.broker), offline.into_iter()));
    Decision { changes, reply: Ok(results) }
}

fn find<'a>(
    context: &Context<'a>,
    topic: TopicId,
    index: PartitionIndex,
    broker: NodeId,
) -> Result<Located<'a>, ErrorCode> {
    let topic = context.state.topic(topic).ok_or(ErrorCode::UnknownTopicId)?;
    let partition = topic.partition(index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if partition.replicas.contains(&broker) {
        Ok((topic, index, partition))
    } else {
        Err(ErrorCode::NotLeaderOrFollower)
    }
}

fn assign(
    context: &Context<'_>,
    rulebook: &Rulebook<'_>,
    (topic, index, partition): Located<'_>,
    (broker, directory): (NodeId, Uuid),
) -> Option<Change> {
    let rules = Rules { unclean: false, ..rulebook.of(topic) };
    let acceptable = |node| may_lead(context, partition, node);
    Target::of(partition).directory(broker, directory).change(topic.id, index, &rules, &acceptable)
}
