//! The crates stand in strict order, and nothing is added without a boundary to enforce.
//!
//! `types <- { log, raft, state, wire } <- broker <- { sim, chronik }`; the four in the middle do not know
//! each other. Only ordinary dependencies count: tests may look wider, but never at a crate above.

use anyhow::Result;

use super::Finding;
use crate::repo::{Package, Repo};

/// (package, folder, the packages of ours that it may depend on).
const TABLE: &[(&str, &str, &[&str])] = &[
    ("chronik-types", "crates/types", &[]),
    ("chronik-log", "crates/log", &["chronik-types"]),
    ("chronik-raft", "crates/raft", &["chronik-types"]),
    ("chronik-state", "crates/state", &["chronik-types"]),
    ("chronik-wire", "crates/wire", &["chronik-types"]),
    ("chronik-broker", "crates/broker", MIDDLE),
    ("chronik-sim", "crates/sim", BELOW_SHELL),
    ("chronik", "crates/chronik", BELOW_SHELL),
    ("xtask", "xtask", &[]),
];
const MIDDLE: &[&str] = &["chronik-types", "chronik-log", "chronik-raft", "chronik-state", "chronik-wire"];
const BELOW_SHELL: &[&str] =
    &["chronik-types", "chronik-log", "chronik-raft", "chronik-state", "chronik-wire", "chronik-broker"];

pub fn check(repo: &Repo) -> Result<Vec<Finding>> {
    let packages = repo.packages()?;
    let mut findings = Vec::new();
    for (name, folder, allowed) in TABLE {
        match packages.get(*name) {
            Some(package) => check_package(repo, package, folder, allowed, &mut findings),
            None => {
                findings.push(Finding::new(folder, 0, format!("package {name} is missing"), "restore it"));
            }
        }
    }
    findings.extend(check_map(repo)?);
    for (name, package) in &packages {
        if !TABLE.iter().any(|(known, ..)| known == name) {
            let place = repo.relative(&package.manifest_path).unwrap_or_default();
            let remedy = "add a crate only where a boundary must be enforced, and then to the table in xtask's tidy and ARCHITECTURE.md";
            findings.push(Finding::new(
                &place,
                0,
                format!("package {name} is not in the table of crates"),
                remedy,
            ));
        }
    }
    Ok(findings)
}

/// ARCHITECTURE.md shows the same crates in the same order.
fn check_map(repo: &Repo) -> Result<Vec<Finding>> {
    const PAGE: &str = "ARCHITECTURE.md";
    const ORDER: &str = "types  <-  { log, raft, state, wire }  <-  broker  <-  { sim, chronik }";
    if !repo.contains(PAGE) {
        return Ok(Vec::new());
    }
    let page = repo.read(PAGE)?;
    let folders = TABLE.iter().filter_map(|(_, folder, _)| folder.strip_prefix("crates/"));
    let absent = folders.filter(|folder| !page.contains(&format!("| `{folder}` |")));
    let mut findings: Vec<Finding> = absent
        .map(|folder| {
            Finding::new(
                PAGE,
                0,
                format!("crate {folder} is not on the map"),
                "give it its line in the table",
            )
        })
        .collect();
    if !page.contains(ORDER) {
        findings.push(Finding::new(
            PAGE,
            0,
            "the order of the crates is not shown",
            format!("write it: {ORDER}"),
        ));
    }
    Ok(findings)
}

fn check_package(
    repo: &Repo,
    package: &Package,
    folder: &str,
    allowed: &[&str],
    findings: &mut Vec<Finding>,
) {
    let manifest = repo.relative(&package.manifest_path).unwrap_or_default();
    if manifest != format!("{folder}/Cargo.toml") {
        findings.push(Finding::new(
            &manifest,
            0,
            "package is not in its folder",
            format!("move it to {folder}"),
        ));
    }
    for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
        let normal = dependency.kind.is_none();
        let known = allowed.contains(&dependency.name.as_str());
        // A test of a crate may use a neighbour, but nothing above it.
        let neighbour =
            !normal && MIDDLE.contains(&dependency.name.as_str()) && package.name != "chronik-types";
        if !known && !neighbour {
            let problem = format!("{} must not know {}", package.name, dependency.name);
            findings.push(Finding::new(
                &manifest,
                0,
                problem,
                "pass what you need as an argument or a trait from below",
            ));
        }
    }
}
