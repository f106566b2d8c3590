//! The metadata log's writing side: what raft appends goes to the page cache at once, and to the disk in one sync for all
//! that has come meanwhile.

use chronik_log::AppendError;
use chronik_log::batch::{HeaderMut, verify};
use chronik_raft::AppendBatch;

use super::{Quorum, State};
use crate::critical::Locked;
use crate::env::Urgency;
use crate::metadata_batch;

impl Quorum {
    pub(super) fn append(&self, state: &mut State, batch: AppendBatch) {
        let bytes = match batch {
            AppendBatch::Control { base_offset, epoch, records } => {
                let batch = metadata_batch::control(self.env.now(), &records);
                batch.base_offset(base_offset).leader_epoch(epoch).build()
            }
            AppendBatch::Proposed { base_offset, epoch, batch } => {
                let mut bytes = batch.to_vec();
                let mut header = HeaderMut::parse(&mut bytes).expect("the batch was built here");
                header.set_base_offset(base_offset);
                header.set_leader_epoch(epoch);
                bytes.into()
            }
            AppendBatch::Fetched(batches) => {
                let all: Vec<&[u8]> = batches.iter().map(|batch| &batch.bytes[..]).collect();
                all.concat().into()
            }
        };
        state.unappended.push_back(bytes);
        self.append_pending(state);
    }

    /// Raft counts on its appends, so they cannot be refused: while the disk is full they wait for room, and another node
    /// leads if there is one. Any other fault ends the node.
    pub(super) fn append_pending(&self, state: &mut State) {
        while let Some(bytes) = state.unappended.front() {
            let verified = verify(bytes.clone()).ok().flatten();
            let verified = verified.expect("metadata batches are checked before they come here");
            match state.log.append_as_follower(&verified, self.env.now()) {
                Ok(_) => {
                    state.dirty = true;
                    state.unappended.pop_front();
                }
                Err(AppendError::Log(full)) if full.is_disk_full() => {
                    self.wait_for_room(state, &full);
                    return self.hand_over(state);
                }
                Err(error) => return self.env.halt(&format!("metadata log cannot be appended to: {error}")),
            }
        }
    }

    /// Starts the sync of what was appended, unless one is running (which will go on with it).
    pub(super) fn settle(&self, mut state: Locked<'_, State>) {
        if state.syncing || !state.dirty {
            return;
        }
        let Some(this) = self.this.upgrade() else { return };
        state.syncing = true;
        drop(state);
        self.env.block(Urgency::Inline, Box::new(move || this.sync_until_clean()));
    }

    fn sync_until_clean(&self) {
        loop {
            let mut state = self.state.lock();
            state.dirty = false;
            if let Some(job) = state.log.begin_sync() {
                drop(state);
                let synced = job.run();
                state = self.state.lock();
                if let Err(error) = state.log.finish_sync(synced) {
                    return self.env.halt(&format!("metadata log cannot be synced: {error}"));
                }
            }
            self.tell_durable(&mut state);
            if !state.dirty {
                state.syncing = false;
                return;
            }
        }
    }
}
