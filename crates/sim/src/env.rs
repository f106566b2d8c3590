//! The broker's environment in the simulated world: one run of one node, on its host.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chronik_broker::PlantedFault;
use chronik_broker::{Blocking, Connecting, Env, Task, Urgency};
use chronik_types::Millis;

use crate::journal;
use crate::network::{Host, Network};
use crate::world::{Halted, Life, World};

/// When the world began, on the wall clock.
const EPOCH_MS: i64 = 1_700_000_000_000;

/// What outlives a node's runs: its host.
#[derive(Clone)]
pub struct Machine {
    /// Its name in the network.
    pub host: Host,
    /// How far its wall clock is off, in milliseconds.
    pub skew_ms: Arc<AtomicI64>,
    /// A fault that its node has.
    pub planted: Option<PlantedFault>,
    /// The longest that a piece of disk work takes, in microseconds.
    pub disk_us: Arc<AtomicU64>,
}

/// How long disk work takes at most on a good disk, in microseconds.
pub const GOOD_DISK_US: u64 = 20_000;

impl Machine {
    /// A machine with a good disk.
    pub fn new(host: Host, skew_ms: i64, planted: Option<PlantedFault>) -> Machine {
        let (skew_ms, disk_us) = (Arc::new(AtomicI64::new(skew_ms)), Arc::new(AtomicU64::new(GOOD_DISK_US)));
        Machine { host, skew_ms, planted, disk_us }
    }
}

/// The environment of a node's run.
pub struct SimEnv {
    world: World,
    network: Network,
    life: Life,
    machine: Machine,
    /// How often the wall clock was read.
    readings: AtomicU64,
}

impl SimEnv {
    /// The environment of a run that has just begun.
    pub fn new(network: Network, world: World, life: Life, machine: Machine) -> Arc<SimEnv> {
        Arc::new(SimEnv { world, network, life, machine, readings: AtomicU64::new(0) })
    }
}

impl Env for SimEnv {
    /// The next millisecond may begin between any two readings, as it does on a real machine.
    fn now(&self) -> Millis {
        let skew_ms = self.machine.skew_ms.load(Ordering::Relaxed);
        let passed = i64::from(self.readings.fetch_add(1, Ordering::Relaxed).is_multiple_of(2));
        Millis(EPOCH_MS + skew_ms + self.world.now().as_millis() as i64 + passed)
    }

    fn elapsed(&self) -> Duration {
        self.world.now()
    }

    fn random(&self) -> u128 {
        u128::from(self.world.bits()) << 64 | u128::from(self.world.bits())
    }

    fn sleep(&self, duration: Duration) -> Task {
        self.world.sleep(self.life, duration)
    }

    fn spawn(&self, task: Task) {
        self.world.spawn(self.life, task);
    }

    fn connect(&self, host: &str, port: u16) -> Connecting {
        self.network.connect(&self.machine.host, self.life, host, port)
    }

    fn block(&self, urgency: Urgency, work: Blocking) {
        let disk_us = self.machine.disk_us.load(Ordering::Relaxed);
        // A caller may rely on neither: half of what is wanted inline is done later all the same.
        let is_quick = disk_us <= GOOD_DISK_US && self.world.chance(50);
        if urgency == Urgency::Inline && is_quick && self.world.is_alive(self.life) {
            return work();
        }
        let after = self.world.duration(Duration::from_micros(50), Duration::from_micros(disk_us));
        self.world.work(self.life, after, work);
    }

    fn planted_fault(&self) -> Option<PlantedFault> {
        self.machine.planted
    }

    fn halt(&self, reason: &str) {
        tracing::debug!(reason, "a simulated node halts");
        // A sync that was refused for want of room is a failed sync all the same. A log that is emptied has made room before it
        // needs any: only an injected fault refuses that.
        let is_expected = reason.contains("disk full: sync") || reason.contains("cannot be emptied");
        if reason.contains("disk full") && !is_expected {
            journal::forbid(&format!("halts for want of room: {reason}"));
        }
        // What is dropped on the way may halt once more.
        if !std::thread::panicking() {
            std::panic::panic_any(Halted);
        }
    }
}
