//! Compaction of one log: Kafka's `Cleaner`, as a job that is done in steps outside of the owner's lock.
//!
//! First the keys of the dirty part are mapped to their last offsets; then all segments up to there are copied, in groups
//! that fit into one segment, without the records that a later one of the same key replaces. A finished group is on disk
//! as `.cleaned` files, synced; [`crate::Log::swap_in`] puts it in place of its originals. The log may change meanwhile: a group
//! that no longer fits is not swapped in, and nothing of the log is lost whenever the job ends.

mod filter;
mod offset_map;
mod output;
#[cfg(test)]
mod tests;
mod transactions;

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use chronik_types::{Millis, Offset};

use crate::batch::{Batch, BatchError};
use crate::disk::Mode;
use crate::error::{Context, LogError};
use crate::files::Files;
use crate::index::AbortedTxn;
use crate::options::LogOptions;
use crate::segment::{BatchScan, Kind, ScanError, SegmentFiles};

pub use offset_map::OffsetMap;
pub use output::Cleaned;

pub(crate) use filter::Rules;
pub(crate) use output::CLEANED;

use filter::{Kept, for_each_key};
use output::Output;
use transactions::Transactions;

/// A segment that is read.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) files: Arc<SegmentFiles>,
    pub(crate) size: u32,
    /// The base offset of the segment after it.
    pub(crate) next: Offset,
    pub(crate) begun: Millis,
}

/// A cleaning under way. Made by [`crate::Log::begin_cleaning`].
#[derive(Debug)]
pub struct Cleaning {
    pub(crate) files: Arc<Files>,
    pub(crate) dir: Arc<Path>,
    pub(crate) options: Arc<LogOptions>,
    /// Of the log when the job was made.
    pub(crate) generation: u64,
    /// From the log's first segment to the last that may be cleaned.
    pub(crate) sources: Vec<Source>,
    pub(crate) first_dirty: Offset,
    pub(crate) aborted: Vec<AbortedTxn>,
    pub(crate) rules: Rules,
    pub(crate) map: OffsetMap,
    pub(crate) phase: Phase,
    pub(crate) io_bytes: u64,
}

/// How far it is.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Keys are being mapped.
    Mapping { at: usize, position: u32, transactions: Transactions },
    /// Groups are being copied; the first is under way if there is an output.
    Copying {
        groups: VecDeque<Range<usize>>,
        at: usize,
        position: u32,
        transactions: Transactions,
        output: Option<Box<Output>>,
    },
}

/// What a step has brought.
#[derive(Debug)]
pub enum Step {
    /// There is more to do.
    More,
    /// A group is ready for [`crate::Log::swap_in`]; then there is more to do.
    Cleaned(Cleaned),
    /// All is done: everything below this offset is clean ([`crate::Log::finish_cleaning`]).
    Done(Offset),
}

/// How far one call gets.
enum Pause {
    /// The budget is used up.
    Budget,
    /// The segment ends, or no more is wanted of it.
    End,
}

impl Phase {
    pub(crate) fn mapping(at: usize, aborted: Vec<AbortedTxn>) -> Phase {
        Phase::Mapping { at, position: 0, transactions: Transactions::new(aborted) }
    }
}

impl Cleaning {
    /// Goes on for about `bytes` of the log. Blocks; needs no lock.
    ///
    /// Errors: `Corrupt` if a batch is not what it should be: the log cannot be cleaned. `Io`, `DiskFull`. After an error the job
    /// is of no more use: [`Cleaning::abandon`].
    pub fn step(&mut self, bytes: u64) -> Result<Step, LogError> {
        let until = self.io_bytes + bytes;
        if matches!(self.phase, Phase::Mapping { .. }) {
            self.map_keys(until)?;
            return Ok(Step::More);
        }
        self.copy(until)
    }

    /// How many keys have been found.
    pub fn keys(&self) -> usize {
        self.map.len()
    }

    /// Bytes read and written since the last call: what a throttle counts.
    pub fn take_io_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.io_bytes)
    }

    /// Removes what is unfinished. Opening the log does so too.
    pub fn abandon(self) -> Result<(), LogError> {
        match self.phase {
            Phase::Copying { output: Some(output), .. } => output.discard(&self.files, &self.dir),
            _ => Ok(()),
        }
    }

    fn map_keys(&mut self, until: u64) -> Result<(), LogError> {
        let Phase::Mapping { at, position, transactions } = &mut self.phase else { return Ok(()) };
        let (map, last_mapped, first_dirty) = (&mut self.map, &mut self.rules.last_mapped, self.first_dirty);
        let mut is_full = false;
        while let Some(source) = self.sources.get(*at) {
            let scan = Scan { files: &self.files, source, position, io_bytes: &mut self.io_bytes, until };
            let pause = scan.run(|batch| {
                let header = batch.header();
                let is_aborted = if header.is_control() {
                    transactions.on_control(batch).map(|_| true)?
                } else {
                    transactions.on_data(header)
                };
                if header.last_offset() < first_dirty {
                    return Ok(true);
                }
                if !is_aborted {
                    is_full =
                        !for_each_key(batch, |key, offset| offset < first_dirty || map.put(key, offset))?;
                }
                if !is_full {
                    map.reached(header.last_offset());
                    if header.has_producer() && !header.is_control() {
                        last_mapped.insert(header.producer_id(), header.last_offset());
                    }
                }
                Ok(!is_full)
            })?;
            if matches!(pause, Pause::Budget) {
                return Ok(());
            }
            if is_full {
                break;
            }
            // Nothing can come in a gap that an earlier cleaning has left.
            map.reached(source.next.plus(-1));
            (*at, *position) = (*at + 1, 0);
        }
        self.phase = Phase::Copying {
            groups: self.groups()?,
            at: 0,
            position: 0,
            transactions: Transactions::new(std::mem::take(&mut self.aborted)),
            output: None,
        };
        Ok(())
    }

    /// Neighbours that fit into one segment with its indexes (`Cleaner.groupSegmentsBySize`).
    fn groups(&self) -> Result<VecDeque<Range<usize>>, LogError> {
        let end = self.map.latest().next();
        let count = self.sources.partition_point(|source| source.files.base() < end);
        let index_max = u64::from(self.options.segment_index_bytes);
        let mut groups: VecDeque<Range<usize>> = VecDeque::new();
        let mut sum = [0; 3];
        for (at, source) in self.sources[..count].iter().enumerate() {
            let indexes = [Kind::OffsetIndex, Kind::TimeIndex].map(|kind| self.index_len(source, kind));
            let [offsets, times] = indexes;
            let sizes = [u64::from(source.size), offsets?, times?];
            if let Some(group) = groups.back_mut() {
                let base = self.sources[group.start].files.base();
                let fits = sum[0] + sizes[0] <= u64::from(self.options.segment_bytes)
                    && sum[1] + sizes[1] <= index_max
                    && sum[2] + sizes[2] <= index_max
                    && source.next.0 - 1 - base.0 <= i64::from(i32::MAX);
                if fits {
                    group.end = at + 1;
                    sum.iter_mut().zip(sizes).for_each(|(sum, size)| *sum += size);
                    continue;
                }
            }
            groups.push_back(at..at + 1);
            sum = sizes;
        }
        Ok(groups)
    }

    fn index_len(&self, source: &Source, kind: Kind) -> Result<u64, LogError> {
        let path = source.files.path(kind);
        let len = match self.files.disk().open(&path, Mode::Read) {
            Ok(file) => file.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        };
        len.context("measure", &path)
    }

    fn copy(&mut self, until: u64) -> Result<Step, LogError> {
        let Phase::Copying { groups, at, position, transactions, output } = &mut self.phase else {
            return Ok(Step::More);
        };
        let Some(group) = groups.front().cloned() else { return Ok(Step::Done(self.map.latest().next())) };
        let out = match output {
            Some(output) => output,
            None => {
                (*at, *position) = (group.start, 0);
                let made = Output::create(&self.files, &self.dir, &self.sources[group.start], &self.options)?;
                output.insert(Box::new(made))
            }
        };
        while *at < group.end {
            let source = &self.sources[*at];
            let scan = Scan { files: &self.files, source, position, io_bytes: &mut self.io_bytes, until };
            let (map, rules) = (&self.map, &self.rules);
            let pause = scan.run(|batch| {
                match rules.judge(batch, map, transactions)? {
                    Kept::Nothing => out.has_changed = true,
                    Kept::AsItIs => out.push(batch),
                    Kept::Rewritten(bytes) => {
                        out.has_changed = true;
                        out.push(Batch::parse(&bytes)?);
                    }
                }
                out.aborted(transactions.take_kept());
                Ok(true)
            })?;
            self.io_bytes += out.flush()?;
            if matches!(pause, Pause::Budget) {
                return Ok(Step::More);
            }
            (*at, *position) = (*at + 1, 0);
        }
        groups.pop_front();
        let Some(finished) = output.take() else { return Ok(Step::More) };
        let originals = &self.sources[group];
        if originals.len() == 1 && !finished.has_changed {
            finished.discard(&self.files, &self.dir)?;
            return Ok(Step::More);
        }
        let cleaned = finished.finish(&self.files, &self.dir, originals, self.generation)?;
        Ok(Step::Cleaned(cleaned))
    }
}

/// Reading on in one segment.
struct Scan<'a> {
    files: &'a Files,
    source: &'a Source,
    position: &'a mut u32,
    io_bytes: &'a mut u64,
    until: u64,
}

impl Scan<'_> {
    /// Hands over batch after batch, each with a checksum that fits, until `take` has enough or the budget is used up.
    fn run(self, mut take: impl FnMut(Batch<'_>) -> Result<bool, BatchError>) -> Result<Pause, LogError> {
        let path = self.source.files.path(Kind::Log);
        let bad = |position: u32, error: &BatchError| {
            LogError::corrupt(&path, format!("at position {position}: {error}"))
        };
        let log = self.source.files.log(self.files).context("open", &path)?;
        let mut scan = BatchScan::new(&*log, *self.position, self.source.size);
        loop {
            let (position, batch) = match scan.next() {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(Pause::End),
                Err(ScanError::Bad { position, error }) => return Err(bad(position, &error)),
                Err(ScanError::Io(error)) => return Err(LogError::io("read", &path, error)),
            };
            let size = batch.as_bytes().len();
            let taken =
                batch.verify_crc().and_then(|()| take(batch)).map_err(|error| bad(position, &error))?;
            *self.position = position + size as u32;
            *self.io_bytes += size as u64;
            if !taken {
                return Ok(Pause::End);
            }
            if *self.io_bytes >= self.until {
                return Ok(Pause::Budget);
            }
        }
    }
}
