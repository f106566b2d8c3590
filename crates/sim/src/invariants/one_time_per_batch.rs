//! All records of a batch of the metadata log have the batch's time. Kafka does not start on a log where one has another
//! ("timestamp delta ... is not 0", `RecordsIterator.readRecord`).

use chronik_broker::MetadataBatch;
use chronik_log::batch::Header;
use chronik_types::NodeId;

use super::Violation;

pub(super) fn check(node: NodeId, batches: &[MetadataBatch]) -> Result<(), Violation> {
    for batch in batches {
        let times =
            Header::parse(&batch.bytes).map(|header| (header.base_timestamp(), header.max_timestamp()));
        if times.as_ref().is_ok_and(|(base, max)| base == max) {
            continue;
        }
        let what = format!("{node} has {times:?} in the batch at offset {}", batch.base_offset);
        return Err(Violation::new("one time per batch", what));
    }
    Ok(())
}
