//! FindCoordinator (10), versions 0-6.
//!
//! v1 adds the kind of key, v3 is flexible, v4 asks for several keys at once (KIP-699), v5 knows `TRANSACTION_ABORTABLE`,
//! v6 share groups. A group's coordinator is the leader of its partition of `__consumer_offsets`; the topic is created
//! when it is first asked for, and the request waits for that. Without a leader that lives, or without enough brokers
//! for the topic, the answer is `COORDINATOR_NOT_AVAILABLE`. Transactions are `UNSUPPORTED_VERSION`: producers take that
//! for final. Share groups, and kinds that do not exist, are `INVALID_REQUEST`, as in a Kafka where share groups are off.

use std::sync::Arc;

use chronik_types::ErrorCode;
use chronik_wire::StrBytes;
use chronik_wire::messages::find_coordinator_response::Coordinator;
use chronik_wire::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};

use super::topics::text;
use crate::connection::Client;
use crate::groups;
use crate::node::Node;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// Where a coordinator listens.
struct Found {
    id: i32,
    host: StrBytes,
    port: i32,
}

/// Why there is none.
struct Missing {
    code: ErrorCode,
    why: &'static str,
}

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    version: i16,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    let ready = prepare(&node, request.key_type).await;
    let find = |key: &StrBytes| match &ready {
        Ok(()) => find(&node, &client, key),
        Err(missing) => Err(Missing { code: missing.code, why: missing.why }),
    };
    if version >= 4 {
        let found = request.coordinator_keys.iter().map(|key| coordinator(key.clone(), find(key), ""));
        return FindCoordinatorResponse::default().with_coordinators(found.collect());
    }
    let one = coordinator(request.key.clone(), find(&request.key), "NONE");
    let response = FindCoordinatorResponse::default()
        .with_error_code(one.error_code)
        .with_node_id(one.node_id)
        .with_host(one.host)
        .with_port(one.port);
    if version >= 1 { response.with_error_message(one.error_message) } else { response }
}

async fn prepare(node: &Arc<Node>, kind: i8) -> Result<(), Missing> {
    match kind {
        GROUP => groups::topic::ensure(node).await.map_err(|code| Missing { code, why: UNAVAILABLE }),
        TRANSACTION => Err(Missing {
            code: ErrorCode::UnsupportedVersion,
            why: "Transactions are not built in this version of Chronik.",
        }),
        _ => {
            Err(Missing { code: ErrorCode::InvalidRequest, why: "Coordinators of this kind are not served." })
        }
    }
}

const UNAVAILABLE: &str = "The coordinator is not available.";

fn find(node: &Node, client: &Client, group: &str) -> Result<Found, Missing> {
    let image = node.image();
    let unavailable = || Missing { code: ErrorCode::CoordinatorNotAvailable, why: UNAVAILABLE };
    let leader = groups::topic::leader(&image.state, group).ok_or_else(unavailable)?;
    let broker = image.state.broker(leader).filter(|broker| broker.is_active()).ok_or_else(unavailable)?;
    let endpoint = broker.endpoint(&client.peer.listener_name).ok_or_else(unavailable)?;
    Ok(Found { id: leader.0, host: text(&endpoint.host), port: i32::from(endpoint.port) })
}

/// `no_error` is what Kafka says where there is no error: of one among several something else than of a single one.
fn coordinator(key: StrBytes, found: Result<Found, Missing>, no_error: &str) -> Coordinator {
    let answer = Coordinator::default().with_key(key);
    match found {
        Ok(found) => answer
            .with_node_id(BrokerId(found.id))
            .with_host(found.host)
            .with_port(found.port)
            .with_error_message(Some(text(no_error))),
        Err(missing) => answer
            .with_node_id(BrokerId(-1))
            .with_port(-1)
            .with_error_code(missing.code.code())
            .with_error_message(Some(text(missing.why))),
    }
}
