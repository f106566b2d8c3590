//! DescribeGroups (`GroupMetadataManager.describeGroups`): classic groups, simple ones (that only commit) included.

use bytes::Bytes;
use chronik_types::ErrorCode;

use crate::groups::Shard;
use crate::groups::replies::{DescribedGroup, DescribedMember, Refused, Reply};
use crate::groups::requests::At;
use crate::groups::shard::{ClassicGroup, ClassicState};
use crate::records::Name;

impl<T> Shard<T> {
    pub(in crate::groups) fn describe_group(&mut self, at: &At<'_>, name: &Name, token: T) {
        let described = self.describe(name);
        self.reply(at, token, Reply::DescribeGroup(described));
    }

    fn describe(&self, name: &Name) -> Result<DescribedGroup, Refused> {
        let not_found =
            |why: &str| Err(Refused::because(ErrorCode::GroupIdNotFound, format!("Group {name} {why}.")));
        if self.state().consumer(name).is_some() {
            return not_found("is not a classic group");
        }
        match self.classic.get(name) {
            Some(group) => Ok(described(group)),
            None if self.state().offsets(name).is_some() => Ok(DescribedGroup {
                state: ClassicState::Empty.name(),
                protocol_type: "".into(),
                protocol: "".into(),
                members: Vec::new(),
            }),
            None => not_found("not found"),
        }
    }
}

fn described<T>(group: &ClassicGroup<T>) -> DescribedGroup {
    let is_stable = group.state == ClassicState::Stable;
    let stable = |bytes: Bytes| if is_stable { bytes } else { Bytes::new() };
    let members = group.members.iter().map(|(id, member)| DescribedMember {
        member_id: id.clone(),
        instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        metadata: stable(member.metadata(group.protocol.as_ref())),
        assignment: stable(member.assignment.clone()),
    });
    DescribedGroup {
        state: group.state.name(),
        protocol_type: group.protocol_type.clone().unwrap_or_else(|| "".into()),
        protocol: group.protocol.clone().filter(|_| is_stable).unwrap_or_else(|| "".into()),
        members: members.collect(),
    }
}
