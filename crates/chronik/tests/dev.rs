//! `chronik dev`: a cluster from nothing, its first acknowledged record, and what is left of it.
//!
//! `cargo test --release -p chronik --test dev -- --nocapture` prints how long the first record took, and the memory.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test; its helpers are for all tests")]

mod dev_cluster;
#[allow(dead_code, reason = "this test has nodes of its own kind")]
mod node;

use std::path::Path;
use std::time::Instant;

use dev_cluster::Cluster;
use node::chronik;
use serde_json::Value;

#[test]
fn a_cluster_comes_from_nothing_and_leaves_nothing() {
    let cluster = Cluster::start(&[]);
    let ready = cluster.began.elapsed();
    let (idle_kb, before) = (cluster.resident_kb(), Instant::now());
    let written = cluster.run(&["produce", "orders", "-o", "json"], "first\n");
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap()["records"], 1);
    eprintln!(
        "three nodes ready after {} ms with {idle_kb} kB resident; the first record was acknowledged at replication \
         factor 3 {} ms later, {} ms after the beginning, with {} kB resident",
        ready.as_millis(),
        before.elapsed().as_millis(),
        cluster.began.elapsed().as_millis(),
        cluster.resident_kb(),
    );
    let described: Value =
        serde_json::from_str(&cluster.run(&["topic", "describe", "orders", "-o", "json"], "")).unwrap();
    let replicas = &described[0]["partitions"][0]["replicas"];
    assert_eq!(replicas.as_array().unwrap().len(), 3, "a topic has three replicas when nobody says anything");
    assert_eq!(cluster.run(&["consume", "orders"], ""), "first\n");
    let dir = cluster.told["dataDir"].as_str().unwrap().to_owned();
    assert!(Path::new(&dir).join("node-3/meta.properties").exists());
    let log = cluster.stop();
    assert!(!Path::new(&dir).exists(), "the data is gone with the cluster");
    for line in &log {
        assert!(!line.contains(" WARN ") && !line.contains(" ERROR "), "{line}");
        let spoken = (1..=3).any(|id| line.contains(&format!("node{{id={id}}}: ")));
        assert!(spoken || line.contains("stopped cleanly"), "who speaks? {line}");
    }
}

#[test]
fn a_cluster_that_is_kept_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("kept");
    let data = ["--data-dir", root.to_str().unwrap(), "--nodes", "2"];
    let cluster = Cluster::start(&data);
    cluster.run(&["produce", "orders"], "first\n");
    let id = cluster.told["clusterId"].clone();
    cluster.stop();
    let cluster = Cluster::start(&data);
    assert_eq!((&cluster.told["clusterId"], &cluster.told["temporary"]), (&id, &false.into()));
    assert_eq!(cluster.run(&["consume", "orders"], ""), "first\n");
    cluster.stop();
    let other = chronik(&["dev", "--data-dir", root.to_str().unwrap()], "");
    assert!(String::from_utf8_lossy(&other.stderr).contains("holds a cluster of 2 node(s)"));
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |arguments: &[&str]| {
        let output = chronik(&[&["dev"], arguments].concat(), "");
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["--nodes", "10"]).contains("10 is not in 1..=9"));
    assert!(refused(&["--set", "node.id=7"]).contains("decides this itself"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(refused(&["--nodes", "1", "--port", &port]).contains("is a broker running there?"));
}
