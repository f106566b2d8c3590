//! ListOffsets: where a partition begins and ends, and the first record at or after a time.

use chronik_types::{ErrorCode, NodeId};
use chronik_wire::StrBytes;
use chronik_wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use chronik_wire::messages::{BrokerId, ListOffsetsRequest, TopicName};

use super::{Client, Error, Topic};

/// Timestamps beyond the special ones used here (earliest local, tiered) are not asked for.
const VERSION_MAX: i16 = 9;

/// A place in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The first record that is kept.
    Beginning,
    /// Where the next record goes (`read_committed`: the last stable offset).
    End,
    /// The first record whose timestamp is this or later, in milliseconds since the epoch.
    Timestamp(i64),
}

/// Which records a reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    ReadUncommitted,
    ReadCommitted,
}

/// What ListOffsets found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundOffset {
    pub partition: i32,
    /// `None` if no record is as late as the timestamp asked for.
    pub offset: Option<i64>,
}

impl At {
    fn timestamp(self) -> i64 {
        match self {
            At::Beginning => -2,
            At::End => -1,
            At::Timestamp(millis) => millis,
        }
    }
}

impl Isolation {
    /// As it stands in requests.
    pub fn level(self) -> i8 {
        match self {
            Isolation::ReadUncommitted => 0,
            Isolation::ReadCommitted => 1,
        }
    }
}

impl Client {
    /// Looks up one place in each of `partitions` of a topic, asking each leader.
    pub fn offsets(
        &mut self,
        topic: &Topic,
        partitions: &[i32],
        at: At,
        isolation: Isolation,
    ) -> Result<Vec<FoundOffset>, Error> {
        let mut found = Vec::new();
        for (leader, partitions) in topic.by_leader(partitions)? {
            let answers =
                self.retry(|client| client.offsets_of(leader, &topic.name, &partitions, at, isolation))?;
            found.extend(answers);
        }
        found.sort_by_key(|offset| offset.partition);
        Ok(found)
    }

    fn offsets_of(
        &mut self,
        leader: NodeId,
        topic: &str,
        partitions: &[i32],
        at: At,
        isolation: Isolation,
    ) -> Result<Vec<FoundOffset>, Error> {
        let response = self.call_node(leader, VERSION_MAX, |_| {
            let wanted = partitions.iter().map(|&index| {
                ListOffsetsPartition::default().with_partition_index(index).with_timestamp(at.timestamp())
            });
            let topic = ListOffsetsTopic::default()
                .with_name(TopicName(StrBytes::from_string(topic.to_owned())))
                .with_partitions(wanted.collect());
            ListOffsetsRequest::default()
                .with_replica_id(BrokerId(-1))
                .with_isolation_level(isolation.level())
                .with_topics(vec![topic])
        })?;
        let mut found = Vec::new();
        for partition in response.topics.iter().flat_map(|topic| &topic.partitions) {
            Error::check(format!("{topic}-{}", partition.partition_index), partition.error_code, None)?;
            let offset = (partition.offset >= 0).then_some(partition.offset);
            found.push(FoundOffset { partition: partition.partition_index, offset });
        }
        if found.len() < partitions.len() {
            let subject = format!("ListOffsets of {topic}");
            return Err(Error::Refused { subject, code: ErrorCode::UnknownServerError, message: None });
        }
        Ok(found)
    }
}

impl Topic {
    /// The wanted partitions grouped by the node that leads them.
    pub fn by_leader(&self, wanted: &[i32]) -> Result<Vec<(NodeId, Vec<i32>)>, Error> {
        let mut groups: Vec<(NodeId, Vec<i32>)> = Vec::new();
        for &index in wanted {
            let subject = || format!("{}-{index}", self.name);
            let partition = self.partitions.iter().find(|partition| partition.index == index);
            let partition = partition.ok_or_else(|| Error::MissingPartition {
                topic: self.name.clone(),
                partition: index,
                count: self.partitions.len(),
            })?;
            let leader = partition.leader.ok_or_else(|| Error::NoLeader { subject: subject() })?;
            match groups.iter_mut().find(|(node, _)| *node == leader) {
                Some((_, partitions)) => partitions.push(index),
                None => groups.push((leader, vec![index])),
            }
        }
        Ok(groups)
    }
}
