//! ListGroups (16), versions 0-5.
//!
//! v3 is flexible, v4 adds states and may filter by them (KIP-518), v5 does so with types (KIP-848). Each broker lists the
//! groups that it coordinates; while one of its shards is being loaded, the answer is `COORDINATOR_LOAD_IN_PROGRESS`.

use std::sync::Arc;

use chronik_state::groups::{ListGroups, Reply, Request};
use chronik_types::ErrorCode;
use chronik_wire::messages::list_groups_response::ListedGroup;
use chronik_wire::messages::{ListGroupsRequest, ListGroupsResponse};
use futures_util::future::join_all;

use super::groups::{group_id, name};
use super::topics::text;
use crate::connection::Client;
use crate::groups::reply;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    version: i16,
    request: ListGroupsRequest,
) -> ListGroupsResponse {
    let asked = ListGroups {
        states: request.states_filter.iter().map(|state| name(state)).collect(),
        types: request.types_filter.iter().map(|kind| name(kind)).collect(),
    };
    let shards = node.ask_every_shard(&client, &Request::ListGroups(asked));
    let mut groups = Vec::new();
    for answered in join_all(shards).await {
        match reply!(answered, ListGroups) {
            Ok(listed) => groups.extend(listed),
            // The groups have moved to another broker, which will list them.
            Err(ErrorCode::NotCoordinator) => {}
            Err(code) => return ListGroupsResponse::default().with_error_code(code.code()),
        }
    }
    let groups = groups.iter().map(|group| {
        let listed = ListedGroup::default()
            .with_group_id(group_id(&group.group_id))
            .with_protocol_type(text(&group.protocol_type));
        let listed = if version >= 4 { listed.with_group_state(text(group.state)) } else { listed };
        if version >= 5 { listed.with_group_type(text(group.kind)) } else { listed }
    });
    ListGroupsResponse::default().with_groups(groups.collect())
}
