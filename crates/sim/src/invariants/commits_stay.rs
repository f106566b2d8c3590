//! Commits stay (DESIGN section 9): a committed offset that was acknowledged is never lost and never goes back, and a member
//! of an older generation commits nothing once a newer one is known.
//!
//! Members of the workload commit only what is above what they were told is committed, and give their membership up when
//! they don't know whether a commit was taken. So what is committed only rises, whoever reads it.

use std::collections::BTreeMap;

use super::Violation;

/// What was committed, by partition.
#[derive(Debug, Default)]
pub struct Commits {
    acked: BTreeMap<i32, i64>,
    asked: BTreeMap<i32, i64>,
    count: u64,
}

impl Commits {
    /// A commit is about to be sent.
    pub fn asks(&mut self, partition: i32, offset: i64) {
        let asked = self.asked.entry(partition).or_insert(-1);
        *asked = offset.max(*asked);
    }

    /// It was acknowledged; when it was sent, `newest` was the newest generation that anybody knew.
    ///
    /// # Errors
    /// It came from an older generation.
    pub fn acked(
        &mut self,
        partition: i32,
        generation: i32,
        offset: i64,
        newest: i32,
    ) -> Result<(), Violation> {
        self.count += 1;
        let acked = self.acked.entry(partition).or_insert(-1);
        *acked = offset.max(*acked);
        if generation < newest {
            let what = format!(
                "partition {partition}: a commit of generation {generation} was taken in generation {newest}"
            );
            return Err(Violation::new("commits stay", what));
        }
        Ok(())
    }

    /// What was acknowledged so far; -1 for nothing.
    pub fn least(&self, partition: i32) -> i64 {
        self.acked.get(&partition).copied().unwrap_or(-1)
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

    #[test]
    fn losses_and_late_commits_are_found() {
        let mut commits = Commits::default();
        assert!(commits.fetched(0, commits.least(0), -1).is_ok());
        commits.asks(0, 5);
        assert!(commits.fetched(0, commits.least(0), 5).is_ok(), "it may have been taken");
        assert!(commits.acked(0, 3, 5, 3).is_ok());
        assert!(commits.fetched(0, commits.least(0), -1).is_err(), "it is lost");
        assert!(commits.fetched(0, commits.least(0), 4).is_err(), "it goes back");
        assert!(commits.fetched(0, commits.least(0), 6).is_err(), "nobody asked for it");
        commits.asks(0, 6);
        assert!(commits.acked(0, 3, 6, 4).is_err(), "the generation is over");
    }
}
