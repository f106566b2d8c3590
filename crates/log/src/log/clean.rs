//! What there is to clean in a log, and putting a cleaned group in place of its originals (`LogCleanerManager`,
//! `UnifiedLog.replaceSegments`).
//!
//! The files are swapped by renames alone, in an order that a crash may cut anywhere: `.cleaned` to `.swap`, the originals
//! to `.deleted`, `.swap` to the final names. Opening the log finishes what has got as far as `.swap`, and forgets the rest. Readers
//! that have planned with the originals keep those files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chronik_types::{Millis, Offset};

use super::retention::set_aside;
use super::{Context, Log, RemovalJob};
use crate::clean::{CLEANED, Cleaned, Cleaning, OffsetMap, Phase, Rules, Source};
use crate::error::LogError;
use crate::segment::{Kind, Segment};

/// What files end in that are about to take the place of others.
pub(super) const SWAP: &str = ".swap";

/// How dirty a log is (`LogToClean`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dirt {
    /// Below, no key is twice there, as far as cleanings got.
    pub first_dirty: Offset,
    /// From here on nothing may be cleaned yet. The base offset of a segment.
    pub first_uncleanable: Offset,
    /// Bytes of batches below the first dirty offset.
    pub clean_bytes: u64,
    /// Bytes of batches that can be cleaned.
    pub cleanable_bytes: u64,
    /// A record has waited for longer than `max.compaction.lag.ms`.
    pub is_overdue: bool,
}

impl Dirt {
    /// The share of what can be cleaned, 0 to 1.
    pub fn ratio(&self) -> f64 {
        let all = self.clean_bytes + self.cleanable_bytes;
        if all == 0 { 0.0 } else { self.cleanable_bytes as f64 / all as f64 }
    }
}

impl Log {
    /// Everything below is clean, as far as is known (`cleaner-offset-checkpoint`). `None`: the log has never been cleaned.
    pub fn cleaned_to(&self) -> Option<Offset> {
        self.cleaned_to.map(|to| self.checkpoint.held_at.map_or(to, |held| to.min(held)))
    }

    /// How dirty the log is. Never beyond the last stable offset, what is on disk, the active segment, and what is younger
    /// than `min.compaction.lag.ms`.
    ///
    /// Errors: `Io` if a time index cannot be read.
    pub fn dirt(&mut self, high_watermark: Offset, now: Millis) -> Result<Dirt, LogError> {
        let from = self.cleaned_to.filter(|to| (self.start..=self.end).contains(to)).unwrap_or(self.start);
        // What is not durable may go in a crash, and with a transaction's marker what lies below would be open again.
        let stable = self.last_stable_offset(high_watermark.min(self.sync.durable));
        let files = Arc::clone(&self.files);
        let (min_lag, max_lag) = (self.options.min_compaction_lag_ms, self.options.max_compaction_lag_ms);
        let active = self.segments.len().saturating_sub(1);
        let bases: Vec<Offset> = self.segments.iter().map(Segment::base).collect();
        let mut dirt = Dirt {
            first_dirty: from,
            first_uncleanable: bases.first().copied().unwrap_or(self.end),
            clean_bytes: 0,
            cleanable_bytes: 0,
            is_overdue: false,
        };
        for (at, segment) in self.segments[..active].iter_mut().enumerate() {
            let next = bases[at + 1];
            let mut is_young = false;
            if min_lag > 0 && next > from {
                let path = segment.files.path(Kind::TimeIndex);
                let newest = segment.newest(&files).context("read", &path)?;
                let newest = newest.map_or(segment.begun, |newest| newest.timestamp);
                is_young = newest.0 > now.0.saturating_sub(min_lag);
            }
            if next > stable || is_young {
                break;
            }
            dirt.first_uncleanable = next;
            if next <= from {
                dirt.clean_bytes += u64::from(segment.size);
                continue;
            }
            dirt.cleanable_bytes += u64::from(segment.size);
            let path = segment.files.path(Kind::Log);
            let first = segment.first_timestamp(&files).map_err(|error| LogError::of_read(&path, error))?;
            let is_old = |first: Millis| first.0 > 0 && first.0 < now.0.saturating_sub(max_lag);
            dirt.is_overdue |= first.is_some_and(is_old);
        }
        Ok(dirt)
    }

    /// Plans a cleaning of what `dirt` says, with an empty map. No I/O. `None` if the log is offline or nothing can be cleaned.
    pub fn begin_cleaning(&self, dirt: &Dirt, map: OffsetMap, now: Millis) -> Option<Cleaning> {
        let upper = dirt.first_uncleanable;
        let count = self.segments.partition_point(|segment| segment.base() < upper);
        if self.sync.poisoned || dirt.cleanable_bytes == 0 || count >= self.segments.len() {
            return None;
        }
        let source = |at: usize| Source {
            files: Arc::clone(&self.segments[at].files),
            size: self.segments[at].size,
            next: self.segments[at + 1].base(),
            begun: self.segments[at].begun,
        };
        let sources: Vec<Source> = (0..count).map(source).collect();
        let first = sources.partition_point(|source| source.next <= dirt.first_dirty);
        let base = sources.get(first)?.files.base();
        // What ended before the first segment that is mapped is not met there, so it must not count as begun.
        let mapped = crate::segment::aborted_in(&self.segments, base, upper);
        let aborted = crate::segment::aborted_in(&self.segments, sources[0].files.base(), upper);
        Some(Cleaning {
            files: Arc::clone(&self.files),
            dir: Arc::clone(&self.dir),
            options: Arc::clone(&self.options),
            generation: self.generation,
            sources,
            first_dirty: dirt.first_dirty,
            aborted,
            rules: Rules {
                last_records: self.producers.last_records(),
                last_mapped: BTreeMap::new(),
                upper,
                now,
                delete_retention_ms: self.options.delete_retention_ms,
            },
            map,
            phase: Phase::mapping(first, mapped),
            io_bytes: 0,
        })
    }

    /// Puts a cleaned group in place of its originals, durably once [`RemovalJob::make_durable`] has run. `Ok(Err(..))`: the
    /// log has changed in the meantime, and nothing was done; the group is to be discarded and the cleaning given up.
    ///
    /// Errors: `Io`; unless nothing was changed the log is poisoned.
    pub fn swap_in(&mut self, cleaned: Cleaned) -> Result<Result<RemovalJob, Cleaned>, LogError> {
        self.refuse_if_poisoned()?;
        let Some(at) = self.place_of_originals(&cleaned) else { return Ok(Err(cleaned)) };
        // Whoever reads the originals goes on with their files, whatever comes under their names.
        for (files, _) in &cleaned.originals {
            files.retire(&self.files).context("open", &files.path(Kind::Log))?;
        }
        self.cleaned_to_swap(&cleaned)?;
        let result = self.swap_files(at, &cleaned);
        self.sync.poisoned |= result.is_err();
        let job = result?;
        let count = cleaned.originals.len();
        for (files, _) in &cleaned.originals {
            self.checkpoint.unsynced.remove(&files.base());
        }
        self.segments.splice(at..at + count, [cleaned.segment]);
        Ok(Ok(job))
    }

    /// Notes that everything below `to` is clean, after all groups have been swapped in.
    pub fn finish_cleaning(&mut self, cleaning: &Cleaning, to: Offset) {
        if cleaning.generation == self.generation {
            self.cleaned_to = Some(to.min(self.end));
        }
    }

    /// A cut or a new start: what was clean below `end` is clean still.
    pub(super) fn was_cut(&mut self, end: Offset) {
        self.generation += 1;
        self.cleaned_to = self.cleaned_to.map(|to| to.min(end));
    }

    /// Where the group's originals are, if they are what they were, and none is active.
    fn place_of_originals(&self, cleaned: &Cleaned) -> Option<usize> {
        let (first, _) = cleaned.originals.first()?;
        let at = self.segments.binary_search_by_key(&first.base(), Segment::base).ok()?;
        let there = self.segments.get(at..at + cleaned.originals.len())?;
        let is_same = |(segment, (files, size)): (&Segment, &(Arc<_>, u32))| {
            Arc::ptr_eq(&segment.files, files) && segment.size == *size
        };
        let fits =
            there.iter().zip(&cleaned.originals).all(is_same) && at + there.len() < self.segments.len();
        (fits && cleaned.generation == self.generation).then_some(at)
    }

    /// From here on the group is finished whatever happens. A failure is undone.
    fn cleaned_to_swap(&mut self, cleaned: &Cleaned) -> Result<(), LogError> {
        let path = |kind: Kind, suffix: &str| self.dir.join(kind.name(cleaned.segment.base()) + suffix);
        for (at, &kind) in cleaned.kinds.iter().enumerate() {
            let Err(error) = cleaned.disk.rename(&path(kind, CLEANED), &path(kind, SWAP)) else { continue };
            for &done in cleaned.kinds[..at].iter().rev() {
                if cleaned.disk.rename(&path(done, SWAP), &path(done, CLEANED)).is_err() {
                    self.sync.poisoned = true;
                }
            }
            return Err(LogError::io("rename", &path(kind, CLEANED), error));
        }
        Ok(())
    }

    /// The oldest original goes first: after a crash a newer record is there if an older one is.
    fn swap_files(&mut self, at: usize, cleaned: &Cleaned) -> Result<RemovalJob, LogError> {
        let mut job = RemovalJob::new(&cleaned.disk, &self.dir);
        for (index, segment) in self.segments[at..at + cleaned.originals.len()].iter().enumerate() {
            // The snapshot at the group's first offset stays: the segment there does.
            let kinds = Kind::ALL.into_iter().filter(|&kind| index > 0 || kind != Kind::Snapshot);
            set_aside(segment, kinds, &*cleaned.disk, &mut job)?;
        }
        for &kind in &cleaned.kinds {
            let path: PathBuf = self.dir.join(kind.name(cleaned.segment.base()));
            let swap = self.dir.join(kind.name(cleaned.segment.base()) + SWAP);
            cleaned.disk.rename(&swap, &path).context("rename to", &path)?;
        }
        Ok(job)
    }
}
