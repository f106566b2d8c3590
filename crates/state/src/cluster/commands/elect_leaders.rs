//! ElectLeaders (43): the preferred replica takes over, or any live one where nobody leads (KIP-183, KIP-460).
//!
//! An election that somebody asks for by name is answered for each partition, also where none is needed. One of all
//! partitions is answered only where there was something to do.

use std::collections::BTreeSet;

use chronik_types::{ErrorCode, PartitionIndex};

use super::{Change, Context, Decision, Refused};
use crate::cluster::leadership::{Rulebook, Rules, Target, may_lead};
use crate::cluster::{Partition, Topic};
use crate::records::Name;

/// Elect leaders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectLeaders {
    /// Whom to elect.
    pub election: Election,
    /// In which partitions, by topic; `None`: in all.
    pub partitions: Option<Vec<(Name, Vec<PartitionIndex>)>>,
}

/// Whom to elect (`org.apache.kafka.common.ElectionType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Election {
    /// The first replica, if it is in sync.
    Preferred,
    /// Where nobody leads: any live replica, in sync or not.
    Unclean,
}

/// What became of each partition, by topic in the order of the request.
pub type ElectionResults = Vec<(Name, Vec<(PartitionIndex, Result<(), Refused>)>)>;

pub(super) fn decide(context: &Context<'_>, command: ElectLeaders) -> Decision<Change, ElectionResults> {
    match command.partitions {
        Some(partitions) => named(context, command.election, partitions),
        None => all(context, command.election),
    }
}

fn named(
    context: &Context<'_>,
    election: Election,
    partitions: Vec<(Name, Vec<PartitionIndex>)>,
) -> Decision<Change, ElectionResults> {
    let rulebook = Rulebook::open(context);
    let mut changes = Vec::new();
    let mut decided = BTreeSet::new();
    let mut results = ElectionResults::new();
    for (name, indexes) in partitions {
        let elected = indexes.into_iter().map(|index| {
            let result = find(context, &name, index).and_then(|(topic, partition)| {
                if !decided.insert((topic.id, index)) {
                    return Err(not_needed());
                }
                elect(context, &rulebook, election, topic, (index, partition))
            });
            (index, result.map(|change| changes.push(change)))
        });
        let elected = elected.collect();
        results.push((name, elected));
    }
    Decision { changes, reply: results }
}

fn all(context: &Context<'_>, election: Election) -> Decision<Change, ElectionResults> {
    let rulebook = Rulebook::open(context);
    let mut changes = Vec::new();
    let mut results = ElectionResults::new();
    // Whoever lacks its preferred leader, or any, is imbalanced: the others need no election.
    for (topic, index, partition) in context.state.imbalanced() {
        let result = match elect(context, &rulebook, election, topic, (index, partition)) {
            Err(refused) if refused.code == ErrorCode::ElectionNotNeeded => continue,
            result => result.map(|change| changes.push(change)),
        };
        match results.last_mut() {
            Some((name, elected)) if *name == topic.name => elected.push((index, result)),
            _ => results.push((topic.name.clone(), vec![(index, result)])),
        }
    }
    Decision { changes, reply: results }
}

fn find<'a>(
    context: &Context<'a>,
    name: &str,
    index: PartitionIndex,
) -> Result<(&'a Topic, &'a Partition), Refused> {
    let unknown = |message| Refused::new(ErrorCode::UnknownTopicOrPartition, message);
    let topic = context.state.topic_named(name);
    let topic = topic.ok_or_else(|| unknown(format!("No such topic as {name}")))?;
    let partition = topic.partition(index);
    let partition = partition.ok_or_else(|| unknown(format!("No such partition as {name}-{index}")))?;
    Ok((topic, partition))
}

/// The change that gives one partition a leader (`ReplicationControlManager.electLeader`).
pub(super) fn elect(
    context: &Context<'_>,
    rulebook: &Rulebook<'_>,
    election: Election,
    topic: &Topic,
    (index, partition): (PartitionIndex, &Partition),
) -> Result<Change, Refused> {
    let needed = match election {
        Election::Preferred => !partition.is_led_by_preferred(),
        Election::Unclean => !partition.has_leader(),
    };
    if !needed {
        return Err(not_needed());
    }
    let rules = Rules { unclean: election == Election::Unclean, ..rulebook.of(topic) };
    let target = Target::of(partition);
    let target = if election == Election::Preferred { target.preferred_first() } else { target };
    let acceptable = |node| may_lead(context, partition, node);
    target.change(topic.id, index, &rules, &acceptable).ok_or_else(|| none(election))
}

// The texts of `Errors`: Kafka's tools show one exception several times where there is none.
fn not_needed() -> Refused {
    Refused::new(ErrorCode::ElectionNotNeeded, "Leader election not needed for topic partition.")
}

fn none(election: Election) -> Refused {
    let (code, why) = match election {
        Election::Preferred => {
            (ErrorCode::PreferredLeaderNotAvailable, "The preferred leader was not available.")
        }
        Election::Unclean => {
            (ErrorCode::EligibleLeadersNotAvailable, "Eligible topic partition leaders are not available.")
        }
    };
    Refused::new(code, why)
}
