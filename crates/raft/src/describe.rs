//! What DescribeQuorum (55) tells: who leads, how far everybody is (KIP-836).

use std::time::Duration;

use chronik_types::{LeaderEpoch, NodeId, Offset};

use crate::{Raft, ReplicaKey, VoterSet, roles::RoleState};

/// The quorum as its leader sees it. Times are on the clock that `now` is read from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuorumDescription {
    /// The leader.
    pub leader: NodeId,
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// The high watermark; -1 if this leader does not know it yet.
    pub high_watermark: Offset,
    /// The voters.
    pub voters: Vec<ReplicaDescription>,
    /// The others that fetch.
    pub observers: Vec<ReplicaDescription>,
    /// The voter set, for the addresses (`Nodes`).
    pub voter_set: VoterSet,
}

/// One replica.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaDescription {
    /// Who.
    pub key: ReplicaKey,
    /// The end of its log; -1 if not known.
    pub log_end: Offset,
    /// When it last fetched; `None` for the leader, and where not known.
    pub last_fetch: Option<Duration>,
    /// When it last had all of the log; now for the leader.
    pub last_caught_up: Option<Duration>,
}

impl Raft {
    /// Describes the quorum; `None` unless this node leads it.
    pub fn describe(&self, now: Duration) -> Option<QuorumDescription> {
        let RoleState::Leader(leading) = &self.role else { return None };
        let own = self.key();
        let describe = |key: ReplicaKey| {
            if key.id == own.id {
                let log_end = self.log.end().offset;
                return ReplicaDescription { key, log_end, last_fetch: None, last_caught_up: Some(now) };
            }
            let progress = leading.replicas.get(&key).cloned().unwrap_or_default();
            ReplicaDescription {
                key,
                log_end: progress.end.unwrap_or(Offset::NONE),
                last_fetch: progress.last_fetch,
                last_caught_up: progress.last_caught_up,
            }
        };
        Some(QuorumDescription {
            leader: own.id,
            epoch: self.epoch(),
            high_watermark: self.high_watermark().unwrap_or(Offset::NONE),
            voters: self.voters().iter().map(|voter| describe(voter.key)).collect(),
            observers: leading
                .replicas
                .iter()
                .filter(|(key, progress)| {
                    !self.voters().contains(**key) && key.id != own.id && progress.is_live(now)
                })
                .map(|(key, _)| describe(*key))
                .collect(),
            voter_set: self.voters().clone(),
        })
    }
}
