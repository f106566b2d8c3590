//! Fetch (1), versions 4-18: a request decoder and a response writer of our own.
//!
//! Consumers and followers live in this API, so the request is decoded without the pre-check's second walk and
//! the response never copies record bytes ([`crate::out`]).
//!
//! v5 adds the log start offset, v7 sessions (KIP-227), v9 the leader epoch (KIP-320), v11 the rack and the
//! preferred read replica (KIP-392), v12 is flexible and adds the last fetched epoch, diverging epoch, current
//! leader and snapshot id (KIP-595), v13 names topics by id (KIP-516), v15 moves the replica into a tagged field
//! with its epoch (KIP-903), v16 adds node endpoints (KIP-951), v17 the replica's directory id (KIP-853), v18 the
//! follower's high watermark (KIP-1166).

mod request;
mod response;

pub use request::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic, IsolationLevel};
pub use response::{
    AbortedTransaction, FetchResponse, FetchedPartition, FetchedTopic, NodeEndpoint, Records,
};
