//! Who votes: replica keys, endpoints and the voter set (KIP-853).
//!
//! A voter is a node id *and* the directory its log lives in, so that a node that came back with an empty disk is
//! not taken for the voter it was. With `kraft.version` 0 voters have no directory id and come from configuration.

use std::{collections::BTreeMap, fmt, sync::Arc};

use chronik_types::{NodeId, uuid_to_text};
use uuid::Uuid;

/// The identity of a log directory (`directory.id` in `meta.properties`). Nil: unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct DirectoryId(pub Uuid);

impl DirectoryId {
    /// No directory known: a voter of a static quorum, or a peer that speaks an old version.
    pub const NONE: DirectoryId = DirectoryId(Uuid::nil());

    /// Whether a directory is named.
    pub fn is_known(self) -> bool {
        self != DirectoryId::NONE
    }
}

impl fmt::Debug for DirectoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_known() { f.write_str(&uuid_to_text(self.0)) } else { f.write_str("-") }
    }
}

/// A replica of the metadata log (Kafka's `ReplicaKey`): who, and on which directory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplicaKey {
    /// The node; -1 in a Fetch that comes from a consumer.
    pub id: NodeId,
    /// Its metadata log directory, [`DirectoryId::NONE`] where not known.
    pub directory: DirectoryId,
}

impl ReplicaKey {
    /// Names a replica.
    pub fn new(id: NodeId, directory: DirectoryId) -> ReplicaKey {
        ReplicaKey { id, directory }
    }

    /// A replica whose directory is not known.
    pub fn without_directory(id: NodeId) -> ReplicaKey {
        ReplicaKey { id, directory: DirectoryId::NONE }
    }
}

impl fmt::Debug for ReplicaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        if self.directory.is_known() {
            write!(f, "@{:?}", self.directory)?;
        }
        Ok(())
    }
}

/// One address of a node, by listener name.
#[derive(Clone, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct Endpoint {
    /// The listener's name, such as `CONTROLLER`.
    pub listener: Arc<str>,
    /// Host name or address.
    pub host: Arc<str>,
    /// TCP port.
    pub port: u16,
}

/// A node's addresses, one per listener, in the order they were given.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Endpoints(pub Vec<Endpoint>);

impl Endpoints {
    /// No addresses.
    pub const EMPTY: Endpoints = Endpoints(Vec::new());

    /// A single address.
    pub fn one(listener: impl Into<Arc<str>>, host: impl Into<Arc<str>>, port: u16) -> Endpoints {
        Endpoints(vec![Endpoint { listener: listener.into(), host: host.into(), port }])
    }

    /// The address on the listener of that name.
    pub fn on(&self, listener: &str) -> Option<&Endpoint> {
        self.0.iter().find(|endpoint| *endpoint.listener == *listener)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> =
            self.0.iter().map(|at| format!("{}://{}:{}", at.listener, at.host, at.port)).collect();
        f.write_str(&parts.join(","))
    }
}

/// Where a request goes: a node, or a bootstrap server whose node is not known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The node's id; for the n-th `controller.quorum.bootstrap.servers` entry -2 - n, as in Kafka.
    pub id: NodeId,
    /// Host name or address.
    pub host: Arc<str>,
    /// TCP port.
    pub port: u16,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.id, self.host, self.port)
    }
}

/// The `kraft.version`s that a node can speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KRaftVersionRange {
    /// The lowest.
    pub min: i16,
    /// The highest.
    pub max: i16,
}

impl KRaftVersionRange {
    /// Whether that version is spoken.
    pub fn contains(self, version: i16) -> bool {
        (self.min..=self.max).contains(&version)
    }
}

/// One member of the voter set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Voter {
    /// Who.
    pub key: ReplicaKey,
    /// Where it listens for the quorum's requests.
    pub endpoints: Endpoints,
    /// What it can speak.
    pub versions: KRaftVersionRange,
}

/// The voters, ordered by node id; no two share an id.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct VoterSet(BTreeMap<NodeId, Voter>);

impl VoterSet {
    /// The set of these voters; of two with the same id the later stays.
    pub fn new(voters: impl IntoIterator<Item = Voter>) -> VoterSet {
        VoterSet(voters.into_iter().map(|voter| (voter.key.id, voter)).collect())
    }

    /// A static voter set as `controller.quorum.voters` gives it: ids and addresses, no directories.
    pub fn of_static(listener: &str, nodes: impl IntoIterator<Item = (NodeId, String, u16)>) -> VoterSet {
        VoterSet::new(nodes.into_iter().map(|(id, host, port)| Voter {
            key: ReplicaKey::without_directory(id),
            endpoints: Endpoints::one(listener, host, port),
            versions: KRaftVersionRange { min: 0, max: 0 },
        }))
    }

    /// The voters by ascending id.
    pub fn iter(&self) -> impl Iterator<Item = &Voter> {
        self.0.values()
    }

    /// The ids, ascending.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.0.keys().copied()
    }

    /// The voter with that id.
    pub fn get(&self, id: NodeId) -> Option<&Voter> {
        self.0.get(&id)
    }

    /// How many voters there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none: a node that has yet to learn of its quorum.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of them make a majority.
    pub fn majority(&self) -> usize {
        self.0.len() / 2 + 1
    }

    /// Whether that replica is a voter: its id is listed and the directories do not contradict each other
    /// (a voter without a directory, as in a static quorum, is known by id alone).
    pub fn contains(&self, key: ReplicaKey) -> bool {
        self.get(key.id)
            .is_some_and(|voter| !voter.key.directory.is_known() || voter.key.directory == key.directory)
    }

    /// Whether `key` is the one and only voter.
    pub fn is_only(&self, key: ReplicaKey) -> bool {
        self.len() == 1 && self.contains(key)
    }

    /// The set with one more voter, or with that id's voter replaced.
    pub fn with(&self, voter: Voter) -> VoterSet {
        let mut voters = self.0.clone();
        voters.insert(voter.key.id, voter);
        VoterSet(voters)
    }

    /// The set without that id.
    pub fn without(&self, id: NodeId) -> VoterSet {
        let mut voters = self.0.clone();
        voters.remove(&id);
        VoterSet(voters)
    }
}

impl fmt::Debug for VoterSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values().map(|voter| voter.key)).finish()
    }
}
