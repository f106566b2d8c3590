//! Draining and rebalancing a real cluster of four nodes: dry run first, then done, and nothing lost.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test; its helpers are for all tests")]

mod dev_cluster;
#[allow(dead_code, reason = "this test has nodes of its own kind")]
mod node;

use dev_cluster::Cluster;
use node::chronik;
use serde_json::Value;

/// For each node how many replicas it holds, and how many partitions it leads.
fn shares(cluster: &Cluster, nodes: i64) -> Vec<(usize, usize)> {
    let status: Value = serde_json::from_str(&cluster.run(&["cluster", "status", "-o", "json"], "")).unwrap();
    let partitions = status["partitions"].as_array().unwrap();
    let share = |node: i64| {
        let holds = |one: &&Value| one["replicas"].as_array().unwrap().iter().any(|id| *id == node);
        let leads = |one: &&Value| one["leader"] == node;
        (partitions.iter().filter(holds).count(), partitions.iter().filter(leads).count())
    };
    (1..=nodes).map(share).collect()
}

fn planned(cluster: &Cluster, arguments: &[&str]) -> Value {
    serde_json::from_str(&cluster.run(&[arguments, &["-o", "json"]].concat(), "")).unwrap()
}

#[test]
fn a_node_is_drained_and_gets_its_share_again() {
    let cluster = Cluster::start(&["--nodes", "4"]);
    cluster.run(&["topic", "create", "orders", "-p", "8", "-r", "3"], "");
    let lines = (0..500).map(|number| number.to_string()).collect::<Vec<_>>().join("\n");
    cluster.run(&["produce", "orders"], &lines);
    let before = shares(&cluster, 4);
    assert!(before[0].0 > 0, "{before:?}");
    let dry = planned(&cluster, &["cluster", "drain", "1"]);
    assert_eq!(dry["moves"].as_array().unwrap().len(), before[0].0);
    assert_eq!(shares(&cluster, 4), before, "a dry run changes nothing");
    // One at a time, so that there is something to continue.
    cluster.run(&["cluster", "drain", "1", "--execute", "--at-once", "1"], "");
    assert_eq!(shares(&cluster, 4)[0], (0, 0));
    assert!(planned(&cluster, &["cluster", "drain", "1"])["moves"].as_array().unwrap().is_empty());
    let moves = planned(&cluster, &["cluster", "rebalance"])["moves"].as_array().unwrap().len();
    assert!(moves > 0);
    cluster.run(&["cluster", "rebalance", "--execute", "--throttle", "100000000"], "");
    let after = shares(&cluster, 4);
    for share in [after.iter().map(|one| one.0).collect::<Vec<_>>(), after.iter().map(|one| one.1).collect()]
    {
        assert!(share.iter().max().unwrap() - share.iter().min().unwrap() <= 1, "{after:?}");
    }
    let configs: Value =
        serde_json::from_str(&cluster.run(&["topic", "describe", "orders", "-o", "json"], "")).unwrap();
    assert!(!configs.to_string().contains("throttled.replicas\":\"0"), "the limit was lifted: {configs}");
    let mut read: Vec<String> = cluster.run(&["consume", "orders"], "").lines().map(String::from).collect();
    read.sort_by_key(|line| line.parse::<u32>().unwrap());
    assert_eq!(read, lines.lines().collect::<Vec<_>>());
    cluster.stop();
}

#[test]
fn a_node_that_others_cannot_replace_is_not_drained() {
    let cluster = Cluster::start(&[]);
    cluster.run(&["topic", "create", "orders", "-r", "3"], "");
    let refused = |arguments: &[&str]| {
        let servers = cluster.told["bootstrapServers"].as_str().unwrap();
        let output = chronik(&[&["cluster", "drain"], arguments, &["-b", servers]].concat(), "");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["1"]).contains("with 3 replicas, would have fewer, since only 2 other broker(s) live"));
    assert!(refused(&["9", "--execute"]).contains("there is no broker 9"));
    cluster.stop();
}
