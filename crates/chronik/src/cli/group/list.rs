//! `chronik group list`: what every broker coordinates.

use anyhow::Result;
use serde_json::json;

use super::coordinator::{self, Listed};
use crate::cli::Printer;
use crate::cli::connect::Connect;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    connect: Connect,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let groups = client.retry(coordinator::list)?;
    if printer.is_json() {
        return printer.document(&groups.iter().map(json).collect::<Vec<_>>());
    }
    if groups.is_empty() {
        return printer.line("no groups");
    }
    let row = |group: &Listed| {
        let coordinator = group.coordinator.to_string();
        vec![group.group.clone(), group.state.clone(), group.kind.clone(), coordinator]
    };
    printer.table(&["GROUP", "STATE", "TYPE", "COORDINATOR"], groups.iter().map(row).collect())
}

fn json(group: &Listed) -> serde_json::Value {
    json!({
        "group": group.group,
        "state": group.state,
        "type": group.kind,
        "protocolType": group.protocol,
        "coordinator": group.coordinator.0,
    })
}
