//! Segments and metadata snapshots: batches one after the other, each read whole and checked.
//!
//! Memory is bounded by the largest batch that the file really holds.

use std::fs::File;
use std::io::{BufReader, Read};

use anyhow::{Context, Result, anyhow, bail};
use chronik_log::batch::{Batch, HEADER_LEN, Header, LENGTH_PREFIX_LEN, Record, Records, decompress};
use serde_json::Value;

use super::metadata;
use super::report::{Item, Report};
use crate::cli::consume::bytes_as_json;
use crate::cli::time;

const BUFFER_BYTES: usize = 1 << 20;
const DECOMPRESSED_BYTES_MAX: usize = 1 << 30;

/// What the values of the records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Users' bytes.
    Messages,
    /// Records of the cluster's metadata.
    Metadata,
}

/// Dumps all batches of a file of `len` bytes. An error names the position of the first damage.
pub fn dump(report: &mut Report<'_>, file: File, len: u64, content: Content) -> Result<()> {
    batches(file, len, |batch, position| {
        report.item(describe(batch.header(), position))?;
        if report.detail.records { records(report, batch, content) } else { Ok(()) }
    })
}

/// Hands out the batches of a file of `len` bytes, each checked, with its position.
///
/// # Errors
/// The first damage, with its position, or what `each` returned.
pub fn batches(file: File, len: u64, mut each: impl FnMut(Batch<'_>, u64) -> Result<()>) -> Result<()> {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, file);
    let mut bytes = Vec::new();
    let mut position = 0;
    let mut next_offset = None;
    while position < len {
        read_batch(&mut input, &mut bytes, len - position).with_context(|| damaged(position))?;
        let batch = Batch::parse(&bytes).and_then(|batch| batch.verify_crc().map(|()| batch));
        let batch = batch.map_err(|error| anyhow!("{error}")).with_context(|| damaged(position))?;
        let header = batch.header();
        if next_offset.is_some_and(|next| header.base_offset() < next) {
            let reason =
                anyhow!("its offset {} is below the end of the batch before it", header.base_offset());
            return Err(reason.context(damaged(position)));
        }
        next_offset = Some(header.next_offset());
        each(batch, position).with_context(|| damaged(position))?;
        position += bytes.len() as u64;
    }
    Ok(())
}

fn damaged(position: u64) -> String {
    format!("damaged: batch at position {position}")
}

/// Reads the next batch; at most `left` bytes are there.
fn read_batch(input: &mut impl Read, bytes: &mut Vec<u8>, left: u64) -> Result<()> {
    bytes.clear();
    if left < HEADER_LEN as u64 {
        bail!("{left} bytes are left, which is less than a batch header");
    }
    input.take(LENGTH_PREFIX_LEN as u64).read_to_end(bytes).context("read")?;
    let length = bytes[8..].first_chunk().map_or(0, |length| i32::from_be_bytes(*length));
    let rest = u64::try_from(length).unwrap_or(0);
    if rest + (LENGTH_PREFIX_LEN as u64) < HEADER_LEN as u64 {
        bail!("its length is {length}");
    }
    if rest + LENGTH_PREFIX_LEN as u64 > left {
        bail!("it needs {} bytes and {left} are left", rest + LENGTH_PREFIX_LEN as u64);
    }
    input.take(rest).read_to_end(bytes).context("read")?;
    Ok(())
}

fn describe(header: Header<'_>, position: u64) -> Item {
    let (first, last) = (header.base_offset().0, header.last_offset().0);
    let codec = header.codec().map_or("unknown", |codec| codec.name());
    let timestamp = header.max_timestamp();
    let mut item = Item::new("batch")
        .with_text("offset", first, format!("offsets {first}..{last}"))
        .with_json("last_offset", last)
        .with("position", position)
        .with("size", header.size())
        .with("records", header.record_count())
        .with("codec", codec)
        .with_text(
            "max_timestamp",
            timestamp.0,
            format!("{} {}", header.timestamp_type().name(), time::format(timestamp)),
        )
        .with_json("timestamp_type", header.timestamp_type().name())
        .with("leader_epoch", header.leader_epoch().0)
        .with_json("crc", header.crc());
    if header.has_producer() {
        item = item
            .with("producer_id", header.producer_id().0)
            .with("producer_epoch", header.producer_epoch().0)
            .with_text("base_sequence", header.base_sequence(), sequences(header))
            .with_json("last_sequence", header.last_sequence());
    }
    for (name, is_set) in [("transactional", header.is_transactional()), ("control", header.is_control())] {
        item = if is_set { item.with_text(name, true, name) } else { item.with_json(name, false) };
    }
    item
}

fn sequences(header: Header<'_>) -> String {
    format!("sequences {}..{}", header.base_sequence(), header.last_sequence())
}

fn records(report: &mut Report<'_>, batch: Batch<'_>, content: Content) -> Result<()> {
    let header = batch.header();
    let body = decompress(batch, DECOMPRESSED_BYTES_MAX).map_err(|error| anyhow!("{error}"))?;
    for record in Records::new(header, &body) {
        let record = record.map_err(|error| anyhow!("{error}"))?;
        let item =
            Item::new("record").nested().with_text("offset", record.offset.0, record.offset.to_string());
        let item = if header.is_control() {
            metadata::control(item, &record)
        } else if content == Content::Metadata {
            metadata::change(item, &record)
        } else {
            Ok(message(item, &record))
        };
        report.item(item.map_err(|reason| anyhow!("record {}: {reason}", record.offset))?)?;
    }
    Ok(())
}

fn message(item: Item, record: &Record<'_>) -> Item {
    let text = |bytes: Option<&[u8]>| {
        bytes.map_or("null".into(), |bytes| format!("{:?}", String::from_utf8_lossy(bytes)))
    };
    let mut item = item
        .with_text("timestamp", record.timestamp.0, time::format(record.timestamp))
        .with_text("key", bytes_as_json(record.key), format!("key {}", text(record.key)))
        .with_text("value", bytes_as_json(record.value), format!("value {}", text(record.value)));
    if !record.headers.is_empty() {
        let json = record.headers.iter().map(|header| {
            serde_json::json!({ "key": bytes_as_json(Some(header.key)), "value": bytes_as_json(header.value) })
        });
        let words = record
            .headers
            .iter()
            .map(|header| format!("{}={}", String::from_utf8_lossy(header.key), text(header.value)));
        let words = format!("headers {}", words.collect::<Vec<_>>().join(" "));
        item = item.with_text("headers", Value::from(json.collect::<Vec<_>>()), words);
    }
    item
}
