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

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts; a command above 9 is refused with what the count is then.
    #[derive(Default)]
    struct Counter(i64);

    impl Machine for Counter {
        type Command = i64;
        type Change = i64;
        type Reply = Result<i64, i64>;

        fn decide(&self, at: At, command: i64) -> Decision<i64, Result<i64, i64>> {
            assert!(at.now >= Millis(0));
            if command > 9 {
                return Decision::reply(Err(self.0));
            }
            Decision { changes: vec![1; command as usize], reply: Ok(self.0 + command) }
        }

        fn apply(&mut self, change: &i64) {
            self.0 += change;
        }
    }

    fn leader() -> Leader<Counter, &'static str> {
        Leader::new(Counter(0), LeaderEpoch(7), Offset(100), Offset(100))
    }

    #[test]
    fn a_reply_waits_for_its_batch() {
        let mut leader = leader();
        let batch = leader.submit(Millis(1), 3, "three").expect("three changes");
        assert_eq!(
            (batch.base_offset, batch.epoch, batch.changes),
            (Offset(100), LeaderEpoch(7), vec![1, 1, 1])
        );
        assert_eq!(leader.machine().0, 3, "the speculative copy is ahead");
        assert_eq!(leader.ready(), []);
        assert_eq!(leader.committed(Offset(102)), []);
        assert_eq!(leader.committed(Offset(103)), [("three", Ok(3))]);
        assert_eq!(leader.parked(), 0);
    }

    #[test]
    fn a_refusal_waits_for_what_it_read() {
        let mut leader = leader();
        assert_eq!(leader.submit(Millis(1), 10, "early"), None);
        assert_eq!(leader.ready(), [("early", Err(0))], "nothing was in flight");
        leader.submit(Millis(1), 2, "two");
        assert_eq!(leader.submit(Millis(1), 10, "late"), None);
        assert_eq!(leader.ready(), [], "it read the two that are not committed");
        assert_eq!(leader.committed(Offset(102)), [("two", Ok(2)), ("late", Err(2))]);
    }

    #[test]
    fn control_records_take_offsets_too() {
        let mut leader = leader();
        leader.skipped_to(Offset(105));
        assert_eq!(leader.submit(Millis(1), 1, "one").map(|batch| batch.base_offset), Some(Offset(105)));
        assert_eq!(leader.committed(Offset(105)), []);
        assert_eq!(leader.committed(Offset(106)), [("one", Ok(1))]);
    }

    #[test]
    fn losing_the_lead_answers_nobody_and_forgets_nobody() {
        let mut leader = leader();
        leader.submit(Millis(1), 1, "one");
        leader.submit(Millis(1), 10, "refused");
        assert_eq!(leader.resign(), ["one", "refused"]);
    }
}
