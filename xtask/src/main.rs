//! The project's own chores, run as `cargo xtask <chore>`.
//!
//! `tidy` checks the rules about the code that no compiler knows, `fuzz` builds and runs the fuzz targets
//! without an installed `cargo-fuzz`, `image` builds the container image, `ci` runs all that CI runs, in order, and `bench` compares Chronik with
//! its peers. Nothing here is part of the product.

#![allow(unreachable_pub, reason = "in a binary, `pub` means: for the other modules")]

mod bench;
mod ci;
mod fuzz;
mod image;
mod repo;
mod step;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Check the rules about the code; each finding names its remedy
    Tidy,
    /// Run all that CI runs, in order, and print how long each step took
    Ci(ci::Options),
    /// Build the fuzz targets and run them for a bounded time on the kept corpus
    Fuzz(fuzz::Options),
    /// Build the static binary and the container image, without a container engine
    Image(image::Options),
    /// Compare Chronik with its peers under the same load, in one table
    Bench(bench::Options),
    #[command(hide = true)]
    Floor(bench::floor::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<()> {
    match chore {
        Chore::Tidy => tidy::run(),
        Chore::Ci(options) => ci::run(&options),
        Chore::Fuzz(options) => fuzz::run(&options),
        Chore::Image(options) => image::run(&options),
        Chore::Bench(options) => bench::run(&options),
        Chore::Floor(options) => bench::floor::run(options),
    }
}
