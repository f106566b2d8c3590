//! Why a producer's batch is refused.

use chronik_types::{ErrorCode, Offset, ProducerEpoch, ProducerId};

/// A producer's batch that may not be appended. `Display` is a sentence for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    /// An older incarnation of the producer, or an older epoch's marker.
    #[error("producer epoch at offset {offset} is {given}, which is smaller than the last seen epoch {last}")]
    InvalidEpoch {
        /// Where its batch would have been.
        offset: Offset,
        /// The batch's epoch.
        given: ProducerEpoch,
        /// The newest epoch known.
        last: ProducerEpoch,
    },
    /// A gap in the sequence numbers, or a new epoch that does not begin with 0.
    #[error(
        "out of order sequence number for producer {producer_id} at offset {offset}: {given} (incoming seq. number), {last} (current end sequence number)"
    )]
    OutOfOrderSequence {
        /// Who.
        producer_id: ProducerId,
        /// Where its batch would have been.
        offset: Offset,
        /// The batch's first sequence number.
        given: i32,
        /// The last one appended, or -1.
        last: i32,
    },
    /// A batch outside of a transaction while the producer has one open.
    #[error("expected transactional write from producer {producer_id} at offset {offset}")]
    InvalidTxnState {
        /// Who.
        producer_id: ProducerId,
        /// Where its batch would have been.
        offset: Offset,
    },
    /// A marker of a coordinator that is no longer it.
    #[error("invalid coordinator epoch: {given} (zombie), {last} (current)")]
    CoordinatorFenced {
        /// The marker's coordinator epoch.
        given: i32,
        /// The newest one known.
        last: i32,
    },
}

impl ProducerError {
    /// What the client is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            ProducerError::InvalidEpoch { .. } => ErrorCode::InvalidProducerEpoch,
            ProducerError::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
            ProducerError::InvalidTxnState { .. } => ErrorCode::InvalidTxnState,
            ProducerError::CoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
        }
    }
}
