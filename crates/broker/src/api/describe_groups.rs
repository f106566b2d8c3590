//! DescribeGroups (15), versions 0-6.
//!
//! v3 may ask what the client is allowed, v4 adds group instance ids (KIP-345), v5 is flexible, v6 says
//! `GROUP_ID_NOT_FOUND` of a group that is not there or not classic (KIP-1043); before, it is in state `Dead`.

use std::sync::Arc;

use chronik_state::groups::{DescribedGroup, Refused, Reply, Request};
use chronik_types::ErrorCode;
use chronik_wire::messages::describe_groups_response::{DescribedGroup as Answer, DescribedGroupMember};
use chronik_wire::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};
use futures_util::future::join_all;

use super::groups::{GROUP_OPERATIONS, NO_OPERATIONS, name, nullable_text, refusal};
use super::topics::text;
use crate::connection::Client;
use crate::groups::reply;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    version: i16,
    request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    let operations = if request.include_authorized_operations { GROUP_OPERATIONS } else { NO_OPERATIONS };
    let asked = request.groups.iter().map(|group| {
        let described = node.ask_group(&client, Request::DescribeGroup(name(group)));
        async { reply!(described.await, DescribeGroup).unwrap_or_else(|code| Err(Refused::from(code))) }
    });
    let described = join_all(asked).await;
    let groups = request.groups.iter().zip(described).map(|(group, described)| {
        let answer = answer(version, group.clone(), described);
        if version >= 3 && answer.error_code == 0 {
            answer.with_authorized_operations(operations)
        } else {
            answer
        }
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

fn answer(version: i16, group: GroupId, described: Result<DescribedGroup, Refused>) -> Answer {
    let answer = Answer::default().with_group_id(group);
    match described {
        Ok(group) => {
            let members = group.members.iter().map(|member| {
                let answer = DescribedGroupMember::default()
                    .with_member_id(text(&member.member_id))
                    .with_client_id(text(&member.client_id))
                    .with_client_host(text(&member.client_host))
                    .with_member_metadata(member.metadata.clone())
                    .with_member_assignment(member.assignment.clone());
                if version < 4 {
                    return answer;
                }
                answer.with_group_instance_id(nullable_text(member.instance_id.as_ref()))
            });
            answer
                .with_group_state(text(group.state))
                .with_protocol_type(text(&group.protocol_type))
                .with_protocol_data(text(&group.protocol))
                .with_members(members.collect())
        }
        Err(refused) if version < 6 && refused.code == ErrorCode::GroupIdNotFound => {
            answer.with_group_state(text("Dead"))
        }
        Err(refused) => {
            let (code, message) = refusal(&refused);
            let answer = answer.with_error_code(code);
            if version < 6 {
                return answer;
            }
            let dead = refused.code == ErrorCode::GroupIdNotFound;
            let answer = if dead { answer.with_group_state(text("Dead")) } else { answer };
            answer.with_error_message(message)
        }
    }
}
