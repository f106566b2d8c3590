//! `cargo run --release -p chronik-sim -- [--scenario NAME] [--seeds N] [--from S]`: runs seeds, says what each found.
//!
//! Every seed is run; one in sixteen is run twice, and must be the same run. The exit code is 1 if a seed found
//! something. A seed that fails fails again when run alone: `--scenario NAME --seeds 1 --from SEED --echo`, which also shows
//! every line as it comes. `--planted FAULT` gives all nodes a fault, to see it found. The seeds of a scenario are shared out to as many threads as there are processors.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use chronik_broker::PlantedFault;
use chronik_sim::cluster::Tally;
use chronik_sim::journal;
use chronik_sim::scenarios::{self, Outcome, Scenario};
use chronik_sim::world::quiet_halts;

/// How often a run that differs from itself is looked for: one seed in so many is run twice.
const TWICE: u64 = 16;
/// The scenarios by name.
const SCENARIOS: [(&str, Scenario); 4] = [
    ("single-node", scenarios::single_node::run),
    ("cluster", scenarios::cluster::run),
    ("groups", scenarios::groups::run),
    ("full-disk", scenarios::full_disk::run),
];

fn main() -> ExitCode {
    quiet_halts();
    journal::collect_log_lines();
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

struct Options {
    scenario: Option<String>,
    seeds: u64,
    from: u64,
    echo: bool,
    planted: Option<PlantedFault>,
}

impl Options {
    fn parse() -> Result<Options> {
        let mut options = Options { scenario: None, seeds: 20, from: 0, echo: false, planted: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
            let number =
                |text: String| text.parse().with_context(|| format!("{argument} {text}: not a number"));
            match argument.as_str() {
                "--scenario" => options.scenario = Some(value()?),
                "--seeds" => options.seeds = number(value()?)?,
                "--from" => options.from = number(value()?)?,
                "--planted" => options.planted = Some(planted(&value()?)?),
                "--echo" => options.echo = true,
                other => bail!(
                    "{other}: unknown; use --scenario NAME, --seeds N, --from SEED, --planted FAULT and --echo"
                ),
            }
        }
        Ok(options)
    }
}

fn planted(name: &str) -> Result<PlantedFault> {
    let named = |fault: &&PlantedFault| shown(**fault) == name;
    let found = PlantedFault::ALL.iter().find(named).copied();
    let all = || PlantedFault::ALL.map(shown).join(", ");
    found.with_context(|| format!("--planted {name}: unknown; there are {}", all()))
}

fn shown(fault: PlantedFault) -> String {
    match fault {
        PlantedFault::Quorum(fault) => format!("{fault:?}"),
        PlantedFault::Groups(fault) => format!("{fault:?}"),
        fault => format!("{fault:?}"),
    }
}

fn run() -> Result<bool> {
    let options = Options::parse()?;
    let chosen = |name: &str| options.scenario.as_ref().is_none_or(|wanted| wanted == name);
    if !SCENARIOS.iter().any(|(name, _)| chosen(name)) {
        let names = SCENARIOS.map(|(name, _)| name).join(", ");
        bail!("--scenario {}: unknown; there are {names}", options.scenario.unwrap_or_default());
    }
    let mut all_passed = true;
    for (name, scenario) in SCENARIOS.iter().filter(|(name, _)| chosen(name)) {
        all_passed &= run_seeds(name, *scenario, &options)?;
    }
    Ok(all_passed)
}

/// Runs the seeds of a scenario; true if none found anything.
fn run_seeds(name: &str, scenario: Scenario, options: &Options) -> Result<bool> {
    let next = AtomicU64::new(options.from);
    let sum = Mutex::new((Tally::default(), 0u64));
    let end = options.from + options.seeds;
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let (tally, passed) = run_seed(name, scenario, seed, options);
            let mut sum = sum.lock().expect("no seed breaks off while it is added up");
            sum.0.add(&tally);
            sum.1 += u64::from(!passed);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (tally, failed) = *sum.lock().expect("all threads have ended");
    let mut out = std::io::stdout().lock();
    writeln!(out, "{name}: {} seeds from {}: {tally}", options.seeds, options.from)?;
    writeln!(out, "{name}: {} passed, {failed} failed", options.seeds - failed)?;
    Ok(failed == 0)
}

fn run_seed(name: &str, scenario: Scenario, seed: u64, options: &Options) -> (Tally, bool) {
    let once = || {
        let run = || scenarios::run(scenario, seed, options.planted, options.echo);
        std::panic::catch_unwind(run).unwrap_or_else(|panic| broken(&panic))
    };
    let mut outcome = once();
    if seed.is_multiple_of(TWICE) && once() != outcome {
        outcome.violations.push("run twice, two different runs".to_owned());
    }
    if !outcome.violations.is_empty() {
        eprintln!("{}", outcome.history.join("\n"));
        for violation in outcome.violations.iter().take(5) {
            eprintln!("{name} seed {seed}: {violation}");
        }
    }
    (outcome.tally, outcome.violations.is_empty())
}

/// A panic in a node is a finding too.
fn broken(panic: &Box<dyn std::any::Any + Send>) -> Outcome {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
    let violations = vec![format!("a node breaks: {text}")];
    Outcome { trace: 0, tally: Tally::default(), violations, history: journal::lines() }
}
