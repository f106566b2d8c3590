//! The words that every crate shares: ids, offsets, epochs and error codes.
//!
//! This crate knows nothing else of ours and does nothing; it only names.

mod error_code;
mod ids;

pub use error_code::ErrorCode;
pub use ids::{
    BrokerEpoch, LeaderEpoch, Millis, NodeId, Offset, PartitionEpoch, PartitionIndex, ProducerEpoch,
    ProducerId, TopicId, TopicPartition, uuid_from_text, uuid_to_text,
};
