//! `chronik cluster status`: nodes with their roles, the quorum, partitions, and what is wrong with them.

use std::collections::BTreeMap;

use anyhow::Result;
use chronik_types::{Millis, NodeId, uuid_to_text};
use chronik_wire::messages::DescribeClusterRequest;
use serde_json::{Value, json};

use super::quorum::{Member, Quorum, describe};
use crate::cli::client::{Address, Client, Error, Partition, Topic};
use crate::cli::connect::Connect;
use crate::cli::{Printer, time};

const CLUSTER_VERSION_MAX: i16 = 2;
/// From this version on fenced brokers can be asked for (KIP-1073).
const WITH_FENCED: i16 = 2;

#[derive(clap::Args)]
pub struct Arguments {
    /// List every partition, not only those with something wrong
    #[arg(long, short)]
    partitions: bool,
    #[command(flatten)]
    connect: Connect,
}

/// A broker, and whether it lives.
pub struct Broker {
    pub address: Address,
    pub rack: Option<String>,
    pub fenced: bool,
}

struct Status {
    cluster: String,
    brokers: BTreeMap<NodeId, Broker>,
    quorum: Quorum,
    topics: Vec<Topic>,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.connect.client();
    let (cluster, brokers) = client.retry(brokers)?;
    let quorum = describe(&mut client)?;
    let topics = client.retry(|client| client.metadata(None, false))?.topics;
    let status = Status { cluster, brokers, quorum, topics };
    if printer.is_json() {
        printer.document(&status.json())
    } else {
        status.print(printer, arguments.partitions)
    }
}

/// The cluster's id and its brokers, fenced ones too.
pub fn brokers(client: &mut Client) -> Result<(String, BTreeMap<NodeId, Broker>), Error> {
    let response = client.call_any(CLUSTER_VERSION_MAX, |version| {
        let request = DescribeClusterRequest::default();
        if version >= WITH_FENCED { request.with_include_fenced_brokers(true) } else { request }
    })?;
    Error::check("the cluster", response.error_code, response.error_message.as_deref())?;
    let brokers = response.brokers.into_iter().map(|broker| {
        let port = u16::try_from(broker.port).unwrap_or(0);
        let address = Address { host: broker.host.to_string(), port };
        let rack = broker.rack.map(|rack| rack.to_string());
        (NodeId(broker.broker_id.0), Broker { address, rack, fenced: broker.is_fenced })
    });
    Ok((response.cluster_id.to_string(), brokers.collect()))
}

/// What is wrong with a partition; nothing, if all its replicas are in sync.
fn trouble(partition: &Partition) -> Option<&'static str> {
    match partition.leader {
        None => Some("no leader"),
        Some(_) if partition.isr.len() < partition.replicas.len() => Some("under-replicated"),
        Some(_) => None,
    }
}

impl Status {
    fn partitions(&self) -> impl Iterator<Item = (&Topic, &Partition)> {
        self.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)))
    }

    fn count(&self, what: &str) -> usize {
        self.partitions().filter(|(_, partition)| trouble(partition) == Some(what)).count()
    }

    fn members(&self) -> impl Iterator<Item = (&'static str, &Member)> {
        let voters = self.quorum.voters.iter();
        let voters =
            voters.map(|voter| (if voter.id == self.quorum.leader { "leader" } else { "follower" }, voter));
        voters.chain(self.quorum.observers.iter().map(|member| ("observer", member)))
    }

    fn print(&self, printer: &mut Printer, all: bool) -> Result<()> {
        let Quorum { leader, epoch, high_watermark, .. } = &self.quorum;
        printer.line(format!("cluster     {}", self.cluster))?;
        printer
            .line(format!("controller  {leader}, epoch {epoch}, metadata committed to {high_watermark}"))?;
        printer.line(format!(
            "partitions  {} of {} topics; {} without a leader, {} under-replicated",
            self.partitions().count(),
            self.topics.len(),
            self.count("no leader"),
            self.count("under-replicated"),
        ))?;
        printer.line("")?;
        let headings =
            ["NODE", "BROKER", "ADDRESS", "RACK", "QUORUM", "LOG END", "LAG", "CAUGHT UP", "DIRECTORY"];
        printer.table(&headings, self.node_rows())?;
        let shown: Vec<_> =
            self.partitions().filter(|(_, partition)| all || trouble(partition).is_some()).collect();
        if shown.is_empty() {
            return Ok(());
        }
        printer.line("")?;
        let headings = ["PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "OFFLINE", "STATE"];
        let rows = shown.into_iter().map(|(topic, partition)| partition_row(topic, partition));
        printer.table(&headings, rows.collect())
    }

    fn node_rows(&self) -> Vec<Vec<String>> {
        let row = |id: NodeId, member: Option<(&str, &Member)>| {
            let broker = self.brokers.get(&id);
            let dash = || "-".to_owned();
            vec![
                id.to_string(),
                broker.map_or_else(dash, |broker| if broker.fenced { "fenced" } else { "active" }.into()),
                broker.map_or_else(dash, |broker| broker.address.to_string()),
                broker.and_then(|broker| broker.rack.clone()).unwrap_or_else(dash),
                member.map_or_else(dash, |(role, _)| role.to_owned()),
                member.map_or_else(dash, |(_, member)| member.log_end.to_string()),
                member.map_or_else(dash, |(_, member)| self.quorum.lag(member).to_string()),
                member.map_or_else(dash, |(_, member)| time::format(Millis(member.last_caught_up))),
                member.map_or_else(dash, |(_, member)| uuid_to_text(member.directory)),
            ]
        };
        let mut rows: Vec<(NodeId, Vec<String>)> =
            self.members().map(|(role, member)| (member.id, row(member.id, Some((role, member))))).collect();
        let alone = self.brokers.keys().filter(|id| self.members().all(|(_, member)| member.id != **id));
        rows.extend(alone.map(|id| (*id, row(*id, None))));
        rows.sort_by_key(|(id, _)| *id);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn json(&self) -> Value {
        let brokers = self.brokers.iter().map(|(id, broker)| {
            json!({
                "id": id.0,
                "address": broker.address.to_string(),
                "rack": broker.rack,
                "fenced": broker.fenced,
            })
        });
        let members = self.members().map(|(role, member)| {
            let listeners = member.listeners.iter().map(|(name, at)| format!("{name}://{at}"));
            json!({
                "id": member.id.0,
                "directoryId": uuid_to_text(member.directory),
                "role": role,
                "logEndOffset": member.log_end,
                "lag": self.quorum.lag(member),
                "lastFetchTimestamp": member.last_fetch,
                "lastCaughtUpTimestamp": member.last_caught_up,
                "listeners": listeners.collect::<Vec<_>>(),
            })
        });
        let partitions = self.partitions().map(|(topic, partition)| {
            json!({
                "topic": topic.name,
                "partition": partition.index,
                "leader": partition.leader.map(|leader| leader.0),
                "leaderEpoch": partition.leader_epoch,
                "replicas": partition.replicas,
                "isr": partition.isr,
                "offline": partition.offline,
                "underReplicated": partition.isr.len() < partition.replicas.len(),
            })
        });
        json!({
            "clusterId": self.cluster,
            "brokers": brokers.collect::<Vec<_>>(),
            "quorum": {
                "leader": self.quorum.leader.0,
                "epoch": self.quorum.epoch,
                "highWatermark": self.quorum.high_watermark,
                "members": members.collect::<Vec<_>>(),
            },
            "partitions": partitions.collect::<Vec<_>>(),
            "withoutLeader": self.count("no leader"),
            "underReplicated": self.partitions().filter(|(_, p)| p.isr.len() < p.replicas.len()).count(),
        })
    }
}

fn partition_row(topic: &Topic, partition: &Partition) -> Vec<String> {
    let ids = |ids: &[i32]| {
        if ids.is_empty() {
            "-".to_owned()
        } else {
            ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        }
    };
    vec![
        format!("{}-{}", topic.name, partition.index),
        partition.leader.map_or("none".into(), |leader| leader.to_string()),
        partition.leader_epoch.to_string(),
        ids(&partition.replicas),
        ids(&partition.isr),
        ids(&partition.offline),
        trouble(partition).unwrap_or("ok").to_owned(),
    ]
}
