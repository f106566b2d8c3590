//! Every page is reached by links from README.md, and every link in a page leads to something.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Finding;
use crate::repo::Repo;

pub fn check(repo: &Repo) -> Result<Vec<Finding>> {
    let mut open = vec!["README.md".to_owned()];
    let mut reached = BTreeSet::new();
    let mut findings = Vec::new();
    while let Some(page) = open.pop() {
        if !page.ends_with("md") || !repo.contains(&page) || !reached.insert(page.clone()) {
            continue;
        }
        for (line, link) in links(&repo.read(&page)?) {
            let target = resolve(&page, &link);
            if repo.contains(&target) {
                open.push(target);
            } else if !repo.root().join(&target).is_dir() {
                findings.push(Finding::new(
                    &page,
                    line,
                    format!("link to {link} leads nowhere"),
                    "mend or remove it",
                ));
            }
        }
    }
    // What stands beside a test's data says where the data is from.
    let is_fixture = |page: &str| page.contains("/fixtures/");
    let pages = repo.files_ending(".md").filter(|page| !reached.contains(*page) && !is_fixture(page));
    findings.extend(pages.map(|page| {
        Finding::new(
            page,
            0,
            "no link leads here from README.md",
            "link it from the page above it, or delete it",
        )
    }));
    Ok(findings)
}

/// (line, target) of each inline link to a file, without its fragment.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_block = false;
    for (index, line) in text.lines().enumerate() {
        in_block ^= line.trim_start().starts_with("```");
        if in_block {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split([')', ' ', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push((index + 1, target.to_owned()));
            }
        }
    }
    found
}

/// A link's target relative to the root.
pub(super) fn resolve(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::{links, resolve};

    #[test]
    fn links_are_resolved_from_their_page() {
        let text = "see [a](../x.md#top) and [b](https://example.org)\n```\n[c](no.md)\n```\n";
        assert_eq!(links(text), [(1, "../x.md".to_owned())]);
        assert_eq!(resolve("docs/operate/run.md", "../x.md"), "docs/x.md");
        assert_eq!(resolve("README.md", "./docs/"), "docs");
    }
}
