//! A cluster of whole nodes in one world: every step of theirs is looked at, and what dies is started again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail};
use chronik_types::NodeId;

use crate::invariants::Invariants;
use crate::journal;
use crate::network::Network;
use crate::node::{Death, SimNode};
use crate::plan::Plan;
use crate::world::{CLIENTS, Life, World};

/// Steps after which a run that does not come to rest has failed.
const STEPS_MAX: u64 = 5_000_000;

/// What happened in a run, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Steps of the world.
    pub steps: u64,
    /// Times that somebody became leader of the quorum.
    pub elections: u64,
    /// Lives that ended by force.
    pub crashes: u64,
    /// Times that the network was cut.
    pub cuts: u64,
    /// Disk faults that were ordered.
    pub disk_faults: u64,
    /// Times that a node's part in the quorum had to wait for room on its disk.
    pub held_up: u64,
    /// Changes of the voters that were acknowledged.
    pub voter_changes: u64,
    /// Snapshots that nodes took or installed.
    pub snapshots: u64,
    /// Topics whose creation was acknowledged.
    pub topics: u64,
    /// Metadata records that were committed.
    pub changes: u64,
    /// Records whose produce was acknowledged.
    pub records: u64,
    /// Members of groups that began.
    pub members: u64,
    /// Generations of groups, or epochs of their members, in which somebody owned something.
    pub generations: u64,
    /// Offsets whose commit was acknowledged.
    pub commits: u64,
    /// Commits that were refused, since they came too late.
    pub refused: u64,
}

impl Tally {
    /// Adds another run's.
    pub fn add(&mut self, other: &Tally) {
        self.steps += other.steps;
        self.elections += other.elections;
        self.crashes += other.crashes;
        self.cuts += other.cuts;
        self.disk_faults += other.disk_faults;
        self.held_up += other.held_up;
        self.voter_changes += other.voter_changes;
        self.snapshots += other.snapshots;
        self.topics += other.topics;
        self.changes += other.changes;
        self.records += other.records;
        self.members += other.members;
        self.generations += other.generations;
        self.commits += other.commits;
        self.refused += other.refused;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} steps, {} elections, {} crashes, {} network partitions, {} disk faults, held up {} times, \
             {} voter changes, {} snapshots, {} topics created, {} metadata offsets committed, \
             {} records acknowledged, {} members, {} generations, {} offsets committed, {} late commits refused",
            self.steps,
            self.elections,
            self.crashes,
            self.cuts,
            self.disk_faults,
            self.held_up,
            self.voter_changes,
            self.snapshots,
            self.topics,
            self.changes,
            self.records,
            self.members,
            self.generations,
            self.commits,
            self.refused
        )
    }
}

/// What puts something right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repair {
    /// A node is started.
    Start(NodeId),
    /// A frozen node goes on.
    Resume(NodeId),
    /// No way is cut or slow.
    Network,
    /// A disk has room and is quick.
    Disk(NodeId),
}

/// A cluster.
pub struct Cluster {
    /// Where it is.
    pub world: World,
    /// What connects it.
    pub network: Network,
    /// Its shape.
    pub plan: Plan,
    /// Its nodes.
    pub nodes: BTreeMap<NodeId, SimNode>,
    /// What must always hold.
    pub invariants: Invariants,
    /// What happened so far.
    pub tally: Tally,
    repairs: BTreeSet<(Duration, Repair)>,
    lives: BTreeMap<Life, NodeId>,
}

impl Cluster {
    /// A cluster whose nodes have not been started.
    ///
    /// # Errors
    /// The plan does not work.
    pub fn new(world: &World, plan: Plan) -> Result<Cluster> {
        let network = Network::new(world);
        let mut nodes = BTreeMap::new();
        for of in &plan.nodes {
            nodes.insert(of.id, SimNode::new(world, &network, &plan, of)?);
        }
        Ok(Cluster {
            world: world.clone(),
            network,
            plan,
            nodes,
            invariants: Invariants::default(),
            tally: Tally::default(),
            repairs: BTreeSet::new(),
            lives: BTreeMap::new(),
        })
    }

    /// Starts a node that is down.
    ///
    /// # Errors
    /// Its configuration is wrong.
    pub fn start(&mut self, id: NodeId) -> Result<()> {
        let Some(node) = self.nodes.get_mut(&id).filter(|node| node.life.is_none()) else { return Ok(()) };
        journal::note(&format!("{} starts", node.name()));
        node.start()?;
        if let Some(life) = node.life {
            journal::name(life, node.name());
            self.lives.insert(life, id);
        }
        Ok(())
    }

    /// Something is put right in a while.
    pub fn repair_in(&mut self, after: Duration, repair: Repair) {
        self.repairs.insert((self.world.now() + after, repair));
        // The world must get there, even if nothing else goes on in it.
        self.world.work(CLIENTS, after, Box::new(|| {}));
    }

    /// Ends a node's life; it stays down until it is started.
    pub fn crash(&mut self, id: NodeId, death: Death) {
        let Some(node) = self.nodes.get_mut(&id).filter(|node| node.life.is_some()) else { return };
        let how = match death {
            Death::Killed if node.has_left() => "has stopped",
            Death::Killed => "is killed",
            Death::PowerLoss => "loses power",
        };
        journal::note(&format!("{} {how}", node.name()));
        if let Some(life) = node.life {
            self.lives.remove(&life);
            self.invariants.life_ends(id);
        }
        self.tally.crashes += u64::from(!node.has_left());
        node.die(death);
    }

    /// Tells a node to stop; some time after it has, it is started again.
    pub fn stop(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            journal::note(&format!("{} is told to stop", node.name()));
            node.stop();
        }
    }

    /// Freezes a node, or lets it go on.
    pub fn set_paused(&mut self, id: NodeId, paused: bool) {
        let Some(node) = self.nodes.get_mut(&id).filter(|node| node.is_paused != paused) else { return };
        journal::note(&format!("{} {}", node.name(), if paused { "is frozen" } else { "goes on" }));
        node.set_paused(paused);
    }

    /// The nodes that are alive, frozen ones included.
    pub fn alive(&self) -> Vec<NodeId> {
        self.nodes.values().filter(|node| node.life.is_some()).map(|node| node.id).collect()
    }

    /// The nodes that are not.
    pub fn down(&self) -> Vec<NodeId> {
        self.nodes.values().filter(|node| node.life.is_none()).map(|node| node.id).collect()
    }

    /// Goes on until that time, or until `done` says so.
    ///
    /// # Errors
    /// An invariant is violated, or there is no end.
    pub fn go_on(&mut self, until: Duration, mut done: impl FnMut(&Cluster) -> bool) -> Result<()> {
        // What is looked at is looked at now and then: it may be dear.
        let mut steps = 0u64;
        while self.world.now() < until {
            if steps.is_multiple_of(64) && done(self) {
                break;
            }
            steps += 1;
            self.step()?;
        }
        Ok(())
    }

    /// Does the next thing, and looks at what it has made of the node that did it.
    ///
    /// # Errors
    /// An invariant is violated, or there is no end.
    pub fn step(&mut self) -> Result<()> {
        let now = self.world.now();
        while let Some(due) = self.repairs.first().copied().filter(|(at, _)| *at <= now) {
            self.repairs.remove(&due);
            self.repair(due.1)?;
        }
        let Some(step) = self.world.step() else { bail!("the world stands still at {:?}", self.world.now()) };
        self.tally.steps += 1;
        if self.tally.steps > STEPS_MAX {
            bail!("no end after {STEPS_MAX} steps, at {:?}", self.world.now());
        }
        let Some(&id) = self.lives.get(&step.life) else { return Ok(()) };
        if step.halted {
            // Its page cache outlives it, with what a failed sync has lost.
            self.crash(id, Death::Killed);
            let after = self.world.duration(Duration::from_millis(20), Duration::from_secs(2));
            self.repair_in(after, Repair::Start(id));
            return Ok(());
        }
        if let Some(words) = journal::forbidden() {
            bail!("n{id} says what must never be said: {words}");
        }
        let Some(node) = self.nodes.get(&id).and_then(SimNode::node) else { return Ok(()) };
        self.invariants.look(id, self.world.now(), &node)?;
        Ok(())
    }
}
