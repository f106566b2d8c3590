//! Disks without room, while leaders die: a node is not ended by it, keeps back the votes and epochs that it cannot write
//! down, and takes part again by itself as soon as there is room.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use chronik_broker::PlantedFault;
use chronik_raft::Role;
use chronik_types::NodeId;

use super::cluster::{META, REST_MAX, is_settled};
use crate::clients::Clients;
use crate::clients::topics::Topics;
use crate::cluster::{Cluster, Tally};
use crate::journal;
use crate::node::{Death, SimNode};
use crate::plan::Plan;
use crate::world::{Life, World};

const ROUNDS: u64 = 4;
const LEISURE: Duration = Duration::from_millis(100);

/// Runs it.
///
/// # Errors
/// An invariant is violated, a node ends, or the cluster does not come to rest.
pub fn run(world: &World, planted: Option<PlantedFault>, tally: &mut Tally) -> Result<Vec<String>> {
    let mut cluster = Cluster::new(world, Plan { planted, ..Plan::draw(world) })?;
    let clients = Clients::new(world, &cluster.network, cluster.plan.brokers(), cluster.plan.controllers());
    let mut clients = clients.at_leisure(LEISURE);
    let brokers = cluster.plan.brokers().len() as i16;
    let topics = Topics::default();
    let named = topics.clone();
    clients.run("c1", |here| here.administer(named, brokers.min(3)));
    let found = rounds(&mut cluster).and_then(|()| {
        clients.stop();
        cluster.rest_until(REST_MAX, "clients have finished", |_| !clients.are_busy())?;
        cluster.rest_until(REST_MAX, "settled again", is_settled)
    });
    *tally = cluster.tally;
    tally.elections = cluster.invariants.elections;
    tally.snapshots = cluster.invariants.snapshots;
    tally.topics = topics.created_count();
    tally.changes = cluster.invariants.committed.end().0 as u64;
    found?;
    let mut wrong = topics.violations();
    wrong.extend(topics.judge(&cluster.invariants.committed, &[META]));
    Ok(wrong)
}

fn rounds(cluster: &mut Cluster) -> Result<()> {
    start_all(cluster)?;
    for _ in 0..ROUNDS {
        cluster.rest_until(REST_MAX, "settled", is_settled)?;
        fill_some(cluster);
        if cluster.world.chance(70) {
            let leads =
                |node: &&SimNode| node.node().is_some_and(|node| node.inspect().quorum.role == Role::Leader);
            if let Some(leader) = cluster.nodes.values().find(leads).map(|node| node.id) {
                cluster.crash(leader, Death::Killed);
            }
        }
        let before = lives(cluster);
        let while_full = cluster.world.duration(Duration::from_millis(500), Duration::from_secs(8));
        cluster.go_on(cluster.world.now() + while_full, |_| false)?;
        let after = lives(cluster);
        if before != after {
            bail!("a full disk has ended a node: {before:?} lived, and now {after:?}");
        }
        journal::note("there is room");
        cluster.nodes.values().for_each(|node| node.disk.set_capacity(u64::MAX));
        start_all(cluster)?;
    }
    cluster.rest_until(REST_MAX, "settled", is_settled)
}

/// The disks of some or of all, with no room at all, or a little.
fn fill_some(cluster: &mut Cluster) {
    let share = [40, 100][cluster.world.below(2) as usize];
    for node in cluster.nodes.values() {
        if cluster.world.chance(share) {
            let left = [0, cluster.world.below(2000)][cluster.world.below(2) as usize];
            journal::note(&format!("the disk of {} has {left} bytes left", node.name()));
            node.disk.set_capacity(node.disk.used_bytes() + left);
            cluster.tally.disk_faults += 1;
        }
    }
}

fn start_all(cluster: &mut Cluster) -> Result<()> {
    let ids: Vec<NodeId> = cluster.nodes.keys().copied().collect();
    ids.into_iter().try_for_each(|id| cluster.start(id))
}

/// Who lives, and which life that is.
fn lives(cluster: &Cluster) -> BTreeMap<NodeId, Life> {
    cluster.nodes.values().filter_map(|node| Some((node.id, node.life?))).collect()
}
