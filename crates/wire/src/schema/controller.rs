//! What brokers say to the controller, and what clients ask that only it can do.

use kafka_protocol::messages::*;

use super::*;
use crate::broker_heartbeat::BrokerHeartbeatRequest;

schema!(
    BrokerRegistrationRequest,
    flexible(0),
    [
        all("broker_id", I32),
        all("cluster_id", Text),
        all("incarnation_id", UUID),
        all(
            "listeners",
            Array(&Struct(&[
                all("name", Text),
                all("host", Text),
                all("port", I16),
                all("security_protocol", I16)
            ]))
        ),
        all(
            "features",
            Array(&Struct(&[
                all("name", Text),
                all("min_supported_version", I16),
                all("max_supported_version", I16)
            ]))
        ),
        all("rack", Text),
        since(1, "is_migrating_zk_broker", BOOL),
        since(2, "log_dirs", Array(&UUID)),
        since(3, "previous_broker_epoch", I64)
    ]
);

schema!(
    BrokerRegistrationResponse,
    flexible(0),
    [all("throttle_time_ms", I32), all("error_code", I16), all("broker_epoch", I64)]
);

schema!(
    BrokerHeartbeatRequest,
    flexible(0),
    [
        all("broker_id", I32),
        all("broker_epoch", I64),
        all("current_metadata_offset", I64),
        all("want_fence", BOOL),
        all("want_shut_down", BOOL),
        tagged(0, 1, "offline_log_dirs", Array(&UUID)),
        tagged(1, 2, "cordoned_log_dirs", Array(&UUID))
    ]
);

schema!(
    BrokerHeartbeatResponse,
    flexible(0),
    library_max(1),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("is_caught_up", BOOL),
        all("is_fenced", BOOL),
        all("should_shut_down", BOOL)
    ]
);

schema!(UnregisterBrokerRequest, flexible(0), [all("broker_id", I32)]);

schema!(
    UnregisterBrokerResponse,
    flexible(0),
    [all("throttle_time_ms", I32), all("error_code", I16), all("error_message", Text)]
);

schema!(
    ControllerRegistrationRequest,
    flexible(0),
    [
        all("controller_id", I32),
        all("incarnation_id", UUID),
        all("zk_migration_ready", BOOL),
        all(
            "listeners",
            Array(&Struct(&[
                all("name", Text),
                all("host", Text),
                all("port", I16),
                all("security_protocol", I16)
            ]))
        ),
        all(
            "features",
            Array(&Struct(&[
                all("name", Text),
                all("min_supported_version", I16),
                all("max_supported_version", I16)
            ]))
        )
    ]
);

schema!(
    ControllerRegistrationResponse,
    flexible(0),
    [all("throttle_time_ms", I32), all("error_code", I16), all("error_message", Text)]
);

schema!(
    EnvelopeRequest,
    flexible(0),
    [all("request_data", Blob), all("request_principal", Blob), all("client_host_address", Blob)]
);

schema!(EnvelopeResponse, flexible(0), [all("response_data", Blob), all("error_code", I16)]);

schema!(
    AlterPartitionRequest,
    flexible(0),
    [
        all("broker_id", I32),
        all("broker_epoch", I64),
        all(
            "topics",
            Array(&Struct(&[
                all("topic_id", UUID),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("leader_epoch", I32),
                        since(
                            3,
                            "new_isr_with_epochs",
                            Array(&Struct(&[since(3, "broker_id", I32), since(3, "broker_epoch", I64)]))
                        ),
                        until(2, "new_isr", Array(&I32)),
                        all("leader_recovery_state", I8),
                        all("partition_epoch", I32)
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    AlterPartitionResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all(
            "topics",
            Array(&Struct(&[
                all("topic_id", UUID),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("error_code", I16),
                        all("leader_id", I32),
                        all("leader_epoch", I32),
                        all("isr", Array(&I32)),
                        all("leader_recovery_state", I8),
                        all("partition_epoch", I32)
                    ]))
                )
            ]))
        )
    ]
);

schema!(AllocateProducerIdsRequest, flexible(0), [all("broker_id", I32), all("broker_epoch", I64)]);

schema!(
    AllocateProducerIdsResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("producer_id_start", I64),
        all("producer_id_len", I32)
    ]
);

schema!(
    ElectLeadersRequest,
    flexible(2),
    [
        since(1, "election_type", I8),
        all("topic_partitions", Array(&Struct(&[all("topic", Text), all("partitions", Array(&I32))]))),
        all("timeout_ms", I32)
    ]
);

schema!(
    ElectLeadersResponse,
    flexible(2),
    [
        all("throttle_time_ms", I32),
        since(1, "error_code", I16),
        all(
            "replica_election_results",
            Array(&Struct(&[
                all("topic", Text),
                all(
                    "partition_result",
                    Array(&Struct(&[
                        all("partition_id", I32),
                        all("error_code", I16),
                        all("error_message", Text)
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    AlterPartitionReassignmentsRequest,
    flexible(0),
    [
        all("timeout_ms", I32),
        since(1, "allow_replication_factor_change", BOOL),
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[all("partition_index", I32), all("replicas", Array(&I32))]))
                )
            ]))
        )
    ]
);

schema!(
    AlterPartitionReassignmentsResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        since(1, "allow_replication_factor_change", BOOL),
        all("error_code", I16),
        all("error_message", Text),
        all(
            "responses",
            Array(&Struct(&[
                all("name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("error_code", I16),
                        all("error_message", Text)
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    ListPartitionReassignmentsRequest,
    flexible(0),
    [
        all("timeout_ms", I32),
        all("topics", Array(&Struct(&[all("name", Text), all("partition_indexes", Array(&I32))])))
    ]
);

schema!(
    ListPartitionReassignmentsResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("error_message", Text),
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("replicas", Array(&I32)),
                        all("adding_replicas", Array(&I32)),
                        all("removing_replicas", Array(&I32))
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    AssignReplicasToDirsRequest,
    flexible(0),
    [
        all("broker_id", I32),
        all("broker_epoch", I64),
        all(
            "directories",
            Array(&Struct(&[
                all("id", UUID),
                all(
                    "topics",
                    Array(&Struct(&[
                        all("topic_id", UUID),
                        all("partitions", Array(&Struct(&[all("partition_index", I32)])))
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    AssignReplicasToDirsResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all(
            "directories",
            Array(&Struct(&[
                all("id", UUID),
                all(
                    "topics",
                    Array(&Struct(&[
                        all("topic_id", UUID),
                        all(
                            "partitions",
                            Array(&Struct(&[all("partition_index", I32), all("error_code", I16)]))
                        )
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    UpdateFeaturesRequest,
    flexible(0),
    [
        all("timeout_ms", I32),
        all(
            "feature_updates",
            Array(&Struct(&[
                all("feature", Text),
                all("max_version_level", I16),
                since(1, "upgrade_type", I8),
                until(0, "allow_downgrade", BOOL)
            ]))
        ),
        since(1, "validate_only", BOOL)
    ]
);

schema!(
    UpdateFeaturesResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("error_message", Text),
        until(
            1,
            "results",
            Array(&Struct(&[
                until(1, "feature", Text),
                until(1, "error_code", I16),
                until(1, "error_message", Text)
            ]))
        )
    ]
);
