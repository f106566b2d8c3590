//! The small text files beside the logs: Kafka's checkpoints, `partition.metadata`, `meta.properties`.
//!
//! Here is only the text; [`crate::disk::replace_file`] writes it. What cannot be parsed is an error with a reason, never
//! a guess.

pub(crate) mod clean_shutdown;
pub(crate) mod epochs;
pub(crate) mod offsets;
pub(crate) mod partition_metadata;
pub(crate) mod properties;

pub use properties::MetaProperties;

/// Reads Kafka's checkpoint form: a version (0), the number of lines that follow, the lines.
fn lines(text: &str) -> Result<Vec<&str>, String> {
    let mut lines = text.lines();
    let Some(version) = lines.next() else { return Ok(Vec::new()) };
    if version.trim() != "0" {
        return Err(format!("unknown version {version:?}"));
    }
    let count = lines.next().unwrap_or_default();
    let expected: usize =
        count.trim().parse().map_err(|_| format!("{count:?} is not a number of entries"))?;
    let lines: Vec<&str> = lines.collect();
    if lines.len() != expected {
        return Err(format!("{expected} entries expected, {} found", lines.len()));
    }
    Ok(lines)
}

/// The inverse of [`lines`].
fn text(lines: &[String]) -> String {
    let mut text = format!("0\n{}\n", lines.len());
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}
