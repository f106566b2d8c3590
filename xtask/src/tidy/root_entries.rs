//! What lies at the root is on a list: no reports, plans, logs or scripts gather there.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Finding;
use crate::repo::Repo;

const ALLOWED: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clients",
    "crates",
    "deploy",
    "docker-compose.cluster.yml",
    "docs",
    "fuzz",
    "rustfmt.toml",
    "xtask",
];
const REQUIRED: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    ".ci/run",
];

pub fn check(repo: &Repo) -> Result<Vec<Finding>> {
    let entries: BTreeSet<&str> = repo.files().filter_map(|file| file.split('/').next()).collect();
    let stray = entries.into_iter().filter(|entry| !ALLOWED.contains(entry)).map(|entry| {
        Finding::new(
            entry,
            0,
            "does not belong at the root",
            "move it under docs/, clients/, deploy/ or xtask/, or delete it",
        )
    });
    let missing = REQUIRED
        .iter()
        .filter(|name| !repo.contains(name))
        .map(|name| Finding::new(name, 0, "is missing", "every checkout has it; write it"));
    Ok(stray.chain(missing).collect())
}
