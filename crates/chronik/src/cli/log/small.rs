//! The small text files: checkpoints of offsets and leader epochs, properties, the quorum's state.

use anyhow::{Context, Result, bail};

use super::report::{Item, Report};

/// A checkpoint is a version (0), a count and so many lines of words.
fn lines(text: &str) -> Result<Vec<Vec<&str>>> {
    let mut lines = text.lines();
    let version = lines.next().context("damaged: it is empty")?;
    if version.trim() != "0" {
        bail!("damaged: line 1 is {version:?}, not version 0");
    }
    let count = lines.next().context("damaged: it has no line 2 with the number of entries")?;
    let count: usize =
        count.trim().parse().with_context(|| format!("damaged: line 2 is {count:?}, not a number"))?;
    let entries: Vec<Vec<&str>> = lines.map(|line| line.split_whitespace().collect()).collect();
    if entries.len() != count {
        bail!("damaged: line 2 says {count} entries, and {} follow", entries.len());
    }
    Ok(entries)
}

fn number(words: &[&str], at: usize, line: usize) -> Result<i64> {
    let word = words.get(at).with_context(|| format!("damaged: line {line} has too few words"))?;
    word.parse().with_context(|| format!("damaged: line {line} has {word:?} for a number"))
}

/// `epoch start-offset`.
pub fn leader_epochs(report: &mut Report<'_>, text: &str) -> Result<()> {
    for (index, words) in lines(text)?.iter().enumerate() {
        let line = index + 3;
        let item = Item::new("leader_epoch").with("epoch", number(words, 0, line)?);
        report.item(item.with("start_offset", number(words, 1, line)?))?;
    }
    Ok(())
}

/// `topic partition offset`.
pub fn offsets(report: &mut Report<'_>, text: &str) -> Result<()> {
    for (index, words) in lines(text)?.iter().enumerate() {
        let line = index + 3;
        let topic = words.first().with_context(|| format!("damaged: line {line} is empty"))?;
        let item = Item::new("offset").with("topic", *topic).with("partition", number(words, 1, line)?);
        report.item(item.with("offset", number(words, 2, line)?))?;
    }
    Ok(())
}

/// `key=value` or `key: value`.
pub fn properties(report: &mut Report<'_>, text: &str) -> Result<()> {
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line
            .split_once(['=', ':'])
            .with_context(|| format!("damaged: line {} has no value", index + 1))?;
        report.item(Item::new("property").with("key", key.trim()).with("value", value.trim()))?;
    }
    Ok(())
}

/// One JSON object.
pub fn json(report: &mut Report<'_>, text: &str) -> Result<()> {
    // A clean-shutdown marker may be empty.
    if text.trim().is_empty() {
        return Ok(());
    }
    let value: serde_json::Value = serde_json::from_str(text).context("damaged: it is not JSON")?;
    let text = value.to_string();
    report.item(Item::new("json").with_text("content", value, text))
}
