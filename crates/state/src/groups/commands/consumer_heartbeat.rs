//! ConsumerGroupHeartbeat.

use chronik_types::ErrorCode;

use crate::groups::Shard;
use crate::groups::replies::Reply;
use crate::groups::requests::{At, ConsumerHeartbeat};
use crate::records::Name;

impl<T> Shard<T> {
    pub(in crate::groups) fn consumer_heartbeat(&mut self, at: &At<'_>, _: ConsumerHeartbeat, token: T) {
        self.reply(at, token, Reply::ConsumerHeartbeat(Err(ErrorCode::UnsupportedVersion.into())));
    }

    pub(in crate::groups) fn describe_consumer_group(&mut self, at: &At<'_>, _: &Name, token: T) {
        self.reply(at, token, Reply::DescribeConsumerGroup(Err(ErrorCode::GroupIdNotFound.into())));
    }

    pub(in crate::groups) fn consumer_timed_out(&mut self, _: &At<'_>, _: &Name, _: &Name) {}
}
