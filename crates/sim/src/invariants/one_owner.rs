//! One owner (Kafka's group protocols, KIP-848): a partition has at most one owner in a generation of its group.
//!
//! What a member is given is known when it is told. A coordinator that fails over must not hand out a generation twice.

use std::collections::BTreeMap;

use super::Violation;

/// Who was given what.
#[derive(Debug, Default)]
pub struct Owners {
    /// By generation and partition.
    owners: BTreeMap<(i32, i32), String>,
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

    /// The newest generation that anybody was told of; -1 for none.
    pub fn newest(&self) -> i32 {
        self.owners.keys().next_back().map_or(-1, |&(generation, _)| generation)
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
        assert_eq!(owners.newest(), 2);
    }
}
