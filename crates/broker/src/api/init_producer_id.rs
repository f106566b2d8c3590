//! InitProducerId (22), versions 0-5.
//!
//! v2 is flexible, v3 lets a producer raise its own epoch (KIP-360), v5 is of transactions (KIP-890). Without a
//! transactional id the producer always gets a new id at epoch 0, as in Kafka. Transactions are not served: their
//! coordinator cannot be found (FindCoordinator says `UNSUPPORTED_VERSION`), and who asks here all the same is refused.

use std::sync::Arc;

use chronik_types::ErrorCode;
use chronik_wire::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use crate::node::Node;
use crate::producer_ids;

pub(super) async fn handle(node: Arc<Node>, request: InitProducerIdRequest) -> InitProducerIdResponse {
    let id = match &request.transactional_id {
        Some(id) if id.is_empty() => Err(ErrorCode::InvalidRequest),
        Some(_) => Err(ErrorCode::UnsupportedVersion),
        None => producer_ids::next(&node).await,
    };
    match id {
        Ok(id) => InitProducerIdResponse::default().with_producer_id(ProducerId(id.0)).with_producer_epoch(0),
        Err(code) => InitProducerIdResponse::default()
            .with_error_code(code.code())
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1),
    }
}
