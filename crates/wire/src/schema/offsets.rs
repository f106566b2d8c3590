//! The offsets that groups commit.

use kafka_protocol::messages::{
    OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse, OffsetFetchResponse,
};

use super::*;
use crate::offset_commit::OffsetCommitRequest;
use crate::offset_fetch::OffsetFetchRequest;

schema!(
    OffsetCommitRequest,
    flexible(8),
    [
        all("group_id", Text),
        all("generation_id_or_member_epoch", I32),
        all("member_id", Text),
        since(7, "group_instance_id", Text),
        until(4, "retention_time_ms", I64),
        all(
            "topics",
            Array(&Struct(&[
                until(9, "name", Text),
                since(10, "topic_id", UUID),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("committed_offset", I64),
                        since(6, "committed_leader_epoch", I32),
                        all("committed_metadata", Text)
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    OffsetCommitResponse,
    flexible(8),
    [
        since(3, "throttle_time_ms", I32),
        all(
            "topics",
            Array(&Struct(&[
                until(9, "name", Text),
                since(10, "topic_id", UUID),
                all("partitions", Array(&Struct(&[all("partition_index", I32), all("error_code", I16)])))
            ]))
        )
    ]
);

schema!(
    OffsetFetchRequest,
    flexible(6),
    [
        until(7, "group_id", Text),
        until(7, "topics", Array(&Struct(&[all("name", Text), all("partition_indexes", Array(&I32))]))),
        since(
            8,
            "groups",
            Array(&Struct(&[
                all("group_id", Text),
                since(9, "member_id", Text),
                since(9, "member_epoch", I32),
                all(
                    "topics",
                    Array(&Struct(&[
                        until(9, "name", Text),
                        since(10, "topic_id", UUID),
                        all("partition_indexes", Array(&I32))
                    ]))
                )
            ]))
        ),
        since(7, "require_stable", BOOL)
    ]
);

schema!(
    OffsetFetchResponse,
    flexible(6),
    [
        since(3, "throttle_time_ms", I32),
        until(
            7,
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("committed_offset", I64),
                        since(5, "committed_leader_epoch", I32),
                        all("metadata", Text),
                        all("error_code", I16)
                    ]))
                )
            ]))
        ),
        within(2, 7, "error_code", I16),
        since(
            8,
            "groups",
            Array(&Struct(&[
                all("group_id", Text),
                all(
                    "topics",
                    Array(&Struct(&[
                        until(9, "name", Text),
                        since(10, "topic_id", UUID),
                        all(
                            "partitions",
                            Array(&Struct(&[
                                all("partition_index", I32),
                                all("committed_offset", I64),
                                all("committed_leader_epoch", I32),
                                all("metadata", Text),
                                all("error_code", I16)
                            ]))
                        )
                    ]))
                ),
                all("error_code", I16)
            ]))
        )
    ]
);

schema!(
    OffsetDeleteRequest,
    flexible(32767),
    [
        all("group_id", Text),
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all("partitions", Array(&Struct(&[all("partition_index", I32)])))
            ]))
        )
    ]
);

schema!(
    OffsetDeleteResponse,
    flexible(32767),
    [
        all("error_code", I16),
        all("throttle_time_ms", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all("partitions", Array(&Struct(&[all("partition_index", I32), all("error_code", I16)])))
            ]))
        )
    ]
);
