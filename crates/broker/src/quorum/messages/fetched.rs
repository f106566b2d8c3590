//! The batches of a Fetch response: checked, cut apart without copying, their control records decoded.

use bytes::Bytes;
use chronik_log::batch::{Batch, Codec, verify};
use chronik_raft::{ControlRecord, FetchedBatch, Records};
use chronik_types::Offset;

use super::Fault;
use crate::quorum::committed::control_records;

/// The whole batches; a partial one at the end is left out.
///
/// Errors: a batch is damaged, offsets do not rise, or a control record is not what its key says.
pub(super) fn batches(records: Bytes) -> Result<Records, Fault> {
    let Some(verified) = verify(records)? else { return Ok(Records::Empty) };
    let mut fetched = Vec::new();
    let mut at = 0;
    for batch in verified.batches() {
        let batch = batch?;
        let len = batch.as_bytes().len();
        let header = batch.header();
        fetched.push(FetchedBatch {
            base_offset: header.base_offset(),
            last_offset: header.last_offset(),
            epoch: header.leader_epoch(),
            control: control(batch)?,
            bytes: verified.bytes().slice(at..at + len),
        });
        at += len;
    }
    Ok(Records::Batches(fetched))
}

fn control(batch: Batch<'_>) -> Result<Vec<(Offset, ControlRecord)>, Fault> {
    if !batch.header().is_control() {
        return Ok(Vec::new());
    }
    if batch.header().codec()? != Codec::None {
        return Err(chronik_log::batch::BatchError::Header("a control batch is not compressed").into());
    }
    let mut records = Vec::new();
    let mut fault = None;
    control_records(batch, |offset, key, value| match ControlRecord::decode(key, value) {
        Ok(Some(record)) => records.push((offset, record)),
        Ok(None) => {}
        Err(error) => fault = fault.or(Some(error)),
    })?;
    match fault {
        None => Ok(records),
        Some(fault) => Err(fault.into()),
    }
}
