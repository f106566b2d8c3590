//! The broker's environment in the simulated world: one run of one node.

use std::sync::Arc;
use std::time::Duration;

use chronik_broker::{Blocking, Broken, Connecting, Env, Task, Urgency};
use chronik_types::Millis;

use crate::world::{Halted, Life, World};

/// When the world began, on the wall clock.
const EPOCH_MS: i64 = 1_700_000_000_000;

/// The environment of a node's run.
pub struct SimEnv {
    world: World,
    life: Life,
    /// How far the node's wall clock is off.
    skew_ms: i64,
}

impl SimEnv {
    /// The environment of a run that has just begun.
    pub fn new(world: World, life: Life, skew_ms: i64) -> Arc<SimEnv> {
        Arc::new(SimEnv { world, life, skew_ms })
    }
}

impl Env for SimEnv {
    fn now(&self) -> Millis {
        Millis(EPOCH_MS + self.skew_ms + self.world.now().as_millis() as i64)
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
        let reason = format!("nobody listens at {host}:{port} in this world");
        Box::pin(std::future::ready(Err(Broken { gone: true, reason })))
    }

    fn block(&self, urgency: Urgency, work: Blocking) {
        // A caller may rely on neither: half of what is wanted inline is done later all the same.
        if urgency == Urgency::Inline && self.world.is_alive(self.life) && self.world.chance(50) {
            return work();
        }
        let after = self.world.duration(Duration::from_micros(50), Duration::from_millis(20));
        self.world.work(self.life, after, work);
    }

    fn halt(&self, reason: &str) {
        tracing::debug!(reason, "a simulated node halts");
        std::panic::panic_any(Halted);
    }
}
