//! BrokerHeartbeat (63), versions 0-2: a broker says that it lives (KIP-631).
//!
//! v1 names directories that failed (KIP-858), v2 those that take no new replicas (KIP-1066). The answer is the state that
//! the controller wants the broker in. A controller remembers which connection a broker's heartbeats come by: when it
//! ends, the broker is looked after at once.

use std::sync::Arc;

use chronik_state::cluster::Heartbeat;
use chronik_types::{BrokerEpoch, NodeId, Offset};
use chronik_wire::broker_heartbeat::BrokerHeartbeatRequest;
use chronik_wire::messages::BrokerHeartbeatResponse;

use crate::connection::Client;
use crate::forward::ForController;
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    client: Arc<Client>,
    request: BrokerHeartbeatRequest,
) -> BrokerHeartbeatResponse {
    let who = (NodeId(request.broker_id), BrokerEpoch(request.broker_epoch));
    let response = request.decide(node).await;
    if response.error_code == 0 {
        client.heard_heartbeat(who);
    }
    response
}

impl ForController for BrokerHeartbeatRequest {
    async fn decide(self, node: Arc<Node>) -> BrokerHeartbeatResponse {
        let command = Heartbeat {
            id: NodeId(self.broker_id),
            epoch: BrokerEpoch(self.broker_epoch),
            metadata_offset: Offset(self.current_metadata_offset),
            want_fence: self.want_fence,
            want_shut_down: self.want_shut_down,
            offline_log_dirs: self.offline_log_dirs,
            cordoned_log_dirs: self.cordoned_log_dirs,
            shutdown_is_known: false,
        };
        let response = BrokerHeartbeatResponse::default();
        match node.quorum().heartbeat(command).await {
            Ok(Ok(status)) => response
                .with_is_caught_up(status.is_caught_up)
                .with_is_fenced(status.is_fenced)
                .with_should_shut_down(status.should_shut_down),
            Ok(Err(refused)) => response.with_error_code(refused.code.code()),
            Err(code) => response.with_error_code(code.code()),
        }
    }
}
