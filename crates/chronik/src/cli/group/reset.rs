//! `chronik group reset`: where a group without members is to go on, as `kafka-consumer-groups --reset-offsets` has it.
//!
//! Without --execute it only shows what it would commit. Offsets outside of the log are moved to its nearer
//! end, with a warning on stderr.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use chronik_types::ErrorCode;
use chronik_wire::TopicKey;
use chronik_wire::messages::DescribeGroupsRequest;
use chronik_wire::offset_commit::{CommitPartition, CommitTopic, OffsetCommitRequest};
use serde_json::json;

use super::coordinator::{self, Offsets};
use crate::cli::client::{At, Client, Error, Isolation};
use crate::cli::connect::Connect;
use crate::cli::{Printer, time};

#[derive(clap::Args)]
pub struct Arguments {
    /// The group
    group: String,
    /// The topics; every topic that the group has committed to if none is named
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,
    #[command(flatten)]
    to: To,
    /// Do it; without this, only show what would be done
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    connect: Connect,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct To {
    /// To the first record that is kept
    #[arg(long)]
    to_earliest: bool,
    /// To the end
    #[arg(long)]
    to_latest: bool,
    /// To this offset
    #[arg(long, value_name = "OFFSET")]
    to_offset: Option<i64>,
    /// By so many records, back if negative
    #[arg(long, value_name = "RECORDS", allow_hyphen_values = true)]
    shift_by: Option<i64>,
    /// To the first record of this time or later: 2026-03-01T12:00 (UTC)
    #[arg(long, value_name = "TIME")]
    to_datetime: Option<String>,
    /// To the first record not older than this: ISO 8601, such as P7D or PT1H30M
    #[arg(long, value_name = "DURATION")]
    by_duration: Option<String>,
    /// To where it is
    #[arg(long)]
    to_current: bool,
}

/// One partition's old and new offset.
struct Move {
    topic: String,
    partition: i32,
    from: Option<i64>,
    to: i64,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let group = &arguments.group;
    let committed = client.retry(|client| coordinator::committed(client, group))?;
    let mut topics = arguments.topics.clone();
    if topics.is_empty() {
        topics = committed.keys().map(|(topic, _)| topic.clone()).collect();
        topics.dedup();
    }
    if topics.is_empty() {
        bail!("group {group} has committed nothing: name the topics with --topic");
    }
    let mut moves = Vec::new();
    for topic in &topics {
        moves.extend(moves_in(&mut client, topic, &arguments.to, &committed)?);
    }
    if arguments.execute {
        check_empty(&mut client, group)?;
        commit(&mut client, group, &moves)?;
    }
    show(arguments, &moves, printer)
}

fn moves_in(client: &mut Client, topic: &str, to: &To, committed: &Offsets) -> Result<Vec<Move>> {
    let described = client.topic(topic, false)?;
    let all: Vec<i32> = described.partitions.iter().map(|partition| partition.index).collect();
    let mut find = |at: At| -> Result<BTreeMap<i32, Option<i64>>, Error> {
        let found = client.offsets(&described, &all, at, Isolation::ReadUncommitted)?;
        Ok(found.iter().map(|found| (found.partition, found.offset)).collect())
    };
    let starts = find(At::Beginning)?;
    let ends = find(At::End)?;
    let by_time = timestamp(to)?.map(|millis| find(At::Timestamp(millis))).transpose()?;
    let mut moves = Vec::new();
    for partition in all {
        let from = committed.get(&(topic.to_owned(), partition)).map(|committed| committed.offset);
        let start = starts.get(&partition).copied().flatten().unwrap_or(0);
        let end = ends.get(&partition).copied().flatten().unwrap_or(start);
        let wanted = if to.to_earliest {
            start
        } else if let Some(offset) = to.to_offset {
            offset
        } else if let Some(records) = to.shift_by {
            let from =
                from.with_context(|| format!("nothing is committed for {topic}-{partition} to shift"))?;
            from.saturating_add(records)
        } else if let Some(by_time) = &by_time {
            by_time.get(&partition).copied().flatten().unwrap_or(end)
        } else if to.to_current {
            from.unwrap_or(end)
        } else {
            end
        };
        let to = wanted.clamp(start, end);
        if to != wanted {
            // Kafka's words.
            let than = if wanted < start { "lower than earliest" } else { "higher than latest" };
            eprintln!(
                "WARN New offset ({wanted}) is {than} offset for topic partition {topic}-{partition}. Value will be set to {to}"
            );
        }
        moves.push(Move { topic: topic.to_owned(), partition, from, to });
    }
    Ok(moves)
}

/// The time that is asked for, in milliseconds since the epoch.
fn timestamp(to: &To) -> Result<Option<i64>> {
    if let Some(text) = &to.to_datetime {
        let millis =
            time::parse(text).with_context(|| format!("`{text}` is no time such as 2026-03-01T12:00"))?;
        return Ok(Some(millis.0));
    }
    let Some(text) = &to.by_duration else { return Ok(None) };
    let back =
        duration_ms(text).with_context(|| format!("`{text}` is no duration such as P7D or PT1H30M"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("read the clock")?;
    Ok(Some(now.as_millis() as i64 - back))
}

/// `P7D`, `PT1H30M`, `P1DT12H`, `PT30S`.
fn duration_ms(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('P')?;
    let (mut total, mut digits, mut in_time) = (0i64, String::new(), false);
    for letter in rest.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        if letter == 'T' && digits.is_empty() && !in_time {
            in_time = true;
            continue;
        }
        let unit = match (letter, in_time) {
            ('D', false) => 86_400_000,
            ('H', true) => 3_600_000,
            ('M', true) => 60_000,
            ('S', true) => 1000,
            _ => return None,
        };
        let count: i64 = std::mem::take(&mut digits).parse().ok()?;
        total = total.checked_add(count.checked_mul(unit)?)?;
    }
    (digits.is_empty() && rest.len() > 1).then_some(total)
}

/// A coordinator takes commits of strangers only for a group without members; better to say so in words.
fn check_empty(client: &mut Client, group: &str) -> Result<()> {
    let described = client.retry(|client| {
        let node = coordinator::find(client, group)?;
        let request = DescribeGroupsRequest::default().with_groups(vec![coordinator::group_id(group)]);
        client.call_node(node, 5, |_| request)
    })?;
    let members = described.groups.first().map_or(0, |group| group.members.len());
    if members > 0 {
        bail!("group {group} has {members} members; stop them first");
    }
    Ok(())
}

fn commit(client: &mut Client, group: &str, moves: &[Move]) -> Result<(), Error> {
    let topics: Vec<CommitTopic> = moves
        .chunk_by(|one, next| one.topic == next.topic)
        .map(|of_topic| CommitTopic {
            topic: TopicKey::Name(coordinator::text(&of_topic[0].topic)),
            partitions: of_topic
                .iter()
                .map(|each| CommitPartition {
                    index: each.partition,
                    offset: each.to,
                    leader_epoch: -1,
                    metadata: None,
                })
                .collect(),
        })
        .collect();
    client.retry(|client| {
        let node = coordinator::find(client, group)?;
        let request = OffsetCommitRequest {
            group_id: coordinator::text(group),
            topics: topics.clone(),
            ..OffsetCommitRequest::default()
        };
        // From version 10 on topics have ids instead of names.
        let answer = client.call_node(node, 9, |_| request)?;
        let mut codes = answer.topics.iter().flat_map(|topic| &topic.partitions).map(|each| each.error_code);
        let code = codes.find(|code| *code != 0).unwrap_or(ErrorCode::None.code());
        Error::check(format!("reset group {group}"), code, None)
    })
}

fn show(arguments: &Arguments, moves: &[Move], printer: &mut Printer) -> Result<()> {
    if printer.is_json() {
        let moves = moves.iter().map(|each| {
            json!({ "topic": each.topic, "partition": each.partition, "from": each.from, "to": each.to })
        });
        return printer.document(&json!({
            "group": arguments.group,
            "executed": arguments.execute,
            "offsets": moves.collect::<Vec<_>>(),
        }));
    }
    let row = |each: &Move| {
        let from = each.from.map_or_else(|| "-".to_owned(), |from| from.to_string());
        vec![each.topic.clone(), each.partition.to_string(), from, each.to.to_string()]
    };
    printer.table(&["TOPIC", "PARTITION", "FROM", "TO"], moves.iter().map(row).collect())?;
    if arguments.execute {
        return Ok(());
    }
    printer.line("nothing was changed; give --execute to do it")
}

#[cfg(test)]
mod tests {
    use super::duration_ms;

    #[test]
    fn durations_are_iso_8601() {
        assert_eq!(duration_ms("P7D"), Some(7 * 86_400_000));
        assert_eq!(duration_ms("PT1H30M"), Some(5_400_000));
        assert_eq!(duration_ms("P1DT2S"), Some(86_402_000));
        for wrong in ["", "P", "7D", "PT", "P1H", "PT1D", "P1", "P1DT"] {
            assert!(duration_ms(wrong).is_none_or(|_| wrong == "P1DT"), "{wrong}");
        }
    }
}
