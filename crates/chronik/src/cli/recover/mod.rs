//! `chronik recover`: what was cut off a partition's log because its leader did not have it, and what to do with it.
//!
//! It works on the files of a data directory, whether the node runs or not: what was set aside is not touched by the node any
//! more, until its partition goes.

mod find;
mod replay;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::connect::Connect;
use super::consume::{Column, Layout, Place, print};
use super::{Printer, time};
use find::SetAside;

#[derive(clap::Args)]
pub struct Arguments {
    /// Data directories, as in log.dirs, or folders of partitions in them
    #[arg(required = true, value_name = "DIRECTORY")]
    dirs: Vec<PathBuf>,
    /// Only of this topic
    #[arg(long, short)]
    topic: Option<String>,
    /// Only of this partition
    #[arg(long, short, requires = "topic")]
    partition: Option<i32>,
    /// Print the records
    #[arg(long, group = "action")]
    print: bool,
    /// Write the records to this topic, each to a partition of the number that it came from, with its timestamp
    #[arg(long, group = "action", value_name = "TOPIC")]
    to: Option<String>,
    /// Delete the files: what they hold is gone for good
    #[arg(long, group = "action")]
    delete: bool,
    #[command(flatten)]
    connect: Connect,
}

/// Runs `chronik recover`.
///
/// # Errors
/// A directory or a file cannot be read, a file is damaged, or the records cannot be written.
pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut found = find::find(&arguments.dirs)?;
    let is_wanted = |one: &SetAside| {
        arguments.topic.as_ref().is_none_or(|topic| *topic == one.topic)
            && arguments.partition.is_none_or(|partition| partition == one.partition)
    };
    found.retain(is_wanted);
    if arguments.print {
        found.iter().try_for_each(|one| print_records(one, printer))
    } else if let Some(topic) = &arguments.to {
        replay(arguments, topic, &found, printer)
    } else if arguments.delete {
        delete(&found, printer)
    } else {
        list(&found, printer)
    }
}

fn list(found: &[SetAside], printer: &mut Printer) -> Result<()> {
    if printer.is_json() {
        return printer.document(&found.iter().map(SetAside::json).collect::<Vec<_>>());
    }
    if found.is_empty() {
        return printer.line("nothing was set aside");
    }
    let rows = found.iter().map(|one| {
        let text = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        vec![
            format!("{}-{}", one.topic, one.partition),
            format!("{}..{}", one.first, one.end - 1),
            if one.was_committed() == Some(true) { "yes" } else { "unknown" }.to_owned(),
            one.when.map_or_else(|| "-".to_owned(), time::format),
            text(one.leader),
            one.bytes.to_string(),
            one.reason.clone().unwrap_or_else(|| "no report: a crash came before the cut".to_owned()),
            one.path.display().to_string(),
        ]
    });
    let headings = ["PARTITION", "OFFSETS", "COMMITTED", "CUT OFF AT", "FOLLOWING", "BYTES", "WHY", "FILE"];
    printer.table(&headings, rows.collect())
}

fn print_records(one: &SetAside, printer: &mut Printer) -> Result<()> {
    let columns =
        vec![Column::Topic, Column::Partition, Column::Offset, Column::Timestamp, Column::Key, Column::Value];
    let layout = Layout { columns, separator: b"\t".to_vec(), null: b"NULL".to_vec() };
    find::records(one, &mut |kind, record| {
        let place = Place { topic: &one.topic, partition: one.partition, timestamp_type: kind };
        print(printer, &layout, place, record)
    })
}

fn replay(arguments: &Arguments, topic: &str, found: &[SetAside], printer: &mut Printer) -> Result<()> {
    if found.is_empty() {
        bail!("nothing was set aside: there is nothing to write");
    }
    let records = replay::replay(arguments.connect.client(), topic, found)?;
    if printer.is_json() {
        return printer.document(&json!({ "topic": topic, "records": records, "files": found.len() }));
    }
    printer.line(format!(
        "wrote {records} record(s) of {} file(s) to {topic}; the files are still there, `--delete` removes them",
        found.len()
    ))
}

fn delete(found: &[SetAside], printer: &mut Printer) -> Result<()> {
    for one in found {
        for path in [Some(&one.path), one.report.as_ref()].into_iter().flatten() {
            std::fs::remove_file(path).with_context(|| format!("delete {}", path.display()))?;
        }
    }
    if printer.is_json() {
        let paths: Vec<_> = found.iter().map(|one| &one.path).collect();
        return printer.document(&json!({ "deleted": paths }));
    }
    printer.line(format!("deleted {} file(s)", found.len()))
}
