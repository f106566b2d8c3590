//! The indexes of a segment: entries of fixed size, big-endian, whose keys rise.
//!
//! A broker that is running (or was killed) leaves zeros behind the last entry of an index that it preallocated;
//! they are no entries.

use anyhow::{Result, bail};
use chronik_types::{Millis, Offset};

use super::report::{Item, Report};
use crate::cli::time;

const OFFSET_ENTRY: usize = 8;
const TIME_ENTRY: usize = 12;
const TRANSACTION_ENTRY: usize = 34;

fn u32_at(entry: &[u8], at: usize) -> u32 {
    entry[at..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn i64_at(entry: &[u8], at: usize) -> i64 {
    entry[at..].first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

/// The entries before the zeros at the end.
fn entries(bytes: &[u8], size: usize) -> Result<Vec<&[u8]>> {
    let used = bytes.len()
        - bytes.rchunks(size).take_while(|entry| entry.iter().all(|byte| *byte == 0)).count() * size;
    let used = used.min(bytes.len());
    if !bytes.len().is_multiple_of(size) {
        bail!("damaged: {} bytes are no multiple of an entry's {size}", bytes.len());
    }
    Ok(bytes[..used].chunks_exact(size).collect())
}

fn summary(report: &mut Report<'_>, entries: usize, bytes: usize, size: usize) -> Result<()> {
    let zeros = bytes - entries * size;
    let item = Item::new("entries").with("count", entries);
    report.item(if zeros > 0 { item.with("preallocated_bytes", zeros) } else { item })
}

/// `.index`: relative offset u32, position u32.
pub fn offsets(report: &mut Report<'_>, base: Offset, bytes: &[u8]) -> Result<()> {
    let entries = entries(bytes, OFFSET_ENTRY)?;
    summary(report, entries.len(), bytes.len(), OFFSET_ENTRY)?;
    let mut before = None;
    for (index, entry) in entries.iter().enumerate() {
        let (relative, position) = (u32_at(entry, 0), u32_at(entry, 4));
        if before.is_some_and(|before| before >= (relative, position)) {
            bail!(
                "damaged: entry {index} at position {} does not follow the one before it",
                index * OFFSET_ENTRY
            );
        }
        before = Some((relative, position));
        if report.detail.entries {
            let item =
                Item::new("entry").with("offset", base.0 + i64::from(relative)).with("position", position);
            report.item(item)?;
        }
    }
    Ok(())
}

/// `.timeindex`: timestamp i64, relative offset u32.
pub fn times(report: &mut Report<'_>, base: Offset, bytes: &[u8]) -> Result<()> {
    let entries = entries(bytes, TIME_ENTRY)?;
    summary(report, entries.len(), bytes.len(), TIME_ENTRY)?;
    let mut before = None;
    for (index, entry) in entries.iter().enumerate() {
        let (timestamp, relative) = (i64_at(entry, 0), u32_at(entry, 8));
        if before.is_some_and(|(time, offset)| time > timestamp || offset > relative) {
            bail!(
                "damaged: entry {index} at position {} does not follow the one before it",
                index * TIME_ENTRY
            );
        }
        before = Some((timestamp, relative));
        if report.detail.entries {
            let text = format!("timestamp {}", time::format(Millis(timestamp)));
            let item = Item::new("entry").with_text("timestamp", timestamp, text);
            report.item(item.with("offset", base.0 + i64::from(relative)))?;
        }
    }
    Ok(())
}

/// `.txnindex`: version i16, producer id, first, last and last stable offset i64.
pub fn transactions(report: &mut Report<'_>, bytes: &[u8]) -> Result<()> {
    let (entries, rest) = (bytes.chunks_exact(TRANSACTION_ENTRY), bytes.len() % TRANSACTION_ENTRY);
    let item = Item::new("entries").with("count", entries.len());
    report.item(item)?;
    for (index, entry) in entries.enumerate() {
        let version = i16::from_be_bytes([entry[0], entry[1]]);
        if version != 0 {
            bail!("damaged: entry {index} at position {} has version {version}", index * TRANSACTION_ENTRY);
        }
        let item = Item::new("aborted")
            .with("producer_id", i64_at(entry, 2))
            .with("first_offset", i64_at(entry, 10));
        report.item(
            item.with("last_offset", i64_at(entry, 18)).with("last_stable_offset", i64_at(entry, 26)),
        )?;
    }
    if rest > 0 {
        bail!("damaged: {rest} bytes at the end are no entry");
    }
    Ok(())
}
