//! Opening a log: quick after a clean stop, with a scan from the recovery point after any other; and closing it.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chronik_types::{Millis, Offset, TopicId};

use super::checkpoint::{CheckpointState, EPOCHS};
use super::clean::SWAP;
use super::retention::DELETED;
use super::sync::SyncState;
use super::{Context, Log, Recovery};
use crate::batch::Header;
use crate::checkpoint::{epochs, partition_metadata};
use crate::clean::CLEANED;
use crate::disk::{Mode, read_file};
use crate::epochs::Epochs;
use crate::error::LogError;
use crate::files::Files;
use crate::options::LogOptions;
use crate::producers::Producers;
use crate::segment::{HeaderScan, Kind, ScanError, Segment};

/// Files that were being made or replaced by compaction: of no use (`LogLoader`).
const UNFINISHED: [&str; 3] = [DELETED, CLEANED, ".tmp"];

/// How to open a log.
#[derive(Clone, Debug)]
pub struct Open {
    /// The directory, `<log dir>/<topic>-<partition>`; it need not exist.
    pub dir: PathBuf,
    /// Written to `partition.metadata` when the directory is made; compared when it exists. `TopicId::ZERO`: no such
    /// file (only for logs outside of the cluster's topics).
    pub topic_id: TopicId,
    /// The topic's options.
    pub options: Arc<LogOptions>,
    /// From `log-start-offset-checkpoint`; 0 if it is not there.
    pub start_offset: Offset,
    /// From `recovery-point-offset-checkpoint`; 0 if it is not there.
    pub recovery_point: Offset,
    /// From `cleaner-offset-checkpoint`, if it is there.
    pub cleaned_to: Option<Offset>,
    /// Whether the directory was shut down cleanly ([`crate::LogDir`] knows): then nothing is scanned.
    pub clean: bool,
    /// After any other stop: whether what lies past the recovery point is written once more, since a sync may have failed
    /// and its pages only seem to be on disk. For logs whose appends count once they are durable.
    pub rewrite: bool,
    /// For the expiry of producers.
    pub now: Millis,
}

/// What a log's directory holds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// `.log` files: base offset and length.
    pub(super) logs: BTreeMap<Offset, u64>,
    /// Lengths of offset and time indexes that could be whole.
    pub(super) offset_indexes: BTreeMap<Offset, u64>,
    pub(super) time_indexes: BTreeMap<Offset, u64>,
    pub(super) txn_indexes: Vec<Offset>,
    pub(super) snapshots: Vec<Offset>,
}

impl Log {
    /// Opens a log, or an empty one if there are no files. Blocks.
    ///
    /// Errors: `Corrupt` if the directory belongs to another topic id or the files contradict each other beyond
    /// repair; `Io`.
    pub fn open(files: &Arc<Files>, open: Open) -> Result<(Log, Recovery), LogError> {
        let mut log = Log {
            files: files.clone(),
            dir: open.dir.as_path().into(),
            topic_id: open.topic_id,
            unmarked: false,
            options: Arc::clone(&open.options),
            segments: Vec::new(),
            start: open.start_offset,
            end: open.start_offset,
            epochs: Epochs::default(),
            epochs_unwritten: false,
            producers: Producers::default(),
            sync: SyncState::default(),
            checkpoint: CheckpointState::default(),
            cleaned_to: open.cleaned_to,
            generation: 0,
        };
        let mut recovery = Recovery::default();
        if files.disk().exists(&log.dir).context("look at", &log.dir)? {
            log.check_topic_id()?;
            let listing = log.tidy()?;
            log.load_epochs()?;
            log.open_segments(&listing, &open, &mut recovery)?;
        }
        log.sync.durable = log.end;
        log.cleaned_to = log.cleaned_to.map(|to| to.min(log.end));
        if log.segments.is_empty() {
            log.checkpoint.recovery_point = log.end;
        }
        Ok((log, recovery))
    }

    /// Closes it cleanly: everything synced, indexes and a producer snapshot written. Returns its end, which is its
    /// recovery point then. Blocks.
    pub fn close(mut self) -> Result<Offset, LogError> {
        self.refuse_if_poisoned()?;
        if self.sync()? < self.end {
            // A sync was begun and its result never came: whatever it was to cover is synced again.
            let durable = self.sync.durable;
            let from = self.segments.partition_point(|segment| segment.base() <= durable).saturating_sub(1);
            self.sync_segments(from)?;
        }
        // An index in memory has no entry for the largest timestamp yet, whatever has been checkpointed.
        let unsealed = self.segments.iter().any(|segment| segment.gauge.is_some());
        let behind = self.checkpoint.recovery_point < self.end;
        if !self.segments.is_empty() && (self.checkpoint.changed || behind || unsealed) {
            self.seal_rest()?;
            self.write_indexes(true)?;
            self.write_snapshot(self.end)?;
            let checkpointed = self.checkpoint_job().run();
            self.finish_checkpoint(checkpointed)?;
        }
        Ok(self.end)
    }

    /// Compares `partition.metadata` with the topic id, and writes it if it is not there.
    fn check_topic_id(&mut self) -> Result<(), LogError> {
        if self.topic_id == TopicId::ZERO {
            return Ok(());
        }
        let path = self.dir.join(partition_metadata::NAME);
        match read_text(&self.files, &path)?.map(|text| partition_metadata::parse(&text)) {
            Some(Ok(found)) if found == self.topic_id => Ok(()),
            Some(Ok(found)) => {
                let reason = format!("it belongs to topic id {found}, not {}", self.topic_id);
                Err(LogError::corrupt(&path, reason))
            }
            // It is synced with the first batches: if it is not whole, there are none that were reported as durable.
            None | Some(Err(_)) => match self.write_topic_id() {
                Err(error) if error.is_disk_full() => {
                    self.unmarked = true;
                    Ok(())
                }
                other => other,
            },
        }
    }

    /// Writes `partition.metadata`; the next sync makes it durable.
    pub(super) fn write_topic_id(&mut self) -> Result<(), LogError> {
        let path = self.dir.join(partition_metadata::NAME);
        let write = || {
            let file = self.files.disk().open(&path, Mode::Truncate)?;
            let text = partition_metadata::format(self.topic_id);
            file.write_all_at(&mut [IoSlice::new(text.as_bytes())], 0).map(|()| file)
        };
        let file = write().context("write", &path)?;
        self.sync.new_metadata(file);
        self.unmarked = false;
        Ok(())
    }

    /// Writes `partition.metadata` over itself, durably, for the reason that [`Open::rewrite`] gives for batches.
    fn rewrite_topic_id(&self) -> Result<(), LogError> {
        if self.topic_id == TopicId::ZERO || self.unmarked {
            return Ok(());
        }
        let path = self.dir.join(partition_metadata::NAME);
        let write = || {
            let file = self.files.disk().open(&path, Mode::Write)?;
            let text = partition_metadata::format(self.topic_id);
            file.write_all_at(&mut [IoSlice::new(text.as_bytes())], 0)?;
            file.sync_data()
        };
        write().context("write again", &path)
    }

    /// Removes what was left unfinished, and lists the rest.
    fn tidy(&mut self) -> Result<Listing, LogError> {
        let mut entries = self.files.disk().list(&self.dir).context("list", &self.dir)?;
        let mut swaps = Vec::new();
        let swapped = |name: &str| entries.iter().any(|entry| entry.name == format!("{name}{SWAP}"));
        for entry in entries.iter().filter(|entry| !entry.is_dir) {
            // The log's file is renamed first: once that is done its indexes are finished too.
            let is_finished = |name: &str| match Kind::parse(name) {
                Some((kind, base)) => kind != Kind::Log && swapped(&Kind::Log.name(base)),
                None => false,
            };
            if let Some(name) = entry.name.strip_suffix(CLEANED).filter(|name| is_finished(name)) {
                let (from, to) = (self.dir.join(&entry.name), self.dir.join(format!("{name}{SWAP}")));
                self.files.disk().rename(&from, &to).context("rename to", &to)?;
                swaps.push((name.to_owned(), entry.len));
            } else if UNFINISHED.iter().any(|suffix| entry.name.ends_with(suffix)) {
                self.remove_if_there(&entry.name)?;
            } else if let Some(name) = entry.name.strip_suffix(SWAP) {
                swaps.push((name.to_owned(), entry.len));
            }
        }
        if !swaps.is_empty() {
            self.finish_swaps(&swaps)?;
            entries = self.files.disk().list(&self.dir).context("list", &self.dir)?;
        }
        let mut listing = Listing::default();
        for entry in entries {
            match Kind::parse(&entry.name) {
                Some((Kind::Log, base)) => drop(listing.logs.insert(base, entry.len)),
                Some((Kind::OffsetIndex, base)) => drop(listing.offset_indexes.insert(base, entry.len)),
                Some((Kind::TimeIndex, base)) => drop(listing.time_indexes.insert(base, entry.len)),
                Some((Kind::TxnIndex, base)) => listing.txn_indexes.push(base),
                Some((Kind::Snapshot, base)) => listing.snapshots.push(base),
                None => {}
            }
        }
        self.remove_orphans(&mut listing)?;
        Ok(listing)
    }

    /// Removes indexes without a log.
    fn remove_orphans(&mut self, listing: &mut Listing) -> Result<(), LogError> {
        let logs = &listing.logs;
        let is_orphan = |base: &Offset| !logs.contains_key(base);
        let indexes = [
            (Kind::OffsetIndex, listing.offset_indexes.keys().copied().filter(is_orphan).collect::<Vec<_>>()),
            (Kind::TimeIndex, listing.time_indexes.keys().copied().filter(is_orphan).collect()),
            (Kind::TxnIndex, listing.txn_indexes.iter().copied().filter(is_orphan).collect()),
        ];
        for (kind, bases) in indexes {
            for base in bases {
                self.remove_if_there(&kind.name(base))?;
            }
        }
        listing.txn_indexes.retain(|base| logs.contains_key(base));
        Ok(())
    }

    /// Puts finished segments of an interrupted compaction in place: first the segments go whose offsets they cover.
    fn finish_swaps(&mut self, swaps: &[(String, u64)]) -> Result<(), LogError> {
        let disk = self.files.disk().clone();
        let entries = disk.list(&self.dir).context("list", &self.dir)?;
        for (name, len) in swaps {
            let Some((Kind::Log, base)) = Kind::parse(name) else { continue };
            let path = self.dir.join(format!("{name}{SWAP}"));
            let file = disk.open(&path, Mode::Read).context("open", &path)?;
            let mut end = base;
            for found in HeaderScan::new(&*file, 0, clamp(*len)) {
                let (_, bytes) = found.map_err(ScanError::into_io).context("read", &path)?;
                let header =
                    Header::parse(&bytes).map_err(|error| LogError::corrupt(&path, error.to_string()))?;
                end = header.next_offset();
            }
            for entry in &entries {
                if let Some((Kind::Log, other)) = Kind::parse(&entry.name)
                    && (base..end).contains(&other)
                {
                    for kind in Kind::ALL.into_iter().filter(|&kind| kind != Kind::Snapshot) {
                        self.remove_if_there(&kind.name(other))?;
                    }
                }
            }
        }
        for (name, _) in swaps {
            let path = self.dir.join(name);
            disk.rename(&self.dir.join(format!("{name}{SWAP}")), &path).context("rename to", &path)?;
        }
        disk.sync_dir(&self.dir).context("sync", &self.dir)
    }

    fn load_epochs(&mut self) -> Result<(), LogError> {
        let path = self.dir.join(EPOCHS);
        if let Some(text) = read_text(&self.files, &path)? {
            let entries = epochs::parse(&text).map_err(|reason| LogError::corrupt(&path, reason))?;
            self.epochs = Epochs::from_entries(entries);
        }
        Ok(())
    }

    fn open_segments(
        &mut self,
        listing: &Listing,
        open: &Open,
        recovery: &mut Recovery,
    ) -> Result<(), LogError> {
        let (clean, recovery_point, now) = (open.clean, open.recovery_point, open.now);
        if listing.logs.is_empty() {
            // A truncation may have been interrupted after its segments: what describes them must not be taken for a
            // description of what comes in their place.
            self.epochs_unwritten |= self.epochs.truncate_from_end(self.end);
            return self.remove_stray_snapshots(&listing.snapshots);
        }
        let dir = self.dir.clone();
        self.segments =
            listing.logs.iter().map(|(&base, &len)| Segment::new(&dir, base, clamp(len), now)).collect();
        let mut trusted = self.load_txn_indexes(listing, recovery_point)?;
        let closed = clean && trusted == recovery_point && self.find_end(listing)?;
        if closed {
            self.rebuild_indexes(listing, self.segments.len() - 1, recovery)?;
            self.load_producers(&listing.snapshots, self.end, now)?;
            self.checkpoint.recovery_point = self.end;
        } else {
            if clean {
                trusted = trusted.min(self.segments.last().map_or(Offset::ZERO, Segment::base));
            }
            let never_synced = self.segments.first().is_none_or(|first| recovery_point <= first.base());
            if open.rewrite && never_synced {
                self.rewrite_topic_id()?;
            }
            self.recover(listing, open, trusted, recovery)?;
        }
        self.epochs_unwritten |= self.epochs.truncate_from_end(self.end);
        let first = self.segments.first().map_or(self.end, |segment| segment.base());
        self.start = self.start.max(first);
        self.epochs_unwritten |= self.epochs.truncate_from_start(self.start);
        self.remove_stray_snapshots(&listing.snapshots)?;
        if self.start > self.end {
            // The start offset was raised beyond what the crash has left.
            self.sync.durable = self.end;
            return self.start_over(self.start, now);
        }
        Ok(())
    }

    /// Reads the transaction indexes. Returns from where on they have to be made again, if that is below `trusted`.
    fn load_txn_indexes(&mut self, listing: &Listing, trusted: Offset) -> Result<Offset, LogError> {
        let mut trusted = trusted;
        for base in &listing.txn_indexes {
            let Ok(at) = self.segments.binary_search_by_key(base, Segment::base) else { continue };
            let path = self.dir.join(Kind::TxnIndex.name(*base));
            let bytes = read_file(&**self.files.disk(), &path).context("read", &path)?;
            match crate::index::txn::decode(&bytes, *base) {
                Some(entries) => {
                    self.segments[at].aborted_written = entries.len();
                    self.segments[at].aborted = entries;
                }
                None => trusted = trusted.min(*base),
            }
        }
        Ok(trusted)
    }

    /// Finds the log's end from the last index entry on. Returns whether all is as a clean stop leaves it.
    fn find_end(&mut self, listing: &Listing) -> Result<bool, LogError> {
        let files = self.files.clone();
        let Some(segment) = self.segments.last() else { return Ok(false) };
        let base = segment.base();
        if !listing.is_indexed(base) {
            return Ok(false);
        }
        let path = segment.files.path(Kind::Log);
        let find = || {
            let floor = segment.files.floor_in_file(&files, Offset(i64::MAX))?;
            if floor == 0 && listing.offset_indexes.get(&base) != Some(&0) {
                // The zeros of a preallocated index: its user did not come to cut it.
                return Ok(None);
            }
            let log = segment.files.log(&files)?;
            let mut end = base;
            for found in HeaderScan::new(&*log, floor, segment.size) {
                let Ok((_, bytes)) = found else { return Ok(None) };
                match Header::parse(&bytes) {
                    Ok(header) if header.base_offset() >= end => end = header.next_offset(),
                    _ => return Ok(None),
                }
            }
            // An index whose last entry lies beyond the log's end is none.
            Ok((floor < segment.size || segment.size == 0).then_some(end))
        };
        let end = find().context("read", &path)?;
        self.end = end.unwrap_or(self.end);
        Ok(end.is_some())
    }

    fn remove_stray_snapshots(&self, snapshots: &[Offset]) -> Result<(), LogError> {
        let newest =
            snapshots.iter().filter(|&&offset| offset <= self.end && !self.segments.is_empty()).max();
        let mut removed = false;
        for offset in snapshots {
            let of_segment = self.segments.binary_search_by_key(offset, Segment::base).is_ok();
            if !of_segment && Some(offset) != newest {
                self.remove_if_there(&Kind::Snapshot.name(*offset))?;
                removed = true;
            }
        }
        if removed {
            self.files.disk().sync_dir(&self.dir).context("sync", &self.dir)?;
        }
        Ok(())
    }

    /// The offsets of the snapshots that are there.
    pub(super) fn snapshots(&self) -> Result<Vec<Offset>, LogError> {
        let entries = self.files.disk().list(&self.dir).context("list", &self.dir)?;
        let offset = |name: &str| match Kind::parse(name) {
            Some((Kind::Snapshot, offset)) => Some(offset),
            _ => None,
        };
        Ok(entries.iter().filter_map(|entry| offset(&entry.name)).collect())
    }
}

impl Listing {
    /// Whether a segment's indexes are there and could be whole.
    pub(super) fn is_indexed(&self, base: Offset) -> bool {
        let whole = |lens: &BTreeMap<Offset, u64>, entry| lens.get(&base).is_some_and(|len| len % entry == 0);
        whole(&self.offset_indexes, 8) && whole(&self.time_indexes, 12)
    }
}

/// Segments are at most 2 GiB; what is beyond in a file is no batch of ours.
fn clamp(len: u64) -> u32 {
    len.min(i32::MAX as u64) as u32
}

fn read_text(files: &Files, path: &Path) -> Result<Option<String>, LogError> {
    match read_file(&**files.disk(), path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LogError::io("read", path, error)),
    }
}
