//! One segment: a `.log` file of batches, its indexes, and what is known about it.
//!
//! What readers need outside of the owner's lock is in [`SegmentFiles`], shared; the rest belongs to the log.

mod gauge;
mod scan;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use chronik_types::{Millis, Offset};
use parking_lot::Mutex;

use crate::batch::Header;
use crate::disk::File;
use crate::error::{Context, LogError};
use crate::files::{Files, Handle};
use crate::index::{self, AbortedTxn, TimeEntry};

pub(crate) use gauge::{Gauge, Recent};
pub(crate) use scan::{BatchScan, HeaderScan, ScanError};

/// The kinds of files that are named after a segment's base offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Log,
    OffsetIndex,
    TimeIndex,
    TxnIndex,
    Snapshot,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] =
        [Kind::Log, Kind::OffsetIndex, Kind::TimeIndex, Kind::TxnIndex, Kind::Snapshot];

    fn suffix(self) -> &'static str {
        match self {
            Kind::Log => ".log",
            Kind::OffsetIndex => ".index",
            Kind::TimeIndex => ".timeindex",
            Kind::TxnIndex => ".txnindex",
            Kind::Snapshot => ".snapshot",
        }
    }

    /// The file's name: 20 digits and the suffix.
    pub(crate) fn name(self, base: Offset) -> String {
        format!("{:020}{}", base.0, self.suffix())
    }

    /// Takes a name apart.
    pub(crate) fn parse(name: &str) -> Option<(Kind, Offset)> {
        let (digits, _) = name.split_at_checked(20)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let kind = Kind::ALL.into_iter().find(|kind| name[20..] == *kind.suffix())?;
        Some((kind, Offset(digits.parse().ok()?)))
    }
}

/// How many places where readers stopped are remembered per segment.
const HINTS: usize = 4;

#[derive(Debug)]
struct Retired {
    log: Arc<dyn File>,
    /// Without one, reading starts at the first batch.
    offset_index: Option<Arc<dyn File>>,
}

/// The files of a segment, as readers use them.
#[derive(Debug)]
pub(crate) struct SegmentFiles {
    dir: Arc<Path>,
    base: Offset,
    log: Arc<Handle>,
    offset_index: Arc<Handle>,
    /// The files of a segment that compaction has replaced: under its names there are others now.
    retired: OnceLock<Retired>,
    /// Where the last reads ended: offset and position of the batch that comes next. Whoever reads on needs no search.
    hints: Mutex<([(Offset, u32); HINTS], u8)>,
}

impl SegmentFiles {
    pub(crate) fn new(dir: &Arc<Path>, base: Offset) -> Arc<SegmentFiles> {
        Arc::new(SegmentFiles {
            dir: dir.clone(),
            base,
            log: Arc::default(),
            offset_index: Arc::default(),
            retired: OnceLock::new(),
            hints: Mutex::new(([(Offset::NONE, 0); HINTS], 0)),
        })
    }

    pub(crate) fn base(&self) -> Offset {
        self.base
    }

    pub(crate) fn path(&self, kind: Kind) -> PathBuf {
        self.dir.join(kind.name(self.base))
    }

    /// The `.log` file.
    pub(crate) fn log(&self, files: &Files) -> io::Result<Arc<dyn File>> {
        let file = files.get(&self.log, || self.path(Kind::Log).into());
        // Looked at after the file was opened: what was opened before the replacement is the right one anyway.
        self.retired.get().map_or(file, |retired| Ok(Arc::clone(&retired.log)))
    }

    /// Makes an empty `.log` file.
    pub(crate) fn create_log(&self, files: &Files) -> io::Result<Arc<dyn File>> {
        files.create(&self.log, &self.path(Kind::Log))
    }

    pub(crate) fn offset_index(&self, files: &Files) -> io::Result<Arc<dyn File>> {
        let file = files.get(&self.offset_index, || self.path(Kind::OffsetIndex).into());
        match self.retired.get() {
            Some(Retired { offset_index: Some(index), .. }) => Ok(Arc::clone(index)),
            Some(_) => Err(io::ErrorKind::NotFound.into()),
            None => file,
        }
    }

    /// Holds the files open for whoever still reads them: they are about to be removed, or others put under their names.
    pub(crate) fn retire(&self, files: &Files) -> io::Result<()> {
        let offset_index = match self.offset_index(files) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            other => Some(other?),
        };
        let retired = Retired { log: self.log(files)?, offset_index };
        // A swap that failed and is tried again finds what it left.
        let _ = self.retired.set(retired);
        Ok(())
    }

    /// Closes the cached files: they are about to be removed or renamed.
    pub(crate) fn close(&self) {
        self.log.close();
        self.offset_index.close();
    }

    pub(crate) fn hint(&self, offset: Offset) -> Option<u32> {
        let hints = self.hints.lock();
        hints.0.iter().find(|&&(at, _)| at == offset).map(|&(_, position)| position)
    }

    pub(crate) fn set_hint(&self, offset: Offset, position: u32) {
        let mut hints = self.hints.lock();
        let at = usize::from(hints.1) % HINTS;
        hints.0[at] = (offset, position);
        hints.1 = hints.1.wrapping_add(1);
    }

    /// Forgets the hints: the end of the file has been cut.
    pub(crate) fn clear_hints(&self) {
        *self.hints.lock() = ([(Offset::NONE, 0); HINTS], 0);
    }

    /// The position of an indexed batch at or before the one that holds `offset`, from the index file.
    pub(crate) fn floor_in_file(&self, files: &Files, offset: Offset) -> io::Result<u32> {
        let file = match self.offset_index(files) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            other => other?,
        };
        let relative = self.relative(offset);
        let entry: Option<index::OffsetEntry> =
            index::search_file(&*file, file.len()?, |entry: &index::OffsetEntry| entry.offset <= relative)?;
        Ok(entry.map_or(0, |entry| entry.position))
    }

    /// The position of an indexed batch at or before `position`, from the index file.
    fn floor_position_in_file(&self, files: &Files, position: u32) -> io::Result<u32> {
        let file = self.offset_index(files)?;
        let entry: Option<index::OffsetEntry> =
            index::search_file(&*file, file.len()?, |entry: &index::OffsetEntry| entry.position <= position)?;
        Ok(entry.map_or(0, |entry| entry.position))
    }

    /// The offset less the base, within what an index can hold.
    pub(crate) fn relative(&self, offset: Offset) -> u32 {
        (offset.0 - self.base.0).clamp(0, i64::from(u32::MAX)) as u32
    }
}

/// The largest timestamp of a segment, and the last offset of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) timestamp: Millis,
    pub(crate) offset: Offset,
}

/// What a log knows about one of its segments.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) files: Arc<SegmentFiles>,
    /// Bytes of batches in the `.log` file.
    pub(crate) size: u32,
    /// When it was begun or opened: stands in where records have no timestamps.
    pub(crate) begun: Millis,
    /// The largest timestamp; `None` if it has not been read from the time index yet.
    pub(crate) newest: Option<Newest>,
    /// The first batch's timestamp; `None` if there is none, or it has not been read yet.
    pub(crate) first_timestamp: Option<Millis>,
    /// Index entries in memory, for a segment that has been appended to; otherwise they are in the files.
    pub(crate) gauge: Option<Box<Gauge>>,
    /// The transaction index, all of it.
    pub(crate) aborted: Vec<AbortedTxn>,
    /// How many of them are in the file.
    pub(crate) aborted_written: usize,
}

impl Segment {
    /// Lets the files go that are about to be removed or renamed: whoever still reads them goes on with them open.
    pub(crate) fn let_go(&self, files: &Files) -> Result<(), LogError> {
        if Arc::strong_count(&self.files) > 1 {
            self.files.retire(files).context("open", &self.files.path(Kind::Log))?;
        }
        self.files.close();
        Ok(())
    }

    /// A segment whose file exists or is about to be made.
    pub(crate) fn new(dir: &Arc<Path>, base: Offset, size: u32, begun: Millis) -> Segment {
        Segment {
            files: SegmentFiles::new(dir, base),
            size,
            begun,
            newest: None,
            first_timestamp: None,
            gauge: None,
            aborted: Vec::new(),
            aborted_written: 0,
        }
    }

    pub(crate) fn base(&self) -> Offset {
        self.files.base
    }

    /// Takes a batch at `position`, the segment's end so far, into account. `gauge` must be there.
    pub(crate) fn note(&mut self, header: Header<'_>, position: u32, interval: u32) {
        let timestamp = header.max_timestamp();
        if self.newest.is_none_or(|newest| timestamp > newest.timestamp) {
            self.newest = Some(Newest { timestamp, offset: header.last_offset() });
        }
        if position == 0 {
            self.first_timestamp = Some(timestamp);
        }
        let newest = self.newest.map(|newest| self.time_entry(newest));
        let first = self.files.relative(header.base_offset());
        let last = self.files.relative(header.last_offset());
        let size = header.size() as u32;
        if let Some(gauge) = &mut self.gauge {
            gauge.note(Recent { first, last, position, size }, newest, interval);
        }
        self.size = position + size;
    }

    /// The position of an indexed batch at or before the one that holds `offset`.
    pub(crate) fn floor(&self, files: &Files, offset: Offset) -> io::Result<u32> {
        match &self.gauge {
            Some(gauge) => Ok(gauge.floor(self.files.relative(offset))),
            None => self.files.floor_in_file(files, offset),
        }
    }

    /// The position of an indexed batch about `window` bytes before `offset`.
    pub(crate) fn floor_near(&self, files: &Files, offset: Offset, window: u32) -> io::Result<u32> {
        let position = self.floor(files, offset)?.saturating_sub(window);
        match &self.gauge {
            _ if position == 0 => Ok(0),
            Some(gauge) => Ok(gauge.floor_position(position)),
            None => self.files.floor_position_in_file(files, position),
        }
    }

    /// Writes what the transaction index file lacks; returns whether that was anything.
    pub(crate) fn write_txn_index(&mut self, files: &Files) -> io::Result<bool> {
        if self.aborted_written == self.aborted.len() {
            return Ok(false);
        }
        let file = files.disk().open(&self.files.path(Kind::TxnIndex), crate::disk::Mode::Create)?;
        let mut bytes = Vec::new();
        for entry in &self.aborted[self.aborted_written..] {
            entry.encode(&mut bytes);
        }
        let at = self.aborted_written * index::txn::ENTRY_LEN;
        file.write_all_at(&mut [io::IoSlice::new(&bytes)], at as u64)?;
        file.set_len((at + bytes.len()) as u64)?;
        self.aborted_written = self.aborted.len();
        Ok(true)
    }

    /// Forgets aborted transactions whose markers are at `end` or beyond, in the file too.
    pub(crate) fn forget_aborted_from(&mut self, files: &Files, end: Offset) -> io::Result<()> {
        self.aborted.retain(|entry| entry.last_offset < end);
        if self.aborted_written > self.aborted.len() {
            let file = files.disk().open(&self.files.path(Kind::TxnIndex), crate::disk::Mode::Write)?;
            file.set_len((self.aborted.len() * index::txn::ENTRY_LEN) as u64)?;
            self.aborted_written = self.aborted.len();
        }
        Ok(())
    }

    /// Drops what is known about batches at `size` and beyond. Returns from where on the batches are to be noted again:
    /// the last indexed one. `gauge` must be there.
    pub(crate) fn restart_index(&mut self, size: u32) -> u32 {
        let base = self.base();
        let (mut from, mut newest) = (0, None);
        if let Some(gauge) = &mut self.gauge {
            gauge.truncate(size);
            let last = gauge.offsets.last().copied();
            from = last.map_or(0, |entry| entry.position);
            gauge.restart(last.map(|entry| entry.offset));
            newest = gauge.times.last().map(|entry| Newest {
                timestamp: Millis(entry.timestamp),
                offset: base.plus(i64::from(entry.offset)),
            });
        }
        self.newest = newest;
        if size == 0 {
            self.first_timestamp = None;
        }
        from
    }

    pub(crate) fn time_entry(&self, newest: Newest) -> TimeEntry {
        TimeEntry { timestamp: newest.timestamp.0, offset: self.files.relative(newest.offset) }
    }

    /// The largest timestamp, read from the time index if need be. `None`: the records have no timestamps.
    pub(crate) fn newest(&mut self, files: &Files) -> io::Result<Option<Newest>> {
        if self.newest.is_none() && self.size > 0 {
            self.newest = Some(newest_in_file(files, &self.files)?);
        }
        Ok(self.newest.filter(|newest| newest.timestamp >= Millis(0)))
    }

    /// The first batch's timestamp, read from the file if need be. `None`: there is no batch.
    pub(crate) fn first_timestamp(&mut self, files: &Files) -> io::Result<Option<Millis>> {
        if self.first_timestamp.is_none() && self.size > 0 {
            let log = self.files.log(files)?;
            let first = HeaderScan::new(&*log, 0, self.size).next();
            self.first_timestamp = first.transpose().map_err(ScanError::into_io)?.map(|(_, header)| {
                Header::parse(&header).map_or(Millis::NONE, |header| header.max_timestamp())
            });
        }
        Ok(self.first_timestamp)
    }
}

/// The last entry of a time index file; [`Millis::NONE`] if it is empty or not there.
pub(crate) fn newest_in_file(files: &Files, segment: &SegmentFiles) -> io::Result<Newest> {
    let path = segment.path(Kind::TimeIndex);
    let entry: Option<TimeEntry> = match files.disk().open(&path, crate::disk::Mode::Read) {
        Ok(file) => index::last_in_file(&*file, file.len()?)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let none = Newest { timestamp: Millis::NONE, offset: segment.base };
    Ok(entry.map_or(none, |entry| Newest {
        timestamp: Millis(entry.timestamp),
        offset: segment.base.plus(i64::from(entry.offset)),
    }))
}

/// The aborted transactions with records in `[from, to)` (`UnifiedLog.collectAbortedTransactions`).
pub(crate) fn aborted_in(segments: &[Segment], from: Offset, to: Offset) -> Vec<AbortedTxn> {
    let first = segments.partition_point(|segment| segment.base() <= from).saturating_sub(1);
    let mut found = Vec::new();
    for entry in segments[first..].iter().flat_map(|segment| &segment.aborted) {
        if entry.last_offset >= from && entry.first_offset < to {
            found.push(*entry);
        }
        // No transaction that begins below is open any more: none of those that end later can touch the range.
        if entry.last_stable_offset >= to {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas() {
        assert_eq!(Kind::TimeIndex.name(Offset(42)), "00000000000000000042.timeindex");
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(&kind.name(Offset(7))), Some((kind, Offset(7))));
        }
        for name in [
            "0.log",
            "00000000000000000042.log.deleted",
            "0000000000000000004x.log",
            "leader-epoch-checkpoint",
        ] {
            assert_eq!(Kind::parse(name), None, "{name}");
        }
        // The metadata log's snapshots are not a segment's.
        assert_eq!(Kind::parse("00000000000000000000-0000000000.checkpoint"), None);
    }

    #[test]
    fn hints_are_few_and_the_last_ones() {
        let segment = SegmentFiles::new(&Path::new("/d").into(), Offset(10));
        for n in 0..6 {
            segment.set_hint(Offset(n), n as u32 * 100);
        }
        assert_eq!(segment.hint(Offset(1)), None);
        assert_eq!(segment.hint(Offset(2)), Some(200));
        assert_eq!(segment.hint(Offset(5)), Some(500));
        segment.clear_hints();
        assert_eq!(segment.hint(Offset(5)), None);
    }
}
