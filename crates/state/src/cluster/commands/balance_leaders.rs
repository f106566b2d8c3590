//! Automatic balance: what is not led by its preferred replica gets it back as soon as that may lead again
//! (`ReplicationControlManager.maybeBalancePartitionLeaders`).
//!
//! The shell asks every `leader.imbalance.check.interval.seconds` while `auto.leader.rebalance.enable` is on, and again
//! at once if there is more to do. Kafka's quorum controller knows no percentage per broker: every such partition counts.

use super::elect_leaders::{Election, elect};
use super::{Change, Context, Decision};
use crate::cluster::leadership::Rulebook;

/// How many elections one batch of the metadata log holds (`MAX_ELECTIONS_PER_IMBALANCE`).
pub(super) const ELECTIONS_MAX: usize = 1000;

/// Give partitions their preferred leaders back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceLeaders;

/// What an automatic election amounted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elected {
    /// How many partitions got another leader.
    pub partitions: usize,
    /// Whether there is more to do: ask again at once.
    pub more: bool,
}

pub(super) fn decide(context: &Context<'_>, _: BalanceLeaders) -> Decision<Change, Elected> {
    let rulebook = Rulebook::open(context);
    let elections = context.state.imbalanced().filter_map(|(topic, index, partition)| {
        elect(context, &rulebook, Election::Preferred, topic, (index, partition)).ok()
    });
    bounded(elections)
}

/// As many elections as fit into one batch.
pub(super) fn bounded(elections: impl Iterator<Item = Change>) -> Decision<Change, Elected> {
    let mut changes: Vec<Change> = elections.take(ELECTIONS_MAX + 1).collect();
    let more = changes.len() > ELECTIONS_MAX;
    changes.truncate(ELECTIONS_MAX);
    let elected = Elected { partitions: changes.len(), more };
    Decision { changes, reply: elected }
}
