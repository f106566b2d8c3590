//! Generated pages say that they are generated and by what, and a test of the crate that generates each one
//! compares it with the code. This rule sees that no page escapes that test.

use anyhow::Result;

use super::Finding;
use crate::repo::Repo;

/// (page, the source file whose test compares it with what it renders).
const PAGES: &[(&str, &str)] = &[
    ("docs/reference/apis.md", "crates/chronik/src/cli/pages.rs"),
    ("docs/reference/commands.md", "crates/chronik/src/cli/pages.rs"),
    ("docs/reference/configuration.md", "crates/state/tests/config_reference.rs"),
];

pub fn is_generated(file: &str) -> bool {
    PAGES.iter().any(|(page, _)| *page == file)
}

pub fn check(repo: &Repo) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (page, source) in PAGES {
        if !repo.contains(page) {
            findings.push(Finding::new(
                page,
                0,
                "generated page is missing",
                format!("generate it, see {source}"),
            ));
        } else if !repo.read(page)?.lines().take(5).any(|line| line.to_lowercase().contains("generated")) {
            findings.push(Finding::new(
                page,
                1,
                "does not say that it is generated",
                format!("say so in {source}"),
            ));
        }
        let leaf = page.rsplit('/').next().unwrap_or(page);
        if !repo.contains(source) || !repo.read(source)?.contains(leaf) {
            let remedy = format!("compare it with what the code renders in a test in {source}");
            findings.push(Finding::new(page, 0, "no test keeps it fresh", remedy));
        }
    }
    for page in repo.files().filter(|file| file.starts_with("docs/reference/") && !is_generated(file)) {
        let text = repo.read(page)?;
        if text.lines().take(5).any(|line| line.to_lowercase().contains("generated")) {
            let remedy = "list it with its test in xtask/src/tidy/generated.rs";
            findings.push(Finding::new(page, 1, "is generated and not listed", remedy));
        }
    }
    Ok(findings)
}
