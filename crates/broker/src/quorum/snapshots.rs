//! Snapshots of the metadata log (KIP-630): taken of the image in the background, served in pieces, and put in the log's
//! place when the leader's log no longer reaches back far enough.
//!
//! A snapshot is a file of batches: header, `kraft.version` and voters as control records, the state's records, a footer.
//! It is written beside its name, synced, and renamed. Once there are two, older ones and the log's head go as
//! `metadata.max.retention.bytes` and `.ms` say; what is removed from the log is always in a snapshot.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chronik_log::LogError;
use chronik_log::batch::BatchIter;
use chronik_raft::{
    ControlRecord, Event, SnapshotContext, SnapshotFooter, SnapshotHeader, SnapshotId, VoterSet,
};
use chronik_state::cluster::ClusterState;
use chronik_state::config::MetadataLogConfig;
use chronik_state::image::ImageBuilder;
use chronik_state::records::Change;
use chronik_types::Millis;

use super::committed::{control_records, for_each_record};
use super::store::corrupt;
use super::{Quorum, State};
use crate::env::Urgency;
use crate::snapshot_file::SnapshotFile;

/// What is known about snapshots that were or will be taken.
pub(super) struct Snapshots {
    pub(super) config: MetadataLogConfig,
    /// Bytes of records that were applied since the last one.
    pub(super) bytes_since: u64,
    /// The append time of the last record that was applied.
    pub(super) last_timestamp: Millis,
    last_at: Duration,
    is_busy: bool,
}

impl Snapshots {
    pub(super) fn new(config: MetadataLogConfig) -> Snapshots {
        Snapshots {
            config,
            bytes_since: 0,
            last_timestamp: Millis(0),
            last_at: Duration::ZERO,
            is_busy: false,
        }
    }

    fn is_due(&self, now: Duration) -> bool {
        let interval = Duration::from_millis(self.config.snapshot_interval_ms);
        let too_old = !interval.is_zero() && now.saturating_sub(self.last_at) >= interval;
        !self.is_busy && (self.bytes_since >= self.config.snapshot_bytes || (too_old && self.bytes_since > 0))
    }
}

/// What a snapshot holds.
pub(super) struct Content {
    pub(super) state: ClusterState,
    pub(super) kraft_version: Option<i16>,
    pub(super) voters: Option<VoterSet>,
}

/// Reads a snapshot; whole, or not at all.
///
/// Errors: it is damaged or incomplete.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Content, LogError> {
    let mut content = Content { state: ClusterState::default(), kraft_version: None, voters: None };
    let mut is_complete = false;
    for batch in BatchIter::new(bytes) {
        let batch = batch.and_then(|batch| batch.verify_crc().map(|()| batch));
        let batch = batch.map_err(|error| corrupt(path, &error))?;
        if batch.header().is_control() {
            control_records(batch, |_, key, value| match ControlRecord::decode(key, value) {
                Ok(Some(ControlRecord::KRaftVersion(version))) => content.kraft_version = Some(version),
                Ok(Some(ControlRecord::Voters(voters))) => content.voters = Some(voters),
                Ok(Some(ControlRecord::SnapshotFooter(_))) => is_complete = true,
                _ => {}
            })
            .map_err(|error| corrupt(path, &error))?;
        } else {
            for_each_record(batch, |_, value| {
                let change = Change::decode(&value).map_err(|error| corrupt(path, &error))?;
                content.state.apply(&change);
                Ok(())
            })
            .map_err(|fault| fault.at(path))?;
        }
    }
    if is_complete { Ok(content) } else { Err(corrupt(path, &"its end is missing")) }
}

/// The bytes of a snapshot.
fn encode(state: &ClusterState, context: &SnapshotContext, last_timestamp: Millis, now: Millis) -> Vec<u8> {
    let header = SnapshotHeader { last_contained_log_timestamp: last_timestamp.0 };
    let mut begin = vec![ControlRecord::SnapshotHeader(header)];
    if context.kraft_version > 0 {
        begin.push(ControlRecord::KRaftVersion(context.kraft_version));
    }
    begin.extend(context.voters.clone().map(ControlRecord::Voters));
    let mut file = SnapshotFile::new(context.id.epoch, now);
    file.control(&begin);
    file.changes(&state.snapshot());
    file.control(&[ControlRecord::SnapshotFooter(SnapshotFooter)]);
    file.bytes
}

impl Quorum {
    /// Takes a snapshot in the background if enough has changed since the last one.
    pub(super) fn maybe_snapshot(&self, state: &mut State) {
        let now = self.env.elapsed();
        if !state.snapshots.is_due(now) {
            return;
        }
        let image = Arc::clone(state.builder.image());
        let latest = state.store.latest_id();
        let Some(context) = state.raft.snapshot_context(image.end) else { return };
        if latest.is_some_and(|latest| context.id.offset <= latest.offset) {
            return;
        }
        state.snapshots.is_busy = true;
        state.snapshots.bytes_since = 0;
        state.snapshots.last_at = now;
        let last_timestamp = state.snapshots.last_timestamp;
        let store = state.store.clone();
        let (this, wall) = (self.this.clone(), self.env.now());
        let work = move || {
            let bytes = encode(&image.state, &context, last_timestamp, wall);
            let written = store.write_snapshot(context.id, &bytes);
            let Some(this) = this.upgrade() else { return };
            this.snapshot_taken(context.id, written);
        };
        self.env.block(Urgency::Background, Box::new(work));
    }

    fn snapshot_taken(&self, id: SnapshotId, written: Result<(), LogError>) {
        let mut state = self.state.lock();
        state.snapshots.is_busy = false;
        match written {
            Ok(()) => {
                tracing::debug!(end = %id.offset, epoch = %id.epoch, "took a snapshot of the metadata");
                state.store.note_snapshot(id);
                self.step(&mut state, Event::SnapshotTaken { id });
                self.tidy(&mut state);
                self.settle(state);
            }
            // The next one will be due again; nothing depends on it.
            Err(error) => tracing::warn!(%error, "a snapshot of the metadata was not written"),
        }
    }

    /// Removes old snapshots, and what of the log they replace.
    fn tidy(&self, state: &mut State) {
        let config = state.snapshots.config.clone();
        let done = state.store.remove_old_snapshots(&config, state.log.size_bytes(), self.env.now());
        let oldest = match done {
            Ok(Some(oldest)) => oldest,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "old snapshots of the metadata were not removed"),
        };
        if !state.log.delete_records(oldest.offset) {
            return;
        }
        self.step(state, Event::LogStartMoved { start: oldest.offset });
        match state.log.apply_retention(self.env.now(), oldest.offset) {
            Ok(None) => {}
            Ok(Some(job)) => self.env.block(
                Urgency::Background,
                Box::new(move || {
                    if let Err(error) = job.run() {
                        tracing::warn!(%error, "old segments of the metadata log were not removed");
                    }
                }),
            ),
            Err(error) => self.env.halt(&format!("metadata log's head cannot be removed: {error}")),
        }
    }

    /// Puts a fetched snapshot in the log's place.
    pub(super) fn install(&self, state: &mut State, id: SnapshotId) {
        let content = match state.store.read_fetched(id) {
            Ok((path, bytes)) => parse(&path, &bytes),
            Err(error) => return self.env.halt(&format!("a fetched snapshot cannot be read: {error}")),
        };
        let content = match content {
            Ok(content) => content,
            Err(error) => {
                tracing::warn!(%error, "a fetched snapshot is of no use: it is fetched again");
                return self.step(state, Event::SnapshotRejected { id });
            }
        };
        if let Err(error) = state.store.accept_fetched(id) {
            if error.is_disk_full() {
                // What a sync has refused is not known to be there: it is written again.
                tracing::warn!(%error, "a fetched snapshot has no room: it is fetched again");
                return self.step(state, Event::SnapshotRejected { id });
            }
            return self.env.halt(&format!("a fetched snapshot cannot be made durable: {error}"));
        }
        state.unappended.clear();
        if let Err(error) = state.log.truncate_fully_and_start_at(id.offset, self.env.now()) {
            return self.env.halt(&format!("metadata log cannot be emptied for a snapshot: {error}"));
        }
        tracing::info!(end = %id.offset, epoch = %id.epoch, "the metadata continues from the leader's snapshot");
        let published = state.builder.replace(content.state, id.offset, id.epoch);
        state.snapshots.bytes_since = 0;
        self.publish(state, &published);
        let (kraft_version, voters) = (content.kraft_version, content.voters);
        self.step(state, Event::SnapshotInstalled { id, kraft_version, voters });
    }

    /// A piece of a snapshot for whoever asks: its bytes, and the size of the whole.
    pub(super) fn read_piece(state: &State, id: SnapshotId, position: u64, max: usize) -> Piece {
        match state.store.read_piece(id, position, max) {
            Ok(piece) => piece,
            Err(error) => {
                tracing::error!(%error, "a snapshot cannot be read for a follower");
                Piece::NotFound
            }
        }
    }
}

/// What reading a piece came to.
pub(super) enum Piece {
    /// It is here.
    Found {
        /// Of the whole snapshot.
        size: u64,
        /// The piece.
        bytes: Bytes,
    },
    /// There is no such snapshot.
    NotFound,
    /// It ends before.
    OutOfRange,
}

/// Begins the image with a snapshot.
pub(super) fn image_of(content: &Content, id: SnapshotId) -> ImageBuilder {
    ImageBuilder::new(content.state.clone(), id.offset, id.epoch)
}
