//! DescribeQuorum (55): who votes, who observes, how far each is, and where the voters listen.

use chronik_types::NodeId;
use chronik_wire::StrBytes;
use chronik_wire::messages::describe_quorum_request::{PartitionData, TopicData};
use chronik_wire::messages::describe_quorum_response::{Node, ReplicaState};
use chronik_wire::messages::{DescribeQuorumRequest, TopicName};
use uuid::Uuid;

use crate::cli::client::{Address, Client, Error};

/// The name of the metadata log, where a protocol asks for a topic.
pub const METADATA: &str = "__cluster_metadata";
const VERSION_MAX: i16 = 2;

/// The quorum as its leader sees it.
#[derive(Debug, Clone)]
pub struct Quorum {
    pub leader: NodeId,
    pub epoch: i32,
    pub high_watermark: i64,
    pub voters: Vec<Member>,
    pub observers: Vec<Member>,
}

/// A node that follows the metadata log.
#[derive(Debug, Clone)]
pub struct Member {
    pub id: NodeId,
    /// The directory of its log; zeros where the quorum does not tell.
    pub directory: Uuid,
    pub log_end: i64,
    /// When it fetched last, in ms since the Unix epoch; -1: never, or not told.
    pub last_fetch: i64,
    /// When it had all that there was.
    pub last_caught_up: i64,
    /// Where it listens for the quorum, by listener; only voters tell.
    pub listeners: Vec<(String, Address)>,
}

impl Quorum {
    /// How many records the member lacks of the leader's log.
    pub fn lag(&self, member: &Member) -> i64 {
        let leader = self.voters.iter().find(|voter| voter.id == self.leader);
        leader.map_or(0, |leader| (leader.log_end - member.log_end).max(0))
    }

    /// Where the leader listens for the quorum.
    pub fn leader_address(&self) -> Option<&Address> {
        let leader = self.voters.iter().find(|voter| voter.id == self.leader)?;
        leader.listeners.first().map(|(_, address)| address)
    }
}

/// Asks for the quorum; repeats that while nobody leads.
pub fn describe(client: &mut Client) -> Result<Quorum, Error> {
    client.retry(|client| {
        let response = client.call_any(VERSION_MAX, |_| {
            let topic = TopicData::default()
                .with_topic_name(TopicName(StrBytes::from_static_str(METADATA)))
                .with_partitions(vec![PartitionData::default()]);
            DescribeQuorumRequest::default().with_topics(vec![topic])
        })?;
        Error::check("the quorum", response.error_code, response.error_message.as_deref())?;
        let partition = response.topics.into_iter().flat_map(|topic| topic.partitions).next();
        let partition = partition.ok_or_else(|| Error::NoLeader { subject: "the quorum".into() })?;
        Error::check("the quorum", partition.error_code, partition.error_message.as_deref())?;
        let members = |states: &[ReplicaState]| states.iter().map(|s| member(s, &response.nodes)).collect();
        Ok(Quorum {
            leader: NodeId(partition.leader_id.0),
            epoch: partition.leader_epoch,
            high_watermark: partition.high_watermark,
            voters: members(&partition.current_voters),
            observers: members(&partition.observers),
        })
    })
}

fn member(state: &ReplicaState, nodes: &[Node]) -> Member {
    let node = nodes.iter().find(|node| node.node_id == state.replica_id);
    let listeners = node.into_iter().flat_map(|node| &node.listeners).map(|listener| {
        let address = Address { host: listener.host.to_string(), port: listener.port };
        (listener.name.to_string(), address)
    });
    Member {
        id: NodeId(state.replica_id.0),
        directory: state.replica_directory_id,
        log_end: state.log_end_offset,
        last_fetch: state.last_fetch_timestamp,
        last_caught_up: state.last_caught_up_timestamp,
        listeners: listeners.collect(),
    }
}
