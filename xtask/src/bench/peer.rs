//! The brokers that are compared, each as a process with an empty directory of its own, or as a cluster of such.
//!
//! Every peer exists in two forms: `page` acknowledges what is in the page cache, the other what is on disk.
//! Chronik's default is the durable form, Kafka's is the page cache; the floor has both.

use std::fmt::Write;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use serde::Serialize;

use super::client::Client;
use super::prepare::Tools;
use super::proc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// Chronik as it comes: an ack means on disk
    Chronik,
    /// Chronik with Kafka's setting: an ack means in the page cache
    ChronikPage,
    /// Apache Kafka as it comes: an ack means in the page cache
    Kafka,
    /// Apache Kafka with flush.messages=1: an ack means on disk
    KafkaSync,
    /// The least work, page cache
    FloorPage,
    /// The least work, on disk
    FloorSync,
}

impl Peer {
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned())
    }

    /// What an acks=all answer promises; with several nodes, of every replica in sync.
    pub fn ack_means(self) -> &'static str {
        match self {
            Self::Chronik | Self::KafkaSync | Self::FloorSync => "on disk (fdatasync)",
            Self::ChronikPage | Self::Kafka | Self::FloorPage => "in the page cache",
        }
    }

    /// The floor with the same promise.
    pub fn floor(self) -> Self {
        match self {
            Self::Chronik | Self::KafkaSync | Self::FloorSync => Self::FloorSync,
            Self::ChronikPage | Self::Kafka | Self::FloorPage => Self::FloorPage,
        }
    }

    pub fn is_floor(self) -> bool {
        matches!(self, Self::FloorPage | Self::FloorSync)
    }

    fn is_kafka(self) -> bool {
        matches!(self, Self::Kafka | Self::KafkaSync)
    }
}

/// A started broker, or a cluster of them; dropping it kills all of it and removes its data.
pub struct Running {
    pub peer: Peer,
    /// From the start of the processes to the first answer to ApiVersions of the last one.
    pub to_api_versions: Duration,
    /// From the start of the processes to the first acknowledged record (acks=all) of a new topic.
    pub to_first_ack: Duration,
    nodes: Vec<Node>,
    directory: PathBuf,
}

struct Node {
    port: u16,
    controller: u16,
    child: Option<Child>,
}

const READY_MAX: Duration = Duration::from_secs(90);
const CLUSTER_ID: &str = "AAAAAAAAQACAAAAAAAAAAQ";

/// Starts the peer in empty folders and times it. Its topics have a replica on each of the `nodes`.
pub fn start(peer: Peer, tools: &Tools, home: &Path, nodes: usize) -> Result<Running> {
    let directory = home.join(peer.name());
    let _ = fs::remove_dir_all(&directory);
    let ports = free_ports(2 * nodes)?;
    let nodes = ports.chunks(2).map(|two| Node { port: two[0], controller: two[1], child: None }).collect();
    let mut running =
        Running { peer, to_api_versions: Duration::ZERO, to_first_ack: Duration::ZERO, nodes, directory };
    let commands = (0..running.nodes.len()).map(|at| running.command(tools, at));
    let commands = commands.collect::<Result<Vec<_>>>()?;
    let begin = Instant::now();
    for (at, mut command) in commands.into_iter().enumerate() {
        let log = fs::File::create(home.join(format!("{}-{}.log", peer.name(), at + 1)))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("start {}", peer.name()))?;
        running.nodes[at].child = Some(child);
    }
    running.to_api_versions = running.poll(begin, "answer ApiVersions", |running| {
        running.nodes.iter().try_for_each(|node| Client::connect(node.port)?.api_versions())
    })?;
    running.poll(begin, "create a topic", |running| running.create_topic("first", 1))?;
    running.to_first_ack = running.poll(begin, "acknowledge a record", |running| {
        let acked = |node: &Node| Client::connect(node.port)?.produce_one("first");
        let answers = running.nodes.iter().map(acked).collect::<Result<Vec<_>>>()?;
        ensure!(answers.contains(&0), "errors {answers:?}");
        Ok(())
    })?;
    Ok(running)
}

impl Running {
    /// Tries until it works; returns the time since `begin`.
    fn poll(
        &mut self,
        begin: Instant,
        what: &str,
        mut attempt: impl FnMut(&Running) -> Result<()>,
    ) -> Result<Duration> {
        loop {
            let Err(error) = attempt(self) else { return Ok(begin.elapsed()) };
            for child in self.nodes.iter_mut().filter_map(|node| node.child.as_mut()) {
                if let Some(status) = child.try_wait()? {
                    bail!(
                        "{} ended with {status}; see its log beside its folder {}",
                        self.peer.name(),
                        self.directory.display()
                    );
                }
            }
            ensure!(begin.elapsed() < READY_MAX, "{} did not {what}: {error}", self.peer.name());
            // Between two looks, so that the look itself does not take the processor from who starts.
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    /// Where clients begin.
    pub fn bootstrap(&self) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        hosts.join(",")
    }

    fn pids(&self) -> impl Iterator<Item = u32> {
        self.nodes.iter().filter_map(|node| node.child.as_ref()).map(Child::id)
    }

    /// CPU seconds of all processes.
    pub fn cpu_seconds(&self) -> f64 {
        self.pids().map(proc::cpu_seconds).sum()
    }

    /// Memory of all processes, now (`VmRSS`) or at the peak of each (`VmHWM`).
    pub fn memory_mib(&self, key: &str) -> f64 {
        self.pids().map(|pid| proc::memory_mib(pid, key)).sum()
    }

    pub fn reset_memory_peak(&self) {
        self.pids().for_each(proc::reset_memory_peak);
    }

    /// A connection to the first node.
    pub fn client(&self) -> Result<Client> {
        Client::connect(self.nodes.first().context("a node")?.port)
    }

    /// Creates a topic with a replica on every node, and waits until every node knows its leaders.
    pub fn create_topic(&self, topic: &str, partitions: i32) -> Result<()> {
        self.client()?.create_topic(topic, partitions, i16::try_from(self.nodes.len())?)?;
        let begin = Instant::now();
        for node in &self.nodes {
            let mut client = Client::connect(node.port)?;
            while !client.has_leaders(topic, partitions)? {
                ensure!(begin.elapsed() < Duration::from_secs(30), "{topic} got no leaders");
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        Ok(())
    }

    /// The latest offsets of the topic's partitions, each as its leader says, added up.
    pub fn records(&self, topic: &str, partitions: i32) -> Result<i64> {
        let answers = self.nodes.iter().map(|node| Client::connect(node.port)?.latest(topic, partitions));
        let answers = answers.collect::<Result<Vec<_>>>()?;
        let said = |partition: usize| answers.iter().find_map(|answer| answer[partition].ok());
        let offsets = (0..usize::try_from(partitions)?)
            .map(|partition| said(partition).with_context(|| format!("nobody leads {topic}-{partition}")));
        offsets.sum()
    }

    /// How the node is started, after what must be there before.
    fn command(&self, tools: &Tools, at: usize) -> Result<Command> {
        let directory = self.directory.join((at + 1).to_string());
        fs::create_dir_all(&directory)?;
        let mut command;
        if self.peer.is_floor() {
            command = tied(&tools.floor);
            let port = self.nodes[at].port.to_string();
            command.args(["floor", "--port", &port, "--directory"]).arg(&directory);
            if self.peer == Peer::FloorSync {
                command.arg("--sync");
            }
            command.current_dir(directory);
            return Ok(command);
        }
        let config = directory.join("server.properties");
        fs::write(&config, self.properties(at, &directory))?;
        if self.peer.is_kafka() {
            format_kafka(tools, &config)?;
            command = tied(&tools.kafka.join("bin/kafka-server-start.sh"));
            // Kafka's own start script gives it these.
            command.env("KAFKA_HEAP_OPTS", "-Xms1G -Xmx1G").env(
                "KAFKA_JVM_PERFORMANCE_OPTS",
                "-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true",
            );
            command.arg(&config);
        } else {
            command = tied(&tools.chronik);
            command.arg("start").arg("--config").arg(&config);
        }
        command.current_dir(directory);
        Ok(command)
    }

    fn properties(&self, at: usize, directory: &Path) -> String {
        let Node { port, controller, .. } = self.nodes[at];
        let voters = self.nodes.iter().enumerate();
        let voters = voters.map(|(at, node)| format!("{}@127.0.0.1:{}", at + 1, node.controller));
        let voters = voters.collect::<Vec<_>>().join(",");
        let mut text = format!(
            "process.roles=broker,controller\nnode.id={}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}\ncontroller.listener.names=CONTROLLER\n\
             controller.quorum.voters={voters}\nlog.dirs={}/data\n\
             offsets.topic.replication.factor=1\nmin.insync.replicas={}\n",
            at + 1,
            directory.display(),
            self.nodes.len().min(2),
        );
        if !self.peer.is_kafka() {
            let _ = writeln!(text, "cluster.id={CLUSTER_ID}\nchronik.http.listener=");
        }
        match self.peer {
            Peer::ChronikPage => text.push_str("log.flush.interval.messages=9223372036854775807\n"),
            Peer::KafkaSync => text.push_str("log.flush.interval.messages=1\n"),
            _ => {}
        }
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing can be done about a process or folder that will not go.
        for child in self.nodes.iter_mut().filter_map(|node| node.child.as_mut()) {
            let _ = child.kill();
        }
        for child in self.nodes.iter_mut().filter_map(|node| node.child.as_mut()) {
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Ports that nobody listens on now, all different.
fn free_ports(count: usize) -> Result<Vec<u16>> {
    let bound = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<std::io::Result<Vec<_>>>()?;
    Ok(bound.iter().map(|one| Ok(one.local_addr()?.port())).collect::<std::io::Result<_>>()?)
}

/// The program through `setpriv`, so that the kernel kills it if this process dies.
fn tied(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

fn format_kafka(tools: &Tools, config: &Path) -> Result<()> {
    let storage = tools.kafka.join("bin/kafka-storage.sh");
    let out = Command::new(&storage).args(["format", "-t", CLUSTER_ID, "-c"]).arg(config).output()?;
    ensure!(out.status.success(), "kafka-storage.sh format: {}", String::from_utf8_lossy(&out.stderr));
    Ok(())
}
