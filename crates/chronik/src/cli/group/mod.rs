//! `chronik group`: what groups there are, where they stand, and how to move or remove them.

mod coordinator;
mod delete;
mod describe;
mod lag;
mod list;
mod reset;

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
    /// List the groups of the cluster
    List(list::Arguments),
    /// Show the state of groups and their members
    Describe(describe::Arguments),
    /// Show how far groups are behind, partition by partition
    Lag(lag::Arguments),
    /// Move a group without members to other offsets; shows what it would do unless --execute is given
    Reset(reset::Arguments),
    /// Delete groups without members, and their offsets
    Delete(delete::Arguments),
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    match &arguments.command {
        Command::List(arguments) => list::run(arguments, printer),
        Command::Describe(arguments) => describe::run(arguments, printer),
        Command::Lag(arguments) => lag::run(arguments, printer),
        Command::Reset(arguments) => reset::run(arguments, printer),
        Command::Delete(arguments) => delete::run(arguments, printer),
    }
}
