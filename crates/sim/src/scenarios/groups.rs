//! Members of groups, of both protocols, on a cluster that is killed, frozen, cut off and without power or room, and whose
//! coordinators are so most of all; then left in peace.
//!
//! A group's coordinator moves with its partition of `__consumer_offsets`. In peace each group becomes stable within a
//! bounded time, each partition is owned exactly once, and what is committed is what members were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use chronik_broker::PlantedFault;
use chronik_types::NodeId;

use super::cluster::{REST_MAX, is_settled};
use crate::clients::Clients;
use crate::clients::groups::{Group, Protocol, SESSION_TIMEOUT_MS};
use crate::cluster::{Cluster, Tally};
use crate::plan::Plan;
use crate::world::World;

/// The topic that groups are written down in.
const OFFSETS_TOPIC: &str = "__consumer_offsets";
const PARTITIONS: i32 = 5;
/// How long the faults go on.
const UNREST: Duration = Duration::from_secs(30);
/// Static members of each group, at most.
const INSTANCES: [&str; 2] = ["first", "second"];
/// How long groups may take to become stable when the cluster is at rest: a session, a rebalance, and some air.
const STABLE_MAX: Duration = Duration::from_secs(20);
/// How often in a hundred times what goes wrong befalls a coordinator.
const AT_COORDINATORS: u64 = 40;

/// Runs it.
///
/// # Errors
/// An invariant is violated, or it does not come to rest.
pub fn run(world: &World, planted: Option<PlantedFault>, tally: &mut Tally) -> Result<Vec<String>> {
    let plan = draw(world, planted);
    let mut cluster = Cluster::new(world, plan)?;
    let clients = Clients::new(world, &cluster.network, cluster.plan.brokers(), cluster.plan.controllers());
    let mut work = Work {
        clients,
        groups: [("readers", Protocol::Classic), ("listeners", Protocol::Consumer)]
            .map(|(name, protocol)| Group::new(name, protocol, PARTITIONS)),
    };
    work.start(&cluster);
    let ids: Vec<NodeId> = cluster.nodes.keys().copied().collect();
    for id in ids {
        cluster.start(id)?;
    }
    let found = unrest(&mut cluster).and_then(|()| rest(&mut cluster, &mut work));
    *tally = cluster.tally;
    tally.elections = cluster.invariants.elections;
    tally.snapshots = cluster.invariants.snapshots;
    tally.changes = cluster.invariants.committed.end().0 as u64;
    for counts in work.groups.iter().map(Group::counts) {
        tally.members += counts.members;
        tally.generations += counts.generations;
        tally.commits += counts.commits;
        tally.refused += counts.refused;
    }
    found
}

fn draw(world: &World, planted: Option<PlantedFault>) -> Plan {
    let mut plan = Plan { planted, ..Plan::draw(world) };
    let copies = plan.brokers().len().min(3);
    let session_ms = SESSION_TIMEOUT_MS.to_string();
    let partitions = 1 + world.below(3);
    for (key, value) in [
        ("offsets.topic.num.partitions", partitions.to_string()),
        ("offsets.topic.replication.factor", copies.to_string()),
        ("group.initial.rebalance.delay.ms", "100".to_owned()),
        ("group.min.session.timeout.ms", session_ms.clone()),
        ("group.consumer.min.session.timeout.ms", session_ms.clone()),
        ("group.consumer.session.timeout.ms", session_ms),
        ("group.consumer.min.heartbeat.interval.ms", "200".to_owned()),
        ("group.consumer.heartbeat.interval.ms", "200".to_owned()),
        // The log of groups rolls by time, and is compacted while it is in use.
        ("log.roll.ms", "2000".to_owned()),
        ("log.cleaner.backoff.ms", "500".to_owned()),
        ("log.cleaner.min.cleanable.ratio", "0.1".to_owned()),
    ] {
        plan.common.insert(key.to_owned(), value);
    }
    plan
}

struct Work {
    clients: Clients,
    groups: [Group; 2],
}

impl Work {
    fn start(&mut self, cluster: &Cluster) {
        let copies = cluster.plan.brokers().len().min(3) as i16;
        let mut seat = 0;
        for group in self.groups.clone() {
            let members = 2 + cluster.world.below(3) as usize;
            let statics = cluster.world.below(1 + INSTANCES.len() as u64) as usize;
            for at in 0..members {
                seat += 1;
                let (group, instance) = (group.clone(), INSTANCES[..statics].get(at).copied());
                self.clients.run(&format!("c{}", 1 + seat % 3), |here| async move {
                    here.create_topic(PARTITIONS, copies).await;
                    here.be_member(group, seat, instance).await;
                });
            }
        }
    }

    fn told_wrong(&self) -> Vec<String> {
        let mut wrong: Vec<String> = self.groups.iter().flat_map(Group::violations).collect();
        wrong.truncate(5);
        wrong
    }

    fn describe(&self) -> String {
        let groups: Vec<String> = self.groups.iter().map(Group::describe).collect();
        format!("{} {groups:?} {:?}", self.clients.describe(), self.told_wrong())
    }
}

fn unrest(cluster: &mut Cluster) -> Result<()> {
    let most = [600, 1500, 4000, 8000][cluster.world.below(4) as usize];
    while cluster.world.now() < UNREST {
        let lull = cluster.world.duration(Duration::from_millis(20), Duration::from_millis(most));
        cluster.go_on(cluster.world.now() + lull, |_| false)?;
        match coordinator(cluster) {
            Some(id) if cluster.world.chance(AT_COORDINATORS) => cluster.disturb_node(id),
            _ => cluster.disturb()?,
        }
    }
    cluster.heal()
}

/// A node that leads a partition of the groups' topic, and is up.
fn coordinator(cluster: &Cluster) -> Option<NodeId> {
    let images = cluster.nodes.values().filter_map(|node| Some(node.node()?.inspect().image));
    let newest = images.max_by_key(|image| image.end)?;
    let topic = newest.state.topic_named(OFFSETS_TOPIC)?;
    let leaders: Vec<NodeId> = topic.partitions.values().map(|partition| partition.leader).collect();
    let leader = cluster.world.pick(&leaders)?;
    cluster.alive().contains(&leader).then_some(leader)
}

fn rest(cluster: &mut Cluster, work: &mut Work) -> Result<Vec<String>> {
    cluster.rest_until(REST_MAX, "settled", is_settled)?;
    work.groups.iter().for_each(Group::calm_down);
    let are_stable = work.groups.clone().map(|group| {
        let is_stable = Arc::new(AtomicBool::new(false));
        let found = Arc::clone(&is_stable);
        work.clients.run("c2", |here| async move {
            here.await_stable(&group).await;
            found.store(true, Ordering::Relaxed);
        });
        is_stable
    });
    let is_stable = |_: &Cluster| are_stable.iter().all(|found| found.load(Ordering::Relaxed));
    cluster.rest_until(STABLE_MAX, "groups are stable", is_stable).with_context(|| work.describe())?;
    work.clients.stop();
    let finished = cluster.rest_until(REST_MAX, "members have finished", |_| !work.clients.are_busy());
    finished.with_context(|| work.describe())?;
    cluster.rest_until(REST_MAX, "settled again", is_settled)?;
    Ok(work.told_wrong())
}
