//! A limit on what moves between brokers while a plan is carried out (KIP-73), as `kafka-reassign-partitions --throttle` sets it.
//!
//! The rate stands at every broker; what it holds for is named at each topic: the replicas that are read from, and those that
//! are added. Both are taken away when the plan is done. An interrupted run leaves them, and the next one with a limit clears them.

use std::collections::{BTreeMap, BTreeSet};

use chronik_wire::StrBytes;
use chronik_wire::messages::IncrementalAlterConfigsRequest;
use chronik_wire::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};

use super::plan::Move;
use crate::cli::client::{Client, Error};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const SET: i8 = 0;
const DELETE: i8 = 1;
const RATES: [&str; 2] = ["leader.replication.throttled.rate", "follower.replication.throttled.rate"];
const REPLICAS: [&str; 2] =
    ["leader.replication.throttled.replicas", "follower.replication.throttled.replicas"];

/// Limits the moves to so many bytes a second at each broker.
pub fn limit(client: &mut Client, brokers: &BTreeSet<i32>, moves: &[Move], rate: u64) -> Result<(), Error> {
    let mut topics: BTreeMap<&str, [Vec<String>; 2]> = BTreeMap::new();
    for one in moves {
        let [from, to] = topics.entry(&one.name.0).or_default();
        from.extend(one.from.iter().map(|id| format!("{}:{id}", one.name.1)));
        to.extend(one.added().map(|id| format!("{}:{id}", one.name.1)));
    }
    let rate = rate.to_string();
    let rates = RATES.map(|key| (key, Some(rate.clone())));
    let at_brokers = brokers.iter().map(|id| resource(BROKER, &id.to_string(), rates.clone()));
    let at_topics = topics.iter().map(|(name, lists)| {
        let values = [(REPLICAS[0], Some(lists[0].join(","))), (REPLICAS[1], Some(lists[1].join(",")))];
        resource(TOPIC, name, values)
    });
    alter(client, at_brokers.chain(at_topics).collect())
}

/// Takes the limits away.
pub fn lift(client: &mut Client, brokers: &BTreeSet<i32>, topics: &BTreeSet<String>) -> Result<(), Error> {
    let at_brokers = brokers.iter().map(|id| resource(BROKER, &id.to_string(), RATES.map(|key| (key, None))));
    let at_topics = topics.iter().map(|name| resource(TOPIC, name, REPLICAS.map(|key| (key, None))));
    alter(client, at_brokers.chain(at_topics).collect())
}

fn resource(kind: i8, name: &str, values: [(&str, Option<String>); 2]) -> AlterConfigsResource {
    let configs = values.map(|(key, value)| {
        AlterableConfig::default()
            .with_name(StrBytes::from_string(key.to_owned()))
            .with_config_operation(if value.is_some() { SET } else { DELETE })
            .with_value(value.map(StrBytes::from_string))
    });
    AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(StrBytes::from_string(name.to_owned()))
        .with_configs(configs.into())
}

fn alter(client: &mut Client, resources: Vec<AlterConfigsResource>) -> Result<(), Error> {
    client.retry(|client| {
        // A broker's settings are its own to check, but any broker hands them to the controller.
        let response = client
            .call_any(1, |_| IncrementalAlterConfigsRequest::default().with_resources(resources.clone()))?;
        for answered in response.responses {
            let subject = format!("the limit at {}", answered.resource_name);
            Error::check(subject, answered.error_code, answered.error_message.as_deref())?;
        }
        Ok(())
    })
}
