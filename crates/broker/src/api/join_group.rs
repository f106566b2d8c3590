//! JoinGroup (11), versions 0-9.
//!
//! v1 adds the rebalance timeout, v4 tells a new member its id first (KIP-394), v5 adds the group instance id (KIP-345),
//! v6 is flexible, v7 answers with the protocol's type, v8 adds the reason (KIP-800), v9 lets a leader skip the assignment
//! (KIP-814). The answer comes when the rebalance has everyone, or its time is up.

use std::sync::Arc;

use chronik_state::groups::{JoinGroup, JoinedGroup, Reply, Request};
use chronik_types::ErrorCode;
use chronik_wire::RequestHeader;
use chronik_wire::messages::join_group_response::JoinGroupResponseMember;
use chronik_wire::messages::{JoinGroupRequest, JoinGroupResponse};
use uuid::Uuid;

use super::groups::{asker, kept, name, nullable, nullable_text};
use super::topics::text;
use crate::connection::Client;
use crate::groups::reply;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    header: RequestHeader,
    request: JoinGroupRequest,
) -> JoinGroupResponse {
    let version = header.version;
    let member_id = request.member_id.clone();
    let protocols = request.protocols.into_iter().map(|known| (name(&known.name), kept(&known.metadata)));
    let asked = JoinGroup {
        group_id: name(&request.group_id),
        member_id: name(&request.member_id),
        instance_id: nullable(request.group_instance_id.as_ref()),
        client: asker(&client, &header),
        protocol_type: name(&request.protocol_type),
        protocols: protocols.collect(),
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms: if version >= 1 {
            request.rebalance_timeout_ms
        } else {
            request.session_timeout_ms
        },
        reason: nullable(request.reason.as_ref()),
        requires_known_member_id: version >= 4,
        supports_skipping_assignment: version >= 9,
        fresh: Uuid::from_u128(node.env.random()),
    };
    match reply!(node.ask_group(&client, Request::JoinGroup(asked)).await, JoinGroup) {
        Ok(joined) => answer(version, joined),
        Err(code) => refused(version, code).with_member_id(member_id),
    }
}

fn refused(version: i16, code: ErrorCode) -> JoinGroupResponse {
    let empty = (version < 7).then(|| text(""));
    JoinGroupResponse::default().with_error_code(code.code()).with_generation_id(-1).with_protocol_name(empty)
}

fn answer(version: i16, joined: JoinedGroup) -> JoinGroupResponse {
    let members = joined.members.into_iter().map(|member| {
        let answer = JoinGroupResponseMember::default()
            .with_member_id(text(&member.member_id))
            .with_metadata(member.metadata);
        if version < 5 {
            return answer;
        }
        answer.with_group_instance_id(nullable_text(member.instance_id.as_ref()))
    });
    let protocol = nullable_text(joined.protocol_name.as_ref());
    let response = JoinGroupResponse::default()
        .with_error_code(joined.error.code())
        .with_generation_id(joined.generation)
        .with_protocol_name(if version < 7 { Some(protocol.unwrap_or_default()) } else { protocol })
        .with_leader(text(&joined.leader))
        .with_member_id(text(&joined.member_id))
        .with_members(members.collect());
    let response =
        if version >= 9 { response.with_skip_assignment(joined.skip_assignment) } else { response };
    if version < 7 {
        return response;
    }
    response.with_protocol_type(nullable_text(joined.protocol_type.as_ref()))
}
