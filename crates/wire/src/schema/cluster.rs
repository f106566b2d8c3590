//! What clients ask about the cluster and its topics.

use kafka_protocol::messages::*;

use super::*;

schema!(
    ApiVersionsRequest,
    flexible(3),
    [since(3, "client_software_name", Text), since(3, "client_software_version", Text)]
);

schema!(
    ApiVersionsResponse,
    flexible(3),
    [
        all("error_code", I16),
        all(
            "api_keys",
            Array(&Struct(&[all("api_key", I16), all("min_version", I16), all("max_version", I16)]))
        ),
        since(1, "throttle_time_ms", I32),
        tagged(
            0,
            3,
            "supported_features",
            Array(&Struct(&[
                since(3, "name", Text),
                since(3, "min_version", I16),
                since(3, "max_version", I16)
            ]))
        ),
        tagged(1, 3, "finalized_features_epoch", I64),
        tagged(
            2,
            3,
            "finalized_features",
            Array(&Struct(&[
                since(3, "name", Text),
                since(3, "max_version_level", I16),
                since(3, "min_version_level", I16)
            ]))
        ),
        tagged(3, 3, "zk_migration_ready", BOOL)
    ]
);

schema!(
    MetadataRequest,
    flexible(9),
    [
        all("topics", Array(&Struct(&[since(10, "topic_id", UUID), all("name", Text)]))),
        since(4, "allow_auto_topic_creation", BOOL),
        within(8, 10, "include_cluster_authorized_operations", BOOL),
        since(8, "include_topic_authorized_operations", BOOL)
    ]
);

schema!(
    MetadataResponse,
    flexible(9),
    [
        since(3, "throttle_time_ms", I32),
        all(
            "brokers",
            Array(&Struct(&[
                all("node_id", I32),
                all("host", Text),
                all("port", I32),
                since(1, "rack", Text)
            ]))
        ),
        since(2, "cluster_id", Text),
        since(1, "controller_id", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("error_code", I16),
                all("name", Text),
                since(10, "topic_id", UUID),
                since(1, "is_internal", BOOL),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("error_code", I16),
                        all("partition_index", I32),
                        all("leader_id", I32),
                        since(7, "leader_epoch", I32),
                        all("replica_nodes", Array(&I32)),
                        all("isr_nodes", Array(&I32)),
                        since(5, "offline_replicas", Array(&I32))
                    ]))
                ),
                since(8, "topic_authorized_operations", I32)
            ]))
        ),
        since(13, "error_code", I16),
        within(8, 10, "cluster_authorized_operations", I32)
    ]
);

schema!(
    DescribeClusterRequest,
    flexible(0),
    [
        all("include_cluster_authorized_operations", BOOL),
        since(1, "endpoint_type", I8),
        since(2, "include_fenced_brokers", BOOL)
    ]
);

schema!(
    DescribeClusterResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("error_message", Text),
        since(1, "endpoint_type", I8),
        all("cluster_id", Text),
        all("controller_id", I32),
        all(
            "brokers",
            Array(&Struct(&[
                all("broker_id", I32),
                all("host", Text),
                all("port", I32),
                all("rack", Text),
                since(2, "is_fenced", BOOL)
            ]))
        ),
        all("cluster_authorized_operations", I32)
    ]
);

schema!(
    DescribeTopicPartitionsRequest,
    flexible(0),
    [
        all("topics", Array(&Struct(&[all("name", Text)]))),
        all("response_partition_limit", I32),
        all("cursor", Maybe(&[all("topic_name", Text), all("partition_index", I32)]))
    ]
);

schema!(
    DescribeTopicPartitionsResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("error_code", I16),
                all("name", Text),
                all("topic_id", UUID),
                all("is_internal", BOOL),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("error_code", I16),
                        all("partition_index", I32),
                        all("leader_id", I32),
                        all("leader_epoch", I32),
                        all("replica_nodes", Array(&I32)),
                        all("isr_nodes", Array(&I32)),
                        all("eligible_leader_replicas", Array(&I32)),
                        all("last_known_elr", Array(&I32)),
                        all("offline_replicas", Array(&I32))
                    ]))
                ),
                all("topic_authorized_operations", I32)
            ]))
        ),
        all("next_cursor", Maybe(&[all("topic_name", Text), all("partition_index", I32)]))
    ]
);
