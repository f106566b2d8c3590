//! A cluster in one process (`chronik dev`) as a test uses it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::node::chronik;

/// A running cluster; it is killed when it is dropped, whatever happens.
pub struct Cluster {
    child: Child,
    out: BufReader<ChildStdout>,
    /// What it told about itself.
    pub told: Value,
    /// When it was started.
    #[allow(dead_code, reason = "not every test measures")]
    pub began: Instant,
}

impl Cluster {
    /// Starts one on free ports, and waits until it is ready.
    pub fn start(arguments: &[&str]) -> Cluster {
        let began = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_chronik"));
        command.args(["dev", "--port", "0", "-o", "json"]).args(arguments);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let Ok(told) = serde_json::from_str(&line) else {
            let mut log = String::new();
            child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
            panic!("{line}{log}");
        };
        Cluster { child, out, told, began }
    }

    /// Runs a command against it, with `input` as its stdin; it must succeed. Returns its stdout.
    pub fn run(&self, arguments: &[&str], input: &str) -> String {
        let servers = self.told["bootstrapServers"].as_str().unwrap();
        let output = chronik(&[arguments, &["-b", servers]].concat(), input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// How much of the process is in memory, in kB.
    #[allow(dead_code, reason = "not every test measures")]
    pub fn resident_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Stops it as Ctrl-C does; returns its log.
    pub fn stop(mut self) -> Vec<String> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{log}");
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "one document is all that stdout gets");
        log.lines().map(str::to_owned).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
