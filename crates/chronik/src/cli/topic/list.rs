//! `chronik topic list`: what Metadata says about all topics.

use anyhow::Result;
use serde_json::json;

use crate::cli::Printer;
use crate::cli::client::Topic;
use crate::cli::connect::Connect;

#[derive(clap::Args)]
pub struct Arguments {
    /// Show Kafka's internal topics too, such as __consumer_offsets
    #[arg(long)]
    internal: bool,
    #[command(flatten)]
    connect: Connect,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let mut topics = client.retry(|client| client.metadata(None, false))?.topics;
    topics.retain(|topic| arguments.internal || !topic.is_internal);
    if printer.is_json() {
        return printer.document(&topics.iter().map(json).collect::<Vec<_>>());
    }
    if topics.is_empty() {
        return printer.line("no topics; create one with `chronik topic create NAME`");
    }
    printer.table(&["TOPIC", "PARTITIONS", "REPLICAS", "ID"], topics.iter().map(row).collect())
}

fn replicas(topic: &Topic) -> usize {
    topic.partitions.first().map_or(0, |partition| partition.replicas.len())
}

fn row(topic: &Topic) -> Vec<String> {
    vec![
        topic.name.clone(),
        topic.partitions.len().to_string(),
        replicas(topic).to_string(),
        topic.id.to_string(),
    ]
}

fn json(topic: &Topic) -> serde_json::Value {
    json!({
        "name": topic.name,
        "id": topic.id.to_string(),
        "partitions": topic.partitions.len(),
        "replicationFactor": replicas(topic),
        "internal": topic.is_internal,
    })
}
