//! Appending: offsets and epoch into the header, one vectored write, then the bookkeeping.
//!
//! Nothing is changed in memory before the write has succeeded, and a write that fails is cut back.

use std::io::IoSlice;

use chronik_types::{LeaderEpoch, Millis, Offset};

use super::{Context, Log};
use crate::batch::{Batch, EndTxnMarker, Header, Origin, TimestampType, Validated, Verified};
use crate::error::{AppendError, LogError};
use crate::producers::{Duplicate, marker_in, marker_of};
use crate::segment::Kind;

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record. For a duplicate: of the original.
    pub first_offset: Offset,
    /// Offset of the last record. For a duplicate: of the original.
    pub last_offset: Offset,
    /// The time given to the records if the batch is `LogAppendTime`, else -1. For a duplicate: the original's timestamp.
    pub log_append_time: Millis,
    /// The log's start offset.
    pub log_start_offset: Offset,
    /// The batch was there already (an idempotent producer's retry) and nothing was written. The answer still has to
    /// wait until the original is durable and committed.
    pub duplicate: bool,
    /// A new segment was begun: a good moment for a [`super::CheckpointJob`].
    pub rolled: bool,
}

/// What decides whether a batch still fits into the active segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) first: Offset,
    pub(super) last: Offset,
    pub(super) timestamp: Millis,
    pub(super) size: usize,
}

impl Log {
    /// Appends a batch as the leader: gives it the next offsets and `epoch`, after the producer's epoch and sequence
    /// have been checked (`UnifiedLog.appendAsLeader`). The batch is in the page cache afterwards; see
    /// [`Log::begin_sync`].
    ///
    /// `origin` is what it was validated with. `now` matters for rolling a segment that has no timestamps.
    ///
    /// Errors: see [`AppendError`]; the log is then unchanged.
    pub fn append(
        &mut self,
        batch: &mut Validated,
        epoch: LeaderEpoch,
        origin: Origin,
        now: Millis,
    ) -> Result<Appended, AppendError> {
        self.refuse_if_poisoned()?;
        if let Some(last) = self.epochs.latest()
            && epoch < last
        {
            return Err(AppendError::OldEpoch { given: epoch, last });
        }
        let header = batch.header();
        let marker = if header.is_control() { marker_in(header, batch.body()) } else { None };
        if let Some(original) = self.check_producer(header, marker, origin)? {
            return Ok(self.duplicate(original));
        }
        batch.assign(self.end, epoch);
        let header = batch.header();
        let extent = Extent {
            first: self.end,
            last: header.last_offset(),
            timestamp: header.max_timestamp(),
            size: batch.size(),
        };
        let rolled = self.make_room(extent, now)?;
        let [head, body] = batch.parts();
        self.write(&mut [IoSlice::new(head), IoSlice::new(body)])?;
        self.note(header, marker);
        let log_append_time = match header.timestamp_type() {
            TimestampType::LogAppendTime => header.max_timestamp(),
            TimestampType::CreateTime => Millis::NONE,
        };
        Ok(self.appended(extent, log_append_time, rolled))
    }

    /// Appends batches that have their offsets and epochs: a follower's copy of its leader's, or the metadata log's. They
    /// must begin at the end of the log, or after it (where compaction has removed records).
    ///
    /// Errors: see [`AppendError`]. If the batches go into several segments, those of the first ones may have been
    /// appended: the log's end tells. Otherwise it is unchanged.
    pub fn append_as_follower(&mut self, batches: &Verified, now: Millis) -> Result<Appended, AppendError> {
        self.refuse_if_poisoned()?;
        if batches.first_offset() < self.end {
            return Err(AppendError::UnexpectedOffset { first: batches.first_offset(), end: self.end });
        }
        let all: Vec<Batch<'_>> = batches.batches().map_while(Result::ok).collect();
        let mut rolled = false;
        let mut rest = &all[..];
        while !rest.is_empty() {
            let (group, after) = rest.split_at(self.group_len(rest));
            rolled |= self.append_group(group, now)?;
            rest = after;
        }
        let extent = extent_of(&all);
        Ok(self.appended(extent, Millis::NONE, rolled))
    }

    /// How many of the batches are written at once: as many as fit into one segment, and at least one.
    fn group_len(&self, batches: &[Batch<'_>]) -> usize {
        let mut size = 0;
        let fits = |batch: &&Batch<'_>| {
            size += batch.as_bytes().len();
            size <= self.options.segment_bytes as usize
        };
        batches.iter().take_while(fits).count().max(1)
    }

    fn append_group(&mut self, group: &[Batch<'_>], now: Millis) -> Result<bool, AppendError> {
        let rolled = self.make_room(extent_of(group), now)?;
        let mut parts: Vec<IoSlice<'_>> = group.iter().map(|batch| IoSlice::new(batch.as_bytes())).collect();
        self.write(&mut parts)?;
        for &batch in group {
            self.note(batch.header(), marker_of(batch));
        }
        Ok(rolled)
    }

    /// The rules for producers (`UnifiedLog.analyzeAndValidateProducerState`). `Some`: it is there already.
    fn check_producer(
        &self,
        header: Header<'_>,
        marker: Option<EndTxnMarker>,
        origin: Origin,
    ) -> Result<Option<Duplicate>, AppendError> {
        if !header.has_producer() {
            return Ok(None);
        }
        if header.is_control() {
            let marker = marker.ok_or_else(|| AppendError::Control("not a transaction marker".to_owned()))?;
            self.producers.check_marker(header, marker, self.end)?;
            return Ok(None);
        }
        match origin {
            Origin::Client => Ok(self.producers.check(header, self.end)?),
            Origin::Coordinator => Ok(self.producers.check_coordinator(header, self.end).map(|()| None)?),
        }
    }

    fn duplicate(&self, original: Duplicate) -> Appended {
        Appended {
            first_offset: original.first_offset,
            last_offset: original.last_offset,
            log_append_time: original.timestamp,
            log_start_offset: self.start,
            duplicate: true,
            rolled: false,
        }
    }

    fn appended(&self, extent: Extent, log_append_time: Millis, rolled: bool) -> Appended {
        Appended {
            first_offset: extent.first,
            last_offset: extent.last,
            log_append_time,
            log_start_offset: self.start,
            duplicate: false,
            rolled,
        }
    }

    /// Writes at the end of the active segment, all or nothing.
    fn write(&mut self, parts: &mut [IoSlice<'_>]) -> Result<(), LogError> {
        let files = self.files.clone();
        let segment = self.active();
        let position = u64::from(segment.size);
        let shared = segment.files.clone();
        let written = shared.log(&files).and_then(|file| match file.write_all_at(parts, position) {
            Ok(()) => Ok(file),
            Err(error) => {
                // What was written must not stay: the next batch may be shorter.
                if file.set_len(position).is_err() {
                    self.sync.poisoned = true;
                }
                Err(error)
            }
        });
        let file = match written {
            Ok(file) => file,
            Err(error) => return Err(LogError::io("append to", &shared.path(Kind::Log), error)),
        };
        self.sync.written(file);
        Ok(())
    }

    /// Takes a written batch into account.
    fn note(&mut self, header: Header<'_>, marker: Option<EndTxnMarker>) {
        let interval = self.options.index_interval_bytes;
        let segment = self.active();
        segment.note(header, segment.size, interval);
        self.end = header.next_offset();
        self.epochs_unwritten |= self.epochs.assign(header.leader_epoch(), header.base_offset());
        if let Some(aborted) = self.producers.apply(header, marker) {
            self.active().aborted.push(aborted);
        }
        self.checkpoint.changed = true;
    }

    /// Sees to it that the active segment takes what comes. Returns whether a new one was begun.
    fn make_room(&mut self, extent: Extent, now: Millis) -> Result<bool, AppendError> {
        let segment_bytes = self.options.segment_bytes;
        if extent.size > segment_bytes as usize {
            return Err(AppendError::TooLarge { size: extent.size, segment_bytes });
        }
        if self.segments.is_empty() {
            self.begin_first(now)?;
        }
        if self.unmarked {
            self.write_topic_id()?;
        }
        self.load_gauge().context("read the index of", &self.dir.clone())?;
        let rolled = self.must_roll(extent, now)?;
        if rolled {
            // A follower may be given batches far beyond its end; relative offsets have 31 bits.
            let near = extent.last.0 - self.end.0 <= i64::from(i32::MAX);
            self.roll_at(if near { self.end } else { extent.first }, now)?;
        }
        Ok(rolled)
    }
}

fn extent_of(batches: &[Batch<'_>]) -> Extent {
    let (first, last) = (batches.first(), batches.last());
    Extent {
        first: first.map_or(Offset::ZERO, |batch| batch.header().base_offset()),
        last: last.map_or(Offset::ZERO, |batch| batch.header().last_offset()),
        timestamp: batches.iter().map(|batch| batch.header().max_timestamp()).max().unwrap_or_default(),
        size: batches.iter().map(|batch| batch.as_bytes().len()).sum(),
    }
}
