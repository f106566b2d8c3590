//! Commits stay (DESIGN section 9): a committed offset that was acknowledged is never lost and never goes back, and a member
//! of an older generation, or a former self of a static member, commits nothing once its successor is known.
//!
//! Members of the workload commit only what is above what they were told is committed, and give their membership up when
//! they don't know whether a commit was taken. So what is committed only rises, whoever reads it.
//!
//! What a member reads holds all that was committed in generations before its own, and all that its former selves
//! committed. A coordinator that nobody told of its successor may answer without what came later, as Kafka's does: to a
//! member that commits nothing there any more.

use std::collections::BTreeMap;

use super::Violation;

/// In which generation, and in which life of a static member, something is committed; the dynamic have one life only.
pub type Term = (i32, u64);

/// What was committed, by partition.
#[derive(Debug, Default)]
pub struct Commits {
    acked: BTreeMap<i32, BTreeMap<Term, i64>>,
    asked: BTreeMap<i32, i64>,
    count: u64,
}

impl Commits {
    /// A commit is about to be sent.
    pub fn asks(&mut self, partition: i32, offset: i64) {
        let asked = self.asked.entry(partition).or_insert(-1);
        *asked = offset.max(*asked);
    }

    /// It was acknowledged; when it was sent, `newest` was the newest term that anybody knew to follow it.
    ///
    /// # Errors
    /// It came from an older one.
    pub fn acked(&mut self, partition: i32, term: Term, offset: i64, newest: Term) -> Result<(), Violation> {
        self.count += 1;
        let acked = self.acked.entry(partition).or_default().entry(term).or_insert(-1);
        *acked = offset.max(*acked);
        if term.0 < newest.0 || term.1 < newest.1 {
            let what = format!(
                "partition {partition}: a commit of generation {} was taken in generation {}, life {} of {}",
                term.0, newest.0, term.1, newest.1
            );
            return Err(Violation::new("commits stay", what));
        }
        Ok(())
    }

    /// What was acknowledged so far in terms before this one; -1 for nothing.
    pub fn least(&self, partition: i32, before: Term) -> i64 {
        let acked = self.acked.get(&partition).into_iter().flat_map(|acked| acked.range(..before));
        acked.map(|(_, offset)| *offset).max().unwrap_or(-1)
    }

    /// What is committed was asked for, when at least `least` had been acknowledged.
    ///
    /// # Errors
    /// It is less, or more than anybody has committed.
    pub fn fetched(&self, partition: i32, least: i64, offset: i64) -> Result<(), Violation> {
        let most = self.asked.get(&partition).copied().unwrap_or(-1);
        if (least..=most).contains(&offset) {
            return Ok(());
        }
        let what = format!(
            "partition {partition}: {offset} is committed; {least} was acknowledged, {most} was asked for"
        );
        Err(Violation::new("commits stay", what))
    }

    /// How many commits were acknowledged.
    pub fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After everything.
    const LAST: Term = (i32::MAX, 0);

    #[test]
    fn losses_and_late_commits_are_found() {
        let mut commits = Commits::default();
        assert!(commits.fetched(0, commits.least(0, LAST), -1).is_ok());
        commits.asks(0, 5);
        assert!(commits.fetched(0, commits.least(0, LAST), 5).is_ok(), "it may have been taken");
        assert!(commits.acked(0, (3, 0), 5, (3, 0)).is_ok());
        assert!(commits.fetched(0, commits.least(0, LAST), -1).is_err(), "it is lost");
        assert!(commits.fetched(0, commits.least(0, LAST), 4).is_err(), "it goes back");
        assert!(commits.fetched(0, commits.least(0, LAST), 6).is_err(), "nobody asked for it");
        assert_eq!(
            [commits.least(0, (3, 0)), commits.least(0, (3, 1)), commits.least(0, (4, 0))],
            [-1, 5, 5]
        );
        commits.asks(0, 6);
        assert!(commits.acked(0, (3, 0), 6, (4, 0)).is_err(), "the generation is over");
        assert!(commits.acked(0, (3, 0), 6, (3, 1)).is_err(), "it has come back as another");
    }
}
