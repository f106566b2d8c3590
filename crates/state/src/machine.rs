//! The contract of a replicated state machine: `decide` reads, `apply` changes, and nothing else does either.
//!
//! A machine has no clock, no randomness and no I/O: the time and the log's end are in [`At`], random bits arrive
//! inside the command. What is logged are changes (facts), never commands, so that a node that decides differently
//! (a bug fix, a newer version) can never diverge from one that only applies.

use chronik_types::{Millis, Offset};

/// The circumstances of a decision, which a machine may not find out for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The wall clock, for what the decision stamps into its changes.
    pub now: Millis,
    /// The log's end when deciding: the offset that the first of the decision's changes will get. Kafka takes a
    /// broker's epoch from it (KIP-631).
    pub end: Offset,
}

/// What a command amounts to: facts to log, and the answer once they are committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<C, R> {
    /// One atomic batch, in order; empty if the state is to stay as it is.
    pub changes: Vec<C>,
    /// The answer, refusals included.
    pub reply: R,
}

impl<C, R> Decision<C, R> {
    /// An answer that changes nothing.
    pub fn reply(reply: R) -> Self {
        Decision { changes: Vec::new(), reply }
    }
}

/// A replicated state machine. Pure: no clock, no randomness, no I/O.
pub trait Machine {
    /// What is asked of the machine.
    type Command;
    /// What is logged.
    type Change;
    /// What the asker gets.
    type Reply;

    /// What a command amounts to. Reads the state, never changes it.
    fn decide(&self, at: At, command: Self::Command) -> Decision<Self::Change, Self::Reply>;

    /// The only way the state changes. It cannot fail: a change that makes no sense to this state is a bug and panics.
    fn apply(&mut self, change: &Self::Change);
}
