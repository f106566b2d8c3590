//! The real binary as a test uses it: a node on free ports with its data in a temporary folder, and commands
//! that talk to it.
//!
//! The node is killed when it is dropped, whatever happens.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};

const BINARY: &str = env!("CARGO_BIN_EXE_chronik");
/// Only a node that hangs takes this long.
const PATIENCE: Duration = Duration::from_mins(1);

/// Ports for listeners that others must know beforehand. All are below those that the system gives to who asks for any port,
/// and each process of tests looks elsewhere: nobody takes one until it is used.
pub fn free_ports(count: usize) -> Vec<u16> {
    static LOOKED_AT: AtomicU32 = AtomicU32::new(0);
    let next = || {
        let at = std::process::id().wrapping_mul(97).wrapping_add(LOOKED_AT.fetch_add(1, Ordering::Relaxed));
        10_000 + (at % 20_000) as u16
    };
    let is_free = |port: &u16| TcpListener::bind(("localhost", *port)).is_ok();
    std::iter::repeat_with(next).filter(is_free).take(count).collect()
}

/// A running node.
pub struct Node {
    child: Child,
    /// Where clients connect.
    pub address: String,
    /// Where the pages about its health are.
    pub pages: String,
    /// Behind a lock, so that a test may share the node among threads.
    log: Mutex<Receiver<String>>,
}

impl Node {
    /// Starts a node and waits until it is ready.
    pub fn start(dir: &Path, settings: &[&str]) -> Node {
        let mut command = Command::new(BINARY);
        command.arg("start").args(["--set", "listeners=PLAINTEXT://localhost:0,CONTROLLER://localhost:0"]);
        command.args(["--set", "chronik.http.listener=localhost:0"]);
        command.arg("--set").arg(format!("log.dirs={}", dir.display()));
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let log = lines(BufReader::new(child.stdout.take().unwrap()));
        let mut node = Node { child, address: String::new(), pages: String::new(), log: Mutex::new(log) };
        let mut seen = Vec::new();
        loop {
            let line =
                node.log.lock().recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("not ready: {seen:#?}"));
            if let Some((_, rest)) = line.split_once("PLAINTEXT://")
                && line.contains("listening")
            {
                node.address = String::from(rest.split_whitespace().next().unwrap());
            }
            if let Some((_, rest)) = line.split_once("metrics page at /metrics address=") {
                node.pages = String::from(rest.trim());
            }
            let is_ready = line.contains(" ready");
            seen.push(line);
            if is_ready {
                break;
            }
        }
        assert!(!node.address.is_empty(), "{seen:#?}");
        node
    }

    /// Asks it to stop, as a supervisor does, and returns its exit code and the rest of its log.
    pub fn stop(mut self) -> (Option<i32>, Vec<String>) {
        self.signal(Signal::TERM);
        let status = self.child.wait().unwrap();
        (status.code(), self.log.lock().iter().collect())
    }

    /// Ends it where it stands.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().unwrap();
    }

    /// Asks for one of the pages; returns the whole answer.
    pub fn page(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.pages).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Runs a command against this node, with `input` as its stdin; it must succeed. Returns its stdout.
    pub fn run(&self, arguments: &[&str], input: &str) -> String {
        let output = self.try_run(arguments, input);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same, for a command that may fail.
    pub fn try_run(&self, arguments: &[&str], input: &str) -> Output {
        let connect = ["--bootstrap-server", &self.address];
        chronik(&[arguments, &connect].concat(), input)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the binary with `input` as its stdin.
pub fn chronik(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_bytes().to_owned();
    let writer = std::thread::spawn(move || {
        // A command that fails at once does not read.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Reads on, so that the node never waits for its reader.
fn lines(input: impl BufRead + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in input.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// A folder for one test, and the node's data within it.
pub fn data_dir() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    (dir, data)
}
