//! One owner (Kafka's group protocols, KIP-848): a partition has at most one owner in a generation of its group, or in an
//! epoch of its members; and a member of the consumer protocol that is heard of keeps what it has until it gives it up.
//!
//! What a member is given is known when it is told. A static member is one owner through all its lives. The second rule is
//! held against one coordinator only: what a coordinator that nobody told of its successor says to the members that still
//! ask it (Kafka answers heartbeats from memory, too) does not bind the successor.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Violation;

/// How long a member of the consumer protocol may be silent, and how long it may keep what it is to give up.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// `group.consumer.session.timeout.ms`.
    pub session: Duration,
    /// The member's `RebalanceTimeoutMs`.
    pub rebalance: Duration,
}

/// What a member was told.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// The generation, or the member's epoch.
    pub generation: i32,
    /// Whom.
    pub owner: &'a str,
    /// What it owns.
    pub partitions: &'a [i32],
    /// By which coordinator.
    pub by: &'a str,
    /// When it asked.
    pub asked: Duration,
    /// When it was told.
    pub now: Duration,
}

/// What somebody has and did not give up.
#[derive(Debug)]
struct Hold {
    owner: String,
    /// When its owner asked for the last time and was told that this is its own.
    confirmed: Duration,
}

/// Who was given what.
#[derive(Debug, Default)]
pub struct Owners {
    /// By generation and partition.
    owners: BTreeMap<(i32, i32), String>,
    held: BTreeMap<i32, Hold>,
    /// When each owner asked for the last time and was answered, and by whom.
    heard: BTreeMap<String, (Duration, String)>,
}

impl Owners {
    /// A member was told that these partitions are its own.
    ///
    /// # Errors
    /// One of them is another member's in the same generation.
    pub fn owns(&mut self, generation: i32, member: &str, partitions: &[i32]) -> Result<(), Violation> {
        for &partition in partitions {
            let owner = self.owners.entry((generation, partition)).or_insert_with(|| member.to_owned());
            if owner != member {
                let what =
                    format!("partition {partition} is {owner}'s and {member}'s in generation {generation}");
                return Err(Violation::new("one owner", what));
            }
        }
        Ok(())
    }

    /// A member of the consumer protocol was told what it owns, or that this is as it was.
    ///
    /// # Errors
    /// As [`Owners::owns`], or another member has it that did not give it up.
    pub fn holds(&mut self, told: &Told<'_>, patience: Patience) -> Result<(), Violation> {
        self.heard.insert(told.owner.to_owned(), (told.asked, told.by.to_owned()));
        let mut found = self.owns(told.generation, told.owner, told.partitions);
        if told.now >= told.asked + patience.session.min(patience.rebalance) {
            // The answer took so long that the coordinator may have given the member up meanwhile.
            return found;
        }
        for &partition in told.partitions {
            if let Some(held) = self.held.get(&partition)
                && held.owner != told.owner
                && let Some((heard, by)) = self.heard.get(&held.owner)
                && by == told.by
                && told.now < (*heard + patience.session).min(held.confirmed + patience.rebalance)
            {
                let what = format!(
                    "partition {partition} is given to {} in epoch {}, and {} did not give it up",
                    told.owner, told.generation, held.owner
                );
                found = Err(Violation::new("one owner", what));
            }
            self.held.insert(partition, Hold { owner: told.owner.to_owned(), confirmed: told.asked });
        }
        found
    }

    /// A member is about to say that it does not have these any more, or knows that it is none any more.
    pub fn gives_up(&mut self, member: &str, keeps: &[i32]) {
        self.held.retain(|partition, held| held.owner != member || keeps.contains(partition));
    }

    /// The newest generation that anybody was told of; -1 for none.
    pub fn newest(&self) -> i32 {
        self.owners.keys().next_back().map_or(-1, |&(generation, _)| generation)
    }

    /// The newest generation in which somebody else was told that the partition is its own; -1 for none.
    pub fn newest_other(&self, partition: i32, member: &str) -> i32 {
        let others = self.owners.iter().rev().filter(|((_, of), owner)| *of == partition && *owner != member);
        others.map(|(&(generation, _), _)| generation).next().unwrap_or(-1)
    }

    /// In how many generations anybody owned anything.
    pub fn generations(&self) -> u64 {
        let mut known: Vec<i32> = self.owners.keys().map(|&(generation, _)| generation).collect();
        known.dedup();
        known.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_owners_are_found() {
        let mut owners = Owners::default();
        assert!(owners.owns(1, "a", &[0, 1]).is_ok() && owners.owns(1, "b", &[2]).is_ok());
        assert!(owners.owns(2, "b", &[0, 1, 2]).is_ok(), "the next generation is another matter");
        assert!(owners.owns(1, "a", &[0]).is_ok(), "it may be told twice");
        assert!(owners.owns(2, "a", &[1]).is_err());
        assert_eq!((owners.newest(), owners.newest_other(1, "b"), owners.newest_other(2, "b")), (2, 1, -1));
        assert_eq!(owners.generations(), 2);
    }

    #[test]
    fn a_partition_that_was_not_given_up_is_found() {
        const PATIENCE: Patience =
            Patience { session: Duration::from_secs(3), rebalance: Duration::from_secs(5) };
        let told = |generation, owner: &'static str, by: &'static str, asked, now| Told {
            generation,
            owner,
            partitions: &[0],
            by,
            asked: Duration::from_secs(asked),
            now: Duration::from_secs(now),
        };
        let begin = || {
            let mut owners = Owners::default();
            assert!(owners.holds(&told(1, "a", "n1", 10, 11), PATIENCE).is_ok());
            owners
        };
        assert!(begin().holds(&told(2, "b", "n1", 11, 12), PATIENCE).is_err());
        assert!(begin().holds(&told(2, "b", "n1", 11, 13), PATIENCE).is_ok(), "its session is over");
        assert!(begin().holds(&told(2, "b", "n2", 11, 12), PATIENCE).is_ok(), "another coordinator");
        assert!(begin().holds(&told(2, "b", "n1", 8, 11), PATIENCE).is_ok(), "the answer is out of date");
        let mut owners = begin();
        owners.gives_up("a", &[0]);
        assert!(owners.holds(&told(2, "b", "n1", 11, 12), PATIENCE).is_err(), "it keeps it");
        let mut owners = begin();
        owners.gives_up("a", &[1]);
        assert!(owners.holds(&told(2, "b", "n1", 11, 12), PATIENCE).is_ok());
    }
}
