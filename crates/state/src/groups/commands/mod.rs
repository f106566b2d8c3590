//! What a shard does, one file for each command.

mod classic_in_consumer;
mod consumer_heartbeat;
mod delete_group;
mod describe_group;
mod expire_offsets;
mod heartbeat;
mod join_group;
mod leave_group;
mod list_groups;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod rebalance;
mod sync_group;

pub(in crate::groups) use rebalance::after;
