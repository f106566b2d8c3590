//! `.snapshot`: what a log knows about the producers that wrote to it (Kafka's `ProducerSnapshot`, version 1).
//!
//! ```text
//! 0 version i16 | 2 CRC-32C of what follows, u32 | 6 count i32 | then for each producer:
//! 0 id i64 | 8 epoch i16 | 10 last sequence i32 | 14 last offset i64 | 22 offset delta i32 | 26 timestamp i64
//! 34 coordinator epoch i32 | 38 first offset of the open transaction i64 (-1: none)
//! ```

use anyhow::{Context, Result, bail};
use bytes::Buf;
use chronik_types::Millis;

use super::report::{Item, Report};
use crate::cli::time;

const VERSION: i16 = 1;
const CRC_AT: usize = 2;
const BODY_AT: usize = 6;

pub fn dump(report: &mut Report<'_>, bytes: &[u8]) -> Result<()> {
    let mut head = bytes.get(..BODY_AT + 4).context("damaged: shorter than its header")?;
    let version = head.get_i16();
    if version != VERSION {
        bail!("version {version} is not known; it is {VERSION} in every snapshot since Kafka 0.11");
    }
    let stored = bytes[CRC_AT..].first_chunk().map_or(0, |crc| u32::from_be_bytes(*crc));
    let computed = crc_fast::crc32_iscsi(&bytes[BODY_AT..]);
    if stored != computed {
        bail!("damaged: its checksum is {stored:#010x}, its content has {computed:#010x}");
    }
    let mut body = &bytes[BODY_AT..];
    let count = body.get_i32();
    report.item(Item::new("producers").with("count", count))?;
    for index in 0..count {
        entry(report, &mut body).with_context(|| format!("damaged: producer {index} of {count}"))?;
    }
    if body.has_remaining() {
        bail!("damaged: {} bytes after the last producer", body.remaining());
    }
    Ok(())
}

fn entry(report: &mut Report<'_>, body: &mut &[u8]) -> Result<()> {
    let id = body.try_get_i64()?;
    let epoch = body.try_get_i16()?;
    let last_sequence = body.try_get_i32()?;
    let last_offset = body.try_get_i64()?;
    let offset_delta = body.try_get_i32()?;
    let timestamp = body.try_get_i64()?;
    let coordinator_epoch = body.try_get_i32()?;
    let transaction = body.try_get_i64()?;
    let item = Item::new("producer")
        .with("producer_id", id)
        .with("epoch", epoch)
        .with("last_sequence", last_sequence)
        .with("last_offset", last_offset)
        .with("offset_delta", offset_delta)
        .with_text("timestamp", timestamp, format!("timestamp {}", time::format(Millis(timestamp))))
        .with("coordinator_epoch", coordinator_epoch)
        .with("transaction_first_offset", transaction);
    report.item(item)
}
