//! What lies in `deploy/` works: each configuration is started, and the unit is one that systemd takes and a node serves.
//!
//! Only addresses and directories are replaced, since a test has neither three machines nor port 9092.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test; its helpers are for all tests")]

#[allow(dead_code, reason = "this test has nodes of its own kind")]
mod node;

use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use node::{chronik, free_ports};
use rustix::process::{Pid, Signal, kill_process};

/// Only a node that hangs takes this long.
const PATIENCE: Duration = Duration::from_mins(1);

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

struct Started {
    child: Child,
    log: PathBuf,
}

impl Started {
    fn new(sample: &str, dir: &Path, settings: &[String], environment: &[(&str, &str)]) -> Started {
        fs::create_dir_all(dir).unwrap();
        let log = dir.join("log");
        let out = File::create(&log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_chronik"));
        command.arg("start").arg("--config").arg(deploy().join(sample));
        command.args(["--set", &format!("log.dirs={}", dir.join("data").display())]);
        for setting in settings {
            command.args(["--set", setting]);
        }
        command.envs(environment.iter().copied());
        let child =
            command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out).spawn().unwrap();
        Started { child, log }
    }

    /// Waits until it is ready; returns what it said until then.
    fn ready(&mut self) -> String {
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(&self.log).unwrap();
            if text.contains(" ready ") {
                return text;
            }
            assert!(self.child.try_wait().unwrap().is_none() && began.elapsed() < PATIENCE, "{text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn terminate(&mut self) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
    }

    fn stop(mut self) {
        self.terminate();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", fs::read_to_string(&self.log).unwrap());
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nothing in the sample is unknown, ignored or without effect.
fn assert_no_fault(log: &str) {
    for line in log.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")) {
        assert!(line.contains("is open to the network without authentication"), "{line}");
    }
}

fn listeners(broker: Option<u16>, controller: Option<u16>) -> Vec<String> {
    let broker = broker.map(|port| format!("PLAINTEXT://localhost:{port}"));
    let controller = controller.map(|port| format!("CONTROLLER://localhost:{port}"));
    let all: Vec<String> = broker.iter().chain(&controller).cloned().collect();
    let mut settings = vec![format!("listeners={}", all.join(","))];
    settings.extend(broker.map(|broker| format!("advertised.listeners={broker}")));
    settings
}

fn voters(ports: &[u16]) -> String {
    let voters: Vec<String> =
        ports.iter().enumerate().map(|(at, port)| format!("{}@localhost:{port}", at + 1)).collect();
    format!("controller.quorum.voters={}", voters.join(","))
}

const NO_PAGE: &str = "chronik.http.listener=localhost:0";

fn assert_serves(port: u16, node: i32, replicas: &str) {
    let at = format!("localhost:{port}");
    let healthy = chronik(&["health", &at, "--node", &node.to_string()], "");
    assert!(healthy.status.success(), "{}", String::from_utf8_lossy(&healthy.stderr));
    for arguments in [&["topic", "create", "t", "-r", replicas][..], &["produce", "t"]] {
        let done = chronik(&[arguments, &["-b", &at]].concat(), "a record\n");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    assert_eq!(chronik(&["consume", "t", "-b", &at], "").stdout, b"a record\n");
}

#[test]
fn one_node_is_started_as_systemd_does_it() {
    let dir = tempfile::tempdir().unwrap();
    let ports = free_ports(2);
    let mut settings = listeners(Some(ports[0]), Some(ports[1]));
    settings.extend([voters(&ports[1..]), NO_PAGE.to_owned()]);
    let socket = dir.path().join("notify");
    let systemd = UnixDatagram::bind(&socket).unwrap();
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let environment = [("NOTIFY_SOCKET", socket.to_str().unwrap())];
    let dead = chronik(&["health", &format!("localhost:{}", ports[0]), "--timeout", "1"], "");
    assert_eq!(dead.status.code(), Some(1));
    let mut node = Started::new("server.properties", dir.path(), &settings, &environment);
    let mut message = [0; 32];
    let size = systemd.recv(&mut message).unwrap();
    assert_eq!(&message[..size], b"READY=1");
    // Who is told waits no longer: the node serves.
    assert_serves(ports[0], 1, "1");
    assert_no_fault(&node.ready());
    node.terminate();
    let size = systemd.recv(&mut message).unwrap();
    assert_eq!(&message[..size], b"STOPPING=1");
    assert_eq!(node.child.wait().unwrap().code(), Some(0));
}

#[test]
fn three_nodes_with_both_roles_are_a_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let ports = free_ports(6);
    let (brokers, controllers) = ports.split_at(3);
    let start = |at: usize| {
        let mut settings = listeners(Some(brokers[at]), Some(controllers[at]));
        settings.extend([voters(controllers), NO_PAGE.to_owned(), format!("node.id={}", at + 1)]);
        Started::new("cluster.properties", &dir.path().join(at.to_string()), &settings, &[])
    };
    let mut nodes: Vec<Started> = (0..3).map(start).collect();
    for node in &mut nodes {
        assert_no_fault(&node.ready());
    }
    assert_serves(brokers[2], 3, "3");
    nodes.into_iter().for_each(Started::stop);
}

#[test]
fn a_controller_and_a_broker_are_a_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let ports = free_ports(2);
    let mut settings = listeners(None, Some(ports[1]));
    settings.push(voters(&ports[1..]));
    let mut controller =
        Started::new("controller.properties", &dir.path().join("controller"), &settings, &[]);
    let mut settings = listeners(Some(ports[0]), None);
    settings.extend([voters(&ports[1..]), NO_PAGE.to_owned(), "min.insync.replicas=1".to_owned()]);
    let mut broker = Started::new("broker.properties", &dir.path().join("broker"), &settings, &[]);
    assert_no_fault(&broker.ready());
    assert_no_fault(&controller.ready());
    assert_serves(ports[0], 101, "1");
    let of_quorum =
        chronik(&["health", &format!("localhost:{}", ports[1]), "--controller", "--node", "1"], "");
    assert!(of_quorum.status.success(), "{}", String::from_utf8_lossy(&of_quorum.stderr));
    broker.stop();
    controller.stop();
}

#[test]
fn systemd_takes_the_unit() {
    let dir = tempfile::tempdir().unwrap();
    let unit = fs::read_to_string(deploy().join("chronik.service")).unwrap();
    assert!(unit.contains("\nType=notify\n") && unit.contains("/usr/local/bin/chronik start --config"));
    // The binary is not where it will be.
    let unit = unit.replace("/usr/local/bin/chronik", env!("CARGO_BIN_EXE_chronik"));
    let path = dir.path().join("chronik.service");
    fs::write(&path, unit).unwrap();
    // A machine without systemd has nobody to ask.
    let Ok(verdict) = Command::new("systemd-analyze").arg("verify").arg(&path).output() else { return };
    let text = String::from_utf8_lossy(&verdict.stderr);
    let complaints: Vec<&str> = text.lines().filter(|line| line.contains("chronik.service")).collect();
    assert!(verdict.status.success() && complaints.is_empty(), "{text}");
}
