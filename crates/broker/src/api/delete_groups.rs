//! DeleteGroups (42), versions 0-2.
//!
//! Deletes groups without members, and their offsets (KIP-229). v2 is flexible.

use std::sync::Arc;

use chronik_state::groups::{Reply, Request};
use chronik_wire::messages::delete_groups_response::DeletableGroupResult;
use chronik_wire::messages::{DeleteGroupsRequest, DeleteGroupsResponse};
use futures_util::future::join_all;

use super::groups::name;
use crate::connection::Client;
use crate::groups::reply;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    let asked = request.groups_names.iter().map(|group| {
        let deleted = node.ask_group(&client, Request::DeleteGroup(name(group)));
        async {
            let (Ok(code) | Err(code)) = reply!(deleted.await, DeleteGroup);
            DeletableGroupResult::default().with_group_id(group.clone()).with_error_code(code.code())
        }
    });
    DeleteGroupsResponse::default().with_results(join_all(asked).await)
}
