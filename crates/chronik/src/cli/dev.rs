//! `chronik dev`: a cluster of up to nine nodes in one process, from nothing, in about a second.
//!
//! Every node is broker and controller, and listens on the loopback. The data lies in a temporary directory that is removed
//! at the end, or where `--data-dir` says; there a cluster is found again by the next run. The environment is not looked
//! at: what is not given here is the same on every machine.

use std::io::IsTerminal;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use chronik_broker::Node;
use chronik_broker::storage::new_id;
use chronik_state::config::{BrokerConfig, Layers, NetworkConfig, Nothing};
use chronik_types::uuid_to_text;
use serde_json::json;

use super::Printer;
use super::print::Output;
use super::start::begin_log;
use crate::config;
use crate::server::{self, Held, Launch, hold};

/// Where the search for free ports begins.
const PORT: u16 = 9092;
/// How many ports are tried.
const PORTS_TRIED: u16 = 1000;
/// Kafka's replication factor for topics that matter.
const REPLICAS: u16 = 3;
/// Nodes of one process are all there at once: nothing is gained by a longer wait for somebody who leads already.
const ELECTION_MS: u16 = 100;
/// What this command decides itself.
const DECIDED: &[&str] = &[
    "node.id",
    "broker.id",
    "process.roles",
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "inter.broker.listener.name",
    "controller.listener.names",
    "controller.quorum.voters",
    "controller.quorum.bootstrap.servers",
    "cluster.id",
    "log.dir",
    "log.dirs",
    "metadata.log.dir",
    "chronik.http.listener",
];

#[derive(clap::Args)]
pub struct Arguments {
    /// How many nodes
    #[arg(long, short, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=9))]
    nodes: u16,
    /// Port of the first node, the others follow; 0 lets the system choose [default: the first free ones from 9092]
    #[arg(long, short)]
    port: Option<u16>,
    /// Keep the data here, and go on with what is there [default: a temporary directory, removed at the end]
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
    /// A key of server.properties and its value, for every node; may be given more than once
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// What is logged, on stderr: error, warn, info, debug or trace, or by part such as info,chronik_broker=debug
    #[arg(long, default_value = "info", env = "CHRONIK_LOG", value_name = "FILTER")]
    log: String,
}

/// Where the cluster is, for whoever starts it.
struct Place {
    root: PathBuf,
    is_temporary: bool,
    /// Ports of the brokers' and the controllers' listeners, by node.
    ports: Vec<(u16, u16)>,
    began: Instant,
}

/// Runs `chronik dev`. Returns when all nodes have stopped.
pub fn run(arguments: &Arguments, output: Output) -> Result<()> {
    let began = Instant::now();
    begin_log(&arguments.log, std::io::stderr, std::io::stderr().is_terminal())?;
    refuse_decided(&arguments.set)?;
    let temporary = match arguments.data_dir {
        Some(_) => None,
        None => {
            let made = tempfile::Builder::new().prefix("chronik-dev-").tempdir();
            Some(made.context("make a temporary directory: name another with --data-dir")?)
        }
    };
    let root = match (&arguments.data_dir, &temporary) {
        (Some(root), _) => root.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => unreachable!("one of them is there"),
    };
    let cluster_id = new_cluster_id(&root, arguments.nodes)?;
    let mut held = Vec::new();
    let ports = hold_ports(arguments, &mut held)?;
    let mut launches = Vec::new();
    for (at, held) in held.into_iter().enumerate() {
        let settings = settings(arguments, &root, &ports, at, cluster_id.as_deref());
        let loaded = config::load_settings(settings)?;
        loaded.node.check_built()?;
        if at == 0 {
            loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        }
        let span = tracing::info_span!("node", id = at + 1);
        launches.push(Launch { config: loaded.node, file: loaded.file, held, span });
    }
    let place = Place { root, is_temporary: temporary.is_some(), ports, began };
    server::run_several(launches, |nodes| announce(&place, nodes, output))?;
    if let Some(temporary) = temporary {
        let path = temporary.path().to_owned();
        temporary.close().with_context(|| format!("remove {}", path.display()))?;
    }
    Ok(())
}

fn refuse_decided(settings: &[String]) -> Result<()> {
    for setting in settings {
        let key = setting.split('=').next().unwrap_or_default().trim();
        if DECIDED.contains(&key) {
            bail!(
                "--set {key}: `chronik dev` decides this itself; use `chronik start` for nodes of your own"
            );
        }
    }
    Ok(())
}

fn node_dir(root: &Path, at: usize) -> PathBuf {
    root.join(format!("node-{}", at + 1))
}

/// The id of a cluster that is to be made; `None` if there is one already.
fn new_cluster_id(root: &Path, nodes: u16) -> Result<Option<String>> {
    let formatted = |at: usize| node_dir(root, at).join("meta.properties").exists();
    let known = (0..9).filter(|at| formatted(*at)).count();
    match known {
        0 => Ok(Some(uuid_to_text(new_id(&mut rand::random)))),
        known if known == usize::from(nodes) && formatted(known - 1) => Ok(None),
        known => bail!(
            "{} holds a cluster of {known} node(s): go on with --nodes {known}, or choose another --data-dir",
            root.display()
        ),
    }
}

/// Holds a port for each listener: of the brokers as asked for, of the controllers as the system likes.
fn hold_ports(arguments: &Arguments, held: &mut Vec<Held>) -> Result<Vec<(u16, u16)>> {
    let layers = Layers { broker: &Nothing, cluster: &Nothing, file: &Nothing };
    let network = BrokerConfig::resolve(&layers).network;
    let mut next = match arguments.port {
        None => PORT..PORT.saturating_add(PORTS_TRIED),
        Some(0) => 0..0,
        Some(first) => first..first.saturating_add(arguments.nodes),
    };
    let mut ports = Vec::new();
    for _ in 0..arguments.nodes {
        let broker = match arguments.port {
            Some(0) => hold(0, &network)?,
            None => first_free(&mut next, &network)?,
            Some(_) => {
                let port = next.next().context("--port: there are not so many ports")?;
                hold(port, &network).with_context(|| {
                    format!(
                        "listen on localhost:{port}: is a broker running there? Leave out --port to take free ports"
                    )
                })?
            }
        };
        let controller = hold(0, &network).context("find a free port")?;
        let both = (broker.local_addr()?.port(), controller.local_addr()?.port());
        ports.push(both);
        held.push(Held::from([(both.0, broker), (both.1, controller)]));
    }
    Ok(ports)
}

fn first_free(ports: &mut Range<u16>, network: &NetworkConfig) -> Result<std::net::TcpListener> {
    let mut last = None;
    for port in ports {
        match hold(port, network) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    Err(last
        .context("no port is left")?
        .context(format!("no port from {PORT} on is free: choose with --port")))
}

/// The configuration of one node. What the user sets comes last, and wins.
fn settings(
    arguments: &Arguments,
    root: &Path,
    ports: &[(u16, u16)],
    at: usize,
    cluster_id: Option<&str>,
) -> Vec<String> {
    let voters: Vec<String> =
        ports.iter().enumerate().map(|(at, (_, port))| format!("{}@localhost:{port}", at + 1)).collect();
    let replicas = arguments.nodes.min(REPLICAS);
    let (broker, controller) = ports[at];
    let mut settings = vec![
        format!("node.id={}", at + 1),
        "process.roles=broker,controller".to_owned(),
        format!("listeners=PLAINTEXT://localhost:{broker},CONTROLLER://localhost:{controller}"),
        "controller.listener.names=CONTROLLER".to_owned(),
        format!("controller.quorum.voters={}", voters.join(",")),
        format!("log.dirs={}", node_dir(root, at).display()),
        format!("controller.quorum.election.timeout.ms={ELECTION_MS}"),
        format!("controller.quorum.election.backoff.max.ms={ELECTION_MS}"),
        format!("default.replication.factor={replicas}"),
        format!("offsets.topic.replication.factor={replicas}"),
        format!("transaction.state.log.replication.factor={replicas}"),
        format!("transaction.state.log.min.isr={}", replicas.min(2)),
        format!("share.coordinator.state.topic.replication.factor={replicas}"),
        format!("share.coordinator.state.topic.min.isr={}", replicas.min(2)),
    ];
    settings.extend(cluster_id.map(|id| format!("cluster.id={id}")));
    settings.extend(arguments.set.iter().cloned());
    settings
}

/// Tells where the cluster is.
fn announce(place: &Place, nodes: &[Arc<Node>], output: Output) -> Result<()> {
    let brokers: Vec<String> = place.ports.iter().map(|(port, _)| format!("localhost:{port}")).collect();
    let bootstrap = brokers.join(",");
    let millis = place.began.elapsed().as_millis() as u64;
    let mut printer = Printer::stdout(output);
    if printer.is_json() {
        let each = place.ports.iter().enumerate().map(|(at, (broker, controller))| {
            json!({
                "id": at + 1,
                "broker": format!("localhost:{broker}"),
                "controller": format!("localhost:{controller}"),
                "dataDir": node_dir(&place.root, at),
            })
        });
        printer.item(&json!({
            "bootstrapServers": bootstrap,
            "clusterId": nodes.first().map(|node| node.cluster_id().to_string()),
            "nodes": each.collect::<Vec<_>>(),
            "dataDir": place.root,
            "temporary": place.is_temporary,
            "millis": millis,
        }))?;
    } else {
        let kept = if place.is_temporary { "removed at the end" } else { "kept" };
        printer.line(format!("{} node(s) ready after {millis} ms; Ctrl-C stops them", nodes.len()))?;
        printer.line(format!("data in {}, {kept}", place.root.display()))?;
        printer.line(format!("bootstrap servers: {bootstrap}"))?;
    }
    printer.flush()
}
