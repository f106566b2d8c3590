//! Heartbeat (12), versions 0-4.
//!
//! v1 adds the throttle time, v3 the group instance id (KIP-345), v4 is flexible. A member of a group that is being
//! loaded is told that all is well, as in Kafka: it could not do better than to ask again.

use std::sync::Arc;

use chronik_state::groups::{Heartbeat, Reply, Request};
use chronik_types::ErrorCode;
use chronik_wire::messages::{HeartbeatRequest, HeartbeatResponse};

use super::groups::{name, nullable};
use crate::connection::Client;
use crate::groups::reply;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    request: HeartbeatRequest,
) -> HeartbeatResponse {
    let asked = Heartbeat {
        group_id: name(&request.group_id),
        generation: request.generation_id,
        member_id: name(&request.member_id),
        instance_id: nullable(request.group_instance_id.as_ref()),
    };
    let code = match reply!(node.ask_group(&client, Request::Heartbeat(asked)).await, Heartbeat) {
        Err(ErrorCode::CoordinatorLoadInProgress) => ErrorCode::None,
        Ok(code) | Err(code) => code,
    };
    HeartbeatResponse::default().with_error_code(code.code())
}
