//! Rules about the code that are tests: each finding says where, what, and what to do instead.
//!
//! A rule is one file with one `check` that takes the checkout and returns its findings. Rules read files
//! and `cargo metadata` only, so `tidy` takes well under a second.

mod comments;
mod crate_table;
mod docs;
mod generated;
mod modules;
mod root_entries;
mod sizes;
mod source;
mod statements;
mod unsafe_code;

use std::fmt;

use anyhow::{Result, bail};

use crate::repo::Repo;

/// One broken rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Relative to the root; may be a folder or a package.
    pub place: String,
    /// Counted from 1; 0 when the finding is about the whole file.
    pub line: usize,
    pub problem: String,
    /// What to do instead.
    pub remedy: String,
}

impl Finding {
    fn new(place: &str, line: usize, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: place.into(), line, problem: problem.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, line, problem, remedy } = self;
        match line {
            0 => write!(f, "{place}: {problem}: {remedy}"),
            _ => write!(f, "{place}:{line}: {problem}: {remedy}"),
        }
    }
}

type Rule = (&'static str, fn(&Repo) -> Result<Vec<Finding>>);

const RULES: &[Rule] = &[
    ("crate table", crate_table::check),
    ("root entries", root_entries::check),
    ("sizes", sizes::check),
    ("modules", modules::check),
    ("comments", comments::check),
    ("statements", statements::check),
    ("unsafe", unsafe_code::check),
    ("docs", docs::check),
    ("generated", generated::check),
];

/// Every finding of every rule, sorted by place.
pub fn findings() -> Result<Vec<Finding>> {
    let repo = Repo::open()?;
    let mut all = Vec::new();
    for (_, check) in RULES {
        all.extend(check(&repo)?);
    }
    all.sort();
    Ok(all)
}

/// Prints the findings and fails when there is one.
pub fn run() -> Result<()> {
    let findings = findings()?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        eprintln!("tidy: {} rules hold", RULES.len());
        return Ok(());
    }
    bail!("tidy: {} findings", findings.len());
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        let findings = super::findings().unwrap();
        let report: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(report.is_empty(), "{}", report.join("\n"));
    }
}
