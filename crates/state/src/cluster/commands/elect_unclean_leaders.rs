//! Automatic unclean elections: where nobody leads and the topic says `unclean.leader.election.enable`, any live replica
//! does, whatever it has lost (`ReplicationControlManager.maybeElectUncleanLeaders`).
//!
//! A partition that loses its leader while this is set gets another one at once; this is for those that lost theirs
//! before it was set. The shell asks every `unclean.leader.election.interval.ms`, and when the key was changed.

use super::balance_leaders::{Elected, bounded};
use super::elect_leaders::{Election, elect};
use super::{Change, Context, Decision};
use crate::cluster::leadership::Rulebook;

/// Give leaderless partitions leaders where their topics allow for the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElectUncleanLeaders;

pub(super) fn decide(context: &Context<'_>, _: ElectUncleanLeaders) -> Decision<Change, Elected> {
    let rulebook = Rulebook::open(context);
    let allowed = context.state.leaderless().filter(|(topic, _, _)| rulebook.of(topic).unclean);
    bounded(allowed.filter_map(|(topic, index, partition)| {
        elect(context, &rulebook, Election::Unclean, topic, (index, partition)).ok()
    }))
}
