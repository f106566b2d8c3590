//! What a node does: it dispatches requests to one handler file per API, keeps its partitions as the cluster's image
//! says, takes part in the quorum, and does its chores.
//!
//! [`Node`] is everything that outlives a connection; a [`Connection`] starts and answers one client's requests. All
//! that a node needs from the world comes through [`Env`]: nothing here reads a clock, spawns a thread or knows tokio.

mod absence;
mod admission;
mod api;
mod blocking;
mod boot;
mod change_feed;
mod chores;
mod cleaner;
mod connection;
mod critical;
mod data_dir;
mod env;
mod fetch_sessions;
mod forward;
mod groups;
mod in_flight;
mod inspect;
mod lifecycle;
mod metadata_batch;
mod metrics;
mod node;
mod partition;
mod partitions;
mod peers;
#[cfg(feature = "planted")]
mod planted;
mod producer_ids;
mod quorum;
mod reconcile;
mod replication;
mod roll_call;
mod settings;
mod snapshot_file;
pub mod storage;
mod wait;

pub use admission::may_form;
pub use connection::{Connection, Peer, Refused};
pub use critical::is_inside as in_critical_state;
pub use env::{Blocking, Broken, Connecting, Env, Link, Task, Urgency};
pub use inspect::{Inspection, MetadataBatch, ReplicaView};
pub use metrics::Metrics;
pub use node::{Node, Options, StartError};
#[cfg(feature = "planted")]
pub use planted::PlantedFault;
