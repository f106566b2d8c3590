//! The `chronik` binary: a Kafka node and the commands to work with one.
//!
//! `start` runs the node; every other command is an ordinary Kafka client, or reads files. The exit code is 0 on
//! success, 1 when a command failed and 2 when it was called wrongly. Results go to stdout, all else to stderr.
#![allow(unreachable_pub, reason = "in a binary, `pub` means: for the other modules")]

mod cli;
mod config;
mod format;
mod names;
mod server;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
