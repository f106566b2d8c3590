//! What the commands ask of a group's coordinator, and of every broker.

use std::collections::BTreeMap;

use chronik_types::NodeId;
use chronik_wire::StrBytes;
use chronik_wire::messages::{FindCoordinatorRequest, GroupId, ListGroupsRequest};
use chronik_wire::offset_fetch::{FetchGroup, OffsetFetchRequest};

use crate::cli::client::{Client, Error};

/// A group as it is listed.
pub struct Listed {
    pub group: String,
    pub state: String,
    pub kind: String,
    pub protocol: String,
    pub coordinator: NodeId,
}

/// A committed offset.
pub struct Committed {
    pub offset: i64,
    pub leader_epoch: i32,
    pub metadata: String,
}

/// By topic and partition.
pub type Offsets = BTreeMap<(String, i32), Committed>;

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}

/// Who coordinates the group.
pub fn find(client: &mut Client, group: &str) -> Result<NodeId, Error> {
    // From version 4 on the groups are a list.
    let found = client.call_any(3, |_| FindCoordinatorRequest::default().with_key(text(group)))?;
    let message = found.error_message.as_deref();
    Error::check(format!("coordinator of group {group}"), found.error_code, message)?;
    // The addresses of the brokers are learned with the topics.
    client.metadata(Some(&[]), false)?;
    Ok(NodeId(found.node_id.0))
}

/// Every group of every broker.
pub fn list(client: &mut Client) -> Result<Vec<Listed>, Error> {
    let mut all = Vec::new();
    for node in client.brokers()? {
        let listed = client.call_node(node, 5, |_| ListGroupsRequest::default())?;
        Error::check(format!("groups of broker {node}"), listed.error_code, None)?;
        all.extend(listed.groups.into_iter().map(|group| Listed {
            group: group.group_id.to_string(),
            state: group.group_state.to_string(),
            kind: group.group_type.to_string(),
            protocol: group.protocol_type.to_string(),
            coordinator: node,
        }));
    }
    all.sort_by(|one, other| one.group.cmp(&other.group));
    Ok(all)
}

/// All that the group has committed.
pub fn committed(client: &mut Client, group: &str) -> Result<Offsets, Error> {
    let node = find(client, group)?;
    // From version 10 on topics have ids instead of names.
    let fetched = client.call_node(node, 9, |_| {
        let group = FetchGroup { group_id: text(group), member_id: None, member_epoch: -1, topics: None };
        OffsetFetchRequest { groups: vec![group], require_stable: false }
    })?;
    let mut offsets = Offsets::new();
    Error::check(format!("offsets of group {group}"), fetched.error_code, None)?;
    for topic in &fetched.topics {
        for each in &topic.partitions {
            let committed = Committed {
                offset: each.committed_offset,
                leader_epoch: each.committed_leader_epoch,
                metadata: each.metadata.as_deref().unwrap_or_default().to_owned(),
            };
            offsets.insert((topic.name.to_string(), each.partition_index), committed);
        }
    }
    for answer in &fetched.groups {
        Error::check(format!("offsets of group {group}"), answer.error_code, None)?;
        for topic in &answer.topics {
            for each in &topic.partitions {
                let committed = Committed {
                    offset: each.committed_offset,
                    leader_epoch: each.committed_leader_epoch,
                    metadata: each.metadata.as_deref().unwrap_or_default().to_owned(),
                };
                offsets.insert((topic.name.to_string(), each.partition_index), committed);
            }
        }
    }
    Ok(offsets)
}
