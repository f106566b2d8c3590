//! What the members of the quorum say to each other, and about it.

use kafka_protocol::messages::*;

use super::*;
use crate::add_raft_voter::AddRaftVoterRequest;

schema!(
    VoteRequest,
    flexible(0),
    [
        all("cluster_id", Text),
        since(1, "voter_id", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("topic_name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("replica_epoch", I32),
                        all("replica_id", I32),
                        since(1, "replica_directory_id", UUID),
                        since(1, "voter_directory_id", UUID),
                        all("last_offset_epoch", I32),
                        all("last_offset", I64),
                        since(2, "pre_vote", BOOL)
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    VoteResponse,
    flexible(0),
    [
        all("error_code", I16),
        all(
            "topics",
            Array(&Struct(&[
                all("topic_name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("error_code", I16),
                        all("leader_id", I32),
                        all("leader_epoch", I32),
                        all("vote_granted", BOOL)
                    ]))
                )
            ]))
        ),
        tagged(
            0,
            1,
            "node_endpoints",
            Array(&Struct(&[since(1, "node_id", I32), since(1, "host", Text), since(1, "port", I16)]))
        )
    ]
);

schema!(
    BeginQuorumEpochRequest,
    flexible(1),
    [
        all("cluster_id", Text),
        since(1, "voter_id", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("topic_name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        since(1, "voter_directory_id", UUID),
                        all("leader_id", I32),
                        all("leader_epoch", I32)
                    ]))
                )
            ]))
        ),
        since(
            1,
            "leader_endpoints",
            Array(&Struct(&[since(1, "name", Text), since(1, "host", Text), since(1, "port", I16)]))
        )
    ]
);

schema!(
    BeginQuorumEpochResponse,
    flexible(1),
    [
        all("error_code", I16),
        all(
            "topics",
            Array(&Struct(&[
                all("topic_name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("error_code", I16),
                        all("leader_id", I32),
                        all("leader_epoch", I32)
                    ]))
                )
            ]))
        ),
        tagged(
            0,
            1,
            "node_endpoints",
            Array(&Struct(&[since(1, "node_id", I32), since(1, "host", Text), since(1, "port", I16)]))
        )
    ]
);

schema!(
    EndQuorumEpochRequest,
    flexible(1),
    [
        all("cluster_id", Text),
        all(
            "topics",
            Array(&Struct(&[
                all("topic_name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("leader_id", I32),
                        all("leader_epoch", I32),
                        since(
                            1,
                            "preferred_candidates",
                            Array(&Struct(&[
                                since(1, "candidate_id", I32),
                                since(1, "candidate_directory_id", UUID)
                            ]))
                        ),
                        until(0, "preferred_successors", Array(&I32))
                    ]))
                )
            ]))
        ),
        since(
            1,
            "leader_endpoints",
            Array(&Struct(&[since(1, "name", Text), since(1, "host", Text), since(1, "port", I16)]))
        )
    ]
);

schema!(
    EndQuorumEpochResponse,
    flexible(1),
    [
        all("error_code", I16),
        all(
            "topics",
            Array(&Struct(&[
                all("topic_name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("error_code", I16),
                        all("leader_id", I32),
                        all("leader_epoch", I32)
                    ]))
                )
            ]))
        ),
        tagged(
            0,
            1,
            "node_endpoints",
            Array(&Struct(&[since(1, "node_id", I32), since(1, "host", Text), since(1, "port", I16)]))
        )
    ]
);

schema!(
    FetchSnapshotRequest,
    flexible(0),
    [
        all("replica_id", I32),
        all("max_bytes", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition", I32),
                        all("current_leader_epoch", I32),
                        all("snapshot_id", Struct(&[all("end_offset", I64), all("epoch", I32)])),
                        all("position", I64),
                        tagged(0, 1, "replica_directory_id", UUID)
                    ]))
                )
            ]))
        ),
        tagged(0, 0, "cluster_id", Text)
    ]
);

schema!(
    FetchSnapshotResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("index", I32),
                        all("error_code", I16),
                        all("snapshot_id", Struct(&[all("end_offset", I64), all("epoch", I32)])),
                        all("size", I64),
                        all("position", I64),
                        all("unaligned_records", Blob),
                        tagged(
                            0,
                            0,
                            "current_leader",
                            Struct(&[all("leader_id", I32), all("leader_epoch", I32)])
                        )
                    ]))
                )
            ]))
        ),
        tagged(
            0,
            1,
            "node_endpoints",
            Array(&Struct(&[since(1, "node_id", I32), since(1, "host", Text), since(1, "port", I16)]))
        )
    ]
);

schema!(
    DescribeQuorumRequest,
    flexible(0),
    [all(
        "topics",
        Array(&Struct(&[
            all("topic_name", Text),
            all("partitions", Array(&Struct(&[all("partition_index", I32)])))
        ]))
    )]
);

schema!(
    DescribeQuorumResponse,
    flexible(0),
    [
        all("error_code", I16),
        since(2, "error_message", Text),
        all(
            "topics",
            Array(&Struct(&[
                all("topic_name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("error_code", I16),
                        since(2, "error_message", Text),
                        all("leader_id", I32),
                        all("leader_epoch", I32),
                        all("high_watermark", I64),
                        all(
                            "current_voters",
                            Array(&Struct(&[
                                all("replica_id", I32),
                                since(2, "replica_directory_id", UUID),
                                all("log_end_offset", I64),
                                since(1, "last_fetch_timestamp", I64),
                                since(1, "last_caught_up_timestamp", I64)
                            ]))
                        ),
                        all(
                            "observers",
                            Array(&Struct(&[
                                all("replica_id", I32),
                                since(2, "replica_directory_id", UUID),
                                all("log_end_offset", I64),
                                since(1, "last_fetch_timestamp", I64),
                                since(1, "last_caught_up_timestamp", I64)
                            ]))
                        )
                    ]))
                )
            ]))
        ),
        since(
            2,
            "nodes",
            Array(&Struct(&[
                since(2, "node_id", I32),
                since(
                    2,
                    "listeners",
                    Array(&Struct(&[since(2, "name", Text), since(2, "host", Text), since(2, "port", I16)]))
                )
            ]))
        )
    ]
);

schema!(
    AddRaftVoterRequest,
    flexible(0),
    [
        all("cluster_id", Text),
        all("timeout_ms", I32),
        all("voter_id", I32),
        all("voter_directory_id", UUID),
        all("listeners", Array(&Struct(&[all("name", Text), all("host", Text), all("port", I16)]))),
        since(1, "ack_when_committed", BOOL)
    ]
);

schema!(
    AddRaftVoterResponse,
    flexible(0),
    library_max(0),
    [all("throttle_time_ms", I32), all("error_code", I16), all("error_message", Text)]
);

schema!(
    RemoveRaftVoterRequest,
    flexible(0),
    [all("cluster_id", Text), all("voter_id", I32), all("voter_directory_id", UUID)]
);

schema!(
    RemoveRaftVoterResponse,
    flexible(0),
    [all("throttle_time_ms", I32), all("error_code", I16), all("error_message", Text)]
);

schema!(
    UpdateRaftVoterRequest,
    flexible(0),
    [
        all("cluster_id", Text),
        all("current_leader_epoch", I32),
        all("voter_id", I32),
        all("voter_directory_id", UUID),
        all("listeners", Array(&Struct(&[all("name", Text), all("host", Text), all("port", I16)]))),
        all(
            "kraft_version_feature",
            Struct(&[all("min_supported_version", I16), all("max_supported_version", I16)])
        )
    ]
);

schema!(
    UpdateRaftVoterResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        tagged(
            0,
            0,
            "current_leader",
            Struct(&[all("leader_id", I32), all("leader_epoch", I32), all("host", Text), all("port", I32)])
        )
    ]
);
