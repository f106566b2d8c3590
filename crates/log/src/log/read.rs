//! Reading from an offset: planned under the owner's lock without I/O, loaded outside of it.
//!
//! A plan finds batches appended lately, and those where another reader stopped, without any search. Else the index says
//! where to start and the headers from there on say where the batch is; that is I/O, and done by [`ReadSlice::load`].
//!
//! Batches are not cached: the page cache holds them, and copying them once more would cost the appender.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use chronik_types::Offset;

use super::Log;
use crate::batch::Header;
use crate::error::ReadError;
use crate::files::Files;
use crate::segment::{HeaderScan, ScanError, SegmentFiles};

/// Batches to be read. Holds what is needed without the log.
#[derive(Clone, Debug)]
pub struct ReadSlice {
    plan: Option<Plan>,
    size_hint: usize,
}

#[derive(Clone, Debug)]
struct Plan {
    files: Arc<Files>,
    segment: Arc<SegmentFiles>,
    start: Start,
    /// The segment's size when the plan was made.
    end: u32,
    from: Offset,
    upper: Offset,
    max_bytes: usize,
    at_least_one: bool,
    /// Where to go on if the segment has no batch at or after `from`: compaction can leave such gaps.
    next: Option<(Arc<SegmentFiles>, u32)>,
}

#[derive(Clone, Copy, Debug)]
enum Start {
    /// The batch that holds `from` starts here.
    Exact(u32),
    /// It starts here or later.
    Floor(u32),
    /// Nothing is known: the index file is to be searched.
    Index,
}

impl ReadSlice {
    const EMPTY: ReadSlice = ReadSlice { plan: None, size_hint: 0 };

    /// How many bytes there are to read: exact for batches appended lately, else an upper bound. Never more than
    /// `max_bytes` unless a single larger batch was allowed.
    pub fn size_hint(&self) -> usize {
        self.size_hint
    }

    /// Whether there is nothing to read: the offset is the end, or the upper bound.
    pub fn is_empty(&self) -> bool {
        self.plan.is_none()
    }

    /// Reads whole batches. The first one holds the offset asked for, and may start before it. Blocks; needs no lock.
    ///
    /// What the log has taken away since is still read; what was cut off the end of a segment that stays is an error.
    pub fn load(&self) -> io::Result<Bytes> {
        let mut bytes = Vec::new();
        self.load_into(&mut bytes)?;
        Ok(bytes.into())
    }

    /// The same, appended to a buffer of the caller's. Returns how many bytes.
    pub fn load_into(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        match &self.plan {
            Some(plan) => plan.load_into(into),
            None => Ok(0),
        }
    }
}

impl Plan {
    fn load_into(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        if let Some((position, first_size)) = self.find(&self.segment, self.start, self.end)? {
            return self.read(&self.segment, position, first_size, self.end, into);
        }
        let Some((next, end)) = &self.next else { return Ok(0) };
        match self.find(next, Start::Exact(0), *end)? {
            Some((position, first_size)) => self.read(next, position, first_size, *end, into),
            None => Ok(0),
        }
    }

    /// Position of the batch that holds `from` or is the first after it, and its size if that had to be looked at.
    fn find(
        &self,
        segment: &SegmentFiles,
        start: Start,
        end: u32,
    ) -> io::Result<Option<(u32, Option<usize>)>> {
        let floor = match start {
            Start::Exact(position) => return Ok((position < end).then_some((position, None))),
            Start::Floor(position) => position,
            Start::Index => segment.floor_in_file(&self.files, self.from)?,
        };
        let log = segment.log(&self.files)?;
        for found in HeaderScan::new(&*log, floor, end) {
            let (position, bytes) = found.map_err(ScanError::into_io)?;
            let header = trusted(&bytes, position)?;
            if header.last_offset() >= self.from {
                return Ok(Some((position, Some(header.size()))));
            }
        }
        Ok(None)
    }

    fn read(
        &self,
        segment: &SegmentFiles,
        position: u32,
        first_size: Option<usize>,
        end: u32,
        into: &mut Vec<u8>,
    ) -> io::Result<usize> {
        let log = segment.log(&self.files)?;
        let start = into.len();
        let left = (end - position) as usize;
        let mut len = self.max_bytes.min(left);
        if let Some(size) = first_size
            && self.at_least_one
        {
            len = len.max(size.min(left));
        }
        log.read_append(into, u64::from(position), len)?;
        let mut whole = self.whole_batches(&into[start..], position)?;
        if whole.len == 0 && self.at_least_one && first_size.is_none() {
            // The first batch is larger than what was asked for.
            into.truncate(start);
            let Some(header) = HeaderScan::new(&*log, position, end).next() else { return Ok(0) };
            let (_, bytes) = header.map_err(ScanError::into_io)?;
            let header = trusted(&bytes, position)?;
            if header.base_offset() < self.upper {
                log.read_append(into, u64::from(position), header.size())?;
                whole = self.whole_batches(&into[start..], position)?;
            }
        }
        into.truncate(start + whole.len);
        if whole.len > 0 {
            segment.set_hint(whole.next_offset, position + whole.len as u32);
        }
        Ok(whole.len)
    }

    /// How much of what was read are whole batches below the upper bound.
    fn whole_batches(&self, bytes: &[u8], position: u32) -> io::Result<Whole> {
        let mut whole = Whole { len: 0, next_offset: self.from };
        while bytes.len() - whole.len >= crate::batch::HEADER_LEN {
            let header = trusted(&bytes[whole.len..], position + whole.len as u32)?;
            if header.size() > bytes.len() - whole.len || header.base_offset() >= self.upper {
                break;
            }
            whole.len += header.size();
            whole.next_offset = header.next_offset();
        }
        Ok(whole)
    }
}

struct Whole {
    len: usize,
    next_offset: Offset,
}

/// A header from our own file: anything else there is corruption.
fn trusted(bytes: &[u8], position: u32) -> io::Result<Header<'_>> {
    Header::parse(bytes).map_err(|error| ScanError::Bad { position, error }.into_io())
}

impl Log {
    /// Finds the batches from the one that holds `from` up to `upper` (the high watermark, the last stable offset, or the
    /// end for a follower), at most `max_bytes`; with `at_least_one` the first batch is read even if it is larger.
    /// Reading stops at the end of a segment: ask again for the rest.
    ///
    /// No data is read. Error: `OffsetOutOfRange` outside of `[start, end]`.
    pub fn read(
        &self,
        from: Offset,
        max_bytes: usize,
        upper: Offset,
        at_least_one: bool,
    ) -> Result<ReadSlice, ReadError> {
        if from < self.start || from > self.end {
            return Err(ReadError::OffsetOutOfRange { offset: from, start: self.start, end: self.end });
        }
        let upper = upper.min(self.end);
        if from >= upper || (max_bytes == 0 && !at_least_one) {
            return Ok(ReadSlice::EMPTY);
        }
        let after = self.segments.partition_point(|segment| segment.base() <= from);
        let at = after.saturating_sub(1);
        let segment = &self.segments[at];
        // Compaction leaves gaps, and segments without any batch.
        let next = self.segments[after..].iter().find(|next| next.size > 0);
        let relative = segment.files.relative(from);
        let recent = segment.gauge.as_ref().and_then(|gauge| gauge.recent_from(relative));
        let (start, size_hint) = if let Some(recent) = recent {
            let upper = segment.files.relative(upper);
            let (mut start, mut size) = (0, 0);
            for batch in recent.take_while(|batch| batch.first < upper) {
                if size == 0 {
                    start = batch.position;
                }
                if size + batch.size as usize > max_bytes && !(size == 0 && at_least_one) {
                    break;
                }
                size += batch.size as usize;
            }
            if size == 0 {
                return Ok(ReadSlice::EMPTY);
            }
            (Start::Exact(start), size)
        } else {
            let start = match (segment.files.hint(from), &segment.gauge) {
                (Some(position), _) => Start::Exact(position),
                (None, Some(gauge)) => Start::Floor(gauge.floor(relative)),
                (None, None) => Start::Index,
            };
            (start, max_bytes.min(segment.size as usize))
        };
        // What is known exactly is read exactly.
        let max_bytes = if matches!(start, Start::Exact(_)) { size_hint } else { max_bytes };
        let plan = Plan {
            files: self.files.clone(),
            segment: segment.files.clone(),
            start,
            end: segment.size,
            from,
            upper,
            max_bytes,
            at_least_one,
            next: next.map(|next| (next.files.clone(), next.size)),
        };
        Ok(ReadSlice { plan: Some(plan), size_hint })
    }
}
