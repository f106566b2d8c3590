//! The simulated world: whole nodes in one thread, driven by one seed.
//!
//! [`world`] is the clock, the executor and the order of everything; [`env`] is the broker's environment in it; disks
//! are `chronik_log`'s memory disks, which lose or tear what was not synced when a node crashes. [`client`] speaks the
//! wire protocol to a node's connections, [`workload`] produces and reads, [`oracle`] remembers what clients were told and
//! judges what they find. [`single_node`] is the scenario: one node, crashed again and again under load, then left in
//! peace. The same seed gives the same run, step for step.

pub mod client;
pub mod env;
pub mod oracle;
pub mod single_node;
pub mod workload;
pub mod world;
