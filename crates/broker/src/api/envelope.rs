//! Envelope (58), version 0: a client's request, brought by the broker that it was sent to (KIP-590).
//!
//! What is inside is served as if the client had come itself; the answer goes back with its own header. A controller that
//! does not control, or that ceased to before the answer was certain, answers NOT_CONTROLLER for the whole envelope, and
//! the broker asks the next one. What may not be forwarded is INVALID_REQUEST.

use std::sync::Arc;

use bytes::Bytes;
use chronik_types::ErrorCode;
use chronik_wire::messages::{EnvelopeRequest, EnvelopeResponse};
use chronik_wire::{Chunk, RequestHeader, decode_request, encode_response};

use super::{Reply, Started};
use crate::connection::Client;
use crate::forward;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    request: EnvelopeRequest,
) -> EnvelopeResponse {
    match open(&node, &client, request.request_data).await {
        Ok(answer) => EnvelopeResponse::default().with_response_data(Some(answer)),
        Err(code) => EnvelopeResponse::default().with_error_code(code.code()).with_response_data(None),
    }
}

async fn open(node: &Arc<Node>, client: &Arc<Client>, frame: Bytes) -> Result<Bytes, ErrorCode> {
    let (header, body) = RequestHeader::parse(frame).map_err(|_| ErrorCode::InvalidRequest)?;
    if !forward::is_forwardable(header.api) {
        return Err(ErrorCode::InvalidRequest);
    }
    let request = decode_request(&header, body).map_err(|_| ErrorCode::InvalidRequest)?;
    if !node.quorum().is_controlling() {
        return Err(ErrorCode::NotController);
    }
    let reply = match super::start(node, client, &header, request) {
        Started::Done(reply) => reply,
        Started::Parked(future) => future.await,
    };
    let Reply::Response(response) = reply else { return Err(ErrorCode::UnknownServerError) };
    if forward::is_not_controller(&response) {
        return Err(ErrorCode::NotController);
    }
    let frame = encode_response(&header, response).map_err(|error| {
        tracing::error!(api = header.api.name(), %error, "an answer in an envelope cannot be written");
        ErrorCode::UnknownServerError
    })?;
    let mut whole = Vec::new();
    for chunk in frame.chunks {
        match chunk {
            Chunk::Bytes(bytes) => whole.extend_from_slice(&bytes),
            Chunk::File { .. } => unreachable!("the controller answers with bytes"),
        }
    }
    // The answer inside has no size of its own.
    Ok(Bytes::from(whole).slice(4..))
}
