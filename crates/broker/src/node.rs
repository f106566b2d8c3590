//! One node: everything that outlives a connection, and the order in which it comes up and goes down.
//!
//! Up: the directories are formatted if they are empty, locked and scanned; the quorum starts; partitions follow from
//! the image; the broker registers and is unfenced. Only then may clients be let in. Down: partitions are closed
//! cleanly, checkpoints written, and last of all the marker that says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use chronik_log::disk::Disk;
use chronik_log::{Files, LogError};
use chronik_state::cluster::Ask;
use chronik_state::config::{BrokerConfig, Layers, NodeConfig, Nothing, TopicConfig};
use chronik_state::image::MetadataImage;
use chronik_types::{BrokerEpoch, ErrorCode, NodeId, Offset, PartitionIndex, TopicId, TopicPartition};
use indexmap::IndexMap;
use uuid::Uuid;

use crate::absence::Absences;
use crate::boot;
use crate::change_feed;
use crate::chores;
use crate::cleaner::Cleaner;
use crate::critical::Critical;
use crate::env::Env;
use crate::fetch_sessions::FetchSessions;
use crate::groups::{self, Groups};
use crate::in_flight::InFlight;
use crate::lifecycle;
use crate::metrics::Metrics;
use crate::partition::Partition;
use crate::partitions::Partitions;
use crate::peers::Peers;
use crate::producer_ids::ProducerIds;
use crate::quorum::{Asked, Quorum};
use crate::reconcile::{Dir, Reconcile};
use crate::replication::{self, Replication};
use crate::roll_call::RollCall;
use crate::settings::Settings;
use crate::storage::{self, StorageError};

/// Bytes of requests in progress, where `queued.max.request.bytes` leaves it to the node.
const IN_FLIGHT_BYTES_MAX: usize = 256 << 20;

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
    /// The node is not what its cluster takes it for.
    #[error("{0}")]
    Admission(String),
    /// Nobody answered.
    #[error(
        "no controller answered within {waited_ms} ms (initial.broker.registration.timeout.ms); last: {last}. Is a \
         majority of the controllers running, and do controller.quorum.voters or controller.quorum.bootstrap.servers \
         name them?"
    )]
    NoController {
        /// How long was waited.
        waited_ms: u64,
        /// What the last attempt came to.
        last: String,
    },
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
    pub(crate) replication: Arc<Replication>,
    pub(crate) absences: Arc<Absences>,
    pub(crate) roll_call: RollCall,
    pub(crate) groups: Arc<Groups>,
    pub(crate) cleaner: Cleaner,
    /// Never locked by who may need the quorum: it is locked under the quorum's lock.
    reconcile: Arc<Critical<Reconcile>>,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) dirs: Arc<Vec<Dir>>,
    pub(crate) metadata_dir: usize,
    /// Held while recovery points move: one checkpoint of a log at a time.
    pub(crate) checkpoint_turn: parking_lot::Mutex<()>,
    /// The epoch of the last run, if it ended cleanly.
    pub(crate) previous_epoch: BrokerEpoch,
    /// Names this run of the node.
    pub(crate) incarnation: Uuid,
    broker_epoch: AtomicI64,
    /// Up to when, in ms of [`Env::elapsed`], the controller cannot have fenced this broker for its silence.
    unfenced_until: AtomicU64,
    pub(crate) peers: Arc<Peers>,
    quorum: Arc<Quorum>,
}

impl Node {
    /// Brings a node up, and into its cluster. Clients may be let in once this is done.
    ///
    /// # Errors
    /// As [`Node::boot`] and [`Node::join`].
    pub async fn start(env: Arc<dyn Env>, options: Options) -> Result<Arc<Node>, StartError> {
        let node = Node::boot(env, options)?;
        node.join().await?;
        Ok(node)
    }

    /// Opens the directories and starts this node's member of the quorum. The quorum's listeners are to be served from
    /// here on: other nodes may be waiting for this one.
    ///
    /// # Errors
    /// The directories or the metadata log cannot be used.
    pub fn boot(env: Arc<dyn Env>, options: Options) -> Result<Arc<Node>, StartError> {
        let files = Files::new(Arc::clone(&options.disk), options.open_files_max);
        let storage = storage::open(&files, &options.config, env.now(), &mut || env.random())?;
        let file = Arc::new(options.file.clone());
        let layers = Layers { broker: &Nothing, cluster: &Nothing, file: &*file };
        let config = Arc::new(ArcSwap::from_pointee(BrokerConfig::resolve(&layers)));
        let metrics = Arc::new(Metrics::new());
        let partitions = Arc::new(Partitions::default());
        let cluster_id = storage.cluster_id.clone();
        let metadata_dir = storage.metadata_dir;
        let (dirs, unclaimed, metadata) = boot::scan(storage, options.config.log_dirs.len())?;
        let dirs = Arc::new(dirs);
        let expiration_ms = config.load().requests.producer_id_expiration_ms;
        let replication = Arc::new(Replication::default());
        let groups = Arc::new(Groups::default());
        let absences = Arc::new(Absences::default());
        let reconcile = Reconcile {
            env: Arc::clone(&env),
            node: options.config.node_id,
            file: Arc::clone(&file),
            config: Arc::clone(&config),
            metrics: Arc::clone(&metrics),
            partitions: Arc::clone(&partitions),
            replication: Arc::clone(&replication),
            groups: Arc::clone(&groups),
            absences: Arc::clone(&absences),
            dirs: Arc::clone(&dirs),
            unclaimed,
            unopened: IndexMap::default(),
            settings: IndexMap::default(),
            plain: Settings::new(TopicConfig::resolve(&Nothing, &layers), expiration_ms),
            image: None,
            has_begun: false,
            load: vec![0; dirs.len().min(options.config.log_dirs.len())],
        };
        let of_quorum = boot::of_quorum(&*env, &files, &options, &dirs[metadata_dir], &cluster_id, &metadata);
        let name = format!("chronik-{}", options.config.node_id);
        let peers = Peers::new(Arc::clone(&env), name, Arc::clone(&absences));
        let reconcile = Arc::new(Critical::new(reconcile));
        let following = Arc::clone(&reconcile);
        let subscriber = Box::new(move |published: &_| following.lock().follow(published));
        let quorum = Quorum::start(Arc::clone(&env), Arc::clone(&peers), of_quorum, subscriber)?;
        let limits = config.load_full();
        let bytes_max =
            limits.network.queued_request_bytes_max.map_or(IN_FLIGHT_BYTES_MAX, |max| max as usize);
        let incarnation = Uuid::from_u128(env.random());
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
            replication,
            absences,
            roll_call: RollCall::default(),
            groups,
            cleaner: Cleaner::default(),
            reconcile,
            producer_ids: ProducerIds::default(),
            dirs,
            checkpoint_turn: parking_lot::Mutex::default(),
            metadata_dir,
            previous_epoch: metadata.broker_epoch,
            incarnation,
            broker_epoch: AtomicI64::new(-1),
            unfenced_until: AtomicU64::new(0),
            peers,
            quorum,
        }))
    }

    /// Takes the node into its cluster: it registers, catches up with the metadata, and is unfenced.
    ///
    /// # Errors
    /// The controller refuses the node, or none was found in time.
    pub async fn join(self: &Arc<Node>) -> Result<(), StartError> {
        lifecycle::join(self).await?;
        chores::start(self);
        if self.options.is_broker {
            change_feed::start(self);
            replication::start(self);
            groups::start(self);
        }
        Ok(())
    }

    /// Takes its leave of the cluster: partitions that others can lead are handed over, and a controller resigns. To be
    /// called before [`Node::stop`], while the listeners are still served.
    pub async fn leave(self: &Arc<Node>) {
        lifecycle::leave(self).await;
    }

    /// Closes everything cleanly: the next start has nothing to recover.
    pub fn stop(&self) {
        let mut clean = vec![true; self.dirs.len()];
        clean[self.metadata_dir] = self.quorum.stop();
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
        for (at, dir) in self.dirs.iter().enumerate() {
            // A node that stops before it has opened what a crash left must not vouch for it: the next start would trust
            // a torn tail.
            let is_clean = clean[at] && dir.unrecovered.load(Ordering::Acquire) == 0;
            if !is_clean || dir.data.is_offline() {
                continue;
            }
            let closed = dir.log_dir.write_recovery_points(recovery_points[at].drain(..));
            if let Err(error) = closed.and_then(|()| dir.log_dir.write_clean_shutdown(epoch)) {
                if error.is_disk_full() {
                    dir.data.failed(&error);
                    continue;
                }
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
        self.quorum.measure(&self.metrics);
        let image = self.image();
        let active = image.state.brokers().filter(|broker| broker.is_active()).count();
        let fenced = image.state.brokers().filter(|broker| broker.fenced).count();
        self.metrics.brokers_active.set(active as i64);
        self.metrics.brokers_fenced.set(fenced as i64);
        let (groups, left_out) = self.progress_of_groups();
        self.metrics.page(&groups, left_out)
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

    /// Asks the controller, if it is this node.
    pub(crate) fn ask<A: Ask>(&self, command: A) -> Asked<A> {
        self.quorum.ask(command)
    }

    /// The broker's registration.
    pub(crate) fn broker_epoch(&self) -> BrokerEpoch {
        BrokerEpoch(self.broker_epoch.load(Ordering::Acquire))
    }

    /// The directories that hold partitions; one for the metadata log alone is not among them.
    pub(crate) fn broker_dirs(&self) -> impl Iterator<Item = &Dir> {
        self.dirs.iter().take(self.options.log_dirs.len())
    }

    /// The image holds this broker's registration: its partitions may be opened and take their roles.
    pub(crate) fn begin_partitions(&self) {
        self.reconcile.lock().begin();
    }

    /// There may be room again for logs that could not be opened for want of it.
    pub(crate) fn reopen_partitions(&self) {
        self.reconcile.lock().reopen();
    }

    /// The broker was registered.
    pub(crate) fn set_broker_epoch(&self, epoch: BrokerEpoch) {
        self.broker_epoch.store(epoch.0, Ordering::Release);
    }

    /// The controller has heard what this broker sent at `sent`, and counts on it.
    pub(crate) fn heard_at(&self, sent: Duration) {
        let until = (sent.as_millis() as u64).saturating_add(self.options.session_timeout_ms);
        self.unfenced_until.fetch_max(until, Ordering::AcqRel);
    }

    /// Whether others may lead this broker's partitions by now, unknown to it: it was paused or cut off for so long.
    pub(crate) fn may_be_fenced(&self) -> bool {
        self.env.elapsed().as_millis() as u64 >= self.unfenced_until.load(Ordering::Acquire)
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
