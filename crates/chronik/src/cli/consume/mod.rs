//! `chronik consume`: reads records of a topic, without a group, and prints them.

mod fetch;
mod position;
mod show;

use std::io::IsTerminal;

use anyhow::Result;

use fetch::fetch;
use position::{From, Position, positions};
pub use show::bytes as bytes_as_json;
pub use show::{Column, Layout, Place, print};

use super::Printer;
use super::client::{Client, Error, Isolation, Topic};
use super::connect::Connect;
use super::progress::Progress;

/// How long a broker may wait for records when there are none; also how soon an interrupt is noticed.
const WAIT_MS: i32 = 500;

#[derive(clap::Args)]
pub struct Arguments {
    /// Topic to read
    topic: String,
    /// Partitions to read, separated by commas [default: all]
    #[arg(long, short, value_delimiter = ',', value_parser = clap::value_parser!(i32).range(0..))]
    partition: Vec<i32>,
    /// Where to start: beginning, end, an offset, -N (N before the end), @MILLISECONDS or 2026-03-01T12:00Z
    #[arg(long, default_value = "beginning", allow_hyphen_values = true, value_name = "PLACE")]
    from: From,
    /// Stop after this many records
    #[arg(long, short = 'n', value_name = "N")]
    max_messages: Option<u64>,
    /// Go on waiting for records at the end [default: stop at what was the end when reading began]
    #[arg(long, short)]
    follow: bool,
    /// Leave out records of transactions that are open or were aborted
    #[arg(long)]
    read_committed: bool,
    /// What to print of each record, in this order (JSON always holds all of it)
    #[arg(long, value_enum, value_delimiter = ',', default_value = "value", value_name = "COLUMN,...")]
    print: Vec<Column>,
    /// What stands between printed columns
    #[arg(long, default_value = "\t", value_name = "TEXT")]
    separator: String,
    /// What is printed for null
    #[arg(long, default_value = "", value_name = "TEXT")]
    null: String,
    #[command(flatten)]
    connect: Connect,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let topic = client.topic(&arguments.topic, false)?;
    let mut partitions = arguments.partition.clone();
    if partitions.is_empty() {
        partitions = topic.partitions.iter().map(|partition| partition.index).collect();
    }
    let isolation =
        if arguments.read_committed { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
    let positions = positions(&mut client, &topic, &partitions, arguments.from, isolation)?;
    let layout = Layout {
        columns: arguments.print.clone(),
        separator: arguments.separator.clone().into_bytes(),
        null: arguments.null.clone().into_bytes(),
    };
    let reads_onto_terminal = std::io::stdout().is_terminal();
    let progress = if reads_onto_terminal { Progress::hidden() } else { Progress::new(None) };
    let left = arguments.max_messages.unwrap_or(u64::MAX);
    let mut reader =
        Reader { client, topic, isolation, positions, layout, left, follow: arguments.follow, progress };
    let result = reader.run(printer);
    reader.progress.finish();
    result
}

struct Reader {
    client: Client,
    topic: Topic,
    isolation: Isolation,
    positions: Vec<Position>,
    layout: Layout,
    /// How many records may still be printed.
    left: u64,
    follow: bool,
    progress: Progress,
}

impl Reader {
    fn run(&mut self, printer: &mut Printer) -> Result<()> {
        while self.left > 0 {
            let wanted = self.wanted();
            if wanted.is_empty() {
                break;
            }
            for fetched in self.fetch(&wanted)? {
                let Some(position) = self.positions.iter_mut().find(|p| p.partition == fetched.partition)
                else {
                    continue;
                };
                let (left, layout, progress) = (&mut self.left, &self.layout, &mut self.progress);
                let (follow, end) = (self.follow, position.end);
                fetched.read(position, |timestamp_type, record| {
                    if *left == 0 || (!follow && record.offset.0 >= end) {
                        return Ok(false);
                    }
                    *left -= 1;
                    progress.add(1, record.value.map_or(0, <[u8]>::len) as u64);
                    let place =
                        Place { topic: &self.topic.name, partition: fetched.partition, timestamp_type };
                    show::print(printer, layout, place, record)?;
                    Ok(true)
                })?;
            }
            // Whoever reads a pipe wants to see a record when it is there, not when a buffer is full.
            printer.flush()?;
        }
        Ok(())
    }

    /// The partitions that are not read to their end.
    fn wanted(&self) -> Vec<i32> {
        let open = self.positions.iter().filter(|position| self.follow || position.next < position.end);
        open.map(|position| position.partition).collect()
    }

    /// One round over all leaders. A leader that moved or restarted is looked up again.
    fn fetch(&mut self, wanted: &[i32]) -> Result<Vec<fetch::Fetched>, Error> {
        let (topic, positions, isolation) = (&mut self.topic, &self.positions, self.isolation);
        let mut is_stale = false;
        self.client.retry(|client| {
            if is_stale {
                *topic = client.topic(&topic.name, false)?;
            }
            is_stale = true;
            let leaders = topic.by_leader(wanted)?;
            // Waiting at one leader delays what another has.
            let wait_ms = WAIT_MS / i32::try_from(leaders.len()).unwrap_or(WAIT_MS).max(1);
            let mut all = Vec::new();
            for (leader, partitions) in leaders {
                let positions: Vec<Position> = positions
                    .iter()
                    .filter(|position| partitions.contains(&position.partition))
                    .copied()
                    .collect();
                all.extend(fetch(client, leader, topic, &positions, isolation, wait_ms)?);
            }
            Ok(all)
        })
    }
}
