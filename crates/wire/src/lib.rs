//! Kafka's bytes to and from typed requests, and the one table of APIs and versions.
//!
//! The way in: [`frame::Splitter`] cuts the connection's bytes into frames, [`header::RequestHeader::parse`]
//! takes the header off, [`api::decode_request`] turns the rest into an [`api::Request`]. The way out:
//! [`api::encode_response`] makes an [`out::Outgoing`] of an [`api::Response`], which the shell writes.
//! [`client`] is the same from the other side.
//!
//! Invariants: bytes from the network never panic here, and nothing allocates more than a small multiple of
//! the bytes that arrived (see [`precheck`]). This crate knows no behaviour: no clock, no state.

pub mod add_raft_voter;
pub mod api;
pub mod broker_heartbeat;
pub mod client;
pub mod error;
pub mod fetch;
pub mod frame;
pub mod header;
pub mod log_dirs;
pub mod offset_commit;
pub mod offset_fetch;
pub mod out;
pub mod precheck;
pub mod produce;
pub mod topic;

mod body;
mod own;
mod read;
mod schema;
mod write;

pub use api::{Api, ApiKey, Listener, Request, Response, decode_request, encode_response};
pub use error::{DecodeError, EncodeError};
pub use header::RequestHeader;
pub use kafka_protocol::messages;
pub use kafka_protocol::protocol::StrBytes;
pub use out::{Chunk, Outgoing};
pub use topic::TopicKey;
