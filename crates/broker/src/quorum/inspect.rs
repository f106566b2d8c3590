//! What the quorum is in, for [`crate::Inspection`].

use chronik_log::LogError;
use chronik_log::batch::BatchIter;
use chronik_raft::{Inspection, QuorumState, Role};
use chronik_types::Offset;

use super::Quorum;
use super::committed::{READ_BYTES, read_batches};
use super::store::corrupt;
use crate::inspect::MetadataBatch;

impl Quorum {
    /// The raft machine; while its epoch is not on the disk, what this node is until then: it has not acted on it.
    pub(crate) fn inspect(&self) -> Inspection {
        let state = self.state.lock();
        let seen = state.raft.inspect();
        if !state.is_held_up() {
            return seen;
        }
        let QuorumState { epoch, leader, voted } = state.persisted;
        Inspection { role: Role::Unattached, epoch, leader, voted, ..seen }
    }

    /// The batches of the metadata log from the one that holds `from` on, or from the log's start.
    ///
    /// Errors: the log cannot be read.
    pub(crate) fn batches(&self, from: Offset) -> Result<Vec<MetadataBatch>, LogError> {
        let state = self.state.lock();
        let mut at = from.max(state.log.start_offset());
        let mut found = Vec::new();
        while at < state.log.end_offset() {
            let bytes = read_batches(&state.log, at, state.log.end_offset(), READ_BYTES)?;
            for batch in BatchIter::new(&bytes) {
                let batch = batch.map_err(|error| corrupt(state.log.dir(), &error))?;
                let header = batch.header();
                let bytes = bytes.slice_ref(batch.as_bytes());
                let (base_offset, epoch) = (header.base_offset(), header.leader_epoch());
                at = header.next_offset();
                found.push(MetadataBatch { base_offset, end_offset: at, epoch, bytes });
            }
        }
        Ok(found)
    }
}
