//! Members of a group on a cluster that is killed, frozen, cut off and without power or room; then left in peace.
//!
//! The group's coordinator moves with its partition of `__consumer_offsets`. In peace a coordinator is found within a bounded
//! time, and what is committed is what members were told.

use std::time::Duration;

use anyhow::{Context, Result};
use chronik_broker::PlantedFault;
use chronik_types::NodeId;

use super::cluster::{REST_MAX, is_settled, unrest};
use crate::clients::Clients;
use crate::clients::groups::Groups;
use crate::cluster::{Cluster, Tally};
use crate::plan::Plan;
use crate::world::World;

const PARTITIONS: i32 = 5;
const MEMBERS: u64 = 4;
/// Members take their time: what matters is what happens to the cluster meanwhile.
const LEISURE: Duration = Duration::from_millis(600);

/// Runs it.
///
/// # Errors
/// An invariant is violated, or it does not come to rest.
pub fn run(world: &World, planted: Option<PlantedFault>, tally: &mut Tally) -> Result<Vec<String>> {
    let mut plan = Plan { planted, ..Plan::draw(world) };
    let copies = plan.brokers().len().min(3) as i16;
    for (key, value) in [
        ("offsets.topic.num.partitions", "2".to_owned()),
        ("offsets.topic.replication.factor", copies.to_string()),
        ("group.initial.rebalance.delay.ms", "100".to_owned()),
    ] {
        plan.common.insert(key.to_owned(), value);
    }
    let mut cluster = Cluster::new(world, plan)?;
    let clients = Clients::new(world, &cluster.network, cluster.plan.brokers(), cluster.plan.controllers());
    let mut clients = clients.at_leisure(LEISURE);
    let groups = Groups::default();
    for member in 1..=MEMBERS {
        let groups = groups.clone();
        clients.run(&format!("c{}", 1 + member % 3), |here| async move {
            here.create_topic(PARTITIONS, copies).await;
            here.be_member(groups, PARTITIONS).await;
        });
    }
    let ids: Vec<NodeId> = cluster.nodes.keys().copied().collect();
    for id in ids {
        cluster.start(id)?;
    }
    let found = unrest(&mut cluster).and_then(|()| rest(&mut cluster, &clients, &groups));
    *tally = cluster.tally;
    tally.elections = cluster.invariants.elections;
    tally.snapshots = cluster.invariants.snapshots;
    tally.changes = cluster.invariants.committed.end().0 as u64;
    (tally.generations, tally.commits) = groups.count();
    found
}

fn rest(cluster: &mut Cluster, clients: &Clients, groups: &Groups) -> Result<Vec<String>> {
    cluster.rest_until(REST_MAX, "settled", is_settled)?;
    clients.stop();
    let finished = cluster.rest_until(REST_MAX, "members have finished", |_| !clients.are_busy());
    finished.with_context(|| format!("members still {} {:?}", clients.describe(), groups.violations()))?;
    cluster.rest_until(REST_MAX, "settled again", is_settled)?;
    let mut wrong = groups.violations();
    wrong.truncate(5);
    Ok(wrong)
}
