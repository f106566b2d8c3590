//! What a follower checks before it appends what its leader sent: the bytes are the leader's and stay as they are.

use bytes::Bytes;
use chronik_types::{Millis, Offset};

use super::{BatchError, BatchIter};

/// Whole batches with valid CRCs and rising offsets: at least one.
#[derive(Clone, Debug)]
pub struct Verified {
    bytes: Bytes,
    first_offset: Offset,
    last_offset: Offset,
    max_timestamp: Millis,
}

impl Verified {
    /// The batches, without the partial one that a fetch response may end with.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The batches, one by one.
    pub fn batches(&self) -> BatchIter<'_> {
        BatchIter::new(&self.bytes)
    }

    /// Base offset of the first batch.
    pub fn first_offset(&self) -> Offset {
        self.first_offset
    }

    /// Last offset of the last batch.
    pub fn last_offset(&self) -> Offset {
        self.last_offset
    }

    /// The largest of the batches' max timestamps.
    pub fn max_timestamp(&self) -> Millis {
        self.max_timestamp
    }
}

/// Checks what a fetch response carried (`UnifiedLog.analyzeAndValidateRecords` for replication). `Ok(None)`: there is
/// no whole batch in it.
///
/// Errors: `Magic`, `Length`, `Crc`, `Header` for offsets that do not rise.
pub fn verify(bytes: Bytes) -> Result<Option<Verified>, BatchError> {
    const NOT_RISING: BatchError = BatchError::Header("offsets do not rise");
    let mut batches = BatchIter::new(&bytes);
    let mut offsets: Option<(Offset, Offset)> = None;
    let mut max_timestamp = Millis::NONE;
    for batch in batches.by_ref() {
        let batch = match batch {
            Err(BatchError::Truncated { .. }) => break,
            batch => batch?,
        };
        batch.verify_crc()?;
        let header = batch.header();
        let (first, last) = (header.base_offset(), header.last_offset());
        if last < first || offsets.is_some_and(|(_, last_before)| first <= last_before) {
            return Err(NOT_RISING);
        }
        offsets = Some((offsets.map_or(first, |(first, _)| first), last));
        max_timestamp = max_timestamp.max(header.max_timestamp());
    }
    let whole = batches.position();
    Ok(offsets.map(|(first_offset, last_offset)| Verified {
        bytes: bytes.slice(..whole),
        first_offset,
        last_offset,
        max_timestamp,
    }))
}
