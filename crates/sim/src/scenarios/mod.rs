//! What is simulated: a cluster, what clients do to it, what goes wrong, and what must come of it.
//!
//! A scenario has two phases. While faults go on, nothing may be violated; once they have ceased, everything must come to
//! rest in a bounded time, and is judged.

pub mod cluster;
pub mod full_disk;
pub mod groups;
pub mod single_node;

use chronik_broker::PlantedFault;

use crate::cluster::Tally;
use crate::journal;
use crate::world::World;

/// A scenario: it runs a world until it has judged it.
pub type Scenario = fn(&World, Option<PlantedFault>, &mut Tally) -> anyhow::Result<Vec<String>>;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Depends on every step.
    pub trace: u64,
    /// What happened.
    pub tally: Tally,
    /// What was wrong; empty if nothing was.
    pub violations: Vec<String>,
    /// What happened last, if something was wrong.
    pub history: Vec<String>,
}

/// Runs a scenario with a seed.
pub fn run(scenario: Scenario, seed: u64, planted: Option<PlantedFault>, echo: bool) -> Outcome {
    journal::begin(echo);
    let world = World::new(seed);
    let mut tally = Tally::default();
    let violations = match scenario(&world, planted, &mut tally) {
        Ok(violations) => violations,
        Err(error) => vec![format!("{error:#} (at {:?}, step {})", world.now(), world.steps())],
    };
    tally.steps = world.steps();
    tally.held_up = journal::held_up();
    let history = if violations.is_empty() { Vec::new() } else { journal::lines() };
    Outcome { trace: world.trace(), tally, violations, history }
}
