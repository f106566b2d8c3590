//! Before an empty directory becomes a voter's: has this voter been here before?
//!
//! A voter that lost its disk has lost votes that it gave and records that it acknowledged. If it came back empty and
//! voted, a majority could be made of voters that know less than what was committed. So a node that would format its
//! directory by itself first asks the other voters; one that they know has lost something, and does not start.

use std::sync::Arc;
use std::time::Duration;

use chronik_log::disk::Disk;
use chronik_state::config::NodeConfig;
use chronik_wire::messages::DescribeClusterRequest;

use crate::env::Env;
use crate::node::StartError;
use crate::peers::{Peers, Purpose};

/// How long another voter may take to answer; one that cannot be reached is not asked again.
const TIMEOUT: Duration = Duration::from_millis(500);
const CONTROLLERS: i8 = 2;

/// Asks the other static voters about a node that has no data.
///
/// # Errors
/// They know it, or are of another cluster.
pub async fn may_form(env: &Arc<dyn Env>, disk: &dyn Disk, config: &NodeConfig) -> Result<(), StartError> {
    let path = config.metadata_log_dir.join("meta.properties");
    if !config.is_controller || disk.exists(&path).unwrap_or(true) {
        return Ok(());
    }
    let others = config.quorum.voters.iter().filter(|voter| voter.id != config.node_id);
    let peers = Peers::new(Arc::clone(env), format!("chronik-{}", config.node_id), Arc::default());
    for voter in others {
        let channel = peers.channel(&voter.host, voter.port, Purpose::Lifecycle);
        let request = DescribeClusterRequest::default().with_endpoint_type(CONTROLLERS);
        let Ok(answer) = channel.ask(TIMEOUT, move |_| request).await else { continue };
        if answer.error_code != 0 {
            continue;
        }
        let at = format!("{}:{}", voter.host, voter.port);
        if let Some(configured) = config.cluster_id.as_deref().filter(|id| **id != *answer.cluster_id) {
            return Err(StartError::Admission(format!(
                "the controller at {at} (node {}) belongs to cluster {}, but cluster.id is {configured}: correct \
                 cluster.id or controller.quorum.voters",
                voter.id, &*answer.cluster_id
            )));
        }
        if answer.brokers.iter().any(|known| known.broker_id.0 == config.node_id.0) {
            return Err(StartError::Admission(format!(
                "{} is empty, but the controller at {at} knows node {} as a member of cluster {}: a voter that lost its \
                 disk must not vote, since it may have been one of those who held the latest committed metadata. If \
                 the directory is the wrong one, correct log.dirs or metadata.log.dir. If the disk is lost and the \
                 other voters are all intact, run `chronik format --cluster-id {}` on this node to let it start anew",
                config.metadata_log_dir.display(),
                config.node_id,
                &*answer.cluster_id,
                &*answer.cluster_id
            )));
        }
    }
    Ok(())
}
