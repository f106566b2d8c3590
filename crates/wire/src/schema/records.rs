//! Records, their offsets and their producers. Produce and Fetch requests have decoders of their own.

use kafka_protocol::messages::*;

use super::*;

schema!(
    ProduceResponse,
    flexible(9),
    [
        all(
            "responses",
            Array(&Struct(&[
                since(13, "topic_id", UUID),
                until(12, "name", Text),
                all(
                    "partition_responses",
                    Array(&Struct(&[
                        all("index", I32),
                        all("error_code", I16),
                        all("base_offset", I64),
                        all("log_append_time_ms", I64),
                        since(5, "log_start_offset", I64),
                        since(
                            8,
                            "record_errors",
                            Array(&Struct(&[
                                since(8, "batch_index", I32),
                                since(8, "batch_index_error_message", Text)
                            ]))
                        ),
                        since(8, "error_message", Text),
                        tagged(
                            0,
                            10,
                            "current_leader",
                            Struct(&[since(10, "leader_id", I32), since(10, "leader_epoch", I32)])
                        )
                    ]))
                )
            ]))
        ),
        all("throttle_time_ms", I32),
        tagged(
            0,
            10,
            "node_endpoints",
            Array(&Struct(&[
                since(10, "node_id", I32),
                since(10, "host", Text),
                since(10, "port", I32),
                since(10, "rack", Text)
            ]))
        )
    ]
);

schema!(
    FetchResponse,
    flexible(12),
    [
        all("throttle_time_ms", I32),
        since(7, "error_code", I16),
        since(7, "session_id", I32),
        all(
            "responses",
            Array(&Struct(&[
                since(13, "topic_id", UUID),
                until(12, "topic", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("error_code", I16),
                        all("high_watermark", I64),
                        all("last_stable_offset", I64),
                        since(5, "log_start_offset", I64),
                        all(
                            "aborted_transactions",
                            Array(&Struct(&[all("producer_id", I64), all("first_offset", I64)]))
                        ),
                        since(11, "preferred_read_replica", I32),
                        all("records", Blob),
                        tagged(
                            0,
                            12,
                            "diverging_epoch",
                            Struct(&[since(12, "epoch", I32), since(12, "end_offset", I64)])
                        ),
                        tagged(
                            1,
                            12,
                            "current_leader",
                            Struct(&[since(12, "leader_id", I32), since(12, "leader_epoch", I32)])
                        ),
                        tagged(
                            2,
                            12,
                            "snapshot_id",
                            Struct(&[since(12, "end_offset", I64), since(12, "epoch", I32)])
                        )
                    ]))
                )
            ]))
        ),
        tagged(
            0,
            16,
            "node_endpoints",
            Array(&Struct(&[
                since(16, "node_id", I32),
                since(16, "host", Text),
                since(16, "port", I32),
                since(16, "rack", Text)
            ]))
        )
    ]
);

schema!(
    ListOffsetsRequest,
    flexible(6),
    library_max(10),
    [
        all("replica_id", I32),
        since(2, "isolation_level", I8),
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        since(4, "current_leader_epoch", I32),
                        all("timestamp", I64)
                    ]))
                )
            ]))
        ),
        since(10, "timeout_ms", I32)
    ]
);

schema!(
    ListOffsetsResponse,
    flexible(6),
    library_max(10),
    [
        since(2, "throttle_time_ms", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("error_code", I16),
                        all("timestamp", I64),
                        all("offset", I64),
                        since(4, "leader_epoch", I32)
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    DeleteRecordsRequest,
    flexible(2),
    [
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all("partitions", Array(&Struct(&[all("partition_index", I32), all("offset", I64)])))
            ]))
        ),
        all("timeout_ms", I32)
    ]
);

schema!(
    DeleteRecordsResponse,
    flexible(2),
    [
        all("throttle_time_ms", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("low_watermark", I64),
                        all("error_code", I16)
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    OffsetForLeaderEpochRequest,
    flexible(4),
    [
        since(3, "replica_id", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("topic", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition", I32),
                        all("current_leader_epoch", I32),
                        all("leader_epoch", I32)
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    OffsetForLeaderEpochResponse,
    flexible(4),
    [
        all("throttle_time_ms", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("topic", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("error_code", I16),
                        all("partition", I32),
                        all("leader_epoch", I32),
                        all("end_offset", I64)
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    InitProducerIdRequest,
    flexible(2),
    [
        all("transactional_id", Text),
        all("transaction_timeout_ms", I32),
        since(3, "producer_id", I64),
        since(3, "producer_epoch", I16)
    ]
);

schema!(
    InitProducerIdResponse,
    flexible(2),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("producer_id", I64),
        all("producer_epoch", I16)
    ]
);

schema!(
    DescribeProducersRequest,
    flexible(0),
    [all("topics", Array(&Struct(&[all("name", Text), all("partition_indexes", Array(&I32))])))]
);

schema!(
    DescribeProducersResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all(
                    "partitions",
                    Array(&Struct(&[
                        all("partition_index", I32),
                        all("error_code", I16),
                        all("error_message", Text),
                        all(
                            "active_producers",
                            Array(&Struct(&[
                                all("producer_id", I64),
                                all("producer_epoch", I32),
                                all("last_sequence", I32),
                                all("last_timestamp", I64),
                                all("coordinator_epoch", I32),
                                all("current_txn_start_offset", I64)
                            ]))
                        )
                    ]))
                )
            ]))
        )
    ]
);
