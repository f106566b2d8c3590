//! `unsafe` stands only in the files listed here, each with the reason why it must.

use anyhow::Result;

use super::Finding;
use super::source::Source;
use super::statements::line_of;
use crate::repo::Repo;

/// (file, why it needs `unsafe`).
const ALLOWED: &[(&str, &str)] = &[
    ("crates/log/tests/batch_hostile.rs", "an allocator that counts what damaged bytes make us allocate"),
    ("crates/wire/tests/support/counting.rs", "an allocator that counts what hostile bytes make us allocate"),
];

pub fn check(repo: &Repo) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in repo.files_ending(".rs") {
        if ALLOWED.iter().any(|(allowed, _)| *allowed == file) {
            continue;
        }
        let code = Source::split(&repo.read(file)?).code;
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        for (at, word) in code.match_indices("unsafe") {
            if is_word(code[..at].chars().next_back()) || is_word(code[at + word.len()..].chars().next()) {
                continue;
            }
            let remedy =
                "do it in safe code, or list the file with its reason in xtask/src/tidy/unsafe_code.rs";
            findings.push(Finding::new(file, line_of(&code, at), "`unsafe`", remedy));
        }
    }
    let gone = ALLOWED.iter().filter(|(file, _)| !repo.contains(file));
    findings
        .extend(gone.map(|(file, _)| Finding::new(file, 0, "is listed and gone", "remove it from the list")));
    Ok(findings)
}
