//! `chronik health`: does a node serve? For health checks where there is no shell and no other program.
//!
//! It asks as a client does. A broker lets clients in once it is registered and has caught up, so an answer that names it
//! among the brokers that are not fenced, and a controller beside it, is the proof.

use anyhow::{Context, Result, bail};
use chronik_wire::messages::{DescribeClusterRequest, DescribeClusterResponse};
use serde_json::json;

use super::Printer;
use super::client::{Address, Client, Error, Options};

/// From version 1 on a controller can be asked, too (KIP-919).
const VERSION_MAX: i16 = 2;
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

#[derive(clap::Args)]
pub struct Arguments {
    /// The node, as host:port
    #[arg(default_value = "localhost:9092", value_name = "ADDRESS")]
    address: Address,
    /// The address is that of a controller listener
    #[arg(long)]
    controller: bool,
    /// The node must be this one
    #[arg(long, value_name = "ID")]
    node: Option<i32>,
    /// How long it may take, in seconds
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

/// Runs `chronik health`.
///
/// # Errors
/// The node does not answer, knows no controller, or is not what was expected.
pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let timeout = std::time::Duration::from_secs(arguments.timeout);
    let mut client = Client::new(Options { bootstrap: vec![arguments.address.clone()], timeout });
    let kind = if arguments.controller { CONTROLLERS } else { BROKERS };
    let answer = client.call_any(VERSION_MAX, |version| {
        let request = DescribeClusterRequest::default();
        if version >= 1 { request.with_endpoint_type(kind) } else { request }
    });
    let answer = answer.with_context(|| format!("{} does not serve", arguments.address))?;
    Error::check("the cluster", answer.error_code, answer.error_message.as_deref())?;
    check(&answer, arguments.node)?;
    let nodes: Vec<i32> = answer.brokers.iter().map(|node| node.broker_id.0).collect();
    let (cluster, controller) = (answer.cluster_id.to_string(), answer.controller_id.0);
    if printer.is_json() {
        let value =
            json!({ "healthy": true, "clusterId": cluster, "controller": controller, "nodes": nodes });
        return printer.document(&value);
    }
    printer.line(format!(
        "{} serves cluster {cluster}: controller {controller}, nodes {nodes:?}",
        arguments.address
    ))
}

fn check(answer: &DescribeClusterResponse, node: Option<i32>) -> Result<()> {
    if answer.controller_id.0 < 0 {
        bail!("the node knows no controller: is a majority of the quorum running?");
    }
    if let Some(node) = node
        && !answer.brokers.iter().any(|known| known.broker_id.0 == node && !known.is_fenced)
    {
        bail!("node {node} is not among those that serve");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chronik_wire::messages::describe_cluster_response::DescribeClusterBroker;
    use chronik_wire::messages::{BrokerId, DescribeClusterResponse};

    use super::check;

    #[test]
    fn a_node_is_healthy_with_a_controller_and_in_its_cluster() {
        let without = DescribeClusterResponse::default().with_controller_id(BrokerId(-1));
        assert!(check(&without, None).unwrap_err().to_string().contains("knows no controller"));
        let broker = |id| DescribeClusterBroker::default().with_broker_id(BrokerId(id));
        let answer = DescribeClusterResponse::default()
            .with_controller_id(BrokerId(1))
            .with_brokers(vec![broker(1), broker(2).with_is_fenced(true)]);
        assert!(check(&answer, None).is_ok() && check(&answer, Some(1)).is_ok());
        assert!(check(&answer, Some(2)).is_err() && check(&answer, Some(3)).is_err());
    }
}
