//! `chronik topic describe`: partitions with their leaders and offsets, and the settings that differ from defaults.

use anyhow::Result;
use chronik_wire::StrBytes;
use chronik_wire::messages::DescribeConfigsRequest;
use chronik_wire::messages::describe_configs_request::DescribeConfigsResource;
use serde_json::{Value, json};

use crate::cli::Printer;
use crate::cli::client::{At, Client, Error, FoundOffset, Isolation, Partition, Topic};
use crate::cli::connect::Connect;

const CONFIGS_VERSION_MAX: i16 = 4;
/// `ConfigResource.Type.TOPIC`.
const RESOURCE_TOPIC: i8 = 2;
/// `DescribeConfigsResponse.ConfigSource.TOPIC_CONFIG`: set on the topic itself.
const SOURCE_TOPIC: i8 = 1;

#[derive(clap::Args)]
pub struct Arguments {
    /// Names of the topics
    #[arg(required = true)]
    names: Vec<String>,
    #[command(flatten)]
    connect: Connect,
}

/// All that is shown about a topic.
struct Description {
    topic: Topic,
    /// Name and value of each setting made on the topic.
    configs: Vec<(String, String)>,
    first_offsets: Vec<FoundOffset>,
    end_offsets: Vec<FoundOffset>,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let mut descriptions = Vec::new();
    for name in &arguments.names {
        descriptions.push(describe(&mut client, name)?);
    }
    if printer.is_json() {
        return printer.document(&descriptions.iter().map(Description::json).collect::<Vec<_>>());
    }
    for (index, description) in descriptions.iter().enumerate() {
        if index > 0 {
            printer.line("")?;
        }
        description.print(printer)?;
    }
    Ok(())
}

fn describe(client: &mut Client, name: &str) -> Result<Description, Error> {
    let topic = client.retry(|client| {
        let metadata = client.metadata(Some(&[name]), false)?;
        let topic = metadata.topics.into_iter().find(|topic| topic.name == name);
        match topic {
            Some(topic) if topic.error.is_none() => Ok(topic),
            Some(topic) if !topic.error.is_retriable() => {
                Error::check(format!("topic {name}"), topic.error.code(), None).map(|()| topic)
            }
            _ => Err(Error::MissingTopic { name: name.to_owned() }),
        }
    })?;
    let configs = client.retry(|client| configs(client, name))?;
    // A partition without a leader is worth showing, and has no one to ask for its offsets.
    let led: Vec<i32> = topic.partitions.iter().filter(|p| p.leader.is_some()).map(|p| p.index).collect();
    let first_offsets = client.offsets(&topic, &led, At::Beginning, Isolation::ReadUncommitted)?;
    let end_offsets = client.offsets(&topic, &led, At::End, Isolation::ReadUncommitted)?;
    Ok(Description { topic, configs, first_offsets, end_offsets })
}

fn configs(client: &mut Client, name: &str) -> Result<Vec<(String, String)>, Error> {
    let response = client.call_any(CONFIGS_VERSION_MAX, |_| {
        let resource = DescribeConfigsResource::default()
            .with_resource_type(RESOURCE_TOPIC)
            .with_resource_name(StrBytes::from_string(name.to_owned()))
            .with_configuration_keys(None);
        DescribeConfigsRequest::default().with_resources(vec![resource])
    })?;
    let result = response.results.into_iter().next().unwrap_or_default();
    Error::check(format!("configuration of {name}"), result.error_code, result.error_message.as_deref())?;
    let own = result.configs.iter().filter(|config| config.config_source == SOURCE_TOPIC);
    Ok(own
        .map(|c| (c.name.to_string(), c.value.as_ref().map(|v| v.to_string()).unwrap_or_default()))
        .collect())
}

impl Description {
    fn print(&self, printer: &mut Printer) -> Result<()> {
        printer.line(format!("topic    {}", self.topic.name))?;
        printer.line(format!("id       {}", self.topic.id))?;
        for (index, (key, value)) in self.configs.iter().enumerate() {
            printer.line(format!("{}  {key}={value}", if index == 0 { "configs" } else { "       " }))?;
        }
        let headings = ["PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "FIRST OFFSET", "END OFFSET"];
        printer.table(&headings, self.topic.partitions.iter().map(|partition| self.row(partition)).collect())
    }

    fn row(&self, partition: &Partition) -> Vec<String> {
        let ids = |ids: &[i32]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let offset = |offsets| find(offsets, partition.index).map_or("-".into(), |offset| offset.to_string());
        vec![
            partition.index.to_string(),
            partition.leader.map_or("none".into(), |leader| leader.to_string()),
            partition.leader_epoch.to_string(),
            ids(&partition.replicas),
            ids(&partition.isr),
            offset(&self.first_offsets),
            offset(&self.end_offsets),
        ]
    }

    fn json(&self) -> Value {
        let partitions = self.topic.partitions.iter().map(|partition| {
            json!({
                "partition": partition.index,
                "leader": partition.leader.map(|leader| leader.0),
                "leaderEpoch": partition.leader_epoch,
                "replicas": partition.replicas,
                "isr": partition.isr,
                "offline": partition.offline,
                "error": (!partition.error.is_none()).then(|| partition.error.name()),
                "firstOffset": find(&self.first_offsets, partition.index),
                "endOffset": find(&self.end_offsets, partition.index),
            })
        });
        let configs = self.configs.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        json!({
            "name": self.topic.name,
            "id": self.topic.id.to_string(),
            "internal": self.topic.is_internal,
            "configs": configs.collect::<serde_json::Map<_, _>>(),
            "partitions": partitions.collect::<Vec<_>>(),
        })
    }
}

fn find(offsets: &[FoundOffset], partition: i32) -> Option<i64> {
    offsets.iter().find(|found| found.partition == partition).and_then(|found| found.offset)
}
