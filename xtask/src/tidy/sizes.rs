//! A file that has grown past 800 lines holds more than one thing.

use anyhow::Result;

use super::Finding;
use crate::repo::Repo;

const LINES_MAX: usize = 800;
const EXTENSIONS: &[&str] = &[".rs", ".md", ".sh", ".py", ".go", ".java", ".js"];
/// A file in the tree is something a person reads; what is bigger belongs in a build step or a corpus.
const BYTES_MAX: u64 = 400_000;

pub fn check(repo: &Repo) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in repo.files() {
        let bytes = repo.root().join(file).metadata().map_or(0, |metadata| metadata.len());
        if bytes > BYTES_MAX && file != "Cargo.lock" {
            let problem = format!("{bytes} bytes are more than {BYTES_MAX}");
            findings.push(Finding::new(
                file,
                0,
                problem,
                "generate it where it is needed, or make it smaller",
            ));
        }
        // A generated page is read by searching it.
        if super::generated::is_generated(file)
            || !EXTENSIONS.iter().any(|extension| file.ends_with(extension))
        {
            continue;
        }
        let lines = repo.read(file)?.lines().count();
        if lines > LINES_MAX {
            let problem = format!("{lines} lines are more than {LINES_MAX}");
            findings.push(Finding::new(file, 0, problem, "split it by operation, one file each"));
        }
    }
    Ok(findings)
}
