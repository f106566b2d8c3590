//! `chronik cluster`: its nodes, who votes, why a partition is led by whom, and moving partitions between nodes.

mod balance;
mod execute;
mod observe;
mod plan;
mod quorum;
mod status;
mod throttle;
mod voters;
mod why;

use anyhow::Result;
use clap::Subcommand;

pub use quorum::{METADATA, Quorum, describe};

use super::Printer;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show nodes, quorum and partitions, and what is wrong with them
    Status(status::Arguments),
    /// Make a controller that observes the quorum one of its voters
    AddVoter(voters::Add),
    /// Take a voter out of the quorum; it may go on to observe
    RemoveVoter(voters::Remove),
    /// Take everything off a node, before it is stopped for long or for good
    Drain(balance::Drain),
    /// Give every node its share of replicas and leaderships, with the fewest moves
    Rebalance(balance::Rebalance),
    /// Tell who leads a partition, since when, and what made it so
    Why(why::Arguments),
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    match &arguments.command {
        Command::Status(arguments) => status::run(arguments, printer),
        Command::AddVoter(arguments) => voters::add(arguments, printer),
        Command::RemoveVoter(arguments) => voters::remove(arguments, printer),
        Command::Drain(arguments) => balance::drain(arguments, printer),
        Command::Rebalance(arguments) => balance::rebalance(arguments, printer),
        Command::Why(arguments) => why::run(arguments, printer),
    }
}
