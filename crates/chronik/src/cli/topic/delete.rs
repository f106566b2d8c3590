//! `chronik topic delete`: DeleteTopics (20) for one or more names.

use anyhow::Result;
use chronik_types::ErrorCode;
use chronik_wire::StrBytes;
use chronik_wire::messages::delete_topics_request::DeleteTopicState;
use chronik_wire::messages::{DeleteTopicsRequest, TopicName};
use serde_json::json;

use crate::cli::Printer;
use crate::cli::client::{Client, Error};
use crate::cli::connect::Connect;

/// From version 6 on topics are named in another field (KIP-516).
const BY_STATE: i16 = 6;

#[derive(clap::Args)]
pub struct Arguments {
    /// Names of the topics
    #[arg(required = true)]
    names: Vec<String>,
    /// Succeed if a topic is not there
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    connect: Connect,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let mut deleted = Vec::new();
    for name in &arguments.names {
        let was_there = match delete(&mut client, arguments, name) {
            Ok(()) => true,
            Err(Error::MissingTopic { .. }) if arguments.if_exists => false,
            Err(error) => return Err(error.into()),
        };
        if !printer.is_json() {
            printer.line(if was_there {
                format!("deleted topic {name}")
            } else {
                format!("there is no topic {name}")
            })?;
        }
        deleted.push(json!({ "name": name, "deleted": was_there }));
    }
    if printer.is_json() { printer.document(&deleted) } else { Ok(()) }
}

fn delete(client: &mut Client, arguments: &Arguments, name: &str) -> Result<(), Error> {
    let timeout_ms = i32::try_from(arguments.connect.options().timeout.as_millis()).unwrap_or(i32::MAX);
    client.retry(|client| {
        let response = client.call_any(BY_STATE, |version| {
            let topic = TopicName(StrBytes::from_string(name.to_owned()));
            let request = DeleteTopicsRequest::default().with_timeout_ms(timeout_ms);
            if version >= BY_STATE {
                return request.with_topics(vec![DeleteTopicState::default().with_name(Some(topic))]);
            }
            request.with_topic_names(vec![topic])
        })?;
        let result = response.responses.into_iter().next().unwrap_or_default();
        // The code counts as passing, because a broker may not have heard of a topic yet; here it is the answer.
        if result.error_code == ErrorCode::UnknownTopicOrPartition.code() {
            return Err(Error::MissingTopic { name: name.to_owned() });
        }
        Error::check(format!("delete topic {name}"), result.error_code, result.error_message.as_deref())
    })
}
