//! UnregisterBroker (64), version 0: a broker leaves the cluster for good (KIP-500).
//!
//! The controller decides; the answer comes when it is committed. A broker that is not registered is
//! BROKER_ID_NOT_REGISTERED.

use std::sync::Arc;

use chronik_state::cluster::{Refused, UnregisterBroker};
use chronik_types::NodeId;
use chronik_wire::messages::{UnregisterBrokerRequest, UnregisterBrokerResponse};

use super::topics::outcome;
use crate::node::Node;

pub(super) async fn handle(node: Arc<Node>, request: UnregisterBrokerRequest) -> UnregisterBrokerResponse {
    let result = node.ask(UnregisterBroker { id: NodeId(request.broker_id.0) }).await;
    let (code, message) = outcome(&result.unwrap_or_else(|code| Err(Refused::code(code))));
    UnregisterBrokerResponse::default().with_error_code(code).with_error_message(message)
}
