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

#[cfg(test)]
mod tests {
    use super::super::{BatchBuilder, Compression, NewRecord};
    use super::*;

    fn batch(base_offset: i64, records: i64) -> Bytes {
        let mut builder = BatchBuilder::new(Compression::None).base_offset(Offset(base_offset));
        for n in 0..records {
            builder.push(NewRecord { timestamp: Millis(base_offset + n), ..NewRecord::default() });
        }
        builder.build()
    }

    #[test]
    fn gaps_are_fine_and_a_partial_batch_is_cut_off() {
        let whole = [&batch(3, 2)[..], &batch(9, 1)].concat();
        let bytes = [&whole[..], &batch(10, 1)[..64]].concat();
        let verified = verify(bytes.into()).unwrap().unwrap();
        assert_eq!((verified.first_offset(), verified.last_offset()), (Offset(3), Offset(9)));
        assert_eq!((verified.bytes().len(), verified.batches().count()), (whole.len(), 2));
        assert_eq!(verified.max_timestamp(), Millis(9));
        assert!(verify(Bytes::new()).unwrap().is_none());
        assert!(verify(batch(1, 1).slice(..30)).unwrap().is_none());
    }

    #[test]
    fn offsets_must_rise_and_checksums_fit() {
        let twice = [&batch(3, 2)[..], &batch(4, 1)].concat();
        assert!(matches!(verify(twice.into()), Err(BatchError::Header(_))));
        let mut damaged = batch(3, 2).to_vec();
        damaged[62] ^= 1;
        assert!(matches!(verify(damaged.into()), Err(BatchError::Crc { .. })));
    }
}
