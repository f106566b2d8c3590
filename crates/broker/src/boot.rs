//! What a node finds on its disks when it starts, and what its quorum is told of that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use chronik_log::{Files, LogOptions};
use chronik_raft::Options as RaftOptions;
use chronik_state::cluster::Options as ClusterOptions;
use chronik_state::config::{BrokerConfig, Layers, NodeConfig, Nothing};
use chronik_types::{BrokerEpoch, Offset, TopicPartition};
use indexmap::IndexMap;
use uuid::Uuid;

use crate::data_dir::DataDir;
use crate::env::Env;
use crate::node::{Options, StartError};
use crate::quorum::{Boot, Terms};
use crate::reconcile::{Dir, Unclaimed};
use crate::storage::{self, Storage};

type Scanned = (Vec<Dir>, IndexMap<TopicPartition, Unclaimed, foldhash::fast::FixedState>, FoundMetadata);

/// What the checkpoints say about the metadata log.
pub(crate) struct FoundMetadata {
    clean: bool,
    recovery_point: Offset,
    pub(crate) broker_epoch: BrokerEpoch,
}

/// Looks through the directories: logs to be claimed, and what was deleted and not yet removed. The first `broker_dirs` of
/// them are the broker's.
///
/// Errors: a directory cannot be read.
pub(crate) fn scan(storage: Storage, broker_dirs: usize) -> Result<Scanned, StartError> {
    let mut dirs = Vec::new();
    let mut unclaimed = IndexMap::default();
    let mut metadata =
        FoundMetadata { clean: false, recovery_point: Offset::ZERO, broker_epoch: BrokerEpoch(-1) };
    let mut epochs = Vec::new();
    for (at, opened) in storage.dirs.into_iter().enumerate() {
        let found = opened.log_dir.scan()?;
        let mut unrecovered = 0;
        epochs.push(found.broker_epoch);
        for log in found.logs {
            if &*log.topic_partition.topic == "__cluster_metadata" {
                metadata.clean = found.clean;
                metadata.recovery_point = log.recovery_point;
            } else if log.kind == chronik_log::DirKind::Current {
                let found = Unclaimed {
                    dir: at,
                    topic_id: log.topic_id,
                    start_offset: log.start_offset,
                    recovery_point: log.recovery_point,
                    high_watermark: log.high_watermark,
                    cleaned_to: log.cleaned_to,
                };
                unrecovered += 1;
                unclaimed.insert(log.topic_partition, found);
            }
        }
        for deleted in found.deleted {
            opened.log_dir.remove(&deleted)?;
        }
        let data = DataDir::new(
            opened.log_dir.path().to_owned(),
            opened.directory_id,
            opened.log_dir.files().disk(),
        );
        dirs.push(Dir {
            log_dir: opened.log_dir,
            data,
            clean: found.clean,
            unrecovered: AtomicUsize::new(if found.clean { 0 } else { unrecovered }),
            awaits_room: AtomicBool::new(false),
            checkpointing: parking_lot::Mutex::default(),
        });
    }
    epochs.truncate(broker_dirs);
    metadata.broker_epoch = last_epoch(&epochs);
    Ok((dirs, unclaimed, metadata))
}

/// The epoch of the last run if all directories agree that it ended cleanly, by which the controller knows that nothing was
/// lost; else -1 (`LogManager.readBrokerEpochFromCleanShutdownFiles`).
fn last_epoch(of_dirs: &[Option<BrokerEpoch>]) -> BrokerEpoch {
    let first = of_dirs.first().copied().flatten();
    first.filter(|_| of_dirs.iter().all(|epoch| *epoch == first)).unwrap_or(BrokerEpoch(-1))
}

/// What the quorum starts from.
pub(crate) fn of_quorum(
    env: &dyn Env,
    files: &Arc<Files>,
    options: &Options,
    dir: &Dir,
    cluster_id: &str,
    metadata: &FoundMetadata,
) -> Boot {
    let layers = Layers { broker: &Nothing, cluster: &Nothing, file: &options.file };
    let creation = BrokerConfig::resolve(&layers).topics;
    let config = &options.config;
    Boot {
        files: Arc::clone(files),
        dir: dir.log_dir.path().join(storage::METADATA_LOG),
        clean: metadata.clean,
        recovery_point: metadata.recovery_point,
        log: Arc::new(LogOptions {
            segment_bytes: config.quorum.log.segment_bytes,
            segment_ms: config.quorum.log.segment_ms,
            retention_ms: -1,
            ..LogOptions::default()
        }),
        snapshots: config.quorum.log.clone(),
        raft: raft_options(env, config, dir.data.id, cluster_id),
        terms: Arc::new(Terms {
            cluster: ClusterOptions {
                cluster_id: cluster_id.to_owned(),
                num_partitions: creation.num_partitions as i32,
                default_replication_factor: creation.default_replication_factor as i16,
                file: options.file.clone(),
            },
            session_timeout_ms: config.session_timeout_ms,
            is_combined: config.is_broker,
            inter_broker_listener: config.listeners.inter_broker.clone(),
            quorum_listener: quorum_listener(config),
            request_timeout: Duration::from_millis(config.quorum.request_timeout_ms),
            balance_interval: config.balance_interval_ms.map(Duration::from_millis),
            unclean_interval: Duration::from_millis(config.unclean_interval_ms),
        }),
        now: env.now(),
    }
}

fn raft_options(env: &dyn Env, config: &NodeConfig, directory_id: Uuid, cluster_id: &str) -> RaftOptions {
    let directory_id = chronik_raft::DirectoryId(directory_id);
    let endpoints = config.listeners.advertised_controller.iter().map(|endpoint| chronik_raft::Endpoint {
        listener: endpoint.listener.clone(),
        host: endpoint.host.clone(),
        port: endpoint.port,
    });
    let endpoints = chronik_raft::Endpoints(endpoints.collect());
    let ms = Duration::from_millis;
    let quorum = &config.quorum;
    let listener = quorum_listener(config);
    let static_voters = quorum.voters.iter().map(|voter| (voter.id, voter.host.to_string(), voter.port));
    RaftOptions {
        static_voters: chronik_raft::VoterSet::of_static(&quorum_listener(config), static_voters),
        bootstrap_servers: quorum.bootstrap_servers.clone(),
        election_timeout: ms(quorum.election_timeout_ms),
        fetch_timeout: ms(quorum.fetch_timeout_ms),
        election_backoff_max: ms(quorum.election_backoff_max_ms),
        request_timeout: ms(quorum.request_timeout_ms),
        retry_backoff: ms(quorum.retry_backoff_ms),
        fetch_max_bytes: quorum.fetch_bytes_max,
        snapshot_max_bytes: quorum.fetch_snapshot_bytes_max,
        auto_join: quorum.auto_join,
        can_vote: config.is_controller,
        listener,
        seed: env.random() as u64,
        ..RaftOptions::new(config.node_id, directory_id, cluster_id, endpoints)
    }
}

/// The listener that the quorum talks on: the first of `controller.listener.names`.
fn quorum_listener(config: &NodeConfig) -> Arc<str> {
    config.listeners.controller_names.first().cloned().unwrap_or_else(|| "CONTROLLER".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_run_ended_cleanly_if_every_directory_says_so() {
        let epoch = |of_dirs: &[Option<i64>]| {
            let of_dirs: Vec<_> = of_dirs.iter().map(|epoch| epoch.map(BrokerEpoch)).collect();
            last_epoch(&of_dirs).0
        };
        assert_eq!(epoch(&[Some(7)]), 7);
        assert_eq!(epoch(&[Some(7), Some(7)]), 7);
        assert_eq!(epoch(&[Some(7), None]), -1, "one was lost, or failed");
        assert_eq!(epoch(&[None, Some(7)]), -1);
        assert_eq!(epoch(&[Some(7), Some(9)]), -1, "one was not there in the last run");
        assert_eq!(epoch(&[]), -1);
    }
}
