//! Statements that hide work or luck: ignored tests, unfinished code, unbiased `select!` in `broker`.
//!
//! `broker` is driven by a seeded executor in the simulation; `select!` picks a ready branch at random unless
//! it is biased, and then one seed no longer decides everything.

use anyhow::Result;

use super::Finding;
use super::source::Source;
use crate::repo::Repo;

const BANNED: &[(&str, &str)] = &[
    ("#[ignore", "a test that does not run is a defect: make it pass, make it short, or delete it"),
    ("todo!(", "write it, or return the error that says it is not there"),
    ("unimplemented!(", "write it, or return the error that says it is not there"),
];

pub fn check(repo: &Repo) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in repo.files_ending(".rs") {
        let code = Source::split(&repo.read(file)?).code;
        for (banned, remedy) in BANNED {
            for (at, _) in code.match_indices(banned) {
                findings.push(Finding::new(file, line_of(&code, at), format!("`{banned}`"), *remedy));
            }
        }
        if file.starts_with("crates/broker/") {
            for (at, _) in code.match_indices("select!").filter(|(at, _)| !is_biased(&code[*at..])) {
                let remedy = "write `biased;` first, so that one seed decides everything";
                findings.push(Finding::new(file, line_of(&code, at), "`select!` picks at random", remedy));
            }
        }
    }
    Ok(findings)
}

fn is_biased(code: &str) -> bool {
    let body = code["select!".len()..].trim_start().trim_start_matches(['{', '(']).trim_start();
    body.starts_with("biased;")
}

pub(super) fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::is_biased;

    #[test]
    fn biased_select_is_known() {
        assert!(is_biased("select! {\n biased;\n a = b => {} }"));
        assert!(!is_biased("select! { a = b => {} }"));
    }
}
