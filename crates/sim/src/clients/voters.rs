//! An operator who changes the voters (KIP-853): a voter is removed, a controller that only observes becomes one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chronik_types::ErrorCode;
use chronik_wire::add_raft_voter::AddRaftVoterRequest;
use kafka_protocol::messages::RemoveRaftVoterRequest;
use kafka_protocol::messages::add_raft_voter_request::Listener;
use kafka_protocol::protocol::StrBytes;

use super::Clients;
use crate::client::{Lost, Session};
use crate::plan::{self, CLUSTER_ID, CONTROLLER_PORT, NodePlan};
use crate::world::CLIENTS;

const TIMEOUT_MS: i32 = 2_000;

impl Clients {
    /// Changes the voters now and then until told to stop; counts what was acknowledged.
    pub async fn change_voters(self, controllers: Vec<NodePlan>, changes: Arc<AtomicU64>) {
        while !self.is_stopping() {
            let pause = self.world.duration(Duration::from_millis(300), Duration::from_secs(3));
            self.world.sleep(CLIENTS, pause).await;
            let Some(to) = self.world.pick(&self.controllers) else { return };
            let Some(target) = self.world.pick(&controllers) else { return };
            let Ok(mut session) = self.open(&to).await else { continue };
            let code = if self.world.chance(50) {
                add(&mut session, &target).await
            } else {
                remove(&mut session, &target).await
            };
            if let Ok(ErrorCode::None) = code {
                changes.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

async fn add(session: &mut Session, target: &NodePlan) -> Result<ErrorCode, Lost> {
    let listener = Listener::default()
        .with_name(StrBytes::from_static_str("CONTROLLER"))
        .with_host(StrBytes::from_string(plan::host(target.id).to_string()))
        .with_port(CONTROLLER_PORT);
    let request = AddRaftVoterRequest {
        cluster_id: Some(StrBytes::from_static_str(CLUSTER_ID)),
        timeout_ms: TIMEOUT_MS,
        voter_id: target.id.0,
        voter_directory_id: target.directory,
        listeners: vec![listener],
        ack_when_committed: true,
    };
    let response = session.call(1, &request).await?;
    Ok(ErrorCode::from_code(response.error_code))
}

async fn remove(session: &mut Session, target: &NodePlan) -> Result<ErrorCode, Lost> {
    let request = RemoveRaftVoterRequest::default()
        .with_cluster_id(Some(StrBytes::from_static_str(CLUSTER_ID)))
        .with_voter_id(target.id.0)
        .with_voter_directory_id(target.directory);
    let response = session.call(0, &request).await?;
    Ok(ErrorCode::from_code(response.error_code))
}
