//! Comments say why, in the present tense: no shouted tags, versions of ours, dates or phases.
//!
//! Commits hold the history. What stands in backticks is quoted, not said, and is not looked at.

use anyhow::Result;

use super::Finding;
use super::source::Source;
use crate::repo::Repo;

const SHOUTS: &[&str] = &[
    "NEW",
    "FIX",
    "FIXED",
    "FIXES",
    "FIXME",
    "TODO",
    "XXX",
    "HACK",
    "CRITICAL",
    "BUGFIX",
    "HOTFIX",
    "WORKAROUND",
    "DEPRECATED",
    "ENHANCED",
    "UPDATED",
    "CHANGED",
    "PHASE",
    "WIP",
    "OBSOLETE",
    "LEGACY",
];

pub fn check(repo: &Repo) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    // This file names what it bans.
    for file in repo.files_ending(".rs").filter(|file| *file != "xtask/src/tidy/comments.rs") {
        let comments = Source::split(&repo.read(file)?).comments;
        for (index, line) in comments.lines().enumerate() {
            if let Some(problem) = problem(&without_quotes(line)) {
                findings.push(Finding::new(
                    file,
                    index + 1,
                    problem,
                    "say why it is so; commits hold the history",
                ));
            }
        }
    }
    Ok(findings)
}

fn without_quotes(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

fn problem(line: &str) -> Option<String> {
    let words = line
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_')))
        .map(|w| w.trim_matches(['.', '-']));
    for word in words {
        if SHOUTS.contains(&word) {
            return Some(format!("comment says \"{word}\""));
        }
        if is_version_tag(word) {
            return Some(format!("comment has the version tag \"{word}\""));
        }
        if is_date(word) {
            return Some(format!("comment has the date \"{word}\""));
        }
    }
    None
}

/// `v2.2.1`, but not `v3` (the version of an API) nor `4.3.1` (a version of Kafka).
fn is_version_tag(word: &str) -> bool {
    let Some(rest) = word.strip_prefix(['v', 'V']) else { return false };
    rest.contains('.')
        && rest.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// A year and a month, with or without the day, as ISO 8601 writes them.
fn is_date(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let digits = |part: &str, n: usize| part.len() == n && part.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.len(), 2 | 3)
        && digits(parts[0], 4)
        && (parts[0].starts_with("20") || parts[0].starts_with("19"))
        && parts[1..].iter().all(|part| digits(part, 2))
}

#[cfg(test)]
mod tests {
    use super::{problem, without_quotes};

    #[test]
    fn history_is_found_and_facts_are_not() {
        for bad in
            ["// NEW: faster", "// since v2.2.1", "// changed on 2026-11-23.", "/// CRITICAL", "// 2026-11"]
        {
            assert!(problem(&without_quotes(bad)).is_some(), "{bad}");
        }
        for good in [
            "// v3 adds it",
            "// Kafka 4.3.1",
            "/// the `NEW` state",
            "// a new one",
            "// offsets 1000-20",
            "// KIP-227",
        ] {
            assert_eq!(problem(&without_quotes(good)), None, "{good}");
        }
    }
}
