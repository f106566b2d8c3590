//! `chronik log`: looks into the files of a data directory, without a broker.

mod dump;
mod index;
mod kind;
mod metadata;
mod producers;
mod report;
mod segment;
mod small;

use anyhow::Result;
use clap::Subcommand;

use super::Printer;

pub use segment::batches;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print what is in segments, indexes, snapshots and checkpoints, and check it
    Dump(dump::Arguments),
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    match &arguments.command {
        Command::Dump(arguments) => dump::run(arguments, printer),
    }
}
