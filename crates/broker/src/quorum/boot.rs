//! Bringing the quorum up: what the metadata log and its latest snapshot hold, before the raft machine starts.
//!
//! The snapshot gives the image a beginning; the log is walked once for its epochs and control records, which the raft
//! machine mirrors. Nothing of the log is applied here: what is committed is for raft to say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chronik_log::batch::BatchIter;
use chronik_log::{Files, Log, LogError, LogOptions, Open};
use chronik_raft::{ControlRecord, EpochStart, LogState, Options as RaftOptions, SnapshotId};
use chronik_state::cluster::ClusterState;
use chronik_state::config::MetadataLogConfig;
use chronik_state::image::ImageBuilder;
use chronik_state::records::{Change, Name, Record};
use chronik_types::{LeaderEpoch, Millis, Offset, TopicId};

use super::committed::{Fault, READ_BYTES, control_records, for_each_record, read_batches};
use super::control::Terms;
use super::snapshots::{self, Content, Snapshots};
use super::store::{Store, corrupt};

/// What the quorum starts from.
pub(crate) struct Boot {
    pub(crate) files: Arc<Files>,
    /// `<metadata.log.dir>/__cluster_metadata-0`.
    pub(crate) dir: PathBuf,
    /// The last run ended cleanly.
    pub(crate) clean: bool,
    pub(crate) recovery_point: Offset,
    pub(crate) log: Arc<LogOptions>,
    pub(crate) snapshots: MetadataLogConfig,
    pub(crate) raft: RaftOptions,
    pub(crate) terms: Arc<Terms>,
    pub(crate) now: Millis,
}

pub(super) struct Booted {
    pub(super) log: Log,
    pub(super) store: Store,
    pub(super) options: RaftOptions,
    pub(super) raft: chronik_raft::Boot,
    pub(super) builder: ImageBuilder,
    pub(super) snapshots: Snapshots,
}

pub(super) fn load(boot: Boot) -> Result<Booted, LogError> {
    let mut store = Store::new(Arc::clone(&boot.files), boot.dir.clone(), boot.raft.node_id);
    let mut found = Found::default();
    let mut builder = ImageBuilder::new(ClusterState::default(), Offset::ZERO, LeaderEpoch(0));
    if let Some((id, path, bytes)) = store.load_latest()? {
        let content = snapshots::parse(&path, &bytes)?;
        builder = snapshots::image_of(&content, id);
        found.note_snapshot(id, content);
    }
    let open = Open {
        dir: boot.dir.clone(),
        topic_id: TopicId::METADATA,
        options: boot.log,
        start_offset: Offset::ZERO,
        recovery_point: boot.recovery_point,
        cleaned_to: None,
        clean: boot.clean,
        rewrite: true,
        now: boot.now,
    };
    let (mut log, recovery) = Log::open(&boot.files, open)?;
    for cut in &recovery.cuts {
        tracing::warn!(path = %cut.path.display(), offset = %cut.offset, bytes = cut.bytes, reason = %cut.reason,
            "recovery cut the metadata log");
    }
    if let Some(snapshot) = found.state.snapshot {
        if log.end_offset() < snapshot.offset {
            log.truncate_fully_and_start_at(snapshot.offset, boot.now)?;
        } else if log.start_offset() > Offset::ZERO {
            // Its head was removed. Where exactly it was to begin is not written down, but a snapshot covers it.
            log.delete_records(snapshot.offset);
        }
    }
    found.walk(&log)?;
    let store = store.with_bootstrap_features(bootstrap_features(&boot.files, &boot.dir)?);
    let raft = chronik_raft::Boot { quorum_state: store.read_quorum_state()?, log: found.state };
    let snapshots = Snapshots::new(boot.snapshots);
    Ok(Booted { log, store, options: boot.raft, raft, builder, snapshots })
}

#[derive(Default)]
struct Found {
    state: LogState,
}

impl Found {
    fn note_snapshot(&mut self, id: SnapshotId, content: Content) {
        let last = Offset(id.offset.0 - 1);
        self.state.kraft_versions.extend(content.kraft_version.map(|version| (last, version)));
        self.state.voter_sets.extend(content.voters.map(|voters| (last, voters)));
        self.state.snapshot = Some(id);
        self.state.start_epoch = id.epoch;
    }

    fn walk(&mut self, log: &Log) -> Result<(), LogError> {
        self.state.start = log.start_offset();
        self.state.end = log.end_offset();
        let mut at = log.start_offset();
        while at < log.end_offset() {
            let bytes = read_batches(log, at, log.end_offset(), READ_BYTES)?;
            for batch in BatchIter::new(&bytes) {
                let batch = batch.map_err(|error| corrupt(log.dir(), &error))?;
                let header = batch.header();
                if self.state.epochs.last().is_none_or(|last| last.epoch < header.leader_epoch()) {
                    let start_offset = header.base_offset();
                    self.state.epochs.push(EpochStart { epoch: header.leader_epoch(), start_offset });
                }
                if header.is_control() {
                    control_records(batch, |offset, key, value| self.note_control(offset, key, value))
                        .map_err(|error| corrupt(log.dir(), &error))?;
                }
                at = header.next_offset();
            }
        }
        Ok(())
    }

    fn note_control(&mut self, offset: Offset, key: &[u8], value: &[u8]) {
        match ControlRecord::decode(key, value) {
            Ok(Some(ControlRecord::KRaftVersion(version))) => {
                self.state.kraft_versions.push((offset, version));
            }
            Ok(Some(ControlRecord::Voters(voters))) => self.state.voter_sets.push((offset, voters)),
            _ => {}
        }
    }
}

/// The feature levels that the formatter left in `bootstrap.checkpoint` for the first leader.
fn bootstrap_features(files: &Files, dir: &Path) -> Result<Vec<(Name, i16)>, LogError> {
    let path = dir.with_file_name("bootstrap.checkpoint");
    let disk = files.disk();
    if !disk.exists(&path).map_err(|error| super::store::io("look for", &path, error))? {
        return Ok(Vec::new());
    }
    let bytes = chronik_log::disk::read_file(&**disk, &path);
    let bytes = bytes.map_err(|error| super::store::io("read", &path, error))?;
    let mut features = Vec::new();
    for batch in BatchIter::new(&bytes) {
        let batch = batch.map_err(|error| corrupt(&path, &error))?;
        for_each_record(batch, |_, value| {
            let change = Change::decode(&value).map_err(|error| corrupt(&path, &error))?;
            if let Record::FeatureLevel(record) = change.record {
                features.push((record.name, record.feature_level));
            }
            Ok(())
        })
        .map_err(|fault: Fault| fault.at(&path))?;
    }
    Ok(features)
}
