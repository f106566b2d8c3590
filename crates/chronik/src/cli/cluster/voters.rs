//! `chronik cluster add-voter` and `remove-voter`: who votes in the quorum (KIP-853).
//!
//! A voter is a node and the directory of its log. Where the directory is not named, it is the one that the quorum sees
//! the node with.

use anyhow::{Context, Result, bail};
use chronik_types::{NodeId, uuid_from_text, uuid_to_text};
use chronik_wire::StrBytes;
use chronik_wire::messages::add_raft_voter_request::Listener;
use chronik_wire::messages::{AddRaftVoterRequest, RemoveRaftVoterRequest};
use serde_json::json;
use uuid::Uuid;

use super::quorum::{Member, Quorum, describe};
use crate::cli::Printer;
use crate::cli::client::{Address, Client, Error};
use crate::cli::connect::Connect;

const VERSION_MAX: i16 = 0;

#[derive(clap::Args)]
pub struct Add {
    /// Id of the node, which must run already and observe the quorum
    node: i32,
    /// Where it listens for the quorum, as host:port
    #[arg(long, short)]
    address: Address,
    /// Id of the directory of its metadata log [default: the one it observes with]
    #[arg(long, short, value_name = "ID", value_parser = directory)]
    directory_id: Option<Uuid>,
    /// Name of its controller listener [default: that of the leader]
    #[arg(long, value_name = "NAME")]
    listener: Option<String>,
    #[command(flatten)]
    connect: Connect,
}

#[derive(clap::Args)]
pub struct Remove {
    /// Id of the node
    node: i32,
    /// Id of the directory of its metadata log [default: the one it votes with]
    #[arg(long, short, value_name = "ID", value_parser = directory)]
    directory_id: Option<Uuid>,
    #[command(flatten)]
    connect: Connect,
}

fn directory(text: &str) -> Result<Uuid, String> {
    uuid_from_text(text)
        .ok_or_else(|| "a directory's id has 22 characters; see its meta.properties".to_owned())
}

pub fn add(arguments: &Add, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let quorum = describe(&mut client)?;
    let id = NodeId(arguments.node);
    let directory = match arguments.directory_id {
        Some(directory) => directory,
        None if quorum.voters.iter().any(|voter| voter.id == id) => bail!("node {id} is a voter already"),
        None => seen(&quorum.observers, id).with_context(|| {
            format!("node {id} does not observe the quorum: start it first, or name its --directory-id")
        })?,
    };
    let listener = arguments.listener.clone().or_else(|| leaders_listener(&quorum));
    let listener = listener.context("the quorum does not tell its listeners: name one with --listener")?;
    let timeout_ms = i32::try_from(arguments.connect.options().timeout.as_millis()).unwrap_or(i32::MAX);
    let response = client.retry(|client| {
        let response = client.call_any(VERSION_MAX, |_| {
            let listener = Listener::default()
                .with_name(StrBytes::from_string(listener.clone()))
                .with_host(StrBytes::from_string(arguments.address.host.clone()))
                .with_port(arguments.address.port);
            AddRaftVoterRequest::default()
                .with_cluster_id(None)
                .with_timeout_ms(timeout_ms)
                .with_voter_id(id.0)
                .with_voter_directory_id(directory)
                .with_listeners(vec![listener])
        })?;
        let subject = format!("add voter {id}");
        Error::check(subject, response.error_code, response.error_message.as_deref())
    });
    response?;
    report(&mut client, printer, id, directory, "added")
}

pub fn remove(arguments: &Remove, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let quorum = describe(&mut client)?;
    let id = NodeId(arguments.node);
    let directory = match arguments.directory_id {
        Some(directory) => directory,
        None => seen(&quorum.voters, id).with_context(|| format!("node {id} is no voter"))?,
    };
    let response = client.retry(|client| {
        let response = client.call_any(VERSION_MAX, |_| {
            RemoveRaftVoterRequest::default()
                .with_cluster_id(None)
                .with_voter_id(id.0)
                .with_voter_directory_id(directory)
        })?;
        let subject = format!("remove voter {id}");
        Error::check(subject, response.error_code, response.error_message.as_deref())
    });
    response?;
    report(&mut client, printer, id, directory, "removed")
}

fn seen(members: &[Member], id: NodeId) -> Option<Uuid> {
    let mut found = members.iter().filter(|member| member.id == id);
    found.next().map(|member| member.directory)
}

fn leaders_listener(quorum: &Quorum) -> Option<String> {
    let leader = quorum.voters.iter().find(|voter| voter.id == quorum.leader)?;
    leader.listeners.first().map(|(name, _)| name.clone())
}

fn report(client: &mut Client, printer: &mut Printer, id: NodeId, directory: Uuid, what: &str) -> Result<()> {
    let voters: Vec<i32> = describe(client)?.voters.iter().map(|voter| voter.id.0).collect();
    let directory = uuid_to_text(directory);
    if printer.is_json() {
        return printer
            .document(&json!({ what: { "id": id.0, "directoryId": directory }, "voters": voters }));
    }
    printer.line(format!("{what} voter {id} with directory {directory}; voters are {voters:?}"))
}
