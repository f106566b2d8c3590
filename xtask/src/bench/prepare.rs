//! Where the programs are that the bench starts; `clients/run --prepare` installs what is missing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

pub struct Tools {
    pub chronik: PathBuf,
    pub kafka: PathBuf,
    /// librdkafka's `rdkafka_performance`, the client that makes the load.
    pub performance: PathBuf,
    /// This program in release mode, for its `floor` subcommand; nothing where no floor takes part.
    pub floor: PathBuf,
}

/// Builds Chronik (and the floor, if it takes part) in release mode, and fetches Kafka and librdkafka into the clients' cache.
pub fn tools(root: &Path, with_floor: bool) -> Result<Tools> {
    let names = ["chronik", "kafka", "rdkafka_performance"];
    let out =
        Command::new(root.join("clients/run")).arg("--prepare").args(names).stderr(Stdio::inherit()).output();
    let out = out.context("run clients/run (needs python3)")?;
    let text = String::from_utf8_lossy(&out.stdout);
    ensure!(out.status.success(), "clients/run --prepare failed:\n{text}");
    let found: BTreeMap<&str, PathBuf> =
        text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k, v.into())).collect();
    let path = |name: &str| {
        found.get(name).cloned().with_context(|| format!("clients/run --prepare named no {name}"))
    };
    Ok(Tools {
        chronik: path("chronik")?,
        kafka: path("kafka")?,
        performance: path("rdkafka_performance")?,
        floor: if with_floor { floor(root)? } else { PathBuf::new() },
    })
}

fn floor(root: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(&cargo)
        .args(["build", "--quiet", "--release", "-p", "xtask"])
        .current_dir(root)
        .status()?;
    ensure!(built.success(), "cargo build --release -p xtask failed");
    let meta = Command::new(&cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()?;
    let meta: serde_json::Value = serde_json::from_slice(&meta.stdout)?;
    let target = meta["target_directory"].as_str().context("cargo metadata named no target directory")?;
    Ok(Path::new(target).join("release/xtask"))
}
