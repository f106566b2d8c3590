//! The replicated machines of Chronik, the one driver that leads them, and the configuration table.
//!
//! `machine` is the contract, `leader` the driver. `cluster` is the controller's machine, `records` its facts in Kafka's
//! encoding, `groups` the group coordinator, `image` what every node derives from the committed ones, `why` a partition's history told from them. Nothing
//! here does I/O, reads a clock or draws a random number.

pub mod cluster;
pub mod config;
pub mod groups;
pub mod image;
pub mod leader;
pub mod machine;
pub mod records;
pub mod why;
