//! `chronik group delete`: DeleteGroups (42) for one or more groups.

use anyhow::Result;
use chronik_wire::messages::DeleteGroupsRequest;
use serde_json::json;

use super::coordinator;
use crate::cli::Printer;
use crate::cli::client::Error;
use crate::cli::connect::Connect;

#[derive(clap::Args)]
pub struct Arguments {
    /// The groups; none of them may have members
    #[arg(required = true)]
    groups: Vec<String>,
    #[command(flatten)]
    connect: Connect,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    for group in &arguments.groups {
        client.retry(|client| {
            let node = coordinator::find(client, group)?;
            let request =
                DeleteGroupsRequest::default().with_groups_names(vec![coordinator::group_id(group)]);
            let deleted = client.call_node(node, 2, |_| request)?;
            let result = deleted.results.into_iter().next().unwrap_or_default();
            Error::check(format!("delete group {group}"), result.error_code, None)
        })?;
        if !printer.is_json() {
            printer.line(format!("deleted group {group}"))?;
        }
    }
    if printer.is_json() { printer.document(&json!({ "deleted": arguments.groups })) } else { Ok(()) }
}
