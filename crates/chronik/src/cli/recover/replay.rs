//! Writing what was set aside to a topic: keys, values, headers and timestamps as they were, in order per partition.
//!
//! A run that failed may have written some; it says so, and a topic of its own for the records makes that easy to see.

use anyhow::{Context, Result, bail};
use chronik_log::batch::{Compression, NewRecord};

use super::find::{SetAside, records};
use crate::cli::client::Client;
use crate::cli::produce::{Options, Sender};

const ACKS_ALL: i16 = -1;
const BATCH_BYTES_MAX: usize = 512 * 1024;
const TIMEOUT_MS: i32 = 30_000;

/// Writes the records; returns how many there were.
pub fn replay(client: Client, topic: &str, found: &[SetAside]) -> Result<u64> {
    let options = Options {
        acks: ACKS_ALL,
        compression: Compression::None,
        batch_bytes_max: BATCH_BYTES_MAX,
        timeout_ms: TIMEOUT_MS,
    };
    let mut sender = Sender::open(client, topic, options)?;
    let count = sender.topic().partitions.len();
    for one in found {
        let fits = usize::try_from(one.partition).is_ok_and(|index| index < count);
        if !fits {
            bail!(
                "{topic} has {count} partition(s), but records of {}-{} were set aside: give it more, or choose another topic",
                one.topic,
                one.partition
            );
        }
    }
    let mut total = 0;
    for one in found {
        let written = records(one, &mut |_, record| {
            let headers: Vec<(&[u8], Option<&[u8]>)> =
                record.headers.iter().map(|header| (header.key, header.value)).collect();
            let new = NewRecord {
                timestamp: record.timestamp,
                key: record.key,
                value: record.value,
                headers: &headers,
            };
            total += 1;
            if sender.push(one.partition, new) {
                sender.flush()?;
            }
            Ok(())
        });
        written.and_then(|()| Ok(sender.flush()?)).with_context(|| {
            format!("some of the records may be in {topic} already, which holds {total} at most")
        })?;
    }
    Ok(total)
}
