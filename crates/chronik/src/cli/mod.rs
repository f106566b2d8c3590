//! The command line: what can be asked, and how answers and errors are shown.
//!
//! One file or folder per command. A command prints through [`Printer`] and returns an error that says what to
//! do; only [`main`] turns errors into words and exit codes.

mod client;
mod completions;
mod connect;
mod consume;
mod log;
mod print;
mod produce;
mod progress;
mod time;
mod topic;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use print::{Output, Printer};

/// Apache Kafka, node for node, in one small binary.
#[derive(Parser)]
#[command(name = "chronik", version, arg_required_else_help = true)]
struct Cli {
    /// How results are printed
    #[arg(long, short, global = true, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create, list, describe and delete topics
    Topic(topic::Arguments),
    /// Write lines from stdin or a file to a topic
    Produce(produce::Arguments),
    /// Read records of a topic and print them
    Consume(consume::Arguments),
    /// Look into the files of a data directory, without a broker
    Log(log::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

/// Parses the command line, runs the command, and says what went wrong.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.output;
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output has seen enough (`chronik consume ... | head`).
        Err(error) if print::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            match output {
                Output::Text => eprintln!("error: {error:#}"),
                Output::Json => eprintln!("{}", serde_json::json!({ "error": format!("{error:#}") })),
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let mut printer = Printer::stdout(cli.output);
    match cli.command {
        Command::Topic(arguments) => topic::run(&arguments, &mut printer)?,
        Command::Produce(arguments) => produce::run(&arguments, &mut printer)?,
        Command::Consume(arguments) => consume::run(&arguments, &mut printer)?,
        Command::Log(arguments) => log::run(&arguments, &mut printer)?,
        Command::Completions(arguments) => completions::run(&arguments, &mut printer)?,
    }
    printer.flush()
}
