//! `chronik metadata dump`: every record of the metadata log.

use anyhow::Result;
use chronik_raft::ControlRecord;
use chronik_state::why::Place;
use serde_json::{Value, json};

use super::{Entry, Source, read};
use crate::cli::{Printer, time};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    read(&arguments.source, &mut |entry| {
        let (part, place, record) = match entry {
            Entry::InSnapshot(place, change) => ("snapshot", place, serde_json::from_str(&change.to_json())?),
            Entry::InLog(place, change) => ("log", place, serde_json::from_str(&change.to_json())?),
            Entry::Control(place, control) => ("control", place, json!(shown(control))),
        };
        if printer.is_json() {
            printer.item(&item(part, place, &record))
        } else {
            printer.line(line(part, place, &record))
        }
    })
}

/// `LeaderChange { leader: 1, ... }`, without the name of the variant.
fn shown(control: Option<ControlRecord>) -> String {
    let Some(control) = control else { return "of a kind that is not known".to_owned() };
    let text = format!("{control:?}");
    match text.split_once('(') {
        Some((name, inner)) if inner.starts_with(name) => inner.trim_end_matches(')').to_owned(),
        _ => text,
    }
}

fn item(part: &str, place: Place, record: &Value) -> Value {
    json!({
        "part": part,
        "offset": place.offset.0,
        "batch": place.batch.0,
        "epoch": place.epoch.0,
        "timestamp": place.timestamp.0,
        "record": record,
    })
}

fn line(part: &str, place: Place, record: &Value) -> String {
    let Place { offset, epoch, timestamp, .. } = place;
    let record = record.as_str().map_or_else(|| record.to_string(), str::to_owned);
    format!("{part} {offset}  epoch {epoch}  {}  {record}", time::format(timestamp))
}
