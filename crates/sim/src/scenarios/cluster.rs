//! A cluster of 1 to 7 nodes under administration and load: killed, frozen, cut off, without power or room, with voters that
//! come and go; then left in peace.
//!
//! In peace there is, within a bounded time, one leader whom all follow, all images are equal, every broker is unfenced,
//! `__meta` exists once, and all clients get done what they have begun. What they were told is then held against the
//! committed metadata log, and what they read against what they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use chronik_broker::PlantedFault;
use chronik_raft::Role;
use chronik_types::NodeId;

use super::single_node::judge;
use crate::clients::Clients;
use crate::clients::produce::TOPIC;
use crate::clients::records::Oracle;
use crate::clients::topics::Topics;
use crate::cluster::{Cluster, Tally};
use crate::plan::{NodePlan, Plan};
use crate::world::World;

pub(super) const META: &str = "__meta";
const PARTITIONS: i32 = 3;
const ADMINS: u64 = 3;
/// Clients take their time, more or less: what matters is what happens to the cluster meanwhile.
const LEISURE: [Duration; 2] = [Duration::from_millis(600), Duration::from_millis(60)];
/// How long the faults go on.
const UNREST: Duration = Duration::from_secs(20);
/// How long the cluster may take to come to rest after that.
pub(super) const REST_MAX: Duration = Duration::from_mins(1);

/// Runs it.
///
/// # Errors
/// An invariant is violated, or it does not come to rest.
pub fn run(world: &World, planted: Option<PlantedFault>, tally: &mut Tally) -> Result<Vec<String>> {
    let plan = Plan { planted, ..Plan::draw(world) };
    let mut cluster = Cluster::new(world, plan)?;
    let clients = Clients::new(world, &cluster.network, cluster.plan.brokers(), cluster.plan.controllers());
    let leisure = LEISURE[world.below(2) as usize];
    let mut work = Work {
        clients: clients.at_leisure(leisure),
        records: Oracle::default(),
        topics: Topics::default(),
        voter_changes: Arc::default(),
    };
    work.start(&cluster);
    let ids: Vec<NodeId> = cluster.nodes.keys().copied().collect();
    for id in ids {
        cluster.start(id)?;
    }
    let found = unrest(&mut cluster).and_then(|()| rest(&mut cluster, &mut work));
    *tally = cluster.tally;
    work.count(&cluster, tally);
    found
}

/// What clients do, and what they were told.
struct Work {
    clients: Clients,
    records: Oracle,
    topics: Topics,
    voter_changes: Arc<AtomicU64>,
}

impl Work {
    fn start(&mut self, cluster: &Cluster) {
        let brokers = cluster.plan.brokers().len() as i16;
        for admin in 1..=ADMINS {
            let topics = self.topics.clone();
            self.clients.run(&format!("c{admin}"), |here| here.administer(topics, brokers.min(3)));
        }
        for partition in 0..PARTITIONS {
            let (written, read) = (self.records.clone(), self.records.clone());
            self.clients.run("c1", |here| async move {
                here.create_topic(PARTITIONS, brokers.min(3)).await;
                here.produce(written, partition).await;
            });
            self.clients.run("c2", |here| here.follow(read, partition));
        }
        if cluster.plan.is_dynamic {
            let nodes = cluster.nodes.values().map(|node| &node.plan);
            let controllers: Vec<NodePlan> = nodes.filter(|plan| plan.is_controller).cloned().collect();
            let changes = Arc::clone(&self.voter_changes);
            self.clients.run("c3", |here| here.change_voters(controllers, changes));
        }
    }

    /// What clients were told and should not have been.
    fn told_wrong(&self) -> Vec<String> {
        let mut wrong = self.records.violations();
        wrong.extend(self.topics.violations());
        wrong.truncate(5);
        wrong
    }

    fn count(&self, cluster: &Cluster, tally: &mut Tally) {
        tally.elections = cluster.invariants.elections;
        tally.snapshots = cluster.invariants.snapshots;
        tally.voter_changes = self.voter_changes.load(Ordering::Relaxed);
        tally.topics = self.topics.created_count();
        tally.changes = cluster.invariants.committed.end().0 as u64;
        tally.records = self.records.acked_count() as u64;
    }
}

fn unrest(cluster: &mut Cluster) -> Result<()> {
    let most = [200, 600, 1500, 4000][cluster.world.below(4) as usize];
    while cluster.world.now() < UNREST {
        let lull = cluster.world.duration(Duration::from_millis(20), Duration::from_millis(most));
        cluster.go_on(cluster.world.now() + lull, |_| false)?;
        cluster.disturb()?;
    }
    cluster.heal()
}

fn rest(cluster: &mut Cluster, work: &mut Work) -> Result<Vec<String>> {
    cluster.rest_until(REST_MAX, "settled", is_settled)?;
    work.clients.stop();
    let finished = cluster.rest_until(REST_MAX, "clients have finished", |_| !work.clients.are_busy());
    finished.with_context(|| format!("clients still {} {:?}", work.clients.describe(), work.told_wrong()))?;
    cluster.rest_until(REST_MAX, "settled again", is_settled)?;
    let read = Arc::new(AtomicBool::new(false));
    judge(&mut work.clients, &work.records, &read);
    cluster.rest_until(REST_MAX, "everything is read", |_| read.load(Ordering::Relaxed))?;
    let mut found = work.told_wrong();
    found.extend(work.topics.judge(&cluster.invariants.committed, &[META, TOPIC]));
    Ok(found)
}

/// One leader whom all follow, equal images, every broker in service, and `__meta`.
pub(super) fn is_settled(cluster: &Cluster) -> bool {
    let nodes: Vec<_> =
        cluster.nodes.values().filter_map(|node| Some((node, node.node()?.inspect()))).collect();
    let Some((_, first)) = nodes.first() else { return false };
    let leads = nodes.iter().filter(|(_, seen)| seen.quorum.role == Role::Leader).count();
    let agree = nodes.iter().all(|(_, seen)| {
        (seen.quorum.epoch, seen.quorum.leader, seen.image.end)
            == (first.quorum.epoch, first.quorum.leader, first.image.end)
    });
    let image = &first.image.state;
    let serves = |id| image.broker(id).is_some_and(|broker| broker.is_active());
    nodes.len() == cluster.nodes.len()
        && leads == 1
        && agree
        && nodes.iter().all(|(node, _)| node.has_joined() && (!node.plan.is_broker || serves(node.id)))
        && image.topic_named(META).is_some()
}
