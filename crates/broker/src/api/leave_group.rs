//! LeaveGroup (13), versions 0-5.
//!
//! v3 names several members, static ones among them (KIP-345), v4 is flexible, v5 adds reasons (KIP-800). Before v3 the
//! one member's error is the answer's.

use std::sync::Arc;

use chronik_state::groups::{LeaveGroup, LeavingMember, LeftGroup, Reply, Request};
use chronik_wire::messages::leave_group_response::MemberResponse;
use chronik_wire::messages::{LeaveGroupRequest, LeaveGroupResponse};

use super::groups::{name, nullable, nullable_text};
use super::topics::text;
use crate::connection::Client;
use crate::groups::reply;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    version: i16,
    request: LeaveGroupRequest,
) -> LeaveGroupResponse {
    let members = if version >= 3 {
        let leaving = request.members.iter().map(|member| LeavingMember {
            member_id: name(&member.member_id),
            instance_id: nullable(member.group_instance_id.as_ref()),
            reason: nullable(member.reason.as_ref()),
        });
        leaving.collect()
    } else {
        vec![LeavingMember { member_id: name(&request.member_id), instance_id: None, reason: None }]
    };
    let asked = LeaveGroup { group_id: name(&request.group_id), members };
    match reply!(node.ask_group(&client, Request::LeaveGroup(asked)).await, LeaveGroup) {
        Ok(left) => answer(version, &left),
        Err(code) => LeaveGroupResponse::default().with_error_code(code.code()),
    }
}

fn answer(version: i16, left: &LeftGroup) -> LeaveGroupResponse {
    if version < 3 {
        let of_member = left.members.first().map_or(left.error, |member| member.error);
        let code = if left.error.is_none() { of_member } else { left.error };
        return LeaveGroupResponse::default().with_error_code(code.code());
    }
    let members = left.members.iter().map(|member| {
        MemberResponse::default()
            .with_member_id(text(&member.member_id))
            .with_group_instance_id(nullable_text(member.instance_id.as_ref()))
            .with_error_code(member.error.code())
    });
    LeaveGroupResponse::default().with_error_code(left.error.code()).with_members(members.collect())
}
