//! The small text files beside the logs: Kafka's checkpoints, `partition.metadata`, `meta.properties`.
//!
//! Here is only the text; [`crate::disk::replace_file`] writes it.

mod clean_shutdown;
mod epochs;
mod offsets;
mod partition_metadata;
mod properties;

pub use properties::MetaProperties;
