//! `chronik topic create`: CreateTopics (19) for one or more names.

use anyhow::Result;
use chronik_types::{ErrorCode, TopicId};
use chronik_wire::StrBytes;
use chronik_wire::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use chronik_wire::messages::{CreateTopicsRequest, TopicName};
use serde_json::json;

use crate::cli::Printer;
use crate::cli::client::{Client, Error};
use crate::cli::connect::Connect;

const VERSION_MAX: i16 = 7;

#[derive(clap::Args)]
pub struct Arguments {
    /// Names of the topics
    #[arg(required = true)]
    names: Vec<String>,
    /// Partitions of each topic [default: the broker's num.partitions]
    #[arg(long, short, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// Replicas of each partition [default: the broker's default.replication.factor]
    #[arg(long, short, value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// A setting of the topic, such as retention.ms=86400000 (may be repeated)
    #[arg(long, short, value_name = "KEY=VALUE", value_parser = setting)]
    config: Vec<(String, String)>,
    /// Succeed if a topic is there already
    #[arg(long)]
    if_not_exists: bool,
    /// Let the broker check the request, and create nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connect: Connect,
}

/// Reads `key=value`.
fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("write it as key=value, such as cleanup.policy=compact".into()),
    }
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let mut created = Vec::new();
    for name in &arguments.names {
        created.push(create(&mut client, arguments, name)?);
    }
    if printer.is_json() {
        return printer.document(&created.iter().map(Created::json).collect::<Vec<_>>());
    }
    for topic in &created {
        printer.line(topic.text(arguments.dry_run))?;
    }
    Ok(())
}

struct Created {
    name: String,
    existed: bool,
    id: TopicId,
    /// -1 if the broker does not say.
    partitions: i32,
    replication_factor: i16,
}

impl Created {
    fn json(&self) -> serde_json::Value {
        json!({
            "name": self.name,
            "id": self.id.to_string(),
            "existed": self.existed,
            "partitions": self.partitions,
            "replicationFactor": self.replication_factor,
        })
    }

    fn text(&self, dry_run: bool) -> String {
        let Self { name, partitions, replication_factor, .. } = self;
        match (self.existed, dry_run) {
            (true, _) => format!("topic {name} is there already"),
            (false, true) => format!("topic {name} could be created"),
            (false, false) if *partitions < 0 => format!("created topic {name}"),
            (false, false) => {
                format!(
                    "created topic {name}: {partitions} partition(s), replication factor {replication_factor}"
                )
            }
        }
    }
}

fn create(client: &mut Client, arguments: &Arguments, name: &str) -> Result<Created, Error> {
    let result = client.retry(|client| {
        let response = client.call_any(VERSION_MAX, |_| request(arguments, name))?;
        let topic = response.topics.into_iter().next().unwrap_or_default();
        Error::check(format!("create topic {name}"), topic.error_code, topic.error_message.as_deref())?;
        Ok(topic)
    });
    match result {
        Ok(topic) => Ok(Created {
            name: name.to_owned(),
            existed: false,
            id: TopicId(topic.topic_id),
            partitions: topic.num_partitions,
            replication_factor: topic.replication_factor,
        }),
        Err(Error::Refused { code: ErrorCode::TopicAlreadyExists, .. }) if arguments.if_not_exists => {
            Ok(Created {
                name: name.to_owned(),
                existed: true,
                id: TopicId::ZERO,
                partitions: -1,
                replication_factor: -1,
            })
        }
        Err(error) => Err(error),
    }
}

fn request(arguments: &Arguments, name: &str) -> CreateTopicsRequest {
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let configs = arguments.config.iter().map(|(key, value)| {
        CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value)))
    });
    // -1 leaves the choice to the broker (KIP-464).
    let topic = CreatableTopic::default()
        .with_name(TopicName(text(name)))
        .with_num_partitions(arguments.partitions.unwrap_or(-1))
        .with_replication_factor(arguments.replication_factor.unwrap_or(-1))
        .with_configs(configs.collect());
    let timeout_ms = i32::try_from(arguments.connect.options().timeout.as_millis()).unwrap_or(i32::MAX);
    CreateTopicsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(timeout_ms)
        .with_validate_only(arguments.dry_run)
}

#[cfg(test)]
mod tests {
    use super::setting;

    #[test]
    fn settings_are_key_and_value() {
        assert_eq!(setting("a.b=c=d").unwrap(), ("a.b".into(), "c=d".into()));
        assert_eq!(setting("a=").unwrap(), ("a".into(), String::new()));
        assert!(setting("a").is_err());
        assert!(setting("=b").is_err());
    }
}
