//! `chronik produce`: writes lines from stdin or a file to a topic.

mod input;
mod partitioner;
mod sender;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use chronik_log::batch::{Codec, Compression, NewRecord};
use chronik_types::Millis;
use serde_json::json;

use input::{Format, Lines};
use partitioner::Partitioner;
pub use sender::{Options, Sender};

use super::Printer;
use super::connect::Connect;
use super::progress::{Progress, size};

#[derive(clap::Args)]
pub struct Arguments {
    /// Topic to write to; the broker makes it if it is not there (auto.create.topics.enable)
    topic: String,
    /// Read this file instead of stdin, one record per line
    #[arg(long, short)]
    file: Option<PathBuf>,
    /// What stands between key and value in a line; without it records have no key
    #[arg(long, short, value_name = "TEXT")]
    key_separator: Option<String>,
    /// A value equal to this text is null (a tombstone)
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
    /// A header of every record (may be repeated)
    #[arg(long, short = 'H', value_name = "KEY=VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Write to this partition only [default: by the key's hash, or in turns]
    #[arg(long, short, value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// Who must have a record before it counts as written
    #[arg(long, value_enum, default_value_t = Acks::All)]
    acks: Acks,
    /// Compression of batches
    #[arg(long, short, value_parser = codec, default_value = "none", value_name = "none|gzip|snappy|lz4|zstd")]
    compression: Compression,
    /// Send a batch when it holds this many bytes
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    batch_bytes: u32,
    #[command(flatten)]
    connect: Connect,
}

/// Kafka's `acks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Acks {
    /// All in-sync replicas
    All,
    /// The leader
    #[value(name = "1")]
    Leader,
    /// Nobody: no answer is awaited
    #[value(name = "0")]
    None,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as key=value")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn codec(name: &str) -> Result<Compression, String> {
    Codec::from_name(name)
        .map(Compression::of)
        .ok_or_else(|| "it is none of none, gzip, snappy, lz4, zstd".into())
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    if arguments.key_separator.as_ref().is_some_and(String::is_empty) {
        bail!("the key separator is empty; leave it out to write records without keys");
    }
    let (mut lines, bytes_total) = match &arguments.file {
        Some(path) => Lines::file(path).map(|(lines, size)| (lines, Some(size)))?,
        None => (Lines::stdin(), None),
    };
    let connect = arguments.connect.options();
    let options = Options {
        acks: match arguments.acks {
            Acks::All => -1,
            Acks::Leader => 1,
            Acks::None => 0,
        },
        compression: arguments.compression,
        batch_bytes_max: arguments.batch_bytes as usize,
        timeout_ms: i32::try_from(connect.timeout.as_millis()).unwrap_or(i32::MAX),
    };
    let mut sender = Sender::open(arguments.connect.client(), &arguments.topic, options)?;
    let mut progress = Progress::new(bytes_total);
    let result = produce(arguments, &mut lines, &mut sender, &mut progress);
    let took = progress.finish();
    result.with_context(|| match sender.written.values().map(|written| written.records).sum::<u64>() {
        0 => "nothing was written".to_owned(),
        records => format!("only the first {records} records were written"),
    })?;
    if printer.is_json() {
        return printer.document(&summary(&sender, &progress));
    }
    let amount = size(progress.bytes());
    let seconds = took.as_secs_f64();
    printer.line(format!(
        "wrote {} records ({amount}) to {} in {seconds:.2} s",
        progress.records(),
        arguments.topic
    ))
}

fn produce(
    arguments: &Arguments,
    lines: &mut Lines,
    sender: &mut Sender,
    progress: &mut Progress,
) -> Result<()> {
    let format = Format {
        key_separator: arguments.key_separator.as_ref().map(|text| unescape(text).into_bytes()),
        null: arguments.null.as_ref().map(|text| text.clone().into_bytes()),
    };
    let headers: Vec<(&[u8], Option<&[u8]>)> =
        arguments.header.iter().map(|(key, value)| (key.as_bytes(), Some(value.as_bytes()))).collect();
    let count = i32::try_from(sender.topic().partitions.len()).unwrap_or(i32::MAX);
    let mut partitioner = Partitioner::new(count.max(1), arguments.partition);
    loop {
        let Some((number, line)) = lines.next()? else { break };
        let record = format.record(line).map_err(|reason| anyhow::anyhow!("line {number}: {reason}"))?;
        let partition = partitioner.partition(record.key);
        let timestamp = now();
        let new = NewRecord { timestamp, key: record.key, value: record.value, headers: &headers };
        let is_full = sender.push(partition, new);
        progress.add(1, line.len() as u64 + 1);
        if is_full || lines.may_wait() {
            sender.flush()?;
            partitioner.turn();
        }
    }
    Ok(sender.flush()?)
}

/// `\t`, `\n` and `\\` as they are written on a command line.
fn unescape(text: &str) -> String {
    text.replace("\\\\", "\u{0}").replace("\\t", "\t").replace("\\n", "\n").replace('\u{0}', "\\")
}

fn now() -> Millis {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

fn summary(sender: &Sender, progress: &Progress) -> serde_json::Value {
    let partitions = sender.written.iter().map(|(partition, written)| {
        json!({
            "partition": partition,
            "records": written.records,
            "firstOffset": written.offsets.map(|(first, _)| first),
            "lastOffset": written.offsets.map(|(_, last)| last),
        })
    });
    json!({
        "topic": sender.topic().name,
        "records": progress.records(),
        "bytes": progress.bytes(),
        "partitions": partitions.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::{codec, header, unescape};

    #[test]
    fn options_are_read_as_written() {
        assert_eq!(header("a=b=c").unwrap(), ("a".into(), "b=c".into()));
        assert!(header("a").is_err());
        assert!(codec("zstd").is_ok());
        assert!(codec("brotli").is_err());
        assert_eq!(unescape(r"a\tb\\t"), "a\tb\\t");
    }
}
