//! Builds the fuzz targets and runs each for a bounded time on its kept corpus.
//!
//! This does what `cargo fuzz run` does (coverage, address sanitizer, libFuzzer), so that a machine with only
//! Rust and a C++ compiler can fuzz. The kept corpus in `fuzz/corpus/<target>` is read; what a run finds goes to
//! the target directory, and an input that fails is left there with the command that repeats it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::repo::Repo;
use crate::step::Step;

/// What libFuzzer needs from the compiler.
const RUSTFLAGS: &str = "--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cdebug-assertions";

#[derive(clap::Args)]
pub struct Options {
    /// Targets to run; all of them if none is named
    targets: Vec<String>,
    /// How long each target runs, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// The largest allocation that one input may cause, in MiB
    #[arg(long, default_value_t = 256)]
    allocation_max: u32,
}

pub fn run(options: &Options) -> Result<()> {
    let repo = Repo::open()?;
    let known = targets(&repo)?;
    for name in &options.targets {
        ensure!(known.contains(name), "no fuzz target {name}; there are {}", known.join(", "));
    }
    let target_dir = target_dir(repo.root());
    let host = host_triple()?;
    Step::new("build", "cargo build --release --manifest-path fuzz/Cargo.toml --bins")
        .argument("--target")
        .argument(&host)
        .argument("--target-dir")
        .argument(&target_dir.to_string_lossy())
        .env("RUSTC_BOOTSTRAP", "1")
        // The message library is large: more optimisation costs minutes here and finds nothing more.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("RUSTFLAGS", RUSTFLAGS)
        .run(repo.root())?;
    for name in known.iter().filter(|name| options.targets.is_empty() || options.targets.contains(name)) {
        run_target(&repo, &target_dir, &host, name, options)?;
    }
    Ok(())
}

fn run_target(repo: &Repo, target_dir: &Path, host: &str, name: &str, options: &Options) -> Result<()> {
    let kept = repo.root().join("fuzz/corpus").join(name);
    let grown = target_dir.join("corpus").join(name);
    let artifacts = target_dir.join("artifacts").join(name);
    for folder in [&grown, &artifacts] {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let binary = target_dir.join(host).join("release").join(name);
    let mut step = Step::new("fuzz", &binary.to_string_lossy())
        .argument(&format!("-artifact_prefix={}/", artifacts.display()))
        .argument(&format!("-max_total_time={}", options.seconds))
        .argument(&format!("-malloc_limit_mb={}", options.allocation_max))
        .argument("-rss_limit_mb=2048")
        .argument("-timeout=10")
        .argument("-print_final_stats=1")
        .argument("-verbosity=0")
        .argument("-print_funcs=0")
        // Written to first, read from second.
        .argument(&grown.to_string_lossy());
    if kept.is_dir() {
        step = step.argument(&kept.to_string_lossy());
    }
    step.run(repo.root())
        .with_context(|| format!("{name}: the failing input is in {}", artifacts.display()))?;
    Ok(())
}

/// The names of the fuzz crate's binaries.
fn targets(repo: &Repo) -> Result<Vec<String>> {
    let manifest: toml::Table = repo.read("fuzz/Cargo.toml")?.parse().context("parse fuzz/Cargo.toml")?;
    let bins = manifest.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    let names: Vec<String> =
        bins.filter_map(|bin| bin.get("name").and_then(toml::Value::as_str)).map(String::from).collect();
    if names.is_empty() {
        bail!("fuzz/Cargo.toml names no [[bin]]");
    }
    Ok(names)
}

/// Beside the ordinary build output, never mixed with it.
fn target_dir(root: &Path) -> PathBuf {
    let base = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    root.join(base).join("fuzz")
}

fn host_triple() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("run rustc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host =
        text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names the host")?;
    Ok(host.to_owned())
}
