//! The static binary, with nothing but Rust and a C compiler: Rust's musl target brings its own C library, and the C parts
//! (the allocator, zstd) are compiled by `musl-gcc` where there is one, by the system's `cc` where not.
//!
//! musl keeps glibc's binary interface for what these parts use, so glibc's headers will do, in a dialect and without the checks
//! for which they would name functions that are glibc's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::repo::Repo;
use crate::step::Step;

/// Fortified functions, and the number parsers of C23, are glibc's own.
const HEADERS_OF_GLIBC: &str = "-U_FORTIFY_SOURCE -std=gnu11";

/// Where cargo builds.
pub fn target_dir(repo: &Repo) -> Result<PathBuf> {
    #[derive(serde::Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(repo.root())
        .output()
        .context("run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("parse cargo metadata")?;
    Ok(metadata.target_directory)
}

/// Builds the static binary, and returns where it is.
pub fn static_binary(repo: &Repo, target_dir: &Path) -> Result<PathBuf> {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    add_target(repo, &target)?;
    let step = Step::new("image", "cargo build --release --locked --package chronik --target");
    let mut step = step.argument(&target);
    if !exists("musl-gcc") {
        let name = target.replace('-', "_");
        step = step.env(&format!("CC_{name}"), "cc").env(&format!("CFLAGS_{name}"), HEADERS_OF_GLIBC);
    }
    step.run(repo.root())?;
    Ok(target_dir.join(target).join("release/chronik"))
}

fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Makes Rust's standard library for the target available.
fn add_target(repo: &Repo, target: &str) -> Result<()> {
    let rustc = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(repo.root())
        .output()
        .context("run rustc")?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&rustc.stdout).trim());
    if rustc.status.success() && libraries.is_dir() {
        return Ok(());
    }
    let added = Step::new("target", "rustup target add").argument(target).run(repo.root());
    added.map(drop).with_context(|| {
        format!(
            "Rust's standard library for {target} is missing, and rustup did not bring it: install it by hand"
        )
    })
}

/// An executable that asks for no interpreter needs no other file to run.
pub fn check_static(program: &[u8]) -> Result<()> {
    const INTERPRETER: u32 = 3;
    let field = |at: usize, size: usize| {
        let bytes = program.get(at..at + size)?;
        Some(bytes.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte)))
    };
    ensure!(program.starts_with(b"\x7fELF\x02\x01"), "no 64-bit little-endian ELF executable");
    let headers = field(32, 8).zip(field(54, 2)).zip(field(56, 2)).context("cut short")?;
    let ((start, size), count) = headers;
    for at in 0..count {
        let kind = field((start + at * size) as usize, 4).context("cut short")?;
        if kind == u64::from(INTERPRETER) {
            bail!("it is linked dynamically: a static one is needed (target *-linux-musl)");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_static;

    #[test]
    fn a_program_that_needs_others_is_refused() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let refusal = check_static(&own).err().map(|error| error.to_string());
        assert_eq!(refusal.is_some(), cfg!(not(target_feature = "crt-static")), "{refusal:?}");
        assert!(check_static(b"#!/bin/sh").is_err());
        assert!(check_static(&own[..40]).is_err());
    }
}
