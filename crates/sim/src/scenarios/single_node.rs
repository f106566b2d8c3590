//! One node under load: crashed (un-synced data lost or torn), halted by injected disk faults, restarted, again and again;
//! then left in peace until every producer has its acknowledgements, and judged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use chronik_broker::PlantedFault;
use chronik_types::NodeId;

use crate::clients::Clients;
use crate::clients::records::Oracle;
use crate::cluster::{Cluster, Tally};
use crate::node::Death;
use crate::plan::Plan;
use crate::world::World;

const NODE: NodeId = NodeId(1);
const PARTITIONS: i32 = 3;
/// How long the faults go on.
const UNREST: Duration = Duration::from_secs(6);
/// How long everything may take after that.
const REST_MAX: Duration = Duration::from_mins(2);

/// Runs it.
///
/// # Errors
/// An invariant is violated, or it does not come to rest.
pub fn run(world: &World, planted: Option<PlantedFault>, tally: &mut Tally) -> Result<Vec<String>> {
    let mut cluster = Cluster::new(world, Plan { planted, ..Plan::single() })?;
    let oracle = Oracle::default();
    let mut clients = Clients::new(world, &cluster.network, cluster.plan.brokers(), Vec::new());
    start_clients(&mut clients, &oracle);
    cluster.start(NODE)?;
    let found = unrest(&mut cluster).and_then(|()| rest(&mut cluster, &mut clients, &oracle));
    *tally = cluster.tally;
    tally.records = oracle.acked_count() as u64;
    found?;
    Ok(oracle.violations())
}

fn start_clients(clients: &mut Clients, oracle: &Oracle) {
    for partition in (0..PARTITIONS).chain([0]) {
        let oracle = oracle.clone();
        clients.run("c1", |here| async move {
            here.create_topic(PARTITIONS, 1).await;
            here.produce(oracle, partition).await;
        });
    }
    for partition in 0..PARTITIONS {
        let oracle = oracle.clone();
        clients.run("c1", |here| async move { here.follow(oracle, partition).await });
    }
}

fn unrest(cluster: &mut Cluster) -> Result<()> {
    while cluster.world.now() < UNREST {
        let lull = cluster.world.duration(Duration::from_millis(20), Duration::from_millis(1500));
        cluster.go_on(cluster.world.now() + lull, |_| false)?;
        match cluster.world.below(100) {
            0..=24 => cluster.order_disk_fault(NODE),
            25..=44 => cluster.crash_for_a_moment(Death::Killed)?,
            _ => cluster.crash_for_a_moment(Death::PowerLoss)?,
        }
    }
    cluster.heal()
}

impl Cluster {
    fn crash_for_a_moment(&mut self, death: Death) -> Result<()> {
        self.crash(NODE, death);
        self.start(NODE)
    }
}

fn rest(cluster: &mut Cluster, clients: &mut Clients, oracle: &Oracle) -> Result<()> {
    clients.stop();
    cluster.rest_until(REST_MAX, "clients have finished", |_| !clients.are_busy())?;
    let read = Arc::new(AtomicBool::new(false));
    judge(clients, oracle, &read);
    cluster.rest_until(REST_MAX, "everything is read", |_| read.load(Ordering::Relaxed))
}

/// Reads everything, and has the oracle judge it.
pub(super) fn judge(clients: &mut Clients, oracle: &Oracle, read: &Arc<AtomicBool>) {
    let (oracle, read) = (oracle.clone(), Arc::clone(read));
    clients.run("c1", |here| async move {
        for partition in 0..PARTITIONS {
            let log = here.read_all(&oracle, partition).await;
            oracle.judge(partition, &log);
        }
        read.store(true, Ordering::Relaxed);
    });
}

impl Cluster {
    /// Goes on until something is so.
    ///
    /// # Errors
    /// An invariant is violated, or it does not come to be so in time.
    pub fn rest_until(
        &mut self,
        most: Duration,
        what: &str,
        mut is_so: impl FnMut(&Cluster) -> bool,
    ) -> Result<()> {
        self.go_on(self.world.now() + most, &mut is_so)?;
        if is_so(self) {
            return Ok(());
        }
        let nodes: Vec<String> = self.nodes.values().map(|node| node.describe()).collect();
        bail!("no rest {most:?} after the last fault: never {what}\n{}", nodes.join("\n"))
    }
}
