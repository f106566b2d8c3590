//! `chronik config`: about the configuration.

use anyhow::Result;
use chronik_state::config::reference_page;
use clap::Subcommand;

use super::Printer;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print every key of server.properties, with type, default and meaning, as Markdown
    Reference,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    match arguments.command {
        Command::Reference => printer.bytes(reference_page().as_bytes()),
    }
}
