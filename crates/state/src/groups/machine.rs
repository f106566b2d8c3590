//! The machine of a coordinator's shard: the durable state, driven by [`Leader`](crate::leader::Leader).
//!
//! A decision about a group also needs what Kafka never writes down (who waits for a rebalance, whose session runs out
//! when), and that dies with leadership. So it is made by the [`Shard`](super::Shard), which has both, and the machine
//! takes it as it is: its command is the decision.

use bytes::Bytes;
use chronik_types::ProducerId;

use super::records::Change;
use super::replies::Reply;
use super::state::GroupState;
use crate::machine::{At, Decision, Machine};
use crate::records::RecordError;

/// What became of a record in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It was applied.
    Applied,
    /// It is of a kind that nobody here knows (a share or streams group's): it is left alone.
    Skipped,
}

/// A shard's machine. Load it with [`GroupMachine::replay`], then lead with [`Shard::new`](super::Shard::new).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupMachine {
    state: GroupState,
}

impl GroupMachine {
    /// What the records so far add up to.
    pub fn state(&self) -> &GroupState {
        &self.state
    }

    /// Applies a record of the log.
    ///
    /// Errors: a value of a version that is not known, or damage; the record changed nothing.
    pub fn replay(&mut self, key: &Bytes, value: Option<&Bytes>) -> Result<Replayed, RecordError> {
        let Some(change) = Change::decode(key, value)? else { return Ok(Replayed::Skipped) };
        self.state.apply(&change);
        Ok(Replayed::Applied)
    }

    /// Applies a record of a transactional batch of the log: it counts when its transaction is committed. Errors as
    /// [`GroupMachine::replay`].
    pub fn replay_pending(
        &mut self,
        producer: ProducerId,
        key: &Bytes,
        value: Option<&Bytes>,
    ) -> Result<Replayed, RecordError> {
        let Some(change) = Change::decode(key, value)? else { return Ok(Replayed::Skipped) };
        self.state.write_pending(producer, change);
        Ok(Replayed::Applied)
    }

    /// Applies a transaction marker of the log: the producer's transaction ended.
    pub fn end_transaction(&mut self, producer: ProducerId, committed: bool) {
        self.state.end_pending(producer, committed);
    }
}

impl Machine for GroupMachine {
    type Command = Decision<Change, Option<Reply>>;
    type Change = Change;
    type Reply = Option<Reply>;

    fn decide(&self, _: At, command: Self::Command) -> Decision<Change, Option<Reply>> {
        command
    }

    fn apply(&mut self, change: &Change) {
        self.state.apply(change);
    }
}
