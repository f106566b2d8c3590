//! One node: everything that outlives a connection, and the order in which it comes up and goes down.
//!
//! Up: the directories are formatted if they are empty, locked and scanned; the quorum starts; partitions follow from
//! the image; the broker registers and is unfenced. Only then may clients be let in. Down: partitions are closed
//! cleanly, checkpoints written, and last of all the marker that says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use chronik_log::disk::Disk;
use chronik_log::{Files, LogError, LogOptions};
use chronik_raft::Options as RaftOptions;
use chronik_state::cluster::{
    Ask, Heartbeat, Options as ClusterOptions, Refused, RegisterBroker, RegisterController,
    SUPPORTED_FEATURES,
};
use chronik_state::config::{BrokerConfig, Endpoint, Layers, NodeConfig, Nothing, TopicConfig};
use chronik_state::image::MetadataImage;
use chronik_state::records::{EndpointRecord, FeatureRangeRecord};
use chronik_types::{BrokerEpoch, ErrorCode, NodeId, Offset, PartitionIndex, TopicId, TopicPartition};
use indexmap::IndexMap;
use uuid::Uuid;

use crate::chores;
use crate::data_dir::DataDir;
use crate::env::Env;
use crate::fetch_sessions::FetchSessions;
use crate::in_flight::InFlight;
use crate::metrics::Metrics;
use crate::partition::Partition;
use crate::partitions::Partitions;
use crate::producer_ids::ProducerIds;
use crate::quorum::{Asked, Boot, Quorum};
use crate::reconcile::{Dir, Reconcile, Unclaimed};
use crate::settings::Settings;
use crate::storage::{self, Storage, StorageError};

/// Bytes of requests in progress, where `queued.max.request.bytes` leaves it to the node.
const IN_FLIGHT_BYTES_MAX: usize = 256 << 20;

/// How often a node that starts looks whether there is a controller.
const CONTROLLER_POLL: Duration = Duration::from_millis(10);

/// What a node is started with.
pub struct Options {
    /// The typed configuration. Listeners with port 0 must have been given their real ports.
    pub config: NodeConfig,
    /// Everything that was configured, by key: the layer below dynamic configuration.
    pub file: BTreeMap<String, String>,
    /// Where its directories are.
    pub disk: Arc<dyn Disk>,
    /// How many idle files may stay open.
    pub open_files_max: usize,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The directories cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The quorum does not accept the node.
    #[error("the controller refused {what}: {reason}")]
    Refused {
        /// What was asked of it.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// The configuration asks for what cannot be served.
    #[error("{0}")]
    Config(String),
}

/// A node.
pub struct Node {
    pub(crate) env: Arc<dyn Env>,
    pub(crate) options: NodeConfig,
    pub(crate) file: Arc<BTreeMap<String, String>>,
    pub(crate) config: Arc<ArcSwap<BrokerConfig>>,
    pub(crate) cluster_id: Arc<str>,
    pub(crate) in_flight: InFlight,
    /// The node's counters.
    pub metrics: Arc<Metrics>,
    pub(crate) sessions: FetchSessions,
    pub(crate) partitions: Arc<Partitions>,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) dirs: Arc<Vec<Dir>>,
    pub(crate) metadata_dir: usize,
    /// The epoch of the last run, if it ended cleanly.
    previous_epoch: BrokerEpoch,
    broker_epoch: AtomicI64,
    quorum: Arc<Quorum>,
}

impl Node {
    /// Brings a node up. Clients may be let in once this is done.
    pub async fn start(env: Arc<dyn Env>, options: Options) -> Result<Arc<Node>, StartError> {
        let node = Node::boot(env, options)?;
        node.register().await?;
        chores::start(&node);
        Ok(node)
    }

    fn boot(env: Arc<dyn Env>, options: Options) -> Result<Arc<Node>, StartError> {
        if !(options.config.is_broker && options.config.is_controller) {
            return Err(StartError::Config(
                "process.roles must be broker,controller: separate roles are not served yet".to_owned(),
            ));
        }
        let files = Files::new(Arc::clone(&options.disk), options.open_files_max);
        let storage = storage::open(&files, &options.config, env.now(), &mut || env.random())?;
        let file = Arc::new(options.file.clone());
        let layers = Layers { broker: &Nothing, cluster: &Nothing, file: &*file };
        let config = Arc::new(ArcSwap::from_pointee(BrokerConfig::resolve(&layers)));
        let metrics = Arc::new(Metrics::new());
        let partitions = Arc::new(Partitions::default());
        let cluster_id = storage.cluster_id.clone();
        let metadata_dir = storage.metadata_dir;
        let (dirs, unclaimed, metadata) = scan(storage)?;
        let dirs = Arc::new(dirs);
        let expiration_ms = config.load().requests.producer_id_expiration_ms;
        let reconcile = Reconcile {
            env: Arc::clone(&env),
            node: options.config.node_id,
            file: Arc::clone(&file),
            config: Arc::clone(&config),
            metrics: Arc::clone(&metrics),
            partitions: Arc::clone(&partitions),
            dirs: Arc::clone(&dirs),
            unclaimed,
            settings: IndexMap::default(),
            plain: Settings::new(TopicConfig::resolve(&Nothing, &layers), expiration_ms),
            load: vec![0; dirs.len().min(options.config.log_dirs.len())],
        };
        let boot = boot_of_quorum(&*env, &files, &options, &dirs[metadata_dir], &cluster_id, &metadata);
        let mut reconcile = reconcile;
        let subscriber = Box::new(move |published: &_| reconcile.follow(published));
        let quorum = Quorum::start(Arc::clone(&env), boot, subscriber)?;
        let limits = config.load_full();
        let bytes_max =
            limits.network.queued_request_bytes_max.map_or(IN_FLIGHT_BYTES_MAX, |max| max as usize);
        Ok(Arc::new(Node {
            env,
            options: options.config,
            file,
            config,
            cluster_id: cluster_id.as_str().into(),
            in_flight: InFlight::new(bytes_max),
            metrics,
            sessions: FetchSessions::new(limits.requests.fetch_sessions_max as usize),
            partitions,
            producer_ids: ProducerIds::default(),
            dirs,
            metadata_dir,
            previous_epoch: metadata.broker_epoch,
            broker_epoch: AtomicI64::new(-1),
            quorum,
        }))
    }

    /// Introduces the node to the controller and asks to be unfenced.
    async fn register(&self) -> Result<(), StartError> {
        let incarnation = Uuid::from_u128(self.env.random());
        let listeners = &self.options.listeners;
        let controller = RegisterController {
            id: self.id(),
            incarnation,
            zk_migration_ready: false,
            endpoints: endpoints(&listeners.advertised_controller),
            features: supported_features(),
        };
        self.introduce("the controller's registration", controller).await?;
        let broker = RegisterBroker {
            id: self.id(),
            cluster_id: self.cluster_id.to_string(),
            incarnation,
            endpoints: endpoints(&listeners.advertised_broker),
            features: supported_features(),
            rack: self.options.rack.clone(),
            log_dirs: self.dirs.iter().map(|dir| dir.data.id).collect(),
            previous_epoch: self.previous_epoch,
            session_is_valid: false,
        };
        let epoch = self.introduce("the broker's registration", broker).await?;
        self.broker_epoch.store(epoch.0, Ordering::Release);
        let heartbeat = Heartbeat {
            id: self.id(),
            epoch,
            metadata_offset: Offset(self.image().end.0 - 1),
            want_fence: false,
            want_shut_down: false,
            offline_log_dirs: Vec::new(),
            cordoned_log_dirs: None,
            shutdown_is_known: false,
        };
        let status = self.introduce("the broker's heartbeat", heartbeat).await?;
        if status.is_fenced {
            return Err(StartError::Refused { what: "to unfence the broker", reason: format!("{status:?}") });
        }
        Ok(())
    }

    /// Asks what a node must be granted before it serves, waiting for a controller if there is none yet.
    async fn introduce<T, A>(&self, what: &'static str, command: A) -> Result<T, StartError>
    where
        A: Ask<Answer = Result<T, Refused>> + Clone,
    {
        let deadline = self.env.elapsed() + Duration::from_millis(self.options.registration_timeout_ms);
        loop {
            match self.quorum.ask(command.clone()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(refused)) => {
                    let reason = refused.message.unwrap_or_else(|| refused.code.to_string());
                    return Err(StartError::Refused { what, reason });
                }
                Err(code) if code.is_retriable() && self.env.elapsed() < deadline => {
                    self.env.sleep(CONTROLLER_POLL).await;
                }
                Err(code) => return Err(StartError::Refused { what, reason: code.to_string() }),
            }
        }
    }

    /// Closes everything cleanly: the next start has nothing to recover.
    pub fn stop(&self) {
        self.quorum.stop();
        let mut clean = vec![true; self.dirs.len()];
        let partitions = self.partitions.all();
        let mut recovery_points: Vec<Vec<(TopicPartition, Offset)>> = vec![Vec::new(); self.dirs.len()];
        chores::write_checkpoints(self);
        for partition in partitions {
            let Some(at) = self.dirs.iter().position(|dir| Arc::ptr_eq(&dir.data, &partition.dir)) else {
                continue;
            };
            match partition.close().map(chronik_log::Log::close) {
                None => {}
                Some(Ok(end)) => recovery_points[at].push((partition.name.clone(), end)),
                Some(Err(error)) => {
                    partition.dir.failed(&error);
                    clean[at] = false;
                }
            }
        }
        recovery_points[self.metadata_dir]
            .push((TopicPartition::new("__cluster_metadata", 0), self.quorum.recovery_point()));
        let epoch = BrokerEpoch(self.broker_epoch.load(Ordering::Acquire));
        for (at, dir) in self.dirs.iter().enumerate().filter(|(at, dir)| clean[*at] && !dir.data.is_offline())
        {
            let closed = dir.log_dir.write_recovery_points(recovery_points[at].drain(..));
            if let Err(error) = closed.and_then(|()| dir.log_dir.write_clean_shutdown(epoch)) {
                tracing::error!(dir = %dir.data.path.display(), %error, "clean shutdown could not be recorded");
            }
        }
    }

    /// The node's id.
    pub fn id(&self) -> NodeId {
        self.options.node_id
    }

    /// The cluster's id.
    pub fn cluster_id(&self) -> &Arc<str> {
        &self.cluster_id
    }

    /// The configuration of sockets and requests as it is now.
    pub fn config(&self) -> Arc<BrokerConfig> {
        self.config.load_full()
    }

    /// The metrics page, in Prometheus' text format.
    pub fn metrics_page(&self) -> String {
        self.metrics.fetch_sessions.set(self.sessions.len() as i64);
        self.metrics.page()
    }

    /// Whether every log directory works.
    pub fn is_healthy(&self) -> bool {
        self.dirs.iter().all(|dir| !dir.data.is_offline())
    }

    pub(crate) fn quorum(&self) -> &Arc<Quorum> {
        &self.quorum
    }

    /// The cluster as this node knows it.
    pub(crate) fn image(&self) -> Arc<MetadataImage> {
        self.quorum.image()
    }

    /// Asks the controller.
    pub(crate) fn ask<A: Ask>(&self, command: A) -> Asked<A> {
        self.quorum.ask(command)
    }

    /// The broker's registration.
    pub(crate) fn broker_epoch(&self) -> BrokerEpoch {
        BrokerEpoch(self.broker_epoch.load(Ordering::Acquire))
    }

    /// A partition that this broker leads, by topic id.
    ///
    /// Errors: `UNKNOWN_TOPIC_ID`, and those of [`Node::led_partition`].
    pub(crate) fn led_by_id(
        &self,
        image: &MetadataImage,
        id: TopicId,
        index: PartitionIndex,
    ) -> Result<Arc<Partition>, ErrorCode> {
        match self.partitions.get(id, index) {
            Some(partition) => Ok(partition),
            None if image.state.topic(id).is_none() => Err(ErrorCode::UnknownTopicId),
            None => Err(self.why_not_here(image, id, index)),
        }
    }

    /// A partition that this broker leads, by name.
    ///
    /// Errors: `UNKNOWN_TOPIC_OR_PARTITION`, `NOT_LEADER_OR_FOLLOWER`, `KAFKA_STORAGE_ERROR` if its log is offline.
    pub(crate) fn led_partition(
        &self,
        image: &MetadataImage,
        topic: &str,
        index: PartitionIndex,
    ) -> Result<Arc<Partition>, ErrorCode> {
        let id = image.state.topic_id(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        self.partitions.get(id, index).ok_or_else(|| self.why_not_here(image, id, index))
    }

    fn why_not_here(&self, image: &MetadataImage, id: TopicId, index: PartitionIndex) -> ErrorCode {
        let registered = image.state.topic(id).and_then(|topic| topic.partition(index));
        match registered {
            None => ErrorCode::UnknownTopicOrPartition,
            Some(partition) if partition.replicas.contains(&self.id()) => ErrorCode::KafkaStorageError,
            Some(_) => ErrorCode::NotLeaderOrFollower,
        }
    }
}

type Scanned = (Vec<Dir>, IndexMap<TopicPartition, Unclaimed, foldhash::fast::FixedState>, FoundMetadata);

/// What the checkpoints say about the metadata log.
struct FoundMetadata {
    clean: bool,
    recovery_point: Offset,
    broker_epoch: BrokerEpoch,
}

fn scan(storage: Storage) -> Result<Scanned, StartError> {
    let mut dirs = Vec::new();
    let mut unclaimed = IndexMap::default();
    let mut metadata =
        FoundMetadata { clean: false, recovery_point: Offset::ZERO, broker_epoch: BrokerEpoch(-1) };
    for (at, opened) in storage.dirs.into_iter().enumerate() {
        let found = opened.log_dir.scan()?;
        metadata.broker_epoch = metadata.broker_epoch.max(found.broker_epoch.unwrap_or(BrokerEpoch(-1)));
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
                };
                unclaimed.insert(log.topic_partition, found);
            }
        }
        for deleted in found.deleted {
            opened.log_dir.remove(&deleted)?;
        }
        let data = DataDir::new(opened.log_dir.path().to_owned(), opened.directory_id);
        dirs.push(Dir { log_dir: opened.log_dir, data, clean: found.clean });
    }
    Ok((dirs, unclaimed, metadata))
}

fn boot_of_quorum(
    env: &dyn Env,
    files: &Arc<Files>,
    options: &Options,
    dir: &Dir,
    cluster_id: &str,
    metadata: &FoundMetadata,
) -> Boot {
    let layers = Layers { broker: &Nothing, cluster: &Nothing, file: &options.file };
    let creation = BrokerConfig::resolve(&layers).topics;
    Boot {
        files: Arc::clone(files),
        dir: dir.log_dir.path().join(storage::METADATA_LOG),
        clean: metadata.clean,
        recovery_point: metadata.recovery_point,
        start_offset: Offset::ZERO,
        log: Arc::new(LogOptions { retention_ms: -1, ..LogOptions::default() }),
        raft: raft_options(env, &options.config, dir.data.id, cluster_id),
        cluster: ClusterOptions {
            cluster_id: cluster_id.to_owned(),
            num_partitions: creation.num_partitions as i32,
            default_replication_factor: creation.default_replication_factor as i16,
            file: options.file.clone(),
        },
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
    let listener = config.listeners.controller_names.first().cloned().unwrap_or_else(|| "CONTROLLER".into());
    let static_voters = quorum.voters.iter().map(|voter| (voter.id, voter.host.to_string(), voter.port));
    RaftOptions {
        static_voters: chronik_raft::VoterSet::of_static(&listener, static_voters),
        bootstrap_servers: quorum.bootstrap_servers.clone(),
        election_timeout: ms(quorum.election_timeout_ms),
        fetch_timeout: ms(quorum.fetch_timeout_ms),
        election_backoff_max: ms(quorum.election_backoff_max_ms),
        request_timeout: ms(quorum.request_timeout_ms),
        retry_backoff: ms(quorum.retry_backoff_ms),
        auto_join: quorum.auto_join,
        seed: env.random() as u64,
        ..RaftOptions::new(config.node_id, directory_id, cluster_id, endpoints)
    }
}

fn endpoints(listeners: &[Endpoint]) -> Vec<EndpointRecord> {
    let record = |endpoint: &Endpoint| EndpointRecord {
        name: endpoint.listener.clone(),
        host: endpoint.host.clone(),
        port: endpoint.port,
        security_protocol: endpoint.protocol.code(),
        ..EndpointRecord::default()
    };
    listeners.iter().map(record).collect()
}

fn supported_features() -> Vec<FeatureRangeRecord> {
    let record = |feature: &chronik_state::cluster::Feature| FeatureRangeRecord {
        name: feature.name.into(),
        min_supported_version: feature.min,
        max_supported_version: feature.max,
        ..FeatureRangeRecord::default()
    };
    SUPPORTED_FEATURES.iter().map(record).collect()
}
