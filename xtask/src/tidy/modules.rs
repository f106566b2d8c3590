//! Every `.rs` file is reached by a `mod` from a target, and opens with what it is.
//!
//! A file that no `mod` names is compiled by nobody and tested by nobody.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::Finding;
use super::source::Source;
use crate::repo::Repo;

pub fn check(repo: &Repo) -> Result<Vec<Finding>> {
    let mut open: Vec<(String, bool)> = target_roots(repo)?.into_iter().map(|root| (root, true)).collect();
    let mut reached = BTreeSet::new();
    let mut findings = Vec::new();
    while let Some((file, is_root)) = open.pop() {
        if !reached.insert(file.clone()) || !repo.contains(&file) {
            continue;
        }
        let text = repo.read(&file)?;
        if !text.trim_start_matches("#![no_main]\n").trim_start().starts_with("//!") {
            let remedy = "say in two to ten lines what it is, why, and its invariants";
            findings.push(Finding::new(&file, 1, "does not open with `//!`", remedy));
        }
        open.extend(named_paths(&file, &text).into_iter().map(|path| (path, false)));
        for name in declared_modules(&Source::split(&text).code) {
            open.extend(candidates(&file, is_root, &name).into_iter().map(|path| (path, false)));
        }
    }
    for file in
        repo.files_ending(".rs").filter(|file| !reached.contains(*file) && !file.starts_with("clients/"))
    {
        findings.push(Finding::new(
            file,
            0,
            "no `mod` reaches this file",
            "declare it in its parent, or delete it",
        ));
    }
    Ok(findings)
}

/// The root files of all targets: those of the workspace, and those of the fuzz crate, which stands apart.
fn target_roots(repo: &Repo) -> Result<Vec<String>> {
    let mut roots = Vec::new();
    for package in repo.packages()?.values() {
        roots.extend(package.targets.iter().filter_map(|target| repo.relative(&target.src_path)));
    }
    if repo.contains("fuzz/Cargo.toml") {
        let manifest: toml::Table = repo.read("fuzz/Cargo.toml")?.parse().context("parse fuzz/Cargo.toml")?;
        for bin in manifest.get("bin").and_then(toml::Value::as_array).into_iter().flatten() {
            if let Some(path) = bin.get("path").and_then(toml::Value::as_str) {
                roots.push(format!("fuzz/{path}"));
            }
        }
        roots.push("fuzz/src/lib.rs".into());
    }
    Ok(roots)
}

/// The names in `mod name;`. Modules with a body live in the same file and are not listed.
fn declared_modules(code: &str) -> Vec<String> {
    let words: Vec<&str> = code.split_whitespace().collect();
    let names = words.windows(2).filter(|pair| pair[0] == "mod").filter_map(|pair| pair[1].strip_suffix(';'));
    names.map(|name| name.trim_start_matches("r#").to_owned()).collect()
}

/// The files in `#[path = "..."]`: how a test of one crate and a fuzz target share what they need.
fn named_paths(file: &str, text: &str) -> Vec<String> {
    let attributes = text.lines().filter_map(|line| line.trim().strip_prefix("#[path = \""));
    let paths = attributes.filter_map(|rest| rest.split('"').next());
    paths.map(|path| super::docs::resolve(file, path)).collect()
}

/// Where `mod name;` in `file` may lie.
fn candidates(file: &str, is_root: bool, name: &str) -> [String; 2] {
    let (folder, leaf) = file.rsplit_once('/').unwrap_or(("", file));
    let stem = leaf.trim_end_matches(".rs");
    let base = if is_root || stem == "mod" { folder.to_owned() } else { format!("{folder}/{stem}") };
    [format!("{base}/{name}.rs"), format!("{base}/{name}/mod.rs")]
}

#[cfg(test)]
mod tests {
    use super::{candidates, declared_modules, named_paths};

    #[test]
    fn modules_are_found_where_rust_finds_them() {
        assert_eq!(declared_modules("mod a; pub(crate) mod b;\nmod c { fn f() {} }"), ["a", "b"]);
        assert_eq!(named_paths("x/tests/a.rs", "#[path = \"../b/c.rs\"]\nmod c;"), ["x/b/c.rs"]);
        assert_eq!(candidates("x/src/lib.rs", true, "a"), ["x/src/a.rs", "x/src/a/mod.rs"]);
        assert_eq!(candidates("x/src/a.rs", false, "b"), ["x/src/a/b.rs", "x/src/a/b/mod.rs"]);
        assert_eq!(candidates("x/src/a/mod.rs", false, "b"), ["x/src/a/b.rs", "x/src/a/b/mod.rs"]);
    }
}
