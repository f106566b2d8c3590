//! Three real nodes: who decides, who follows, and what the runbook says about it.
//!
//! With `CHRONIK_IDLE_SECONDS` the cluster is left alone for so long, and must not stir (the runbook's promise is about ten
//! minutes); without, it is not.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test; its helpers are for all tests")]

#[allow(dead_code, reason = "this test has nodes of its own kind")]
mod node;

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use node::{chronik, free_ports};
use rustix::process::{Pid, Signal, kill_process};

/// Only a cluster that hangs takes this long.
const PATIENCE: Duration = Duration::from_mins(1);

const INITIALIZING: &str = "This node is Raft leader - initializing partition metadata";
const SKIPPING: &str = "Skipping metadata initialization - this node is a Raft follower";
const ASSIGNED: &str = "Assigned partition __meta-0: replicas=[1, 2, 3], leader=1, ISR=[1, 2, 3]";
const PROPOSED: &str = "Proposed Raft metadata for __meta-0: replicas=[1, 2, 3], leader=1, ISR=[1, 2, 3]";
const FORBIDDEN: &[&str] = &["Failed to propose", "Failed to elect leader", "Cannot propose"];

struct Cluster {
    _dir: tempfile::TempDir,
    root: PathBuf,
    voters: String,
    ports: Vec<u16>,
    nodes: Vec<Option<Child>>,
}

impl Cluster {
    fn new() -> Cluster {
        let dir = tempfile::tempdir().unwrap();
        let ports = free_ports(3);
        let voters: Vec<String> =
            ports.iter().enumerate().map(|(at, port)| format!("{}@localhost:{port}", at + 1)).collect();
        let root = dir.path().to_owned();
        Cluster { _dir: dir, root, voters: voters.join(","), ports, nodes: vec![None, None, None] }
    }

    fn log(&self, id: usize) -> PathBuf {
        self.root.join(format!("{id}.log"))
    }

    fn start(&mut self, id: usize) {
        let log = File::options().create(true).append(true).open(self.log(id)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_chronik"));
        command.arg("start").stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        for setting in self.settings(id) {
            command.args(["--set", &setting]);
        }
        self.nodes[id - 1] = Some(command.spawn().unwrap());
    }

    /// Formats an empty directory: the operator vouches for a voter that has lost its disk.
    fn format(&self, id: usize) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chronik"));
        command.arg("format").stdin(Stdio::null());
        for setting in self.settings(id) {
            command.args(["--set", &setting]);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn settings(&self, id: usize) -> [String; 8] {
        let port = self.ports[id - 1];
        [
            "process.roles=broker,controller".to_owned(),
            "controller.listener.names=CONTROLLER".to_owned(),
            format!("node.id={id}"),
            "cluster.id=AAAAAAAAQACAAAAAAAAAAQ".to_owned(),
            format!("controller.quorum.voters={}", self.voters),
            format!("listeners=PLAINTEXT://localhost:0,CONTROLLER://localhost:{port}"),
            "chronik.http.listener=localhost:0".to_owned(),
            format!("log.dirs={}", self.root.join(format!("data{id}")).display()),
        ]
    }

    fn signal(&mut self, id: usize, signal: Signal) {
        let mut child = self.nodes[id - 1].take().unwrap();
        kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
        child.wait().unwrap();
    }

    fn lines(&self, id: usize) -> Vec<String> {
        let text = fs::read(self.log(id)).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    fn count(&self, id: usize, words: &str) -> usize {
        self.lines(id).iter().filter(|line| line.contains(words)).count()
    }

    fn total(&self, words: &str) -> usize {
        (1..=3).map(|id| self.count(id, words)).sum()
    }

    fn wait_until(&self, what: &str, is_so: impl Fn(&Cluster) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < PATIENCE, "{what} did not come: {:#?}", self.all());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn all(&self) -> Vec<Vec<String>> {
        (1..=3).map(|id| self.lines(id)).collect()
    }

    /// The node that won the latest election.
    fn controller(&self) -> usize {
        let won = |id: &usize| {
            let lines = self.lines(*id);
            let last = lines.iter().rev().find_map(|line| line.split_once("became leader at term "));
            last.and_then(|(_, rest)| rest.split(',').next()?.parse::<u32>().ok())
        };
        (1..=3).max_by_key(won).filter(|id| won(id).is_some()).expect("an election was won")
    }

    fn address(&self, id: usize) -> String {
        let lines = self.lines(id);
        let line = lines.iter().rev().find(|line| line.contains("listening listener=PLAINTEXT://")).unwrap();
        line.split_once("PLAINTEXT://").unwrap().1.split_whitespace().next().unwrap().to_owned()
    }

    fn describe(&self, id: usize, topic: &str) -> String {
        let output = chronik(&["topic", "describe", topic, "-b", &self.address(id), "-o", "json"], "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let partitions = value[0]["partitions"].as_array().unwrap().iter();
        let shown: Vec<String> =
            partitions.map(|at| format!("{} {} {}", at["leader"], at["replicas"], at["isr"])).collect();
        shown.join("; ")
    }

    /// Nothing was proposed by who does not lead, and nothing went wrong.
    fn assert_clean(&self) {
        for id in 1..=3 {
            for line in self.lines(id) {
                let is_forbidden = FORBIDDEN.iter().any(|words| line.contains(words));
                let is_bad = line.contains(" WARN ") || line.contains(" ERROR ");
                assert!(!is_forbidden && !is_bad, "node {id}: {line}");
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.nodes.iter_mut().flatten() {
            // It may have ended already; then there is nothing to kill.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn one_node_decides_and_the_others_follow() {
    let mut cluster = Cluster::new();
    for id in 1..=3 {
        cluster.start(id);
    }
    cluster.wait_until("the assignment on every node", |cluster| {
        (1..=3).all(|id| cluster.count(id, ASSIGNED) == 1 && cluster.count(id, " ready ") == 1)
    });
    assert_eq!(cluster.total("became leader at term 1,"), 1);
    let leader = cluster.controller();
    for id in 1..=3 {
        let leads = usize::from(id == leader);
        assert_eq!(cluster.count(id, INITIALIZING), leads, "node {id}");
        assert_eq!(cluster.count(id, PROPOSED), leads, "node {id}");
        assert_eq!(cluster.count(id, SKIPPING), 1 - leads, "node {id}");
    }
    if let Ok(seconds) = std::env::var("CHRONIK_IDLE_SECONDS") {
        // Nothing is waited for: the cluster is left alone for so long, and must not have stirred.
        std::thread::sleep(Duration::from_secs(seconds.parse().unwrap()));
    }
    assert_eq!(cluster.total("became leader"), 1, "leadership does not move by itself");
    let created =
        chronik(&["topic", "create", "orders", "-p", "6", "-r", "3", "-b", &cluster.address(1)], "");
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    for id in 1..=3 {
        cluster.wait_until("the topic on every node", |cluster| {
            let listed = chronik(&["topic", "list", "-b", &cluster.address(id)], "");
            String::from_utf8_lossy(&listed.stdout).contains("orders")
        });
        assert_eq!(
            cluster.describe(id, "orders"),
            cluster.describe(1, "orders"),
            "every node tells the same"
        );
    }
    cluster.assert_clean();
}

#[test]
fn each_node_and_all_of_them_may_restart() {
    let mut cluster = Cluster::new();
    for id in 1..=3 {
        cluster.start(id);
    }
    cluster.wait_until("the cluster", |cluster| (1..=3).all(|id| cluster.count(id, ASSIGNED) == 1));
    cluster.wait_until("every node", |cluster| cluster.total(" ready ") == 3);
    for (round, id) in [1, 2, 3, 1, 2, 3].into_iter().enumerate() {
        // Three clean stops, then three kills.
        cluster.signal(id, if round < 3 { Signal::TERM } else { Signal::KILL });
        cluster.start(id);
        cluster.wait_until("the node again", |cluster| cluster.total(" ready ") == 4 + round);
    }
    for id in 1..=3 {
        cluster.signal(id, Signal::KILL);
    }
    for id in 1..=3 {
        cluster.start(id);
    }
    cluster.wait_until("all nodes again", |cluster| cluster.total(" ready ") == 12);
    assert_eq!(cluster.total(INITIALIZING), 1, "a cluster is set up once");
    assert_eq!(cluster.total(PROPOSED), 1, "a cluster is set up once");
    let text: Vec<String> = (1..=3).map(|id| cluster.describe(id, "__meta")).collect();
    assert!(text.iter().all(|one| one.contains("[1,2,3]")), "{text:?}");
    for id in 1..=3 {
        for words in FORBIDDEN {
            assert_eq!(cluster.count(id, words), 0, "node {id}: {words}");
        }
    }
}

#[test]
fn a_node_that_is_not_what_it_says_is_refused() {
    let mut cluster = Cluster::new();
    for id in 1..=3 {
        cluster.start(id);
    }
    cluster.wait_until("every node", |cluster| cluster.total(" ready ") == 3);
    // A voter that lost its disk.
    cluster.signal(2, Signal::KILL);
    fs::remove_dir_all(cluster.root.join("data2")).unwrap();
    cluster.start(2);
    cluster.wait_until("the refusal", |cluster| {
        cluster.count(2, "a voter that lost its disk must not vote") == 1
    });
    assert!(!cluster.nodes[1].as_mut().unwrap().wait().unwrap().success());
    // The directory of another node.
    cluster.signal(3, Signal::KILL);
    fs::rename(cluster.root.join("data3"), cluster.root.join("data2")).unwrap();
    cluster.start(2);
    cluster.wait_until("the other refusal", |cluster| cluster.count(2, "node.id") >= 1);
    assert!(!cluster.nodes[1].as_mut().unwrap().wait().unwrap().success());
}

#[test]
fn the_only_replica_leads_again_without_its_disk_and_that_is_said() {
    const LOST: &str = "the last replica that had all records is in another log directory now";
    let mut cluster = Cluster::new();
    for id in 1..=3 {
        cluster.start(id);
    }
    cluster.wait_until("every node", |cluster| cluster.total(" ready ") == 3);
    let created = chronik(&["topic", "create", "lone", "-p", "3", "-r", "1", "-b", &cluster.address(1)], "");
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    let before = cluster.describe(1, "lone");
    assert!(before.contains("3 [3] [3]"), "{before}");
    // A crash that leaves the disk is no loss.
    cluster.signal(3, Signal::KILL);
    cluster.start(3);
    cluster.wait_until("the node again", |cluster| cluster.total(" ready ") == 4);
    cluster.wait_until("every leader again", |cluster| cluster.describe(1, "lone") == before);
    assert_eq!(cluster.total(" WARN "), 0, "{:#?}", cluster.all());
    cluster.signal(3, Signal::KILL);
    fs::remove_dir_all(cluster.root.join("data3")).unwrap();
    cluster.format(3);
    cluster.start(3);
    cluster.wait_until("the node with an empty disk", |cluster| cluster.total(" ready ") == 5);
    cluster.wait_until("every leader once more", |cluster| cluster.describe(1, "lone") == before);
    assert_eq!(cluster.total(LOST), 1, "{:#?}", cluster.all());
    assert_eq!(cluster.total(" WARN "), 1, "{:#?}", cluster.all());
}
