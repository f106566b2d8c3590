//! The brokers that are compared, each as a process with an empty directory of its own.
//!
//! Every peer exists in two forms: `page` acknowledges what is in the page cache, the other what is on disk.
//! Chronik's default is the durable form, Kafka's is the page cache; the floor has both.

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

    /// What an acks=all answer promises.
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

    fn is_floor(self) -> bool {
        matches!(self, Self::FloorPage | Self::FloorSync)
    }

    fn is_kafka(self) -> bool {
        matches!(self, Self::Kafka | Self::KafkaSync)
    }
}

/// A started broker; dropping it kills it and removes its data.
pub struct Running {
    pub peer: Peer,
    pub port: u16,
    pub pid: u32,
    /// From the start of the process to the first answer to ApiVersions.
    pub to_api_versions: Duration,
    /// From the start of the process to the first acknowledged record (acks=all) of a new topic.
    pub to_first_ack: Duration,
    child: Child,
    directory: PathBuf,
}

const READY_MAX: Duration = Duration::from_secs(90);

/// Starts the peer in an empty folder and times it.
pub fn start(peer: Peer, tools: &Tools, home: &Path) -> Result<Running> {
    let directory = home.join(peer.name());
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory)?;
    let port = free_port()?;
    let mut command = command(peer, tools, &directory, port)?;
    let log = fs::File::create(home.join(format!("{}.log", peer.name())))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).current_dir(&directory);
    let begin = Instant::now();
    let child = command.spawn().with_context(|| format!("start {}", peer.name()))?;
    let pid = child.id();
    let mut running = Running {
        peer,
        port,
        pid,
        to_api_versions: Duration::ZERO,
        to_first_ack: Duration::ZERO,
        child,
        directory,
    };
    running.to_api_versions =
        running.poll(begin, "answer ApiVersions", |port| Client::connect(port)?.api_versions())?;
    let mut client = Client::connect(port)?;
    client.create_topic("first", 1)?;
    running.to_first_ack = running.poll(begin, "acknowledge a record", |_| {
        let error = client.produce_one("first")?;
        ensure!(error == 0, "error {error}");
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
        mut attempt: impl FnMut(u16) -> Result<()>,
    ) -> Result<Duration> {
        loop {
            let Err(error) = attempt(self.port) else { return Ok(begin.elapsed()) };
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "{} ended with {status}; see its log beside its folder {}",
                    self.peer.name(),
                    self.directory.display()
                );
            }
            ensure!(begin.elapsed() < READY_MAX, "{} did not {what}: {error}", self.peer.name());
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    /// Creates a topic and waits for its leaders.
    pub fn create_topic(&self, topic: &str, partitions: i32) -> Result<()> {
        let mut client = Client::connect(self.port)?;
        client.create_topic(topic, partitions)?;
        let begin = Instant::now();
        while !client.has_leaders(topic, partitions)? {
            ensure!(begin.elapsed() < Duration::from_secs(30), "{topic} got no leaders");
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    pub fn records(&self, topic: &str, partitions: i32) -> Result<i64> {
        Client::connect(self.port)?.records(topic, partitions)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing can be done about a process or folder that will not go.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn command(peer: Peer, tools: &Tools, directory: &Path, port: u16) -> Result<Command> {
    let mut command;
    if peer.is_floor() {
        command = tied(&tools.floor);
        command.args(["floor", "--port", &port.to_string(), "--directory"]).arg(directory);
        if peer == Peer::FloorSync {
            command.arg("--sync");
        }
        return Ok(command);
    }
    let config = directory.join("server.properties");
    fs::write(&config, properties(peer, directory, port, free_port()?))?;
    if peer.is_kafka() {
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
    Ok(command)
}

/// The program through `setpriv`, so that the kernel kills it if this process dies.
fn tied(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

fn properties(peer: Peer, directory: &Path, port: u16, controller: u16) -> String {
    let mut text = format!(
        "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\ncontroller.listener.names=CONTROLLER\n\
         controller.quorum.bootstrap.servers=127.0.0.1:{controller}\nlog.dirs={}/data\noffsets.topic.replication.factor=1\n",
        directory.display()
    );
    match peer {
        Peer::ChronikPage => text.push_str("log.flush.interval.messages=9223372036854775807\n"),
        Peer::KafkaSync => text.push_str("log.flush.interval.messages=1\n"),
        _ => {}
    }
    text
}

fn format_kafka(tools: &Tools, config: &Path) -> Result<()> {
    let storage = tools.kafka.join("bin/kafka-storage.sh");
    let id = Command::new(&storage).arg("random-uuid").output().context("run kafka-storage.sh")?;
    let id = String::from_utf8_lossy(&id.stdout).trim().to_owned();
    let out =
        Command::new(&storage).args(["format", "--standalone", "-t", &id, "-c"]).arg(config).output()?;
    ensure!(out.status.success(), "kafka-storage.sh format: {}", String::from_utf8_lossy(&out.stderr));
    Ok(())
}
