//! Consumer groups: finding the coordinator, the classic protocol, the consumer protocol (KIP-848), administration.

use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse, DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest,
    DescribeGroupsResponse, FindCoordinatorRequest, FindCoordinatorResponse, HeartbeatRequest,
    HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse,
    ListGroupsRequest, ListGroupsResponse, SyncGroupRequest, SyncGroupResponse,
};

use super::*;

schema!(
    FindCoordinatorRequest,
    flexible(3),
    [until(3, "key", Text), since(1, "key_type", I8), since(4, "coordinator_keys", Array(&Text))]
);

schema!(
    FindCoordinatorResponse,
    flexible(3),
    [
        since(1, "throttle_time_ms", I32),
        until(3, "error_code", I16),
        within(1, 3, "error_message", Text),
        until(3, "node_id", I32),
        until(3, "host", Text),
        until(3, "port", I32),
        since(
            4,
            "coordinators",
            Array(&Struct(&[
                all("key", Text),
                all("node_id", I32),
                all("host", Text),
                all("port", I32),
                all("error_code", I16),
                all("error_message", Text)
            ]))
        )
    ]
);

schema!(
    JoinGroupRequest,
    flexible(6),
    [
        all("group_id", Text),
        all("session_timeout_ms", I32),
        since(1, "rebalance_timeout_ms", I32),
        all("member_id", Text),
        since(5, "group_instance_id", Text),
        all("protocol_type", Text),
        all("protocols", Array(&Struct(&[all("name", Text), all("metadata", Blob)]))),
        since(8, "reason", Text)
    ]
);

schema!(
    JoinGroupResponse,
    flexible(6),
    [
        since(2, "throttle_time_ms", I32),
        all("error_code", I16),
        all("generation_id", I32),
        since(7, "protocol_type", Text),
        all("protocol_name", Text),
        all("leader", Text),
        since(9, "skip_assignment", BOOL),
        all("member_id", Text),
        all(
            "members",
            Array(&Struct(&[
                all("member_id", Text),
                since(5, "group_instance_id", Text),
                all("metadata", Blob)
            ]))
        )
    ]
);

schema!(
    SyncGroupRequest,
    flexible(4),
    [
        all("group_id", Text),
        all("generation_id", I32),
        all("member_id", Text),
        since(3, "group_instance_id", Text),
        since(5, "protocol_type", Text),
        since(5, "protocol_name", Text),
        all("assignments", Array(&Struct(&[all("member_id", Text), all("assignment", Blob)])))
    ]
);

schema!(
    SyncGroupResponse,
    flexible(4),
    [
        since(1, "throttle_time_ms", I32),
        all("error_code", I16),
        since(5, "protocol_type", Text),
        since(5, "protocol_name", Text),
        all("assignment", Blob)
    ]
);

schema!(
    HeartbeatRequest,
    flexible(4),
    [
        all("group_id", Text),
        all("generation_id", I32),
        all("member_id", Text),
        since(3, "group_instance_id", Text)
    ]
);

schema!(HeartbeatResponse, flexible(4), [since(1, "throttle_time_ms", I32), all("error_code", I16)]);

schema!(
    LeaveGroupRequest,
    flexible(4),
    [
        all("group_id", Text),
        until(2, "member_id", Text),
        since(
            3,
            "members",
            Array(&Struct(&[
                all("member_id", Text),
                all("group_instance_id", Text),
                since(5, "reason", Text)
            ]))
        )
    ]
);

schema!(
    LeaveGroupResponse,
    flexible(4),
    [
        since(1, "throttle_time_ms", I32),
        all("error_code", I16),
        since(
            3,
            "members",
            Array(&Struct(&[all("member_id", Text), all("group_instance_id", Text), all("error_code", I16)]))
        )
    ]
);

schema!(
    ListGroupsRequest,
    flexible(3),
    [since(4, "states_filter", Array(&Text)), since(5, "types_filter", Array(&Text))]
);

schema!(
    ListGroupsResponse,
    flexible(3),
    [
        since(1, "throttle_time_ms", I32),
        all("error_code", I16),
        all(
            "groups",
            Array(&Struct(&[
                all("group_id", Text),
                all("protocol_type", Text),
                since(4, "group_state", Text),
                since(5, "group_type", Text)
            ]))
        )
    ]
);

schema!(
    DescribeGroupsRequest,
    flexible(5),
    [all("groups", Array(&Text)), since(3, "include_authorized_operations", BOOL)]
);

schema!(
    DescribeGroupsResponse,
    flexible(5),
    [
        since(1, "throttle_time_ms", I32),
        all(
            "groups",
            Array(&Struct(&[
                all("error_code", I16),
                since(6, "error_message", Text),
                all("group_id", Text),
                all("group_state", Text),
                all("protocol_type", Text),
                all("protocol_data", Text),
                all(
                    "members",
                    Array(&Struct(&[
                        all("member_id", Text),
                        since(4, "group_instance_id", Text),
                        all("client_id", Text),
                        all("client_host", Text),
                        all("member_metadata", Blob),
                        all("member_assignment", Blob)
                    ]))
                ),
                since(3, "authorized_operations", I32)
            ]))
        )
    ]
);

schema!(DeleteGroupsRequest, flexible(2), [all("groups_names", Array(&Text))]);

schema!(
    DeleteGroupsResponse,
    flexible(2),
    [
        all("throttle_time_ms", I32),
        all("results", Array(&Struct(&[all("group_id", Text), all("error_code", I16)])))
    ]
);

schema!(
    ConsumerGroupHeartbeatRequest,
    flexible(0),
    [
        all("group_id", Text),
        all("member_id", Text),
        all("member_epoch", I32),
        all("instance_id", Text),
        all("rack_id", Text),
        all("rebalance_timeout_ms", I32),
        all("subscribed_topic_names", Array(&Text)),
        since(1, "subscribed_topic_regex", Text),
        all("server_assignor", Text),
        all("topic_partitions", Array(&Struct(&[all("topic_id", UUID), all("partitions", Array(&I32))])))
    ]
);

schema!(
    ConsumerGroupHeartbeatResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("error_message", Text),
        all("member_id", Text),
        all("member_epoch", I32),
        all("heartbeat_interval_ms", I32),
        all(
            "assignment",
            Maybe(&[all(
                "topic_partitions",
                Array(&Struct(&[all("topic_id", UUID), all("partitions", Array(&I32))]))
            )])
        )
    ]
);

schema!(
    ConsumerGroupDescribeRequest,
    flexible(0),
    [all("group_ids", Array(&Text)), all("include_authorized_operations", BOOL)]
);

const DESCRIBED_ASSIGNMENT: Kind = Struct(&[all(
    "topic_partitions",
    Array(&Struct(&[all("topic_id", UUID), all("topic_name", Text), all("partitions", Array(&I32))])),
)]);

schema!(
    ConsumerGroupDescribeResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all(
            "groups",
            Array(&Struct(&[
                all("error_code", I16),
                all("error_message", Text),
                all("group_id", Text),
                all("group_state", Text),
                all("group_epoch", I32),
                all("assignment_epoch", I32),
                all("assignor_name", Text),
                all(
                    "members",
                    Array(&Struct(&[
                        all("member_id", Text),
                        all("instance_id", Text),
                        all("rack_id", Text),
                        all("member_epoch", I32),
                        all("client_id", Text),
                        all("client_host", Text),
                        all("subscribed_topic_names", Array(&Text)),
                        all("subscribed_topic_regex", Text),
                        all("assignment", DESCRIBED_ASSIGNMENT),
                        all("target_assignment", DESCRIBED_ASSIGNMENT),
                        since(1, "member_type", I8)
                    ]))
                ),
                all("authorized_operations", I32)
            ]))
        )
    ]
);
