//! Walking the batches of a segment file: their headers alone, or all of their bytes.

use std::io;

use crate::batch::{Batch, BatchError, HEADER_LEN, Header};
use crate::disk::File;

/// How much is read at a time when only headers are wanted, in bytes: several small batches, and not much of a large one.
const HEADERS_CHUNK: usize = 8 * 1024;
/// How much is read at a time when everything is wanted, in bytes.
const BATCHES_CHUNK: usize = 1 << 20;

/// Why a walk ended before the end.
#[derive(Debug)]
pub(crate) enum ScanError {
    /// The file could not be read.
    Io(io::Error),
    /// What is at `position` is not a batch.
    Bad { position: u32, error: BatchError },
}

impl ScanError {
    pub(crate) fn into_io(self) -> io::Error {
        match self {
            ScanError::Io(error) => error,
            ScanError::Bad { position, error } => {
                io::Error::new(io::ErrorKind::InvalidData, format!("at position {position}: {error}"))
            }
        }
    }
}

/// The headers of the batches in `[position, end)`. A batch that goes beyond `end` is an error.
pub(crate) struct HeaderScan<'a> {
    file: &'a dyn File,
    position: u32,
    end: u32,
    buffer: Vec<u8>,
    buffer_at: u32,
}

impl<'a> HeaderScan<'a> {
    pub(crate) fn new(file: &'a dyn File, position: u32, end: u32) -> HeaderScan<'a> {
        HeaderScan { file, position, end, buffer: Vec::new(), buffer_at: position }
    }

    fn header(&mut self) -> Result<[u8; HEADER_LEN], ScanError> {
        let from = (self.position - self.buffer_at) as usize;
        if let Some(header) = self.buffer.get(from..).and_then(|rest| rest.first_chunk()) {
            return Ok(*header);
        }
        self.buffer.clear();
        self.buffer_at = self.position;
        let len = HEADERS_CHUNK.min((self.end - self.position) as usize);
        self.file.read_append(&mut self.buffer, u64::from(self.position), len).map_err(ScanError::Io)?;
        self.buffer.first_chunk().copied().ok_or(ScanError::Bad {
            position: self.position,
            error: BatchError::Truncated { needed: HEADER_LEN, available: self.buffer.len() },
        })
    }
}

impl Iterator for HeaderScan<'_> {
    /// Position and header.
    type Item = Result<(u32, [u8; HEADER_LEN]), ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position >= self.end {
            return None;
        }
        let position = self.position;
        let available = (self.end - position) as usize;
        let header = self.header().and_then(|bytes| {
            let bad = |error| ScanError::Bad { position, error };
            let needed = Header::parse(&bytes).map_err(bad)?.size();
            if needed > available {
                return Err(bad(BatchError::Truncated { needed, available }));
            }
            self.position += needed as u32;
            Ok((position, bytes))
        });
        if header.is_err() {
            self.end = self.position;
        }
        Some(header)
    }
}

/// The whole batches in `[position, end)`, for checking or reading records.
pub(crate) struct BatchScan<'a> {
    file: &'a dyn File,
    position: u32,
    end: u32,
    buffer: Vec<u8>,
    buffer_at: u32,
}

impl<'a> BatchScan<'a> {
    pub(crate) fn new(file: &'a dyn File, position: u32, end: u32) -> BatchScan<'a> {
        BatchScan { file, position, end, buffer: Vec::new(), buffer_at: position }
    }

    /// The next batch and its position; `None` at the end. Nothing about it has been checked but its length.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Batch<'_>)>, ScanError> {
        let position = self.position;
        let available = self.end.saturating_sub(position) as usize;
        if available == 0 {
            return Ok(None);
        }
        let bad = |error| ScanError::Bad { position, error };
        self.fill(HEADER_LEN.min(available))?;
        let needed = Header::parse(self.rest()).map_err(bad)?.size();
        if needed > available {
            return Err(bad(BatchError::Truncated { needed, available }));
        }
        self.fill(needed)?;
        self.position += needed as u32;
        let from = (position - self.buffer_at) as usize;
        let batch = Batch::parse(&self.buffer[from..]).map_err(bad)?;
        Ok(Some((position, batch)))
    }

    fn rest(&self) -> &[u8] {
        let from = (self.position - self.buffer_at) as usize;
        self.buffer.get(from..).unwrap_or_default()
    }

    /// Sees to it that `len` bytes from the position on are in the buffer, or as many as there are.
    fn fill(&mut self, len: usize) -> Result<(), ScanError> {
        if self.rest().len() >= len {
            return Ok(());
        }
        let from = ((self.position - self.buffer_at) as usize).min(self.buffer.len());
        self.buffer.drain(..from);
        self.buffer_at = self.position;
        let left = (self.end - self.position) as usize;
        let more = left.min(BATCHES_CHUNK.max(len)) - self.buffer.len();
        let at = u64::from(self.position) + self.buffer.len() as u64;
        self.file.read_append(&mut self.buffer, at, more).map_err(ScanError::Io)?;
        Ok(())
    }
}
