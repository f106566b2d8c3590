//! `chronik metadata`: the cluster's metadata log, of a running cluster or of a data directory.
//!
//! Whoever reads it ([`read`]) gets the oldest snapshot that is needed, if the log does not begin at its beginning, and then
//! the log, record by record. A running cluster gives what is committed; a directory what is written, whose end may not
//! be committed.

mod dump;
mod files;
mod online;

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use chronik_log::batch::{Batch, Header, Records, decompress};
use chronik_raft::ControlRecord;
use chronik_state::records::Change;
use chronik_state::why::Place;
use chronik_types::{LeaderEpoch, Offset};
use clap::Subcommand;

use super::Printer;
use super::connect::Connect;

const DECOMPRESSED_BYTES_MAX: usize = 1 << 30;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the records of the metadata log as JSON, in the shape in which Kafka shows them
    Dump(dump::Arguments),
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    match &arguments.command {
        Command::Dump(arguments) => dump::run(arguments, printer),
    }
}

/// Where the metadata log is read from.
#[derive(clap::Args)]
pub struct Source {
    /// Read the files of this data directory instead of asking a cluster
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    connect: Connect,
}

/// A record of the metadata log.
#[derive(Debug)]
pub enum Entry {
    /// A snapshot says so; the place is the end of what it holds.
    InSnapshot(Place, Change),
    /// The log says so.
    InLog(Place, Change),
    /// A record of the quorum itself; `None`: of a kind that is not known.
    Control(Place, Option<ControlRecord>),
}

/// Who gets the entries.
pub type Each<'a> = &'a mut dyn FnMut(Entry) -> Result<()>;

/// Reads the metadata log from its source.
pub fn read(source: &Source, each: Each<'_>) -> Result<()> {
    match &source.dir {
        Some(dir) => files::read(dir, each),
        None => online::read(&mut source.connect.client(), &source.connect, each),
    }
}

/// What a snapshot holds: all before `end`, as the controller of `epoch` had written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SnapshotId {
    end: Offset,
    epoch: LeaderEpoch,
}

/// Hands out the records of one batch.
fn entries(batch: Batch<'_>, snapshot: Option<SnapshotId>, each: Each<'_>) -> Result<()> {
    let header = batch.header();
    let body = decompress(batch, DECOMPRESSED_BYTES_MAX)?;
    for record in Records::new(header, &body) {
        let record = record?;
        let place = place(header, record.offset, snapshot);
        let value = record.value.unwrap_or_default();
        let entry = if header.is_control() {
            Entry::Control(place, ControlRecord::decode(record.key.unwrap_or_default(), value)?)
        } else {
            let change = Change::decode(&Bytes::copy_from_slice(value)).map_err(|error| anyhow!("{error}"));
            let change = change.with_context(|| format!("record {}", record.offset))?;
            if snapshot.is_some() { Entry::InSnapshot(place, change) } else { Entry::InLog(place, change) }
        };
        each(entry)?;
    }
    Ok(())
}

fn place(header: Header<'_>, offset: Offset, snapshot: Option<SnapshotId>) -> Place {
    let timestamp = header.max_timestamp();
    match snapshot {
        Some(SnapshotId { end, epoch }) => {
            Place { offset: end.plus(-1), batch: end.plus(-1), epoch, timestamp }
        }
        None => Place { offset, batch: header.base_offset(), epoch: header.leader_epoch(), timestamp },
    }
}
