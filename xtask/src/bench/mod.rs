//! `cargo xtask bench`: Chronik beside its peers on this machine, under the same load from a client that nobody
//! here wrote, in one table.
//!
//! What makes the figures mean something: every peer is started in turn, repeatedly, in an order that
//! rotates; memory is touched first (fresh pages are slow on virtual machines); a run in which others used more
//! of the machine than allowed is repeated; the broker's latest offsets must equal what the client counted;
//! medians and ranges are shown, never a best run.

#![expect(clippy::print_stdout, reason = "a report on the terminal is what this command is for")]

mod client;
pub mod floor;
mod load;
mod peer;
mod prepare;
mod proc;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use load::{Loader, ROWS, Row, Run, Scale, Work};
use peer::{Peer, Running};
use prepare::Tools;
use report::{Idle, Report};

/// Options of the bench.
#[derive(clap::Args)]
pub struct Options {
    /// Minutes instead of an hour: one repetition, a tenth of the records
    #[arg(long)]
    quick: bool,
    /// How often each peer takes its turn [default: 5, quick: 1]
    #[arg(long)]
    repeat: Option<usize>,
    /// Who takes part [default: all; in a cluster all but the floors, which do not replicate]
    #[arg(long, value_delimiter = ',')]
    peers: Vec<Peer>,
    /// Three nodes instead of one, topics with a replica on each, min.insync.replicas=2, acks=all
    #[arg(long)]
    cluster: bool,
    /// Only rows whose name contains this
    #[arg(long)]
    rows: Option<String>,
    /// Repeat a run in which other processes used more than this share of the machine
    #[arg(long, default_value_t = 10.0)]
    foreign_percent_max: f64,
    /// Folder for the peers' data [default: a folder in the temporary directory]
    #[arg(long)]
    directory: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Options {
    fn nodes(&self) -> usize {
        if self.cluster { 3 } else { 1 }
    }

    fn peers(&self) -> Vec<Peer> {
        let chosen = if self.peers.is_empty() { Peer::value_variants() } else { &self.peers };
        chosen.iter().copied().filter(|peer| !self.cluster || !peer.is_floor()).collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

/// How often a noisy run is repeated before it is taken, marked as noisy.
const TRIES: usize = 3;
const TOUCH_MIB: usize = 4096;

pub fn run(options: &Options) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace's folder")?;
    let peers = options.peers();
    let tools = prepare::tools(root, peers.iter().any(|peer| peer.is_floor()))?;
    let home = options
        .directory
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("chronik-bench-{}", std::process::id())));
    fs::create_dir_all(&home)?;
    touch_memory(if options.quick { TOUCH_MIB / 4 } else { TOUCH_MIB });
    let mut report = Report { machine: machine(), nodes: options.nodes(), ..Report::default() };
    for repetition in 0..options.repeat.unwrap_or(if options.quick { 1 } else { 5 }) {
        let mut turn = peers.clone();
        turn.rotate_left(repetition % peers.len().max(1));
        for peer in turn {
            progress(&format!("repetition {}: {}", repetition + 1, peer.name()));
            if let Err(error) = one_turn(options, &tools, &home, peer, repetition, &mut report) {
                report.failures.push(format!("{}: {error:#}", peer.name()));
                progress(&format!("FAILED {}: {error:#}", peer.name()));
            }
        }
    }
    if options.directory.is_none() && report.failures.is_empty() {
        fs::remove_dir_all(&home)?;
    }
    match options.output {
        Output::Text => println!("{}", report.text(&peers)),
        Output::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    ensure!(
        report.failures.is_empty(),
        "{} rows or peers failed; their logs are in {}",
        report.failures.len(),
        home.display()
    );
    Ok(())
}

/// Starts the peer, looks at it while it idles, warms it, and runs every row on it.
fn one_turn(
    options: &Options,
    tools: &Tools,
    home: &Path,
    peer: Peer,
    repetition: usize,
    report: &mut Report,
) -> Result<()> {
    wait_for_quiet(options);
    let broker = peer::start(peer, tools, home, options.nodes())?;
    report.idle.push(idle(&broker, options.quick));
    let scale =
        if options.quick { Scale { divide: 10, seconds: 3 } } else { Scale { divide: 1, seconds: 10 } };
    let mut loader =
        Loader { tools, folder: home, scale: Scale { divide: 10, ..scale }, last: None, topics: 0 };
    // A compiler at run time needs work before it shows what it can do; nobody is measured on their first batches.
    loader.run(&broker, &ROWS[1], repetition).context("warm up")?;
    loader.scale = scale;
    let named = |row: &Row| options.rows.as_ref().is_none_or(|part| row.name.contains(part.as_str()));
    let wanted = |row: &&Row| named(row) && (!options.cluster || row.is_for_clusters());
    for row in ROWS.iter().filter(wanted) {
        match quiet_run(options, &mut loader, &broker, row, repetition) {
            Ok(run) => {
                progress(&format!("  {}: {}", row.name, brief(&run)));
                report.runs.push(run);
            }
            Err(error) if error.is::<load::Uncompressed>() => {
                report.notes.push(format!("left out: {error:#}"));
            }
            Err(error) => {
                progress(&format!("  FAILED {error:#}"));
                report.failures.push(format!("{error:#}"));
            }
        }
    }
    Ok(())
}

fn quiet_run(
    options: &Options,
    loader: &mut Loader,
    broker: &Running,
    row: &Row,
    repetition: usize,
) -> Result<Run> {
    let mut tries = Vec::new();
    for _ in 0..TRIES {
        wait_for_quiet(options);
        let before = loader.last.clone();
        let run = loader.run(broker, row, repetition)?;
        if run.foreign_percent <= options.foreign_percent_max {
            return Ok(run);
        }
        if matches!(row.work, Work::Consume { .. }) {
            loader.last = before;
        }
        progress(&format!(
            "  {}: noisy, {:.0} % of the machine went to others",
            row.name, run.foreign_percent
        ));
        tries.push(run);
    }
    tries.sort_by(|a, b| a.foreign_percent.total_cmp(&b.foreign_percent));
    let mut least = tries.into_iter().next().context("no run")?;
    least.noisy = true;
    Ok(least)
}

/// Waits until others leave the machine alone, but not for ever: a run says itself how noisy it was.
fn wait_for_quiet(options: &Options) {
    let begin = Instant::now();
    let longest = Duration::from_secs(if options.quick { 5 } else { 30 });
    let cores = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
    while begin.elapsed() < longest {
        let busy = proc::machine_busy_seconds();
        // The time over which it is looked, not a wait for something.
        std::thread::sleep(Duration::from_millis(500));
        if proc::machine_busy_seconds() - busy < 0.5 * cores * options.foreign_percent_max / 100.0 {
            return;
        }
    }
}

fn idle(broker: &Running, quick: bool) -> Idle {
    let (settle_max, watch) = if quick { (2, 2) } else { (10, 10) };
    settle(broker, Duration::from_secs(settle_max));
    let before = broker.cpu_seconds();
    // The time over which it is measured what nothing costs.
    std::thread::sleep(Duration::from_secs(watch));
    let used = broker.cpu_seconds() - before;
    Idle {
        peer: broker.peer,
        to_api_versions_ms: broker.to_api_versions.as_secs_f64() * 1e3,
        to_first_ack_ms: broker.to_first_ack.as_secs_f64() * 1e3,
        idle_rss_mib: broker.memory_mib("VmRSS"),
        idle_cpu_percent: 100.0 * used / watch as f64,
    }
}

/// Waits until what a start leaves behind (compilation, page faults) is done: until a quarter of a second takes not more
/// than a clock tick of processor time. Who never comes to rest is measured as it is.
fn settle(broker: &Running, longest: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < longest {
        let before = broker.cpu_seconds();
        std::thread::sleep(Duration::from_millis(250));
        if broker.cpu_seconds() - before < 0.015 {
            return;
        }
    }
}

/// Makes the hypervisor back this much memory now, so that no peer pays for first touches.
fn touch_memory(mib: usize) {
    progress(&format!("touching {mib} MiB of memory"));
    let mut block = vec![0_u8; mib << 20];
    for byte in block.iter_mut().step_by(4096) {
        *byte = 1;
    }
    std::hint::black_box(&block);
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .map_or("unknown CPU", |l| l.trim_start_matches([' ', '\t', ':']));
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory.split_whitespace().nth(1).and_then(|x| x.parse().ok()).unwrap_or(0);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{cores} cores of {model}, {} GiB of memory", kib >> 20)
}

fn brief(run: &Run) -> String {
    let speed = format!("{:.0} MB/s, {:.2} CPU s/GB", run.mb_per_s, run.broker_cpu_s_per_gb);
    run.p50.map_or(speed, |p50| format!("p50 {p50:.0} us, p99 {:.0} us", run.p99.unwrap_or(0.0)))
}

fn progress(text: &str) {
    eprintln!("{text}");
}
