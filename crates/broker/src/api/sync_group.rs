//! SyncGroup (14), versions 0-5.
//!
//! v3 adds the group instance id (KIP-345), v4 is flexible, v5 the protocol's type and name, both of which it must have
//! (KIP-559). The answer comes when the leader has given the assignments.

use std::sync::Arc;

use chronik_state::groups::{Reply, Request, SyncGroup};
use chronik_types::ErrorCode;
use chronik_wire::messages::{SyncGroupRequest, SyncGroupResponse};

use super::groups::{kept, name, nullable, nullable_text};
use crate::connection::Client;
use crate::groups::reply;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    version: i16,
    request: SyncGroupRequest,
) -> SyncGroupResponse {
    if version >= 5 && (request.protocol_type.is_none() || request.protocol_name.is_none()) {
        return refused(ErrorCode::InconsistentGroupProtocol);
    }
    let assignments = request.assignments.iter().map(|each| (name(&each.member_id), kept(&each.assignment)));
    let asked = SyncGroup {
        group_id: name(&request.group_id),
        generation: request.generation_id,
        member_id: name(&request.member_id),
        instance_id: nullable(request.group_instance_id.as_ref()),
        protocol_type: nullable(request.protocol_type.as_ref()),
        protocol_name: nullable(request.protocol_name.as_ref()),
        assignments: assignments.collect(),
    };
    match reply!(node.ask_group(&client, Request::SyncGroup(asked)).await, SyncGroup) {
        Err(code) => refused(code),
        Ok(synced) => {
            let response = SyncGroupResponse::default()
                .with_error_code(synced.error.code())
                .with_assignment(synced.assignment);
            if version < 5 {
                return response;
            }
            response
                .with_protocol_type(nullable_text(synced.protocol_type.as_ref()))
                .with_protocol_name(nullable_text(synced.protocol_name.as_ref()))
        }
    }
}

fn refused(code: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse::default().with_error_code(code.code())
}
