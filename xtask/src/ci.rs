//! All that CI runs, in order: `.ci/run` calls this and nothing else.
//!
//! The steps stop at the first failure. Each is an ordinary command that its failure prints, so a developer
//! repeats one step without knowing this file.

use std::time::Duration;

use anyhow::Result;

use crate::repo::Repo;
use crate::step::{Step, seconds};

#[derive(clap::Args)]
pub struct Options {
    /// Run only these steps (by name, may be repeated)
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Leave these steps out (by name, may be repeated)
    #[arg(long, value_name = "STEP")]
    skip: Vec<String>,
    /// Print the steps and their commands, and run none
    #[arg(long)]
    list: bool,
}

/// The steps, in order. The first is the README's test command.
fn steps() -> Vec<Step> {
    vec![
        Step::new("test", "cargo test --workspace"),
        Step::new("format", "cargo fmt --all --check"),
        Step::new("clippy", "cargo clippy --workspace --all-targets -- -D warnings"),
        Step::new("tidy", "cargo xtask tidy"),
        Step::new(
            "simulate",
            "cargo run --release --package chronik-sim -- --scenario single-node --seeds 200",
        ),
        Step::new("cluster", "cargo run --release --package chronik-sim -- --scenario cluster --seeds 400"),
        Step::new("groups", "cargo run --release --package chronik-sim -- --scenario groups --seeds 150"),
        Step::new("fuzz", "cargo xtask fuzz --seconds 30"),
        Step::new("release", "cargo build --release --package chronik"),
        Step::new("clients", "clients/run quick"),
    ]
}

pub fn run(options: &Options) -> Result<()> {
    let repo = Repo::open()?;
    let chosen = steps().into_iter().filter(|step| {
        let named = |names: &[String]| names.iter().any(|name| name == step.name);
        (options.only.is_empty() || named(&options.only)) && !named(&options.skip)
    });
    let mut took: Vec<(&str, Duration)> = Vec::new();
    for step in chosen {
        if options.list {
            eprintln!("{:<8} {}", step.name, step.line());
            continue;
        }
        let result = step.run(repo.root());
        if let Ok(duration) = result {
            took.push((step.name, duration));
        } else {
            print_durations(&took);
        }
        result?;
    }
    print_durations(&took);
    Ok(())
}

fn print_durations(took: &[(&str, Duration)]) {
    if took.is_empty() {
        return;
    }
    eprintln!();
    for (name, duration) in took {
        eprintln!("{name:<8} {:>9}", seconds(*duration));
    }
    eprintln!("{:<8} {:>9}", "total", seconds(took.iter().map(|(_, duration)| *duration).sum()));
}
