//! After a stop that was not clean: from the recovery point on, every batch is read and checked; at the first bad one the
//! log is cut.
//!
//! What is below the recovery point is trusted, indexes included: they were synced before it was written. The scan starts
//! at the last index entry below it. Where a log has not been compacted a segment must begin where the one before it ends: a
//! hole means that a synced segment follows one whose tail was lost.
//!
//! What the scan reads may be in the page cache only, and not because it is still to be written: if a sync failed in the
//! last run, the kernel took the pages for clean, shows them to readers until they are evicted, and never writes them. Another
//! sync would do nothing and succeed. So what was scanned is written once more before it is synced ([`Open::rewrite`]).

use std::io::{self, IoSlice};
use std::path::PathBuf;

use chronik_types::{Millis, Offset};

use super::open::{Listing, Open};
use super::{Context, Log};
use crate::batch::{Batch, HEADER_LEN, Header};
use crate::disk::read_file;
use crate::error::LogError;
use crate::producers::{Producers, marker_of};
use crate::segment::{BatchScan, Gauge, HeaderScan, Kind, ScanError};

/// How far below a snapshot batches are looked at for telling duplicates, in bytes: what a few producers can have in flight.
const DUPLICATES_WINDOW: u32 = 4 << 20;

/// How much is written again at a time, in bytes.
const REWRITE_CHUNK: usize = 1 << 20;

/// What opening had to repair. All zero and empty after a clean stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes of batches that were read and checked.
    pub scanned_bytes: u64,
    /// Segments whose indexes were missing or not complete and have been made again.
    pub rebuilt_indexes: usize,
    /// What was cut off or removed.
    pub cuts: Vec<Cut>,
}

/// Bytes that recovery cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Which file.
    pub path: PathBuf,
    /// From where, in bytes.
    pub position: u64,
    /// How many.
    pub bytes: u64,
    /// The log's end there.
    pub offset: Offset,
    /// Why, as a sentence.
    pub reason: String,
}

impl Log {
    /// Recovers everything from `recovery_point` on.
    pub(super) fn recover(
        &mut self,
        listing: &Listing,
        open: &Open,
        recovery_point: Offset,
        recovery: &mut Recovery,
    ) -> Result<(), LogError> {
        // A segment that ended at the recovery point may have been sealed after it was written: its indexes then got
        // their last entries.
        let known = self.segments.partition_point(|segment| segment.base() < recovery_point);
        let first = known.saturating_sub(1);
        self.rebuild_indexes(listing, first, recovery)?;
        self.segments[first..].iter_mut().for_each(|segment| segment.gauge = None);
        let from = self.restart_point(first, recovery_point)?;
        self.end = from;
        self.epochs.truncate_from_end(from);
        self.load_producers(&listing.snapshots, from, open.now)?;
        self.remember_duplicates(&listing.snapshots, from)?;
        for at in first.. {
            if at >= self.segments.len() {
                break;
            }
            let scanned_from = self.scan_segment(at, recovery)?;
            if open.rewrite {
                self.rewrite_segment(at, scanned_from)?;
            }
            self.check_next(at, recovery)?;
        }
        if self.end < recovery_point && from > self.segments[0].base() {
            // What was said to be on disk is not: nothing that was said is believed.
            return self.recover(listing, open, Offset::ZERO, recovery);
        }
        self.checkpoint.recovery_point = recovery_point.min(self.end);
        self.checkpoint.changed = true;
        self.epochs_unwritten = true;
        self.sync_segments(first)
    }

    /// Makes the indexes of segments below `count` again where they are missing.
    pub(super) fn rebuild_indexes(
        &mut self,
        listing: &Listing,
        count: usize,
        recovery: &mut Recovery,
    ) -> Result<(), LogError> {
        let interval = self.options.index_interval_bytes;
        let files = self.files.clone();
        for segment in &mut self.segments[..count] {
            if listing.is_indexed(segment.base()) {
                continue;
            }
            let path = segment.files.path(Kind::Log);
            let log = segment.files.log(&files).context("open", &path)?;
            let size = segment.size;
            segment.gauge = Some(Box::default());
            for found in HeaderScan::new(&*log, 0, size) {
                let (position, bytes) = found.map_err(ScanError::into_io).context("read", &path)?;
                let header =
                    Header::parse(&bytes).map_err(|error| LogError::corrupt(&path, error.to_string()))?;
                segment.note(header, position, interval);
            }
            seal_if_room(segment, &files).context("write the indexes of", &path)?;
            self.checkpoint.unsynced.insert(segment.base());
            recovery.rebuilt_indexes += 1;
        }
        Ok(())
    }

    /// Writes the indexes of segments that are not active and have them in memory only: the disk was full when they were
    /// recovered.
    pub(super) fn seal_rest(&mut self) -> Result<(), LogError> {
        let files = self.files.clone();
        let Some((_, rest)) = self.segments.split_last_mut() else { return Ok(()) };
        for segment in rest.iter_mut().filter(|segment| segment.gauge.is_some()) {
            seal(segment, &files).context("write the indexes of", &segment.files.path(Kind::Log))?;
            self.checkpoint.unsynced.insert(segment.base());
        }
        Ok(())
    }

    /// Brings the index of segment `at` into memory as far as it is trusted, and returns where the scan starts.
    fn restart_point(&mut self, at: usize, recovery_point: Offset) -> Result<Offset, LogError> {
        let files = self.files.clone();
        let segment = &mut self.segments[at];
        let path = segment.files.path(Kind::Log);
        let base = segment.base();
        let size = segment.size;
        let mut gauge = Gauge::default();
        if recovery_point > base {
            let last = segment.files.relative(recovery_point) - 1;
            gauge = Gauge::load(&files, &segment.files, last).context("read the index of", &path)?;
        }
        gauge.truncate(size);
        let mut start = base;
        if let Some(last) = gauge.offsets.last().copied() {
            // The entry is believed if it points at the batch it should.
            let log = segment.files.log(&files).context("open", &path)?;
            let found = HeaderScan::new(&*log, last.position, size).next().and_then(Result::ok);
            let header = found.as_ref().and_then(|(_, bytes)| Header::parse(bytes).ok());
            match header.filter(|header| header.last_offset() == base.plus(i64::from(last.offset))) {
                Some(header) => start = header.base_offset(),
                None => gauge = Gauge::default(),
            }
        }
        segment.gauge = Some(Box::new(gauge));
        segment.size = segment.restart_index(size);
        segment.forget_aborted_from(&files, start).context("cut the transaction index of", &path)?;
        self.checkpoint.unsynced.insert(base);
        Ok(start)
    }

    /// Checks the batches of segment `at` from its (trusted) size on, and cuts it at the first bad one. Returns the position
    /// that it began at.
    fn scan_segment(&mut self, at: usize, recovery: &mut Recovery) -> Result<u32, LogError> {
        let files = self.files.clone();
        let interval = self.options.index_interval_bytes;
        let segment = &mut self.segments[at];
        let path = segment.files.path(Kind::Log);
        if segment.gauge.is_none() {
            segment.gauge = Some(Box::default());
            segment.size = 0;
            segment
                .forget_aborted_from(&files, Offset::ZERO)
                .context("cut the transaction index of", &path)?;
            self.checkpoint.unsynced.insert(segment.base());
        }
        let log = segment.files.log(&files).context("open", &path)?;
        let len = log.len().context("measure", &path)?;
        let from = segment.size;
        let mut scan = BatchScan::new(&*log, from, len.min(i32::MAX as u64) as u32);
        let reason = loop {
            let (position, batch) = match scan.next() {
                Ok(Some(next)) => next,
                Ok(None) => break None,
                Err(ScanError::Bad { error, .. }) => break Some(error.to_string()),
                Err(ScanError::Io(error)) => return Err(LogError::io("read", &path, error)),
            };
            if let Err(reason) = check(batch, segment.base(), self.end) {
                break Some(reason);
            }
            let header = batch.header();
            segment.note(header, position, interval);
            self.end = header.next_offset();
            self.epochs.assign(header.leader_epoch(), header.base_offset());
            segment.aborted.extend(self.producers.apply(header, marker_of(batch)));
            recovery.scanned_bytes += header.size() as u64;
        };
        let size = u64::from(segment.size);
        if size < len {
            let reason = reason.unwrap_or_else(|| "bytes beyond the largest segment".to_owned());
            log.set_len(size).context("cut", &path)?;
            recovery.cuts.push(Cut { path, position: size, bytes: len - size, offset: self.end, reason });
        }
        Ok(from)
    }

    /// Writes what segment `at` has from position `from` on over itself, so that the next sync has it to write.
    fn rewrite_segment(&self, at: usize, from: u32) -> Result<(), LogError> {
        let segment = &self.segments[at];
        let path = segment.files.path(Kind::Log);
        let log = segment.files.log(&self.files).context("open", &path)?;
        let (mut position, end) = (u64::from(from), u64::from(segment.size));
        let mut buffer = Vec::new();
        while position < end {
            buffer.clear();
            let wanted = REWRITE_CHUNK.min((end - position) as usize);
            let read = log.read_append(&mut buffer, position, wanted).context("read", &path)?;
            if read == 0 {
                return Err(LogError::corrupt(&path, format!("it ends at {position}, not at {end}")));
            }
            log.write_all_at(&mut [IoSlice::new(&buffer)], position).context("write again", &path)?;
            position += read as u64;
        }
        Ok(())
    }

    /// Sees to it that the segment after `at` begins where the log ends, and removes it and all later ones if not.
    fn check_next(&mut self, at: usize, recovery: &mut Recovery) -> Result<(), LogError> {
        let files = self.files.clone();
        let was_cut =
            recovery.cuts.last().is_some_and(|cut| cut.path == self.segments[at].files.path(Kind::Log));
        let Some(next) = self.segments.get(at + 1) else { return Ok(()) };
        let was_cleaned = self.cleaned_to.is_some_and(|to| next.base() <= to);
        let fits =
            next.base() == self.end || ((self.options.compact || was_cleaned) && next.base() > self.end);
        if fits && !was_cut {
            let segment = &mut self.segments[at];
            let path = segment.files.path(Kind::Log);
            seal_if_room(segment, &files).context("write the indexes of", &path)?;
            self.checkpoint.unsynced.insert(segment.base());
            recovery.rebuilt_indexes += 1;
            return Ok(());
        }
        for segment in self.segments[at + 1..].iter().rev() {
            recovery.cuts.push(Cut {
                path: segment.files.path(Kind::Log),
                position: 0,
                bytes: u64::from(segment.size),
                offset: self.end,
                reason: format!("the log ends at offset {} before this segment", self.end),
            });
        }
        self.remove_segments_from(at + 1)
    }

    /// Loads the producers as of `end` from the newest good snapshot at or below it and the batches since.
    pub(super) fn load_producers(
        &mut self,
        snapshots: &[Offset],
        end: Offset,
        now: Millis,
    ) -> Result<(), LogError> {
        let expiration_ms = self.options.producers.expiration_ms;
        let mut snapshots: Vec<Offset> = snapshots.iter().copied().filter(|&offset| offset <= end).collect();
        snapshots.sort_unstable();
        self.producers = Producers::default();
        let mut from = Offset::ZERO;
        for offset in snapshots.into_iter().rev() {
            let name = Kind::Snapshot.name(offset);
            let path = self.dir.join(&name);
            let bytes = match read_file(&**self.files.disk(), &path) {
                // It went with a segment that was removed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.context("read", &path)?,
            };
            if let Some(producers) = Producers::from_snapshot(&bytes, now, expiration_ms) {
                self.producers = producers;
                from = offset;
                break;
            }
            self.remove_if_there(&name)?;
        }
        self.replay(from, end)
    }

    /// Applies the batches in `[from, to)` to the producers.
    fn replay(&mut self, from: Offset, to: Offset) -> Result<(), LogError> {
        let files = self.files.clone();
        if from >= to {
            return Ok(());
        }
        let first = self.segments.partition_point(|segment| segment.base() <= from).saturating_sub(1);
        for segment in &self.segments[first.min(self.segments.len())..] {
            if segment.base() >= to {
                break;
            }
            let path = segment.files.path(Kind::Log);
            let log = segment.files.log(&files).context("open", &path)?;
            let floor = segment.floor(&files, from).context("read the index of", &path)?;
            // While it is recovered, a segment's size is where its trusted part ends.
            let len = log.len().context("measure", &path)?.min(i32::MAX as u64) as u32;
            for found in HeaderScan::new(&*log, floor, len) {
                let (position, bytes) = found.map_err(ScanError::into_io).context("read", &path)?;
                let header =
                    Header::parse(&bytes).map_err(|error| LogError::corrupt(&path, error.to_string()))?;
                if header.base_offset() >= to {
                    return Ok(());
                }
                if header.last_offset() < from || !header.has_producer() {
                    continue;
                }
                let marker = if header.is_control() {
                    let mut scan = BatchScan::new(&*log, position, position + header.size() as u32);
                    let batch = scan.next().map_err(ScanError::into_io).context("read", &path)?;
                    batch.and_then(|(_, batch)| marker_of(batch))
                } else {
                    None
                };
                self.producers.apply(header, marker);
            }
        }
        Ok(())
    }

    /// Looks at the batches just below the snapshot that the producers were loaded from: a snapshot has only the last batch
    /// of each, but up to five that were not answered may be sent again.
    fn remember_duplicates(&mut self, snapshots: &[Offset], end: Offset) -> Result<(), LogError> {
        let Some(&snapshot) = snapshots.iter().filter(|&&offset| offset <= end).max() else { return Ok(()) };
        let files = self.files.clone();
        let before = self.segments.partition_point(|segment| segment.base() < snapshot);
        let Some(segment) = before.checked_sub(1).and_then(|at| self.segments.get(at)) else { return Ok(()) };
        if self.producers.is_empty() {
            return Ok(());
        }
        let path = segment.files.path(Kind::Log);
        let log = segment.files.log(&files).context("open", &path)?;
        let len = log.len().context("measure", &path)?.min(i32::MAX as u64) as u32;
        let position = segment.floor_near(&files, snapshot, DUPLICATES_WINDOW).context("read", &path)?;
        let below = |bytes: &[u8; HEADER_LEN]| {
            Header::parse(bytes).is_ok_and(|header| header.base_offset() < snapshot)
        };
        let headers =
            HeaderScan::new(&*log, position, len).map_while(|found| found.ok().map(|(_, bytes)| bytes));
        let headers: Vec<[u8; HEADER_LEN]> = headers.take_while(below).collect();
        for bytes in headers.iter().rev() {
            if let Ok(header) = Header::parse(bytes) {
                self.producers.remember_older(header);
            }
        }
        Ok(())
    }

    /// Makes the segments from `first` on durable: what recovery found may have been in the page cache only.
    pub(super) fn sync_segments(&mut self, first: usize) -> Result<(), LogError> {
        for segment in &self.segments[first.min(self.segments.len())..] {
            let path = segment.files.path(Kind::Log);
            segment.files.log(&self.files).and_then(|log| log.sync_data()).context("sync", &path)?;
        }
        let disk = self.files.disk();
        disk.sync_dir(&self.dir).context("sync", &self.dir)?;
        self.dir.parent().map_or(Ok(()), |parent| disk.sync_dir(parent).context("sync", parent))
    }
}

/// What must hold of a batch at this place, apart from its being whole.
fn check(batch: Batch<'_>, base: Offset, end: Offset) -> Result<(), String> {
    batch.verify_crc().map_err(|error| error.to_string())?;
    let header = batch.header();
    if header.base_offset() < end || header.base_offset() < base || header.last_offset_delta() < 0 {
        return Err(format!("a batch at offset {} where the log ends at {end}", header.base_offset()));
    }
    Ok(())
}

/// Writes a recovered segment's indexes, which are complete now, and leaves them to the files.
fn seal(segment: &mut crate::segment::Segment, files: &crate::files::Files) -> std::io::Result<()> {
    let newest = segment.newest.filter(|newest| newest.timestamp.0 >= 0);
    let newest = newest.map(|newest| segment.time_entry(newest));
    if let Some(gauge) = &mut segment.gauge {
        gauge.push_time(newest);
        gauge.write(files, &segment.files)?;
    }
    segment.write_txn_index(files)?;
    segment.gauge = None;
    Ok(())
}

/// The same; on a full disk the index stays in memory, and the log can be read: see [`Log::seal_rest`].
fn seal_if_room(segment: &mut crate::segment::Segment, files: &crate::files::Files) -> std::io::Result<()> {
    match seal(segment, files) {
        Err(error) if crate::disk::is_full(&error) => Ok(()),
        other => other,
    }
}
