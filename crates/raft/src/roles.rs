//! What a node remembers while it is in a role, and forgets when it leaves it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chronik_types::{NodeId, Offset};

use crate::{Endpoints, FetchRequest, KRaftVersionRange, ReplicaKey, Role, SnapshotId, Token, VoterSet};

#[derive(Clone, Debug)]
pub(crate) enum RoleState {
    Unattached { deadline: Duration },
    Prospective(Ballot),
    Candidate(Ballot),
    Leader(Box<Leading>),
    Follower(Following),
    Resigned(Resigning),
}

impl RoleState {
    pub(crate) fn name(&self) -> Role {
        match self {
            RoleState::Unattached { .. } => Role::Unattached,
            RoleState::Prospective(_) => Role::Prospective,
            RoleState::Candidate(_) => Role::Candidate,
            RoleState::Leader(_) => Role::Leader,
            RoleState::Follower(_) => Role::Follower,
            RoleState::Resigned(_) => Role::Resigned,
        }
    }

    /// When an election (real or sounded out) would begin or end without a result.
    pub(crate) fn election_deadline(&self) -> Option<Duration> {
        match self {
            RoleState::Unattached { deadline } => Some(*deadline),
            RoleState::Prospective(ballot) | RoleState::Candidate(ballot) => Some(ballot.deadline),
            _ => None,
        }
    }
}

/// The answers of an election so far.
#[derive(Clone, Debug)]
pub(crate) struct Ballot {
    pub(crate) granted: BTreeSet<NodeId>,
    pub(crate) rejected: BTreeSet<NodeId>,
    pub(crate) deadline: Duration,
}

impl Ballot {
    pub(crate) fn new(own: NodeId, deadline: Duration) -> Ballot {
        Ballot { granted: BTreeSet::from([own]), rejected: BTreeSet::new(), deadline }
    }

    pub(crate) fn is_won(&self, voters: &VoterSet) -> bool {
        voters.ids().filter(|id| self.granted.contains(id)).count() >= voters.majority()
    }

    pub(crate) fn is_lost(&self, voters: &VoterSet) -> bool {
        voters.ids().filter(|id| !self.rejected.contains(id)).count() < voters.majority()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Following {
    /// A voter that has heard nothing of the leader until then stands for election.
    pub(crate) fetch_deadline: Duration,
    /// Whether a Fetch was answered in this epoch: the leader is really there.
    pub(crate) has_fetched: bool,
    /// The highest high watermark that the leader has named.
    pub(crate) leader_high_watermark: Offset,
    /// The snapshot that is being fetched, and up to where.
    pub(crate) snapshot: Option<(SnapshotId, u64)>,
    /// When to look whether the leader needs to be told of a changed address, or asked to be let in.
    pub(crate) membership_deadline: Duration,
    /// Whether this leader knows our address and versions (`kraft.version` 0, where it is not in the log).
    pub(crate) has_updated_leader: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Resigning {
    pub(crate) deadline: Duration,
    pub(crate) preferred: Vec<ReplicaKey>,
    pub(crate) unacknowledged: BTreeSet<NodeId>,
}

/// What a leader knows of a replica.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Up to where its log is known to agree with ours, and to be durable.
    pub(crate) end: Option<Offset>,
    pub(crate) last_fetch: Option<Duration>,
    pub(crate) last_caught_up: Option<Duration>,
    /// Our log end at its last fetch.
    pub(crate) end_at_last_fetch: Offset,
}

/// A Fetch that waits for something to return.
#[derive(Clone, Debug)]
pub(crate) struct Parked {
    pub(crate) request: FetchRequest,
    pub(crate) deadline: Duration,
}

/// A change of the voter set on its way.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Who waits for it; none once answered.
    pub(crate) token: Option<Token>,
    pub(crate) deadline: Duration,
    pub(crate) stage: Stage,
}

#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// The new voter is asked what it speaks.
    AskingVersions { voter: ReplicaKey, endpoints: Endpoints, ack_when_committed: bool },
    /// The voters record at that offset is in the log.
    Committing { offset: Offset },
}

#[derive(Clone, Debug)]
pub(crate) struct Leading {
    pub(crate) epoch_start: Offset,
    pub(crate) replicas: BTreeMap<ReplicaKey, Progress>,
    /// The voters that have fetched since the check-quorum deadline was set.
    pub(crate) fetched: BTreeSet<NodeId>,
    pub(crate) check_quorum_deadline: Duration,
    /// When BeginQuorumEpoch goes (again) to a voter that does not fetch.
    pub(crate) begin_due: BTreeMap<NodeId, Duration>,
    pub(crate) parked: BTreeMap<Token, Parked>,
    pub(crate) change: Option<Change>,
    /// What voters have told of themselves while `kraft.version` is 0.
    pub(crate) told: BTreeMap<NodeId, (ReplicaKey, Endpoints, KRaftVersionRange)>,
}

/// How long an observer that no longer fetches is listed (Kafka: five minutes).
const OBSERVER_SESSION: Duration = Duration::from_mins(5);
/// How many replicas a leader keeps track of.
const REPLICAS_MAX: usize = 10_000;

impl Progress {
    /// Whether the replica has been heard of lately.
    pub(crate) fn is_live(&self, now: Duration) -> bool {
        self.last_fetch.is_some_and(|at| now < at + OBSERVER_SESSION)
    }
}

impl Leading {
    /// Forgets the observers that are gone, and says whether there is room for one more. Voters are in `begin_due`,
    /// or are this node, which never fetches.
    pub(crate) fn has_room(&mut self, now: Duration) -> bool {
        let voters = &self.begin_due;
        self.replicas.retain(|key, progress| {
            voters.contains_key(&key.id) || progress.last_fetch.is_none() || progress.is_live(now)
        });
        self.replicas.len() < REPLICAS_MAX
    }
}
