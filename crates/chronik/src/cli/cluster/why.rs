//! `chronik cluster why`: a partition's history, told from the metadata log.

use std::str::FromStr;

use anyhow::{Context, Result};
use chronik_state::cluster::Partition;
use chronik_state::why::{History, Step, Why};
use chronik_types::{NodeId, PartitionIndex};
use serde_json::{Value, json};

use crate::cli::metadata::{self, Entry, Source};
use crate::cli::{Printer, time};

#[derive(clap::Args)]
pub struct Arguments {
    /// The partition, such as orders-0
    #[arg(value_name = "TOPIC-PARTITION")]
    partition: Named,
    #[command(flatten)]
    source: Source,
}

#[derive(Clone)]
struct Named {
    topic: String,
    index: i32,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.rsplit_once('-').filter(|(topic, _)| !topic.is_empty());
        let parts = parts.and_then(|(topic, index)| Some((topic, index.parse::<u16>().ok()?)));
        let (topic, index) = parts
            .ok_or_else(|| format!("{text:?} names no partition; write TOPIC-PARTITION, such as orders-0"))?;
        Ok(Named { topic: topic.to_owned(), index: i32::from(index) })
    }
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let Named { topic, index } = &arguments.partition;
    let mut why = Why::of(topic.as_str(), PartitionIndex(*index));
    metadata::read(&arguments.source, &mut |entry| {
        match entry {
            Entry::InSnapshot(place, change) => why.read_snapshot(place, &change),
            Entry::InLog(place, change) => why.read(place, &change),
            Entry::Control(..) => {}
        }
        Ok(())
    })?;
    let history = why.finish().with_context(|| {
        format!("the metadata log says nothing about {topic}-{index}; see `chronik topic list --internal`")
    })?;
    if printer.is_json() { printer.document(&json(&history)) } else { print(&history, printer) }
}

fn print(history: &History, printer: &mut Printer) -> Result<()> {
    let since = history.leading_since();
    let place = since.place;
    let leads = match history.now() {
        None => "it is gone".to_owned(),
        Some(now) if now.leader == NodeId::NONE => "nobody leads it".to_owned(),
        Some(now) => format!("node {} leads it in epoch {}", now.leader, now.leader_epoch),
    };
    printer.line(format!("{}-{}, topic id {}", history.topic, history.index, history.id))?;
    printer.line(format!(
        "{leads} since offset {} of the metadata log, {}, written by the controller of epoch {}",
        place.offset,
        time::format(place.timestamp),
        place.epoch
    ))?;
    printer.line(format!("because: {}", since.cause))?;
    printer.line("")?;
    let headings = ["OFFSET", "TIME", "LEADER", "EPOCH", "REPLICAS", "ISR", "WHY"];
    printer.table(&headings, history.steps.iter().map(row).collect())
}

fn row(step: &Step) -> Vec<String> {
    let after = step.after.as_ref();
    let ids = |ids: &[NodeId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let told = |text: fn(&Partition) -> String| after.map_or("-".to_owned(), text);
    vec![
        step.place.offset.to_string(),
        time::format(step.place.timestamp),
        told(|now| if now.leader == NodeId::NONE { "none".into() } else { now.leader.to_string() }),
        told(|now| now.leader_epoch.to_string()),
        after.map_or("-".to_owned(), |now| ids(&now.replicas)),
        after.map_or("-".to_owned(), |now| ids(&now.isr)),
        step.cause.to_string(),
    ]
}

fn json(history: &History) -> Value {
    let steps = history.steps.iter().map(|step| {
        json!({
            "offset": step.place.offset.0,
            "batch": step.place.batch.0,
            "controllerEpoch": step.place.epoch.0,
            "timestamp": step.place.timestamp.0,
            "cause": step.cause.to_string(),
            "changesLeader": step.changes_leader(),
            "after": step.after.as_ref().map(partition),
        })
    });
    json!({
        "topic": &*history.topic,
        "topicId": history.id.to_string(),
        "partition": history.index.0,
        "now": history.now().map(partition),
        "leadingSince": history.leading_since().place.offset.0,
        "because": history.leading_since().cause.to_string(),
        "steps": steps.collect::<Vec<_>>(),
    })
}

fn partition(partition: &Partition) -> Value {
    let ids = |ids: &[NodeId]| ids.iter().map(|node| node.0).collect::<Vec<_>>();
    json!({
        "leader": (partition.leader != NodeId::NONE).then_some(partition.leader.0),
        "leaderEpoch": partition.leader_epoch.0,
        "partitionEpoch": partition.partition_epoch.0,
        "replicas": ids(&partition.replicas),
        "isr": ids(&partition.isr),
        "addingReplicas": ids(&partition.adding_replicas),
        "removingReplicas": ids(&partition.removing_replicas),
        "eligibleLeaderReplicas": ids(&partition.elr),
    })
}
