//! Configurations and log directories.

use kafka_protocol::messages::*;

use super::*;

schema!(
    DescribeConfigsRequest,
    flexible(4),
    [
        all(
            "resources",
            Array(&Struct(&[
                all("resource_type", I8),
                all("resource_name", Text),
                all("configuration_keys", Array(&Text))
            ]))
        ),
        all("include_synonyms", BOOL),
        since(3, "include_documentation", BOOL)
    ]
);

schema!(
    DescribeConfigsResponse,
    flexible(4),
    [
        all("throttle_time_ms", I32),
        all(
            "results",
            Array(&Struct(&[
                all("error_code", I16),
                all("error_message", Text),
                all("resource_type", I8),
                all("resource_name", Text),
                all(
                    "configs",
                    Array(&Struct(&[
                        all("name", Text),
                        all("value", Text),
                        all("read_only", BOOL),
                        all("config_source", I8),
                        all("is_sensitive", BOOL),
                        all(
                            "synonyms",
                            Array(&Struct(&[all("name", Text), all("value", Text), all("source", I8)]))
                        ),
                        since(3, "config_type", I8),
                        since(3, "documentation", Text)
                    ]))
                )
            ]))
        )
    ]
);

schema!(
    AlterConfigsRequest,
    flexible(2),
    [
        all(
            "resources",
            Array(&Struct(&[
                all("resource_type", I8),
                all("resource_name", Text),
                all("configs", Array(&Struct(&[all("name", Text), all("value", Text)])))
            ]))
        ),
        all("validate_only", BOOL)
    ]
);

schema!(
    AlterConfigsResponse,
    flexible(2),
    [
        all("throttle_time_ms", I32),
        all(
            "responses",
            Array(&Struct(&[
                all("error_code", I16),
                all("error_message", Text),
                all("resource_type", I8),
                all("resource_name", Text)
            ]))
        )
    ]
);

schema!(
    IncrementalAlterConfigsRequest,
    flexible(1),
    [
        all(
            "resources",
            Array(&Struct(&[
                all("resource_type", I8),
                all("resource_name", Text),
                all(
                    "configs",
                    Array(&Struct(&[all("name", Text), all("config_operation", I8), all("value", Text)]))
                )
            ]))
        ),
        all("validate_only", BOOL)
    ]
);

schema!(
    IncrementalAlterConfigsResponse,
    flexible(1),
    [
        all("throttle_time_ms", I32),
        all(
            "responses",
            Array(&Struct(&[
                all("error_code", I16),
                all("error_message", Text),
                all("resource_type", I8),
                all("resource_name", Text)
            ]))
        )
    ]
);

schema!(ListConfigResourcesRequest, flexible(0), [since(1, "resource_types", Array(&I8))]);

schema!(
    ListConfigResourcesResponse,
    flexible(0),
    [
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("config_resources", Array(&Struct(&[all("resource_name", Text), since(1, "resource_type", I8)])))
    ]
);

schema!(
    DescribeLogDirsRequest,
    flexible(2),
    library_max(4),
    [all("topics", Array(&Struct(&[all("topic", Text), all("partitions", Array(&I32))])))]
);

schema!(
    DescribeLogDirsResponse,
    flexible(2),
    [
        all("throttle_time_ms", I32),
        since(3, "error_code", I16),
        all(
            "results",
            Array(&Struct(&[
                all("error_code", I16),
                all("log_dir", Text),
                all(
                    "topics",
                    Array(&Struct(&[
                        all("name", Text),
                        all(
                            "partitions",
                            Array(&Struct(&[
                                all("partition_index", I32),
                                all("partition_size", I64),
                                all("offset_lag", I64),
                                all("is_future_key", BOOL)
                            ]))
                        )
                    ]))
                ),
                since(4, "total_bytes", I64),
                since(4, "usable_bytes", I64),
                since(5, "is_cordoned", BOOL)
            ]))
        )
    ]
);
