//! The shape of a cluster: which nodes there are, what each is to the quorum, and how it is configured.

use std::collections::BTreeMap;

use chronik_broker::PlantedFault;
use chronik_broker::storage::InitialVoters;
use chronik_raft::{DirectoryId, Endpoints, KRaftVersionRange, ReplicaKey, Voter, VoterSet};
use chronik_types::NodeId;
use uuid::Uuid;

use crate::client::Address;
use crate::network::Host;
use crate::world::World;

/// Where clients connect.
pub const BROKER_PORT: u16 = 9092;
/// Where the quorum connects.
pub const CONTROLLER_PORT: u16 = 9093;
/// The cluster of every simulation.
pub const CLUSTER_ID: &str = "c2ltdWxhdGVkY2x1c3Rlcg";
const DATA: &str = "/data";

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePlan {
    /// Its id.
    pub id: NodeId,
    /// `process.roles` has `broker`.
    pub is_broker: bool,
    /// `process.roles` has `controller`.
    pub is_controller: bool,
    /// It is one of the first voters.
    pub votes: bool,
    /// The directory of its metadata log, where the voters are in the log.
    pub directory: Uuid,
}

/// A cluster to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its nodes.
    pub nodes: Vec<NodePlan>,
    /// The voters are in the log (KIP-853), not in the configuration.
    pub is_dynamic: bool,
    /// A fault that all nodes have, to see that it is found.
    pub planted: Option<PlantedFault>,
    /// Configuration that all nodes have.
    pub common: BTreeMap<String, String>,
}

/// The host of a node.
pub fn host(node: NodeId) -> Host {
    format!("n{node}").into()
}

impl Plan {
    /// One node that is a cluster of its own, and formats itself.
    pub fn single() -> Plan {
        let directory = Uuid::nil();
        let only = NodePlan { id: NodeId(1), is_broker: true, is_controller: true, votes: true, directory };
        Plan { nodes: vec![only], is_dynamic: true, planted: None, common: common() }
    }

    /// A cluster of the seed's choice: 1 to 7 nodes, roles together or apart, voters static or in the log.
    pub fn draw(world: &World) -> Plan {
        let count = 1 + world.below(7) as i32;
        let is_dynamic = world.chance(60);
        let is_apart = count >= 4 && world.chance(40);
        let voters = if is_apart {
            1 + 2 * world.below(2) as i32
        } else {
            1 + world.below(count.min(5) as u64) as i32
        };
        let node = |id: i32| NodePlan {
            id: NodeId(id),
            is_broker: !is_apart || id > voters,
            // With voters in the log, others may be ready to become some.
            is_controller: id <= voters || (is_dynamic && !is_apart && world.chance(50)),
            votes: id <= voters,
            directory: Uuid::from_u128(u128::from(world.bits()) << 64 | u128::from(world.bits() | 1 << 63)),
        };
        let nodes = (1..=count).map(node).collect();
        let mut common = common();
        let snapshot_bytes = [500, 2_000, 20_000][world.below(3) as usize];
        // Elections that are quick against everything else, or slow.
        let quick = 1 + 3 * world.below(2);
        let lag_ms = [600, 2_000, 30_000][world.below(3) as usize];
        for (key, value) in [
            ("controller.quorum.election.timeout.ms", 1000 / quick),
            ("controller.quorum.election.backoff.max.ms", 1000 / quick),
            ("controller.quorum.fetch.timeout.ms", 2000 / quick),
            ("replica.lag.time.max.ms", lag_ms),
            ("metadata.log.max.record.bytes.between.snapshots", snapshot_bytes),
            ("metadata.max.retention.bytes", if world.chance(70) { 4_000 } else { 100_000_000 }),
        ] {
            common.insert(key.to_owned(), value.to_string());
        }
        Plan { nodes, is_dynamic, planted: None, common }
    }

    /// Where clients connect to.
    pub fn brokers(&self) -> Vec<Address> {
        let brokers = self.nodes.iter().filter(|node| node.is_broker);
        brokers.map(|node| Address { host: host(node.id), port: BROKER_PORT }).collect()
    }

    /// Where the quorum's own requests go.
    pub fn controllers(&self) -> Vec<Address> {
        let controllers = self.nodes.iter().filter(|node| node.is_controller);
        controllers.map(|node| Address { host: host(node.id), port: CONTROLLER_PORT }).collect()
    }

    /// A node's configuration.
    pub fn configuration(&self, node: &NodePlan) -> BTreeMap<String, String> {
        let mut file = self.common.clone();
        let name = host(node.id);
        let (mut roles, mut listeners) = (Vec::new(), Vec::new());
        if node.is_broker {
            roles.push("broker");
            listeners.push(format!("PLAINTEXT://{name}:{BROKER_PORT}"));
        }
        if node.is_controller {
            roles.push("controller");
            listeners.push(format!("CONTROLLER://{name}:{CONTROLLER_PORT}"));
        }
        let voters = || self.nodes.iter().filter(|node| node.votes);
        let quorum = if self.is_dynamic {
            // Whoever may come to lead must be among them, or observers could look for it in vain.
            let all = self.nodes.iter().filter(|node| node.is_controller);
            let servers: Vec<String> =
                all.map(|node| format!("{}:{CONTROLLER_PORT}", host(node.id))).collect();
            ("controller.quorum.bootstrap.servers", servers.join(","))
        } else {
            let all: Vec<String> =
                voters().map(|node| format!("{}@{}:{CONTROLLER_PORT}", node.id, host(node.id))).collect();
            ("controller.quorum.voters", all.join(","))
        };
        let own = [
            ("process.roles", roles.join(",")),
            ("node.id", node.id.to_string()),
            ("listeners", listeners.join(",")),
            (quorum.0, quorum.1),
        ];
        file.extend(own.map(|(key, value)| (key.to_owned(), value)));
        file
    }

    /// What a node's directory must be formatted with before its first start, if anything.
    pub fn initial_voters(&self, node: &NodePlan) -> Option<InitialVoters> {
        if !self.is_dynamic || !node.is_controller || node.directory.is_nil() {
            return None;
        }
        if !node.votes {
            return Some(InitialVoters::Elsewhere);
        }
        let voters = self.nodes.iter().filter(|node| node.votes).map(|node| Voter {
            key: ReplicaKey::new(node.id, DirectoryId(node.directory)),
            endpoints: Endpoints::one("CONTROLLER", host(node.id), CONTROLLER_PORT),
            versions: KRaftVersionRange { min: 0, max: 1 },
        });
        Some(InitialVoters::Controllers(VoterSet::new(voters)))
    }
}

fn common() -> BTreeMap<String, String> {
    [
        ("cluster.id", CLUSTER_ID),
        ("controller.listener.names", "CONTROLLER"),
        ("log.dirs", DATA),
        ("broker.heartbeat.interval.ms", "500"),
        ("broker.session.timeout.ms", "3000"),
        // Small segments: rolls, index files and producer snapshots all the time.
        ("log.segment.bytes", "4096"),
        ("log.index.interval.bytes", "256"),
        ("log.retention.check.interval.ms", "500"),
        ("log.flush.offset.checkpoint.interval.ms", "300"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}
