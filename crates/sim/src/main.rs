//! `cargo run --release -p chronik-sim -- --seeds N [--from S]`: runs seeds and says what each found.
//!
//! Every seed is run; one in sixteen is run twice, and must be the same run. The exit code is 1 if a seed found
//! something. A seed that fails fails again when run alone: `--seeds 1 --from SEED`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chronik_sim::single_node;
use chronik_sim::world::quiet_halts;

fn main() -> ExitCode {
    quiet_halts();
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool> {
    let (mut seeds, mut from) = (20u64, 0u64);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{argument} needs a number"))?;
        let value = value.parse().with_context(|| format!("{argument} {value}: not a number"))?;
        match argument.as_str() {
            "--seeds" => seeds = value,
            "--from" => from = value,
            other => bail!("{other}: unknown; use --seeds N and --from SEED"),
        }
    }
    let mut out = std::io::stdout().lock();
    let (mut steps, mut crashes, mut faults, mut acked, mut failed) = (0, 0, 0, 0, 0);
    for seed in from..from + seeds {
        let outcome = match single_node::run(seed) {
            Ok(outcome) => outcome,
            Err(error) => {
                writeln!(out, "seed {seed}: {error:#}")?;
                failed += 1;
                continue;
            }
        };
        for violation in &outcome.violations {
            writeln!(out, "seed {seed}: {violation}")?;
        }
        let differs = seed % 16 == 0 && single_node::run(seed)? != outcome;
        if differs {
            writeln!(out, "seed {seed}: run twice, two different runs")?;
        }
        failed += u64::from(differs || !outcome.violations.is_empty());
        steps += outcome.steps;
        crashes += outcome.crashes;
        faults += outcome.faults;
        acked += outcome.acked;
    }
    writeln!(
        out,
        "{seeds} seeds from {from}: {steps} steps, {crashes} crashes, {faults} disk faults, {acked} records acknowledged"
    )?;
    writeln!(out, "{} passed, {failed} failed", seeds - failed)?;
    Ok(failed == 0)
}
