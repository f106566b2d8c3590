//! What the seed does to the cluster: crashes, partitions, weather; and what clients and operators ask of it.

use std::time::Duration;

use chronik_types::NodeId;

use super::{
    network::Delivery,
    world::{Weather, World},
};
use crate::{AddVoterRequest, Event, RemoveVoterRequest, Request};

impl World {
    fn pick(&mut self, from: &[NodeId]) -> Option<NodeId> {
        let at = self.rng.below(from.len());
        from.get(at).copied()
    }

    /// Perhaps something happens to somebody.
    pub(crate) fn disturb(&mut self, dynamic: bool) {
        match self.rng.below(200) {
            0..=1 => {
                let up = self.up();
                if let Some(node) = self.pick(&up) {
                    self.crash(node);
                    if self.rng.below(8) == 0 {
                        self.relocate(node);
                    }
                    if dynamic && self.rng.below(4) == 0 && self.may_lose_disk(node) {
                        self.wipe(node);
                    }
                    let at = self.now + Duration::from_millis(self.rng.below(1000) as u64);
                    self.network.put(at, Delivery::Restart { node });
                }
            }
            2 => self.partition(),
            3..=4 => self.network.cut.clear(),
            5 => {
                self.weather = Weather {
                    loss: self.rng.below(4) * 60,
                    repeat: self.rng.below(3) * 40,
                    delay_ms: [2, 5, 30, 120][self.rng.below(4)],
                    sync_ms: [2, 5, 50][self.rng.below(3)],
                };
            }
            6..=20 => self.propose_somewhere(),
            21..=22 => {
                let up = self.up();
                if let Some(node) = self.pick(&up) {
                    self.take_snapshot(node);
                }
            }
            23..=26 if dynamic => self.change_voters(),
            27 if !dynamic => self.upgrade(),
            28 => self.stop_leading(),
            _ => {}
        }
    }

    /// Whether the quorum survives the loss of that disk: everybody agrees on the voters, there are three or more,
    /// and all others are as the set names them.
    fn may_lose_disk(&self, lost: NodeId) -> bool {
        let Some(voters) = &self.checks.voters else { return false };
        let agreed = self.nodes.values().all(|node| node.disk.voters().is_none_or(|known| known == *voters));
        let intact = voters.iter().all(|voter| {
            voter.key.id == lost || self.nodes[&voter.key.id].options.directory_id == voter.key.directory
        });
        agreed && intact && voters.len() >= 3
    }

    /// The voter whose disk is gone, if there is one: nobody else is touched until it is replaced.
    fn bereft(&self) -> Option<NodeId> {
        let voters = self.checks.voters.as_ref()?;
        let gone = |id: &NodeId| {
            voters.get(*id).is_some_and(|voter| voter.key.directory != self.nodes[id].options.directory_id)
        };
        self.nodes.keys().find(|id| gone(id)).copied()
    }

    fn partition(&mut self) {
        self.tally.partitions += 1;
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        let side: Vec<bool> = ids.iter().map(|_| self.rng.below(2) == 0).collect();
        let one_way = self.rng.below(4) == 0;
        self.network.cut.clear();
        for (from, left) in ids.iter().zip(&side) {
            for (to, other) in ids.iter().zip(&side) {
                if left != other && !(one_way && *left) {
                    self.network.cut.push((*from, *to));
                }
            }
        }
    }

    fn leaders(&self) -> Vec<NodeId> {
        self.nodes
            .iter()
            .filter(|(_, node)| node.leads.is_some() && node.raft.is_some())
            .map(|(id, _)| *id)
            .collect()
    }

    /// Every node that believes it leads is asked, and none else can be.
    pub(crate) fn propose_somewhere(&mut self) {
        let leaders = self.leaders();
        if let Some(node) = self.pick(&leaders) {
            self.propose(node);
        }
    }

    fn change_voters(&mut self) {
        let leaders = self.leaders();
        let Some(leader) = self.pick(&leaders) else { return };
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        let Some(target) = self.bereft().or_else(|| self.pick(&ids)) else { return };
        let Some(raft) = &self.nodes[&leader].raft else { return };
        let request = if let Some(voter) = raft.voters().get(target) {
            Request::RemoveVoter(RemoveVoterRequest { voter: voter.key })
        } else {
            let node = &self.nodes[&target];
            Request::AddVoter(AddVoterRequest {
                timeout: Duration::from_secs(1),
                voter: node.options.key(),
                endpoints: node.options.endpoints.clone(),
                ack_when_committed: self.rng.below(2) == 0,
            })
        };
        self.tally.voter_changes += 1;
        let token = self.network.token();
        self.event(leader, Event::Request { token, cluster_id: None, request });
    }

    fn upgrade(&mut self) {
        let leaders = self.leaders();
        if let Some(leader) = self.pick(&leaders) {
            let token = self.network.token();
            self.event(leader, Event::UpgradeKRaftVersion { token, version: 1 });
        }
    }

    fn stop_leading(&mut self) {
        let leaders = self.leaders();
        if let Some(leader) = self.pick(&leaders)
            && let Some(epoch) = self.nodes[&leader].leads
        {
            self.event(leader, Event::Resign { epoch });
        }
    }

    /// The faults are over.
    pub(crate) fn heal(&mut self) {
        self.weather = Weather::FINE;
        self.network.cut.clear();
        let down: Vec<NodeId> =
            self.nodes.keys().filter(|id| self.nodes[id].raft.is_none()).copied().collect();
        for node in down {
            self.start(node);
        }
    }

    /// The node that a majority of its voters follows, if there is one.
    pub(crate) fn settled_leader(&self) -> Option<NodeId> {
        let newest = self.nodes.values().filter_map(|node| node.leads).max()?;
        self.nodes.iter().find(|(_, node)| node.leads == Some(newest)).map(|(id, _)| *id)
    }
}
