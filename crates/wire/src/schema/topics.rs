//! What changes topics.

use kafka_protocol::messages::*;

use super::*;

schema!(
    CreateTopicsRequest,
    flexible(5),
    [
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all("num_partitions", I32),
                all("replication_factor", I16),
                all(
                    "assignments",
                    Array(&Struct(&[all("partition_index", I32), all("broker_ids", Array(&I32))]))
                ),
                all("configs", Array(&Struct(&[all("name", Text), all("value", Text)])))
            ]))
        ),
        all("timeout_ms", I32),
        all("validate_only", BOOL)
    ]
);

schema!(
    CreateTopicsResponse,
    flexible(5),
    [
        all("throttle_time_ms", I32),
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                since(7, "topic_id", UUID),
                all("error_code", I16),
                all("error_message", Text),
                since(5, "num_partitions", I32),
                since(5, "replication_factor", I16),
                since(
                    5,
                    "configs",
                    Array(&Struct(&[
                        since(5, "name", Text),
                        since(5, "value", Text),
                        since(5, "read_only", BOOL),
                        since(5, "config_source", I8),
                        since(5, "is_sensitive", BOOL)
                    ]))
                ),
                tagged(0, 5, "topic_config_error_code", I16)
            ]))
        )
    ]
);

schema!(
    DeleteTopicsRequest,
    flexible(4),
    [
        since(6, "topics", Array(&Struct(&[since(6, "name", Text), since(6, "topic_id", UUID)]))),
        until(5, "topic_names", Array(&Text)),
        all("timeout_ms", I32)
    ]
);

schema!(
    DeleteTopicsResponse,
    flexible(4),
    [
        all("throttle_time_ms", I32),
        all(
            "responses",
            Array(&Struct(&[
                all("name", Text),
                since(6, "topic_id", UUID),
                all("error_code", I16),
                since(5, "error_message", Text)
            ]))
        )
    ]
);

schema!(
    CreatePartitionsRequest,
    flexible(2),
    [
        all(
            "topics",
            Array(&Struct(&[
                all("name", Text),
                all("count", I32),
                all("assignments", Array(&Struct(&[all("broker_ids", Array(&I32))])))
            ]))
        ),
        all("timeout_ms", I32),
        all("validate_only", BOOL)
    ]
);

schema!(
    CreatePartitionsResponse,
    flexible(2),
    [
        all("throttle_time_ms", I32),
        all(
            "results",
            Array(&Struct(&[all("name", Text), all("error_code", I16), all("error_message", Text)]))
        )
    ]
);
