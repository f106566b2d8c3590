//! Making this broker what the image says it is: partitions appear, change, take new settings, and go.
//!
//! Called with each new image, in order, under the quorum's lock, and once when the node has caught up with the cluster:
//! before that, nothing is opened and nothing removed. It is the only code that adds to or removes from the set of
//! partitions, and that gives them their roles. It decides nothing: what it does is a function of the image and of what is on disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use chronik_log::{Log, LogDir, LogError, Open};
use chronik_state::cluster::{ConfigResource, LOST_DIRECTORY, RESERVED_DIRECTORIES, ResourceKind, Topic};
use chronik_state::config::{BrokerConfig, Layers, Lookup, Nothing, TopicConfig};
use chronik_state::image::{MetadataImage, Published};
use chronik_types::{NodeId, Offset, PartitionIndex, TopicId, TopicPartition};
use foldhash::fast::FixedState;
use indexmap::IndexMap;
use uuid::Uuid;

use crate::absence::Absences;
use crate::data_dir::DataDir;
use crate::env::{Env, Urgency};
use crate::groups::{self, Groups};
use crate::metrics::Metrics;
use crate::partition::{Mandate, Partition};
use crate::partitions::Partitions;
use crate::replication::Replication;
use crate::settings::Settings;

/// A log directory with its lock held, and what the node knows of its health.
pub(crate) struct Dir {
    pub(crate) log_dir: LogDir,
    pub(crate) data: Arc<DataDir>,
    /// The last run ended cleanly.
    pub(crate) clean: bool,
    /// Logs that a run which did not end cleanly has left, and that nobody has opened since: until they are recovered, the
    /// directory cannot be called clean.
    pub(crate) unrecovered: AtomicUsize,
    /// Logs here were not opened for want of room: it is tried again ([`Reconcile::reopen`]).
    pub(crate) awaits_room: AtomicBool,
    /// Checkpoints are written one after the other.
    pub(crate) checkpointing: parking_lot::Mutex<Written>,
}

/// Checkpoints as they were written last.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) high_watermarks: Vec<(TopicPartition, Offset)>,
    pub(crate) cleaned: Vec<(TopicPartition, Offset)>,
}

impl Dir {
    /// One of the logs that were found is looked after, or gone.
    fn recovered(&self) {
        // Of a clean directory none is counted.
        let _ = self.unrecovered.try_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
    }
}

/// A log that was found at start and that no partition has claimed yet.
#[derive(Clone, Debug)]
pub(crate) struct Unclaimed {
    pub(crate) dir: usize,
    pub(crate) topic_id: Option<TopicId>,
    pub(crate) start_offset: Offset,
    pub(crate) recovery_point: Offset,
    pub(crate) high_watermark: Offset,
    pub(crate) cleaned_to: Option<Offset>,
}

/// A log that was found at start and could not be opened. (A new one needs nothing of the disk before its first batch.)
pub(crate) struct Unopened {
    found: Unclaimed,
    why: Shut,
}

/// Why a log is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shut {
    /// It is damaged, or its directory has failed.
    Offline,
    /// The disk is full.
    NoRoom,
}

/// What reconciling works on.
pub(crate) struct Reconcile {
    pub(crate) env: Arc<dyn Env>,
    pub(crate) node: NodeId,
    pub(crate) file: Arc<BTreeMap<String, String>>,
    pub(crate) config: Arc<ArcSwap<BrokerConfig>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) partitions: Arc<Partitions>,
    pub(crate) replication: Arc<Replication>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) absences: Arc<Absences>,
    pub(crate) dirs: Arc<Vec<Dir>>,
    pub(crate) unclaimed: IndexMap<TopicPartition, Unclaimed, FixedState>,
    /// Logs of this broker's partitions that could not be opened: the partitions are offline until there is room, if that was
    /// missing, else until the node starts again. An empty log in their place would cost its followers theirs.
    pub(crate) unopened: IndexMap<(TopicId, PartitionIndex), Unopened, FixedState>,
    pub(crate) settings: IndexMap<TopicId, Arc<Settings>, FixedState>,
    /// Of every topic without overrides.
    pub(crate) plain: Arc<Settings>,
    /// The last one that was followed.
    pub(crate) image: Option<Arc<MetadataImage>>,
    pub(crate) has_begun: bool,
    /// Partitions per log directory, to place new ones.
    pub(crate) load: Vec<usize>,
}

impl Reconcile {
    /// Follows the cluster from one image to the next. Before [`Reconcile::begin`] only the broker's own configuration is
    /// taken from it: an image of the past may hold topics that are gone, and lack those whose logs are here.
    pub(crate) fn follow(&mut self, published: &Published) {
        let (image, delta) = (&published.image, &published.delta);
        self.metrics.metadata_offset.set(image.end.0);
        let of_brokers = delta.configs.iter().any(|resource| resource.kind == ResourceKind::Broker);
        if of_brokers {
            self.reconfigure_broker(image);
        }
        self.image = Some(Arc::clone(image));
        if !self.has_begun {
            return;
        }
        for (&id, name) in &delta.topics_removed {
            if let Some(topic) = published.before.state.topic(id) {
                self.remove_topic(id, name, topic);
            }
        }
        for resource in delta.configs.iter().filter(|resource| resource.kind == ResourceKind::Topic) {
            if let Some(id) = image.state.topic_id(&resource.name) {
                self.reconfigure_topic(image, id);
            }
        }
        let mut topic: Option<&Arc<Topic>> = None;
        for &(id, index) in &delta.partitions {
            if topic.is_none_or(|topic| topic.id != id) {
                topic = image.state.topic(id);
            }
            if let Some(topic) = topic {
                self.place(image, topic, index);
            }
        }
        if !delta.brokers.is_empty() {
            self.note_brokers(image);
            self.absences.follow(published, self.env.elapsed());
        }
        self.metrics.partitions.set(self.partitions.len() as i64);
    }

    /// The image is as new as this node's registration: makes the broker what it says. Logs that the cluster does not
    /// know as this broker's are removed (`LogManager.isStrayReplica`).
    pub(crate) fn begin(&mut self) {
        self.has_begun = true;
        let Some(image) = self.image.clone() else { return };
        for topic in image.state.topics() {
            for &index in topic.partitions.keys() {
                self.place(&image, topic, index);
            }
        }
        for (name, found) in std::mem::take(&mut self.unclaimed) {
            match found.topic_id {
                Some(id) => {
                    tracing::info!(partition = %name, topic_id = %id, "removing a log that the cluster does not know as this broker's");
                    self.delete_files(found.dir, &name);
                    self.dirs[found.dir].recovered();
                }
                None => tracing::warn!(
                    partition = %name, dir = %self.dirs[found.dir].data.path.display(),
                    "a log of an unknown topic, without a topic id, is left alone: remove it if nobody needs it"
                ),
            }
        }
        self.metrics.partitions.set(self.partitions.len() as i64);
    }

    /// Tries once more to open what was not opened for want of room.
    pub(crate) fn reopen(&mut self) {
        for dir in self.dirs.iter() {
            dir.awaits_room.store(false, Ordering::Release);
        }
        let Some(image) = self.image.clone() else { return };
        let waiting = self.unopened.iter().filter(|(_, unopened)| unopened.why == Shut::NoRoom);
        let waiting: Vec<(TopicId, PartitionIndex)> = waiting.map(|(key, _)| *key).collect();
        for (id, index) in waiting {
            let Some(topic) = image.state.topic(id) else { continue };
            let unopened = self.unopened.swap_remove(&(id, index));
            if let Some(Unopened { found, .. }) = unopened {
                self.unclaimed.insert(TopicPartition { topic: topic.name.clone(), partition: index }, found);
            }
            self.place(&image, topic, index);
        }
        self.metrics.partitions.set(self.partitions.len() as i64);
    }

    fn note_brokers(&self, image: &MetadataImage) {
        let epoch =
            |id| image.state.broker(id).filter(|broker| broker.is_active()).map(|broker| broker.epoch);
        for partition in self.partitions.all() {
            partition.note_brokers(epoch);
        }
    }

    fn place(&mut self, image: &MetadataImage, topic: &Topic, index: PartitionIndex) {
        let Some(registered) = topic.partition(index) else { return };
        if !registered.replicas.contains(&self.node) {
            return self.remove(topic.id, &topic.name, index);
        }
        let existing = self.partitions.get(topic.id, index);
        let partition = existing.or_else(|| self.open(image, topic, index));
        self.say_where(image, topic, index, partition.as_deref());
        let Some(partition) = partition else { return };
        if registered.leader == self.node {
            let others = registered.replicas.iter().filter(|id| **id != self.node);
            let mandate = Mandate {
                leader_epoch: registered.leader_epoch,
                partition_epoch: registered.partition_epoch,
                isr: registered.isr.clone(),
                others: others.copied().collect(),
            };
            self.replication.release(topic.id, index);
            partition.lead(mandate, self.env.elapsed());
            // What was copied and is not on disk yet counts from here on.
            partition.sync(&*self.env);
            if *topic.name == *groups::topic::NAME {
                self.groups.leads(topic.id, index, registered.leader_epoch);
            }
            return;
        }
        if *topic.name == *groups::topic::NAME {
            self.groups.resigns(index);
        }
        if partition.follow(registered.leader, registered.leader_epoch, registered.partition_epoch) {
            let fetchers = self.config.load().replication.fetchers;
            self.replication.follow(&partition, registered.leader, registered.leader_epoch, fetchers);
        }
    }

    fn open(
        &mut self,
        image: &MetadataImage,
        topic: &Topic,
        index: PartitionIndex,
    ) -> Option<Arc<Partition>> {
        if self.unopened.contains_key(&(topic.id, index)) {
            return None;
        }
        let name = TopicPartition { topic: topic.name.clone(), partition: index };
        let settings = self.settings_of(image, topic);
        let claimed = self.claim(&name, topic.id);
        let assigned = topic.partition(index).and_then(|partition| partition.directory(self.node));
        let at = claimed.as_ref().map_or_else(|| self.directory_for(assigned), |found| Some(found.dir))?;
        let dir = &self.dirs[at];
        let open = Open {
            dir: dir.log_dir.log_path(&name),
            topic_id: topic.id,
            options: Arc::clone(&settings.log),
            start_offset: claimed.as_ref().map_or(Offset::ZERO, |found| found.start_offset),
            recovery_point: claimed.as_ref().map_or(Offset::ZERO, |found| found.recovery_point),
            cleaned_to: claimed.as_ref().and_then(|found| found.cleaned_to),
            clean: dir.clean,
            rewrite: settings.durable_first(),
            now: self.env.now(),
        };
        let log = match Self::open_log(&name, dir, open) {
            Ok(log) => log,
            Err(why) => {
                if let Some(found) = claimed {
                    dir.awaits_room.fetch_or(why == Shut::NoRoom, Ordering::AcqRel);
                    self.unopened.insert((topic.id, index), Unopened { found, why });
                }
                return None;
            }
        };
        if claimed.is_some() {
            dir.recovered();
        }
        let high_watermark = claimed.as_ref().map_or(Offset::ZERO, |found| found.high_watermark);
        if let Some(load) = self.load.get_mut(at) {
            *load += 1;
        }
        let metrics = Arc::clone(&self.metrics);
        let (data, log) = (Arc::clone(&dir.data), (log, high_watermark));
        let partition = Partition::new((name, topic.id), data, metrics, log, settings);
        self.partitions.insert(index, Arc::clone(&partition));
        Some(partition)
    }

    fn open_log(name: &TopicPartition, dir: &Dir, open: Open) -> Result<Log, Shut> {
        if dir.data.is_offline() {
            return Err(Shut::Offline);
        }
        match Log::open(dir.log_dir.files(), open) {
            Ok((log, recovery)) => {
                for cut in &recovery.cuts {
                    tracing::warn!(
                        partition = %name, path = %cut.path.display(), offset = %cut.offset, bytes = cut.bytes,
                        reason = %cut.reason, "recovery cut the log"
                    );
                }
                dir.data.has_room();
                Ok(log)
            }
            Err(error @ LogError::Corrupt { .. }) => {
                tracing::error!(partition = %name, %error, "log cannot be opened: its partition is offline");
                Err(Shut::Offline)
            }
            Err(error) => {
                dir.data.failed(&error);
                Err(if error.is_disk_full() { Shut::NoRoom } else { Shut::Offline })
            }
        }
    }

    /// The log on disk that belongs to this very partition. One of an older topic of that name is removed.
    fn claim(&mut self, name: &TopicPartition, id: TopicId) -> Option<Unclaimed> {
        let found = self.unclaimed.swap_remove(name)?;
        if let Some(other) = found.topic_id.filter(|other| *other != id) {
            tracing::info!(partition = %name, topic_id = %other, "removing the log of a topic of this name that is gone");
            self.delete_files(found.dir, name);
            self.dirs[found.dir].recovered();
            return None;
        }
        Some(found)
    }

    /// Has the controller know in which directory the replica is, if it believes something else. A log that is here and
    /// cannot be opened is in none, as long as others can lead.
    fn say_where(
        &self,
        image: &MetadataImage,
        topic: &Topic,
        index: PartitionIndex,
        here: Option<&Partition>,
    ) {
        let Some(registered) = topic.partition(index) else { return };
        let unopened =
            self.unopened.get(&(topic.id, index)).map(|unopened| &self.dirs[unopened.found.dir].data);
        let directory = match (here, unopened) {
            (Some(partition), _) => partition.dir.id,
            (None, Some(dir)) if dir.is_offline() => dir.id,
            (None, Some(_)) if registered.isr.iter().any(|id| *id != self.node) => LOST_DIRECTORY,
            _ => return,
        };
        let is_news = registered.directory(self.node).is_some_and(|known| known != directory);
        if is_news && image.state.metadata_version().has_directories() {
            self.replication.place(topic.id, index, directory);
        }
    }

    /// Where a replica without a log here begins: where the image says that it is, else in the directory with the fewest.
    /// `None`: its log may be in a directory that failed, and must not be begun anew in another
    /// (`Partition.createLogInAssignedDirectoryId`).
    fn directory_for(&self, assigned: Option<Uuid>) -> Option<usize> {
        let assigned = assigned.filter(|id| *id == LOST_DIRECTORY || *id >= RESERVED_DIRECTORIES);
        let Some(assigned) = assigned else { return self.least_loaded() };
        let ours = &self.dirs[..self.load.len()];
        match ours.iter().position(|dir| dir.data.id == assigned) {
            Some(at) => Some(at).filter(|&at| !ours[at].data.is_offline()),
            None if ours.iter().any(|dir| dir.data.is_offline()) => None,
            None => self.least_loaded(),
        }
    }

    fn least_loaded(&self) -> Option<usize> {
        // A directory for the metadata log alone takes no partitions: `load` ends before it.
        let good = (0..self.load.len()).filter(|&at| !self.dirs[at].data.is_offline());
        good.min_by_key(|&at| self.load[at])
    }

    fn remove_topic(&mut self, id: TopicId, name: &Arc<str>, topic: &Topic) {
        self.settings.swap_remove(&id);
        self.groups.topic_deleted(name);
        for &index in topic.partitions.keys() {
            self.remove(id, name, index);
        }
    }

    fn remove(&mut self, id: TopicId, name: &Arc<str>, index: PartitionIndex) {
        if let Some(Unopened { found, .. }) = self.unopened.swap_remove(&(id, index)) {
            self.delete_files(found.dir, &TopicPartition { topic: name.clone(), partition: index });
            self.dirs[found.dir].recovered();
        }
        let Some(partition) = self.partitions.remove(id, index) else { return };
        self.replication.release(id, index);
        if **name == *groups::topic::NAME {
            self.groups.resigns(index);
        }
        let Some(at) = self.dirs.iter().position(|dir| Arc::ptr_eq(&dir.data, &partition.dir)) else {
            return;
        };
        if let Some(load) = self.load.get_mut(at) {
            *load -= 1;
        }
        drop(partition.close());
        self.delete_files(at, &TopicPartition { topic: name.clone(), partition: index });
    }

    fn delete_files(&self, at: usize, name: &TopicPartition) {
        let dir = &self.dirs[at];
        let unique = uuid::Uuid::from_u128(self.env.random());
        match dir.log_dir.mark_deleted(name, unique) {
            Ok(None) => {}
            Ok(Some(path)) => {
                let dirs = Arc::clone(&self.dirs);
                let remove = move || {
                    if let Err(error) = dirs[at].log_dir.remove(&path) {
                        tracing::warn!(path = %path.display(), %error, "files of a deleted topic were not removed");
                    }
                };
                self.env.block(Urgency::Background, Box::new(remove));
            }
            Err(error) => dir.data.failed(&error),
        }
    }

    fn settings_of(&mut self, image: &MetadataImage, topic: &Topic) -> Arc<Settings> {
        if let Some(settings) = self.settings.get(&topic.id) {
            return Arc::clone(settings);
        }
        let Some(overrides) = image.state.config(&ConfigResource::topic(topic.name.clone())) else {
            return Arc::clone(&self.plain);
        };
        let settings = self.resolve(image, overrides);
        self.settings.insert(topic.id, Arc::clone(&settings));
        settings
    }

    fn resolve(&self, image: &MetadataImage, overrides: &dyn Lookup) -> Arc<Settings> {
        let topic =
            with_layers(image, self.node, &self.file, |layers| TopicConfig::resolve(overrides, layers));
        let settings = Settings::new(topic, self.config.load().requests.producer_id_expiration_ms);
        #[cfg(feature = "planted")]
        let settings = settings.with_fault(self.env.planted_fault());
        settings
    }

    fn reconfigure_topic(&mut self, image: &MetadataImage, id: TopicId) {
        self.settings.swap_remove(&id);
        let Some(topic) = image.state.topic(id) else { return };
        let settings = self.settings_of(image, topic);
        for &index in topic.partitions.keys() {
            if let Some(partition) = self.partitions.get(id, index) {
                partition.reconfigure(Arc::clone(&settings));
            }
        }
    }

    fn reconfigure_broker(&mut self, image: &MetadataImage) {
        let config = with_layers(image, self.node, &self.file, BrokerConfig::resolve);
        self.config.store(Arc::new(config));
        self.plain = self.resolve(image, &Nothing);
        let ids: Vec<TopicId> = image.state.topics().map(|topic| topic.id).collect();
        for id in ids {
            self.reconfigure_topic(image, id);
        }
    }
}

/// Calls `work` with where this broker's values come from: its own overrides, all brokers', the file.
pub(crate) fn with_layers<T>(
    image: &MetadataImage,
    node: NodeId,
    file: &BTreeMap<String, String>,
    work: impl FnOnce(&Layers<'_>) -> T,
) -> T {
    let broker = image.state.config(&ConfigResource::broker(node));
    let cluster = image.state.config(&ConfigResource::all_brokers());
    let broker: &dyn Lookup = broker.map_or(&Nothing, |overrides| overrides);
    let cluster: &dyn Lookup = cluster.map_or(&Nothing, |overrides| overrides);
    work(&Layers { broker, cluster, file })
}
