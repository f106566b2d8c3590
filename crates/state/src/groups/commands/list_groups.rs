//! ListGroups (`GroupMetadataManager.listGroups`): of this shard, by state and type, whatever the case of the filters.

use crate::groups::Shard;
use crate::groups::replies::{ListedGroup, Reply};
use crate::groups::requests::{At, ListGroups};
use crate::groups::shard::{CONSUMER, ClassicState};
use crate::records::Name;

impl<T> Shard<T> {
    pub(in crate::groups) fn list_groups(&mut self, at: &At<'_>, request: &ListGroups, token: T) {
        let is_asked = |filter: &[Name], value: &str| {
            filter.is_empty() || filter.iter().any(|one| one.eq_ignore_ascii_case(value))
        };
        let mut groups = self.all_groups();
        groups.retain(|group| is_asked(&request.states, group.state) && is_asked(&request.types, group.kind));
        self.reply(at, token, Reply::ListGroups(groups));
    }

    fn all_groups(&self) -> Vec<ListedGroup> {
        let state = self.state();
        let classic = self.classic.iter().map(|(name, group)| ListedGroup {
            group_id: name.clone(),
            protocol_type: group.protocol_type.clone().unwrap_or_else(|| "".into()),
            state: group.state.name(),
            kind: "classic",
        });
        let consumer = state.consumer_groups().map(|(name, group)| ListedGroup {
            group_id: name.clone(),
            protocol_type: CONSUMER.into(),
            state: group.state_name(),
            kind: "consumer",
        });
        let is_simple = |name: &Name| !self.classic.contains_key(name) && state.consumer(name).is_none();
        let simple = state.groups_with_offsets().filter(|(name, _)| is_simple(name));
        let simple = simple.map(|(name, _)| ListedGroup {
            group_id: name.clone(),
            protocol_type: "".into(),
            state: ClassicState::Empty.name(),
            kind: "classic",
        });
        classic.chain(consumer).chain(simple).collect()
    }
}
