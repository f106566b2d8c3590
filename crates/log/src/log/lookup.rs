//! Finding an offset by time (ListOffsets): planned under the owner's lock, searched outside of it.
//!
//! The segment is found by its largest timestamp, the place in it by the time index and the offset index, the batch by
//! the headers from there on, and the record by reading that one batch.

use std::io;
use std::sync::Arc;

use chronik_types::{LeaderEpoch, Millis, Offset};

use super::Log;
use crate::batch::{Batch, BatchError, TimestampedOffset, first_at_or_after, max_timestamp_record};
use crate::disk::Mode;
use crate::error::LogError;
use crate::files::Files;
use crate::index::{self, TimeEntry};
use crate::segment::{BatchScan, HeaderScan, Kind, Newest, ScanError, SegmentFiles, newest_in_file};

/// Cap for the decompression of one batch, in bytes.
const DECOMPRESSED_MAX: usize = 256 << 20;

/// What ListOffsets can ask of the log itself. "Latest" is not here: it is the high watermark or the last stable offset,
/// which the owner knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampQuery {
    /// -2, and -4 (earliest local: there is no remote tier): the log's start.
    Earliest,
    /// -3 (KIP-734): the record with the largest timestamp; the first such.
    MaxTimestamp,
    /// -5 (KIP-1005): the last offset in the remote tier, and -6 (KIP-1023): the first that waits to go there. There is
    /// no remote tier.
    Tiered,
    /// The first record with this timestamp or a later one.
    AtOrAfter(Millis),
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The record's timestamp, or -1.
    pub timestamp: Millis,
    /// Its offset, or -1.
    pub offset: Offset,
    /// The leader epoch of its batch, if known.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// A search that has been planned. Holds what is needed without the log.
#[derive(Debug)]
pub struct Lookup {
    files: Arc<Files>,
    start: Offset,
    query: TimestampQuery,
    known: Option<Located>,
    segments: Vec<Candidate>,
}

/// A segment as the search sees it.
#[derive(Debug)]
struct Candidate {
    files: Arc<SegmentFiles>,
    size: u32,
    newest: Option<Newest>,
    /// Where to start in it, if its index is in memory.
    position: Option<u32>,
}

impl Lookup {
    /// Searches. Blocks, and may decompress one batch; needs no lock. `None`: there is no such record.
    ///
    /// Errors: `Corrupt` if a batch is not what it should be, or the log was cut meanwhile; `Io`.
    pub fn run(&self) -> Result<Option<Located>, LogError> {
        let search = || match self.query {
            _ if self.known.is_some() => Ok(self.known),
            TimestampQuery::AtOrAfter(timestamp) => self.at_or_after(timestamp),
            TimestampQuery::MaxTimestamp => self.max_timestamp(),
            TimestampQuery::Earliest | TimestampQuery::Tiered => Ok(None),
        };
        let dir = self.segments.first().map(|segment| segment.files.path(Kind::Log)).unwrap_or_default();
        search().map_err(|error| LogError::of_read(&dir, error))
    }

    fn at_or_after(&self, timestamp: Millis) -> io::Result<Option<Located>> {
        for segment in &self.segments {
            if segment.newest(&self.files)?.timestamp < timestamp {
                continue;
            }
            let position = match segment.position {
                Some(position) => position,
                None => segment.floor_by_time(&self.files, timestamp)?,
            };
            let find = |batch: Batch<'_>| first_at_or_after(batch, timestamp, self.start, DECOMPRESSED_MAX);
            let interesting = |max: Millis, last: Offset| max >= timestamp && last >= self.start;
            if let Some(found) = segment.find(&self.files, position, interesting, find)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn max_timestamp(&self) -> io::Result<Option<Located>> {
        let mut best: Option<(Newest, &Candidate)> = None;
        for segment in &self.segments {
            let newest = segment.newest(&self.files)?;
            if newest.timestamp.0 >= 0 && best.is_none_or(|(best, _)| newest.timestamp > best.timestamp) {
                best = Some((newest, segment));
            }
        }
        let Some((newest, segment)) = best else { return Ok(None) };
        let position = match segment.position {
            Some(position) => position,
            None => segment.files.floor_in_file(&self.files, newest.offset)?,
        };
        let interesting = |max: Millis, _| max == newest.timestamp;
        segment
            .find(&self.files, position, interesting, |batch| max_timestamp_record(batch, DECOMPRESSED_MAX))
    }
}

impl Candidate {
    fn newest(&self, files: &Files) -> io::Result<Newest> {
        self.newest.map_or_else(|| newest_in_file(files, &self.files), Ok)
    }

    /// Where the first batch with a timestamp of at least `timestamp` may be: after the last entry with a smaller one.
    fn floor_by_time(&self, files: &Files, timestamp: Millis) -> io::Result<u32> {
        let file = match files.disk().open(&self.files.path(Kind::TimeIndex), Mode::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            other => other?,
        };
        let before = |entry: &TimeEntry| entry.timestamp < timestamp.0;
        match index::search_file(&*file, file.len()?, before)? {
            Some(entry) => self.files.floor_in_file(files, self.files.base().plus(i64::from(entry.offset))),
            None => Ok(0),
        }
    }

    /// The first record that `find` finds in a batch whose header (largest timestamp, last offset) is interesting.
    fn find(
        &self,
        files: &Files,
        position: u32,
        interesting: impl Fn(Millis, Offset) -> bool,
        find: impl Fn(Batch<'_>) -> Result<Option<TimestampedOffset>, BatchError>,
    ) -> io::Result<Option<Located>> {
        let log = self.files.log(files)?;
        for header in HeaderScan::new(&*log, position, self.size) {
            let (position, bytes) = header.map_err(ScanError::into_io)?;
            let bad = |error| ScanError::Bad { position, error }.into_io();
            let header = crate::batch::Header::parse(&bytes).map_err(bad)?;
            if !interesting(header.max_timestamp(), header.last_offset()) {
                continue;
            }
            let end = position + header.size() as u32;
            let mut scan = BatchScan::new(&*log, position, end);
            let Some((_, batch)) = scan.next().map_err(ScanError::into_io)? else { continue };
            if let Some(found) = find(batch).map_err(bad)? {
                let leader_epoch = Some(header.leader_epoch()).filter(|epoch| epoch.0 >= 0);
                return Ok(Some(Located { timestamp: found.timestamp, offset: found.offset, leader_epoch }));
            }
        }
        Ok(None)
    }
}

impl Log {
    /// Plans a search. The answer does not regard the high watermark: the owner refuses what lies beyond it.
    pub fn lookup(&self, query: TimestampQuery) -> Lookup {
        let known = match query {
            TimestampQuery::Earliest => Some(Located {
                timestamp: Millis::NONE,
                offset: self.start,
                leader_epoch: self.epochs.epoch_at(self.start),
            }),
            TimestampQuery::Tiered => Some(Located {
                timestamp: Millis::NONE,
                offset: Offset::NONE,
                leader_epoch: Some(LeaderEpoch::NONE),
            }),
            TimestampQuery::MaxTimestamp | TimestampQuery::AtOrAfter(_) => None,
        };
        let candidate = |segment: &crate::segment::Segment| Candidate {
            files: segment.files.clone(),
            size: segment.size,
            newest: segment.newest.or_else(|| (segment.size == 0).then(|| none(segment.base()))),
            position: segment.gauge.as_ref().map(|gauge| match query {
                TimestampQuery::AtOrAfter(timestamp) => {
                    let before = |entry: &TimeEntry| entry.timestamp < timestamp.0;
                    index::search(&gauge.times, before).map_or(0, |entry| gauge.floor(entry.offset))
                }
                _ => segment.newest.map_or(0, |newest| gauge.floor(segment.files.relative(newest.offset))),
            }),
        };
        let segments =
            if known.is_some() { Vec::new() } else { self.segments.iter().map(candidate).collect() };
        Lookup { files: self.files.clone(), start: self.start, query, known, segments }
    }
}

fn none(base: Offset) -> Newest {
    Newest { timestamp: Millis::NONE, offset: base }
}
