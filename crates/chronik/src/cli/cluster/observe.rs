//! The cluster as a plan needs it: brokers that live, every partition, and the moves that are under way.

use std::collections::{BTreeMap, BTreeSet};

use chronik_types::NodeId;
use chronik_wire::messages::ListPartitionReassignmentsRequest;

use super::plan::{Brokers, Name, Placed};
use super::status;
use crate::cli::client::{Client, Error};

const TIMEOUT_MS: i32 = 30_000;

/// What a plan is made of.
pub struct Observed {
    /// Every broker, living or not.
    pub known: BTreeSet<i32>,
    /// Those that live.
    pub brokers: Brokers,
    /// Where each partition is, or will be once its move is done.
    pub partitions: Vec<Placed>,
}

/// Asks the cluster.
pub fn observe(client: &mut Client) -> Result<Observed, Error> {
    client.retry(|client| {
        let (_, brokers) = status::brokers(client)?;
        let under_way = under_way(client)?;
        let topics = client.metadata(None, false)?.topics;
        let mut partitions = Vec::new();
        for topic in topics {
            Error::check(format!("topic {}", topic.name), topic.error.code(), None)?;
            for partition in topic.partitions {
                let name = (topic.name.clone(), partition.index);
                let target = under_way.get(&name);
                partitions.push(Placed {
                    is_moving: target.is_some(),
                    replicas: target.cloned().unwrap_or(partition.replicas),
                    isr: partition.isr,
                    leader: partition.leader.map(|leader| leader.0),
                    name,
                });
            }
        }
        let live = brokers.iter().filter(|(_, broker)| !broker.fenced);
        let live = live.map(|(NodeId(id), broker)| (*id, broker.rack.clone()));
        Ok(Observed {
            brokers: Brokers(live.collect()),
            known: brokers.keys().map(|id| id.0).collect(),
            partitions,
        })
    })
}

/// The moves that are under way, and where each is to end.
pub fn under_way(client: &mut Client) -> Result<BTreeMap<Name, Vec<i32>>, Error> {
    let response = client.call_any(0, |_| {
        ListPartitionReassignmentsRequest::default().with_topics(None).with_timeout_ms(TIMEOUT_MS)
    })?;
    Error::check("the moves under way", response.error_code, response.error_message.as_deref())?;
    let mut found = BTreeMap::new();
    for topic in response.topics {
        for partition in topic.partitions {
            let leaves = |id: &i32| partition.removing_replicas.iter().any(|leaving| leaving.0 == *id);
            let target = partition.replicas.iter().map(|id| id.0).filter(|id| !leaves(id)).collect();
            found.insert((topic.name.to_string(), partition.partition_index), target);
        }
    }
    Ok(found)
}
