//! One node under load: crashed (un-synced data lost or torn), halted by injected disk faults, restarted, again and again;
//! then left in peace until every producer has its acknowledgements, and judged.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use chronik_broker::{Node, Options};
use chronik_log::disk::memory::{Failure, Fault, MemoryDisk, Operation};
use chronik_state::config::NodeConfig;

use crate::client::Address;
use crate::env::SimEnv;
use crate::oracle::Oracle;
use crate::workload::Clients;
use crate::world::{CLIENTS, Life, World};

const PARTITIONS: i32 = 3;
/// Steps after which a run that does not come to rest has failed.
const STEPS_MAX: u64 = 3_000_000;
/// How long the faults go on.
const UNREST: Duration = Duration::from_secs(6);
/// How long everything may take after that.
const REST_MAX: Duration = Duration::from_mins(2);

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Depends on every step.
    pub trace: u64,
    /// How many steps there were.
    pub steps: u64,
    /// How often the node crashed.
    pub crashes: u64,
    /// How many disk faults were ordered.
    pub faults: u64,
    /// Records that were acknowledged.
    pub acked: usize,
    /// What was wrong; empty if nothing was.
    pub violations: Vec<String>,
}

struct Run {
    world: World,
    disk: MemoryDisk,
    address: Address,
    life: Life,
    oracle: Oracle,
    crashes: u64,
    faults: u64,
}

/// Runs a seed.
///
/// # Errors
/// The scenario itself cannot be run: its configuration is wrong, or it does not come to rest.
pub fn run(seed: u64) -> Result<Outcome> {
    let world = World::new(seed);
    let disk = MemoryDisk::new(seed);
    let oracle = Oracle::default();
    let mut run = Run {
        world: world.clone(),
        disk,
        address: Address::default(),
        life: CLIENTS,
        oracle: oracle.clone(),
        crashes: 0,
        faults: 0,
    };
    let clients = Clients {
        world: world.clone(),
        address: run.address.clone(),
        oracle: oracle.clone(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let producing = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    start_clients(&clients, &producing);
    run.start()?;
    run.unrest()?;
    clients.stop.store(true, Ordering::Relaxed);
    run.rest(|| producing.load(Ordering::Relaxed) == 0)?;
    let judged = Arc::new(AtomicBool::new(false));
    let (done, judge) = (Arc::clone(&judged), clients.clone());
    world.spawn(
        CLIENTS,
        Box::pin(async move {
            for partition in 0..PARTITIONS {
                let log = judge.read_all(partition).await;
                judge.oracle.judge(partition, &log);
            }
            done.store(true, Ordering::Relaxed);
        }),
    );
    run.rest(|| judged.load(Ordering::Relaxed))?;
    run.address.withdraw();
    run.world.end(run.life);
    Ok(Outcome {
        trace: world.trace(),
        steps: world.steps(),
        crashes: run.crashes,
        faults: run.faults,
        acked: oracle.acked_count(),
        violations: oracle.violations(),
    })
}

fn start_clients(clients: &Clients, producing: &Arc<std::sync::atomic::AtomicUsize>) {
    for partition in (0..PARTITIONS).chain([0]) {
        producing.fetch_add(1, Ordering::Relaxed);
        let (here, left) = (clients.clone(), Arc::clone(producing));
        clients.world.spawn(
            CLIENTS,
            Box::pin(async move {
                here.create_topic(PARTITIONS).await;
                here.produce(partition).await;
                left.fetch_sub(1, Ordering::Relaxed);
            }),
        );
    }
    for partition in 0..PARTITIONS {
        let here = clients.clone();
        clients.world.spawn(
            CLIENTS,
            Box::pin(async move {
                here.create_topic(PARTITIONS).await;
                here.follow(partition).await;
            }),
        );
    }
}

impl Run {
    fn start(&mut self) -> Result<()> {
        self.life = self.world.begin();
        let skew_ms = self.world.below(2000) as i64;
        let env = SimEnv::new(self.world.clone(), self.life, skew_ms);
        let file = configuration();
        let options = Options {
            config: NodeConfig::resolve(&file)?,
            file,
            disk: Arc::new(self.disk.clone()),
            open_files_max: 8,
        };
        let (life, address) = (self.life, self.address.clone());
        self.world.spawn(
            life,
            Box::pin(async move {
                match Node::start(env, options).await {
                    Ok(node) => address.publish(life, node),
                    // A disk fault at start: as a process that exits, and is started again.
                    Err(error) => {
                        tracing::debug!(%error, "a simulated node does not start");
                        std::panic::panic_any(crate::world::Halted);
                    }
                }
            }),
        );
        Ok(())
    }

    fn crash(&mut self) {
        let node = self.address.withdraw();
        self.world.end(self.life);
        drop(node);
        self.disk.crash();
        self.crashes += 1;
    }

    /// Steps until `until`; a node that halts itself is crashed and started again.
    fn go_on(&mut self, until: Duration, done: impl Fn() -> bool) -> Result<()> {
        while self.world.now() < until && !done() {
            match self.world.step() {
                Some(Some(life)) if life == self.life => {
                    self.crash();
                    self.start()?;
                }
                Some(_) => {}
                None => bail!("the world stands still at {:?}", self.world.now()),
            }
            if self.world.steps() > STEPS_MAX {
                bail!("no end after {STEPS_MAX} steps");
            }
        }
        Ok(())
    }

    fn unrest(&mut self) -> Result<()> {
        while self.world.now() < UNREST {
            let lull = self.world.duration(Duration::from_millis(20), Duration::from_millis(1500));
            self.go_on(self.world.now() + lull, || false)?;
            if self.world.chance(25) {
                self.order_fault();
            } else {
                self.crash();
                self.start()?;
            }
        }
        self.disk.clear_faults();
        Ok(())
    }

    fn order_fault(&mut self) {
        self.faults += 1;
        let operation = [Operation::Write, Operation::Sync, Operation::Create, Operation::Rename]
            [self.world.below(4) as usize];
        let kind = if self.world.chance(50) { ErrorKind::Other } else { ErrorKind::StorageFull };
        self.disk.inject(Fault {
            operation: Some(operation),
            path: String::new(),
            after: self.world.below(20),
            times: 1 + self.world.below(3),
            failure: Failure::Error(kind),
        });
    }

    fn rest(&mut self, done: impl Fn() -> bool) -> Result<()> {
        let until = self.world.now() + REST_MAX;
        self.go_on(until, &done)?;
        if !done() {
            let first: Vec<String> = self.oracle.violations().into_iter().take(3).collect();
            bail!("no rest {REST_MAX:?} after the last fault ({}) {first:?}", self.address.describe());
        }
        Ok(())
    }
}

fn configuration() -> BTreeMap<String, String> {
    [
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
        ("controller.listener.names", "CONTROLLER"),
        ("controller.quorum.bootstrap.servers", "localhost:9093"),
        ("log.dirs", "/data"),
        // Small segments: rolls, index files and producer snapshots all the time.
        ("log.segment.bytes", "4096"),
        ("log.index.interval.bytes", "256"),
        ("log.retention.check.interval.ms", "500"),
        ("log.flush.offset.checkpoint.interval.ms", "300"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}
