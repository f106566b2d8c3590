//! What the cluster says about itself: its brokers, topics, and who leads each partition.

use std::collections::BTreeMap;

use chronik_types::{ErrorCode, NodeId, TopicId};
use chronik_wire::StrBytes;
use chronik_wire::messages::metadata_request::MetadataRequestTopic;
use chronik_wire::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use chronik_wire::messages::{BrokerId, MetadataRequest, TopicName};

use super::{Address, Client, Error};

/// Topic ids are in Metadata from version 10 on; nothing that is newer than 13 is used.
const VERSION_MAX: i16 = 13;

/// The cluster as one broker sees it.
#[derive(Debug, Clone)]
pub struct Metadata {
    pub topics: Vec<Topic>,
}

/// A topic, or why it cannot be had.
#[derive(Debug, Clone)]
pub struct Topic {
    pub name: String,
    pub id: TopicId,
    pub is_internal: bool,
    pub error: ErrorCode,
    /// Sorted by index.
    pub partitions: Vec<Partition>,
}

/// A partition and its replicas.
#[derive(Debug, Clone)]
pub struct Partition {
    pub index: i32,
    pub error: ErrorCode,
    /// `None` while there is no leader.
    pub leader: Option<NodeId>,
    pub leader_epoch: i32,
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub offline: Vec<i32>,
}

impl Client {
    /// Asks for some topics, or for all of them, and remembers where the brokers are.
    pub fn metadata(&mut self, topics: Option<&[&str]>, create_missing: bool) -> Result<Metadata, Error> {
        let response = self.call_any(VERSION_MAX, |_| {
            let wanted = topics.map(|names| names.iter().map(|name| wanted(name)).collect());
            MetadataRequest::default().with_topics(wanted).with_allow_auto_topic_creation(create_missing)
        })?;
        Error::check("Metadata", response.error_code, None)?;
        let nodes = response.brokers.iter().filter_map(|broker| {
            let port = u16::try_from(broker.port).ok()?;
            Some((NodeId(broker.node_id.0), Address { host: broker.host.to_string(), port }))
        });
        self.nodes = nodes.collect::<BTreeMap<_, _>>();
        let nodes = &self.nodes;
        self.to_nodes.retain(|node, _| nodes.contains_key(node));
        let mut topics: Vec<Topic> = response.topics.iter().map(topic).collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Metadata { topics })
    }

    /// The brokers of the cluster.
    pub fn brokers(&mut self) -> Result<Vec<NodeId>, Error> {
        self.metadata(Some(&[]), false)?;
        Ok(self.nodes.keys().copied().collect())
    }

    /// One topic whose partitions all have leaders; waits for that as long as the command may.
    pub fn topic(&mut self, name: &str, create_missing: bool) -> Result<Topic, Error> {
        self.retry(|client| {
            let metadata = client.metadata(Some(&[name]), create_missing)?;
            let subject = format!("topic {name}");
            let topic = metadata.topics.into_iter().find(|topic| topic.name == name);
            let topic = topic.ok_or_else(|| Error::NoLeader { subject: subject.clone() })?;
            // Nobody is about to create it: waiting would only hide the mistake.
            if topic.error == ErrorCode::UnknownTopicOrPartition && !create_missing {
                return Err(Error::MissingTopic { name: name.to_owned() });
            }
            Error::check(subject, topic.error.code(), None)?;
            match topic.partitions.iter().find(|partition| partition.leader.is_none()) {
                Some(partition) => Err(Error::NoLeader { subject: format!("{name}-{}", partition.index) }),
                None => Ok(topic),
            }
        })
    }
}

fn wanted(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))))
}

fn topic(topic: &MetadataResponseTopic) -> Topic {
    let mut partitions: Vec<Partition> = topic.partitions.iter().map(partition).collect();
    partitions.sort_by_key(|partition| partition.index);
    Topic {
        name: topic.name.as_ref().map(|name| name.to_string()).unwrap_or_default(),
        id: TopicId(topic.topic_id),
        is_internal: topic.is_internal,
        error: ErrorCode::from_code(topic.error_code),
        partitions,
    }
}

fn partition(partition: &MetadataResponsePartition) -> Partition {
    let ids = |brokers: &[BrokerId]| brokers.iter().map(|broker| broker.0).collect();
    Partition {
        index: partition.partition_index,
        error: ErrorCode::from_code(partition.error_code),
        leader: (partition.leader_id.0 >= 0).then_some(NodeId(partition.leader_id.0)),
        leader_epoch: partition.leader_epoch,
        replicas: ids(&partition.replica_nodes),
        isr: ids(&partition.isr_nodes),
        offline: ids(&partition.offline_replicas),
    }
}
