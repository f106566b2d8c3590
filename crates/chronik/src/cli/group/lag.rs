//! `chronik group lag`: committed offsets against the ends of their partitions.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;

use super::coordinator::{self, Committed};
use super::describe::describe;
use crate::cli::Printer;
use crate::cli::client::{At, Client, Error, Isolation};
use crate::cli::connect::Connect;

#[derive(clap::Args)]
pub struct Arguments {
    /// The groups; all of them if none is named
    groups: Vec<String>,
    #[command(flatten)]
    connect: Connect,
}

/// One partition of a group.
struct Row {
    group: String,
    topic: String,
    partition: i32,
    committed: Committed,
    /// `None` if the topic is gone.
    end: Option<i64>,
}

impl Row {
    fn lag(&self) -> Option<i64> {
        self.end.map(|end| (end - self.committed.offset).max(0))
    }
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let groups = if arguments.groups.is_empty() {
        client.retry(coordinator::list)?.into_iter().map(|listed| listed.group).collect()
    } else {
        arguments.groups.clone()
    };
    let mut rows = Vec::new();
    for group in &groups {
        let of_group = rows_of(&mut client, group)?;
        if of_group.is_empty() && !arguments.groups.is_empty() {
            // Nothing is committed, or there is no such group: only a description tells which.
            client.retry(|client| describe(client, group))?;
        }
        rows.extend(of_group);
    }
    if printer.is_json() {
        return printer.document(&rows.iter().map(json).collect::<Vec<_>>());
    }
    if rows.is_empty() {
        return printer.line("nothing is committed");
    }
    let shown = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let row = |row: &Row| {
        vec![
            row.group.clone(),
            row.topic.clone(),
            row.partition.to_string(),
            row.committed.offset.to_string(),
            shown(row.end),
            shown(row.lag()),
        ]
    };
    printer.table(&["GROUP", "TOPIC", "PARTITION", "COMMITTED", "END", "LAG"], rows.iter().map(row).collect())
}

fn rows_of(client: &mut Client, group: &str) -> Result<Vec<Row>, Error> {
    let committed = client.retry(|client| coordinator::committed(client, group))?;
    let mut partitions: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in committed.keys() {
        partitions.entry(topic).or_default().push(*partition);
    }
    let mut ends = BTreeMap::new();
    for (topic, wanted) in &partitions {
        let found = client.retry(|client| {
            let topic = client.topic(topic, false)?;
            client.offsets(&topic, wanted, At::End, Isolation::ReadUncommitted)
        });
        match found {
            Ok(found) => ends.extend(
                found.iter().filter_map(|end| Some((((*topic).to_owned(), end.partition), end.offset?))),
            ),
            Err(Error::MissingTopic { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let rows = committed.into_iter().map(|(key, committed)| Row {
        group: group.to_owned(),
        end: ends.get(&key).copied(),
        topic: key.0,
        partition: key.1,
        committed,
    });
    Ok(rows.collect())
}

fn json(row: &Row) -> serde_json::Value {
    json!({
        "group": row.group,
        "topic": row.topic,
        "partition": row.partition,
        "committed": row.committed.offset,
        "leaderEpoch": row.committed.leader_epoch,
        "metadata": row.committed.metadata,
        "end": row.end,
        "lag": row.lag(),
    })
}
