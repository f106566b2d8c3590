//! The target assignment: what each member is to have, made by the group's assignor when the group's epoch moved on.

use std::collections::BTreeMap;

use super::{Draft, topic_names};
use crate::groups::assignors::{Spec, Subscriber, named};
use crate::groups::options::Options;
use crate::groups::records::{Change, TargetEpochValue};
use crate::groups::requests::At;
use crate::groups::state::{ConsumerGroup, target_value};
use crate::groups::view::View;

/// Makes the target for the group's epoch, unless the last one was made less than `interval_ms` ago (KIP-1263): then a
/// later heartbeat does.
pub(in crate::groups) fn update_target(
    draft: &mut Draft<'_>,
    options: &Options,
    at: &At<'_>,
    interval_ms: i64,
) {
    let group = draft.group();
    if group.epoch <= group.target_epoch {
        return;
    }
    // A time that is yet to come is another clock's, of a coordinator before this one: nobody is to wait for it.
    let age_ms = at.now.0.saturating_sub(group.target_timestamp);
    let is_due = group.target_timestamp == 0 || interval_ms == 0 || age_ms >= interval_ms || age_ms < 0;
    if !is_due {
        return;
    }
    let name = assignor_name(&group, options);
    let Some(assignor) = named(&name).or_else(|| named("uniform")) else { return };
    let assigned = assignor(&spec(&group, at.view));
    let value = TargetEpochValue { assignment_epoch: group.epoch, assignment_timestamp: at.now.0 };
    let changed: Vec<_> =
        assigned.into_iter().filter(|(id, target)| group.target.get(id) != Some(target)).collect();
    drop(group);
    for (id, target) in changed {
        draft.push(Change::Target(draft.member_key(&id), Some(target_value(&target))));
    }
    draft.push(Change::TargetEpoch(draft.key(), Some(value)));
}

/// The assignor that most members prefer, or the node's first.
pub(in crate::groups) fn assignor_name(group: &ConsumerGroup, options: &Options) -> String {
    let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
    for member in group.members.values() {
        if let Some(name) = &member.metadata.server_assignor {
            *votes.entry(name).or_default() += 1;
        }
    }
    let most = votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(name, _)| name.to_owned());
    most.or_else(|| options.consumer_assignors.first().cloned()).unwrap_or_else(|| "uniform".to_owned())
}

fn spec(group: &ConsumerGroup, view: &dyn View) -> Spec {
    let mut spec = Spec::default();
    for (id, member) in &group.members {
        let mut topics = Vec::new();
        for topic in topic_names(group, member).iter().filter_map(|name| view.topic(name)) {
            spec.partitions.insert(topic.id, topic.partitions);
            topics.push(topic.id);
        }
        topics.sort();
        let target = group.target.get(id).cloned().unwrap_or_default();
        let instance_id = member.metadata.instance_id.clone();
        spec.members.insert(id.clone(), Subscriber { instance_id, topics, target });
    }
    spec
}
