//! The checkout: where it is, which files are in it, and what `cargo metadata` says about it.
//!
//! Files are those that git tracks or would track, so build output and downloaded clients are never looked
//! at. Paths are relative to the root, with `/` between their parts, in sorted order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// A checkout of this repository with its list of files.
pub struct Repo {
    root: PathBuf,
    files: Vec<String>,
}

/// One package of the workspace, as `cargo metadata --no-deps` prints it.
#[derive(Debug, Deserialize)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub manifest_path: PathBuf,
    pub dependencies: Vec<Dependency>,
    pub targets: Vec<Target>,
}

/// One entry of a package's dependency tables.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    pub name: String,
    /// `None` for an ordinary dependency, else `dev` or `build`.
    pub kind: Option<String>,
    /// Set for packages of this workspace.
    pub path: Option<PathBuf>,
}

/// A library, binary, test, bench or build script: the root of a tree of modules.
#[derive(Debug, Deserialize)]
pub struct Target {
    pub src_path: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

impl Repo {
    /// Opens the checkout that this program was built from.
    pub fn open() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the root")?.to_owned();
        let output = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .current_dir(&root)
            .output()
            .context("run git ls-files")?;
        ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
        let listing = String::from_utf8(output.stdout).context("file names are UTF-8")?;
        let mut files: Vec<String> =
            listing.split('\0').filter(|name| !name.is_empty()).map(String::from).collect();
        files.retain(|name| root.join(name).is_file());
        files.sort();
        files.dedup();
        Ok(Self { root, files })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All files, relative to the root, sorted.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// All files whose name ends with `suffix`.
    pub fn files_ending(&self, suffix: &str) -> impl Iterator<Item = &str> {
        self.files().filter(move |name| name.ends_with(suffix))
    }

    pub fn contains(&self, name: &str) -> bool {
        self.files.binary_search_by(|file| file.as_str().cmp(name)).is_ok()
    }

    /// Reads a file as text; bytes that are not UTF-8 are replaced.
    pub fn read(&self, name: &str) -> Result<String> {
        let bytes = std::fs::read(self.root.join(name)).with_context(|| format!("read {name}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The path relative to the root, if it lies in the checkout.
    pub fn relative(&self, path: &Path) -> Option<String> {
        path.strip_prefix(&self.root).ok()?.to_str().map(String::from)
    }

    /// The workspace's packages by name.
    pub fn packages(&self) -> Result<BTreeMap<String, Package>> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
            .current_dir(&self.root)
            .output()
            .context("run cargo metadata")?;
        ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Metadata = serde_json::from_slice(&output.stdout).context("parse cargo metadata")?;
        Ok(metadata.packages.into_iter().map(|package| (package.name.clone(), package)).collect())
    }
}
