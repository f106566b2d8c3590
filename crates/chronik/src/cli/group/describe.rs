//! `chronik group describe`: the state of groups and who is in them, of both protocols.

use anyhow::Result;
use chronik_types::ErrorCode;
use chronik_wire::messages::{ConsumerGroupDescribeRequest, DescribeGroupsRequest};
use serde_json::json;

use super::coordinator;
use crate::cli::Printer;
use crate::cli::client::{Client, Error};
use crate::cli::connect::Connect;

#[derive(clap::Args)]
pub struct Arguments {
    /// The groups
    #[arg(required = true)]
    groups: Vec<String>,
    #[command(flatten)]
    connect: Connect,
}

pub(super) struct Described {
    group: String,
    kind: &'static str,
    state: String,
    assignor: String,
    epoch: Option<i32>,
    members: Vec<Member>,
}

struct Member {
    id: String,
    instance: Option<String>,
    client: String,
    host: String,
    /// Of a consumer group: what it has, by topic.
    assigned: Vec<String>,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let mut groups = Vec::new();
    for group in &arguments.groups {
        groups.push(client.retry(|client| describe(client, group))?);
    }
    if printer.is_json() {
        return printer.document(&groups.iter().map(json).collect::<Vec<_>>());
    }
    for group in &groups {
        let epoch = group.epoch.map_or_else(String::new, |epoch| format!(", epoch {epoch}"));
        printer.line(format!(
            "{}: {} ({}{}), {} members, assignor {}",
            group.group,
            group.state,
            group.kind,
            epoch,
            group.members.len(),
            if group.assignor.is_empty() { "-" } else { &group.assignor },
        ))?;
        if group.members.is_empty() {
            continue;
        }
        let row = |member: &Member| {
            vec![
                member.id.clone(),
                member.instance.clone().unwrap_or_else(|| "-".to_owned()),
                member.client.clone(),
                member.host.clone(),
                member.assigned.join(" "),
            ]
        };
        let headings = ["MEMBER", "INSTANCE", "CLIENT", "HOST", "ASSIGNED"];
        printer.table(&headings, group.members.iter().map(row).collect())?;
    }
    Ok(())
}

/// The group, of whichever protocol.
///
/// Errors: there is no such group.
pub(super) fn describe(client: &mut Client, group: &str) -> Result<Described, Error> {
    match describe_consumer(client, group) {
        // Not one of the new protocol, or a broker that does not know it.
        Err(
            Error::Refused { code: ErrorCode::GroupIdNotFound | ErrorCode::UnsupportedVersion, .. }
            | Error::Unsupported { .. },
        ) => describe_classic(client, group),
        described => described,
    }
}

fn describe_consumer(client: &mut Client, group: &str) -> Result<Described, Error> {
    let node = coordinator::find(client, group)?;
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![coordinator::group_id(group)]);
    let answer = client.call_node(node, 1, |_| request)?;
    let found = answer.groups.into_iter().next().unwrap_or_default();
    Error::check(format!("group {group}"), found.error_code, found.error_message.as_deref())?;
    let members = found.members.into_iter().map(|member| Member {
        id: member.member_id.to_string(),
        instance: member.instance_id.map(|instance| instance.to_string()),
        client: member.client_id.to_string(),
        host: member.client_host.to_string(),
        assigned: member
            .assignment
            .topic_partitions
            .iter()
            .map(|topic| format!("{}{:?}", *topic.topic_name, topic.partitions))
            .collect(),
    });
    Ok(Described {
        group: group.to_owned(),
        kind: "consumer",
        state: found.group_state.to_string(),
        assignor: found.assignor_name.to_string(),
        epoch: Some(found.group_epoch),
        members: members.collect(),
    })
}

fn describe_classic(client: &mut Client, group: &str) -> Result<Described, Error> {
    let node = coordinator::find(client, group)?;
    let request = DescribeGroupsRequest::default().with_groups(vec![coordinator::group_id(group)]);
    let answer = client.call_node(node, 6, |_| request)?;
    let found = answer.groups.into_iter().next().unwrap_or_default();
    Error::check(format!("group {group}"), found.error_code, found.error_message.as_deref())?;
    let members = found.members.into_iter().map(|member| Member {
        id: member.member_id.to_string(),
        instance: member.group_instance_id.map(|instance| instance.to_string()),
        client: member.client_id.to_string(),
        host: member.client_host.to_string(),
        assigned: Vec::new(),
    });
    Ok(Described {
        group: group.to_owned(),
        kind: "classic",
        state: found.group_state.to_string(),
        assignor: found.protocol_data.to_string(),
        epoch: None,
        members: members.collect(),
    })
}

fn json(group: &Described) -> serde_json::Value {
    let members = group.members.iter().map(|member| {
        json!({
            "member": member.id,
            "instance": member.instance,
            "client": member.client,
            "host": member.host,
            "assigned": member.assigned,
        })
    });
    json!({
        "group": group.group,
        "type": group.kind,
        "state": group.state,
        "assignor": group.assignor,
        "epoch": group.epoch,
        "members": members.collect::<Vec<_>>(),
    })
}
