//! Log matching (Raft paper 5.3): a batch that ends at a given offset in a given epoch is the same in every log, and so is
//! what precedes it.
//!
//! A batch is told by its checksum, which covers all but the base offset and the epoch that it is looked up by.

use std::collections::BTreeMap;

use chronik_broker::MetadataBatch;
use chronik_types::{LeaderEpoch, NodeId, Offset};

use super::Violation;

/// Bytes of a batch's header that hold its checksum (CRC-32C).
const CHECKSUM: std::ops::Range<usize> = 17..21;

/// By end offset and epoch: base offset, checksum, and the epoch of the batch before, where it was seen.
type Prints = BTreeMap<(Offset, LeaderEpoch), (Offset, Vec<u8>, Option<LeaderEpoch>)>;

/// Every batch that was seen in a log.
#[derive(Default)]
pub(super) struct Batches(Prints);

impl Batches {
    pub(super) fn check(&mut self, node: NodeId, batches: &[MetadataBatch]) -> Result<(), Violation> {
        let mut before = None;
        for batch in batches {
            let checksum = batch.bytes.get(CHECKSUM).unwrap_or_default().to_vec();
            let print = (batch.base_offset, checksum, before);
            before = Some(batch.epoch);
            let first = self.0.entry((batch.end_offset, batch.epoch)).or_insert_with(|| print.clone());
            first.2 = first.2.or(print.2);
            if (first.0, &first.1) != (print.0, &print.1) || (print.2.is_some() && first.2 != print.2) {
                let what = format!(
                    "{node} has {print:?} before offset {} in epoch {}, another node had {first:?}",
                    batch.end_offset, batch.epoch
                );
                return Err(Violation::new("log matching", what));
            }
        }
        Ok(())
    }
}
