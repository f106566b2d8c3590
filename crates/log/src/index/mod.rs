//! The index files of a segment.

mod txn;

pub use txn::AbortedTxn;
