//! The group coordinator: one [`Shard`] for each partition of `__consumer_offsets` that this node leads.
//!
//! [`GroupMachine`] is what the partition's records say. [`Shard`] leads it: it decides what clients ask ([`Request`]),
//! with what Kafka keeps in memory only beside it (members that wait in JoinGroup and SyncGroup, sessions, rebalances that
//! run). It does no I/O: it says what to append ([`Shard::appends`]), is told what is committed, and gives each answer
//! ([`Shard::replies`]) when all that it was decided on is committed, or when the rebalance that it waits for ends.
//! With leadership the value goes; the next leader replays the log into a new one, and members go on where they were.
//!
//! One file per command in `commands`, one per assignor in `assignors`.

mod assignors;
mod commands;
mod consumer;
mod machine;
mod options;
#[cfg(feature = "planted")]
mod planted;
pub mod records;
mod replies;
mod requests;
mod shard;
mod state;
mod subscription;
#[cfg(test)]
mod tests;
mod view;

pub use machine::{GroupMachine, Replayed};
pub use options::{Bounded, MigrationPolicy, Options};
#[cfg(feature = "planted")]
pub use planted::PlantedFault;
pub use replies::*;
pub use requests::*;
pub use shard::{Append, Log, Shard};
pub use state::{ConsumerGroup, ConsumerMember, GroupState, MemberState, Offsets};
pub use view::{TopicView, View};
