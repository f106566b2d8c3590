//! The command line: what can be asked, and how answers and errors are shown.
//!
//! One file or folder per command. A command prints through [`Printer`] and returns an error that says what to
//! do; only [`main`] turns errors into words and exit codes.

mod client;
mod cluster;
mod completions;
mod config;
mod connect;
mod consume;
mod dev;
mod group;
mod health;
mod log;
mod metadata;
#[cfg(test)]
mod pages;
mod print;
mod produce;
mod progress;
mod recover;
mod start;
mod time;
mod topic;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::format;

use print::Output;
pub use print::Printer;

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
    /// Run a node; without configuration a broker on localhost:9092 with its data in ./chronik-data
    Start(start::Arguments),
    /// Run a whole cluster in one process, for development and tests: its data is gone when it ends
    Dev(dev::Arguments),
    /// Prepare the data directories of a node, as kafka-storage.sh format does
    Format(format::Arguments),
    /// Print a new random id, for a cluster or a directory
    RandomUuid,
    /// Create, list, describe and delete topics
    Topic(topic::Arguments),
    /// Write lines from stdin or a file to a topic
    Produce(produce::Arguments),
    /// Read records of a topic and print them
    Consume(consume::Arguments),
    /// List, describe, reset and delete consumer groups, and show how far they are behind
    Group(group::Arguments),
    /// Show the cluster's nodes and quorum, change who votes, and ask why a partition is as it is
    Cluster(cluster::Arguments),
    /// Ask a node whether it serves; exit code 0 says yes
    Health(health::Arguments),
    /// Look into the cluster's metadata log
    Metadata(metadata::Arguments),
    /// Look into the files of a data directory, without a broker
    Log(log::Arguments),
    /// Show what was cut off a log because its leader did not have it; print it, write it to a topic, or delete it
    Recover(recover::Arguments),
    /// About the configuration
    Config(config::Arguments),
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
            let text = told(&error);
            match output {
                Output::Text => eprintln!("error: {text}"),
                Output::Json => eprintln!("{}", serde_json::json!({ "error": text })),
            }
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, each once: some errors say their cause themselves.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

fn run(cli: Cli) -> Result<()> {
    // These run on while they print from many threads, so no printer may hold stdout.
    match &cli.command {
        Command::Start(arguments) => return start::run(arguments),
        Command::Dev(arguments) => return dev::run(arguments, cli.output),
        _ => {}
    }
    let mut printer = Printer::stdout(cli.output);
    match cli.command {
        Command::Start(_) | Command::Dev(_) => {}
        Command::Format(arguments) => format::run(&arguments, &mut printer)?,
        Command::RandomUuid => format::random_uuid(&mut printer)?,
        Command::Topic(arguments) => topic::run(&arguments, &mut printer)?,
        Command::Produce(arguments) => produce::run(&arguments, &mut printer)?,
        Command::Consume(arguments) => consume::run(&arguments, &mut printer)?,
        Command::Group(arguments) => group::run(&arguments, &mut printer)?,
        Command::Cluster(arguments) => cluster::run(&arguments, &mut printer)?,
        Command::Health(arguments) => health::run(&arguments, &mut printer)?,
        Command::Metadata(arguments) => metadata::run(&arguments, &mut printer)?,
        Command::Log(arguments) => log::run(&arguments, &mut printer)?,
        Command::Recover(arguments) => recover::run(&arguments, &mut printer)?,
        Command::Config(arguments) => config::run(&arguments, &mut printer)?,
        Command::Completions(arguments) => completions::run(&arguments, &mut printer)?,
    }
    printer.flush()
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    #[test]
    fn a_cause_is_told_once() {
        let source = std::io::Error::other("no such file");
        let error = anyhow::Error::from(source).context("make /proc/nope: no such file").context("start");
        assert_eq!(super::told(&error), "start: make /proc/nope: no such file");
        assert_eq!(super::told(&anyhow!("why").context("what")), "what: why");
    }
}
