//! The transaction index (`.txnindex`): aborted transactions, in the order of their markers; Kafka's `TransactionIndex`.
//!
//! ```text
//! 0 version i16 (0) | 2 producer id i64 | 10 first offset i64 | 18 last offset i64 | 26 last stable offset i64
//! ```

use chronik_types::{Offset, ProducerId};

/// Size of an entry in bytes.
pub(crate) const ENTRY_LEN: usize = 34;

/// A transaction that was aborted (`AbortedTxn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTxn {
    /// Whose.
    pub producer_id: ProducerId,
    /// Its first record.
    pub first_offset: Offset,
    /// Its marker.
    pub last_offset: Offset,
    /// The last stable offset when the marker was appended: no transaction that begins below it is open any more.
    pub last_stable_offset: Offset,
}
