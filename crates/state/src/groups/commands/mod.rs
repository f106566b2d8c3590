//! What a shard does, one file for each command.

mod classic_in_consumer;
mod consumer_heartbeat;
mod consumer_leave;
mod delete_group;
mod describe_consumer_group;
mod describe_group;
mod expire_offsets;
mod heartbeat;
mod join_group;
mod leave_group;
mod list_groups;
mod migrate;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod rebalance;
mod sync_group;
mod too_long;

pub(in crate::groups) use rebalance::after;
pub(in crate::groups) use too_long::too_long;
