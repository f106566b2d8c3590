//! The one driver of every machine: [`Leader`] exists only while this node leads, so nothing else can decide.
//!
//! It holds a speculative copy of the machine that is ahead of the committed one by what is still being replicated.
//! A reply waits until the log has committed up to the end it had when the command was decided, refusals too: they
//! may have read changes that are not committed and, if leadership goes, never will be.
//!
//! The driver does no I/O. The shell appends what [`Leader::submit`] returns at exactly the offset it gave, reports
//! commits with [`Leader::committed`], and on losing leadership takes the parked tokens back with [`Leader::resign`].

use std::collections::VecDeque;

use chronik_types::{LeaderEpoch, Millis, Offset};

use crate::machine::{At, Decision, Machine};

/// Changes that must enter the log as one atomic batch, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<C> {
    /// The offset of the first change. The shell appends there or, if it no longer can, drops the leader.
    pub base_offset: Offset,
    /// The epoch that the batch is written in.
    pub epoch: LeaderEpoch,
    /// The changes, in order, never empty.
    pub changes: Vec<C>,
}

struct Parked<T, R> {
    until: Offset,
    token: T,
    reply: R,
}

/// A machine on the node that leads its log, in one epoch. `T` identifies a waiting asker to the shell.
pub struct Leader<M: Machine, T> {
    machine: M,
    epoch: LeaderEpoch,
    end: Offset,
    committed: Offset,
    parked: VecDeque<Parked<T, M::Reply>>,
}

impl<M: Machine, T> Leader<M, T> {
    /// Takes the lead in `epoch`. `machine` has applied every change of the log below `end`, and `committed` is how
    /// far the log is known to be committed.
    pub fn new(machine: M, epoch: LeaderEpoch, end: Offset, committed: Offset) -> Self {
        Leader { machine, epoch, end, committed, parked: VecDeque::new() }
    }

    /// The epoch in which this node leads.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// The offset that the next change will get.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// The speculative copy: what will be so once everything appended is committed.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// How many askers wait.
    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    /// Decides `command` and applies the outcome to the speculative copy at once. The reply is parked under `token`
    /// until [`Leader::committed`] reaches the log's end after this batch. Returns the batch to append, if any.
    ///
    /// A reply may be ready at once (nothing is in flight and nothing changed): ask [`Leader::ready`] after this.
    pub fn submit(&mut self, now: Millis, command: M::Command, token: T) -> Option<Batch<M::Change>> {
        let Decision { changes, reply } = self.machine.decide(At { now, end: self.end }, command);
        for change in &changes {
            self.machine.apply(change);
        }
        let base_offset = self.end;
        self.end = self.end.plus(changes.len() as i64);
        self.parked.push_back(Parked { until: self.end, token, reply });
        (!changes.is_empty()).then_some(Batch { base_offset, epoch: self.epoch, changes })
    }

    /// The log's end moved without a change of this machine: the quorum appended control records of its own.
    ///
    /// # Panics
    /// If the end goes back, which a leader's log never does.
    pub fn skipped_to(&mut self, end: Offset) {
        assert!(end >= self.end, "a leader's log does not shrink: end {end} after {}", self.end);
        self.end = end;
    }

    /// The log is committed up to (excluding) `committed`; an offset below an earlier one changes nothing. Returns
    /// [`Leader::ready`].
    pub fn committed(&mut self, committed: Offset) -> Vec<(T, M::Reply)> {
        self.committed = self.committed.max(committed);
        self.ready()
    }

    /// The replies whose wait is over, in the order of their commands; each is returned once.
    pub fn ready(&mut self) -> Vec<(T, M::Reply)> {
        let ready = self.parked.iter().take_while(|parked| parked.until <= self.committed).count();
        self.parked.drain(..ready).map(|parked| (parked.token, parked.reply)).collect()
    }

    /// Leadership is lost: every parked token comes back, without its reply, since nobody knows whether its changes
    /// will survive. The shell answers NOT_CONTROLLER (or NOT_COORDINATOR) and the client asks the next leader.
    #[must_use = "each token is an asker that waits"]
    pub fn resign(self) -> Vec<T> {
        self.parked.into_iter().map(|parked| parked.token).collect()
    }
}
