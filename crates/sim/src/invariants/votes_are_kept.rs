//! Votes are never forgotten (Raft paper 5.2): a replica votes for at most one candidate in an epoch, through any number of
//! crashes.
//!
//! A replica is a node and its directory (KIP-853): one that lost its disk is another.

use std::collections::BTreeMap;

use chronik_raft::{Inspection, ReplicaKey};
use chronik_types::LeaderEpoch;

use super::Violation;

/// Who voted for whom.
#[derive(Default)]
pub(super) struct Votes(BTreeMap<(ReplicaKey, LeaderEpoch), ReplicaKey>);

impl Votes {
    pub(super) fn check(&mut self, seen: &Inspection) -> Result<(), Violation> {
        let Some(candidate) = seen.voted else { return Ok(()) };
        let first = *self.0.entry((seen.key, seen.epoch)).or_insert(candidate);
        if first.id == candidate.id {
            return Ok(());
        }
        let what =
            format!("{:?} voted in epoch {} for {first:?} and then for {candidate:?}", seen.key, seen.epoch);
        Err(Violation::new("votes are kept", what))
    }
}
