//! `chronik topic`: create, list, describe and delete topics.

mod create;
mod delete;
mod describe;
mod list;

use anyhow::Result;
use clap::Subcommand;

use super::Printer;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create topics
    Create(create::Arguments),
    /// List the topics of the cluster
    List(list::Arguments),
    /// Show partitions, offsets and configuration of topics
    Describe(describe::Arguments),
    /// Delete topics and all their records
    Delete(delete::Arguments),
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    match &arguments.command {
        Command::Create(arguments) => create::run(arguments, printer),
        Command::List(arguments) => list::run(arguments, printer),
        Command::Describe(arguments) => describe::run(arguments, printer),
        Command::Delete(arguments) => delete::run(arguments, printer),
    }
}
