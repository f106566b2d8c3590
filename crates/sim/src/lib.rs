//! The simulated world: whole nodes in one thread, driven by one seed.
//!
//! [`world`] is the clock, the executor and the order of everything; [`network`] connects hosts; [`env`] is the broker's
//! environment in both; disks are `chronik_log`'s memory disks, which lose or tear what was not synced when a node
//! crashes. [`node`] is a node through all its lives, [`cluster`] several of them, [`faults`] what happens to them.
//! [`clients`] do things to them and remember what they were told, [`invariants`] are checked after every step.
//! [`scenarios`] put it together. The same seed gives the same run, step for step.

pub mod client;
pub mod clients;
pub mod cluster;
pub mod env;
pub mod faults;
pub mod invariants;
pub mod journal;
pub mod network;
pub mod node;
pub mod plan;
pub mod scenarios;
pub mod serve;
pub mod world;
