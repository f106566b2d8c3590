//! `cargo xtask image`: the container image, made without a container engine.
//!
//! It builds the static binary, lays out the root file system (the binary, an empty data directory, nothing else) and
//! writes it as an archive that `docker load`, `podman load` and every OCI tool read. The same sources give the same bytes.

mod archive;
mod build;
mod config;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::repo::Repo;

#[derive(clap::Args)]
pub struct Options {
    /// Where image and root file system go [default: image in the target directory]
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    /// Take this static binary instead of building one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Name of the image
    #[arg(long, default_value = "chronik", value_name = "NAME")]
    name: String,
}

pub fn run(options: &Options) -> Result<()> {
    let repo = Repo::open()?;
    let target_dir = build::target_dir(&repo)?;
    let out = options.out.clone().unwrap_or_else(|| target_dir.join("image"));
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => build::static_binary(&repo, &target_dir)?,
    };
    let program = fs::read(&binary).with_context(|| format!("read {}", binary.display()))?;
    build::check_static(&program).with_context(|| format!("{}", binary.display()))?;
    fs::create_dir_all(&out).with_context(|| format!("create {}", out.display()))?;
    let root = out.join("rootfs");
    archive::write_root(&root, &program)?;
    let version = repo.packages()?.remove("chronik").context("there is a package chronik")?.version;
    let image = out.join("chronik.tar");
    let id = archive::write_image(&image, &program, &options.name, &version)?;
    eprintln!("root file system  {}", root.display());
    eprintln!(
        "image             {} ({:.1} MB)",
        image.display(),
        fs::metadata(&image)?.len() as f64 / 1_000_000.0
    );
    eprintln!("id                {id}");
    eprintln!("\nload it with: docker load --input {}", image.display());
    Ok(())
}
