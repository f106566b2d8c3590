//! What the coordinator says of a group that has come to rest.

use std::collections::BTreeSet;

use kafka_protocol::messages::{ConsumerGroupDescribeRequest, DescribeGroupsRequest};

use super::{Group, Protocol};
use crate::client::Session;
use crate::clients::Clients;

impl Clients {
    /// Waits until the coordinator says that the group is stable, with as many members as it has seats.
    pub async fn await_stable(&self, group: &Group) {
        loop {
            self.does("describe the group");
            if let Some((mut session, _)) = self.find_coordinator(group).await {
                let members = match group.protocol {
                    Protocol::Classic => classic(group, &mut session).await,
                    Protocol::Consumer => consumer(group, &mut session).await,
                };
                let seats = group.lock().seats.len();
                if group.is_calm() && members.is_some_and(|members| members.len() == seats) {
                    return;
                }
            }
            self.pause().await;
        }
    }
}

/// The members of a stable group.
async fn classic(group: &Group, session: &mut Session) -> Option<BTreeSet<String>> {
    let request = DescribeGroupsRequest::default().with_groups(vec![group.id()]);
    let response = session.call(5, &request).await.ok()?;
    let found = response.groups.first().filter(|found| found.group_state.as_str() == "Stable")?;
    Some(found.members.iter().map(|member| member.member_id.to_string()).collect())
}

async fn consumer(group: &Group, session: &mut Session) -> Option<BTreeSet<String>> {
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group.id()]);
    let response = session.call(1, &request).await.ok()?;
    let found = response.groups.first().filter(|found| found.group_state.as_str() == "Stable")?;
    let owned = found.members.iter().flat_map(|member| &member.assignment.topic_partitions);
    let count: usize = owned.map(|topic| topic.partitions.len()).sum();
    (count == group.partitions as usize)
        .then(|| found.members.iter().map(|member| member.member_id.to_string()).collect())
}
