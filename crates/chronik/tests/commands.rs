//! The commands against the real binary: what is written is read back, also after a stop and a kill.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test; its helpers are for all tests")]

mod node;

use node::{Node, chronik, data_dir, free_ports};
use serde_json::Value;

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn topics_are_created_listed_described_and_deleted() {
    let (_dir, data) = data_dir();
    let node = Node::start(&data, &[]);
    assert!(node.run(&["topic", "list"], "").starts_with("no topics"));
    let created = node.run(&["topic", "create", "orders", "-p", "3", "-c", "retention.ms=60000"], "");
    assert_eq!(created, "created topic orders: 3 partition(s), replication factor 1\n");
    let again = node.try_run(&["topic", "create", "orders"], "");
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("TOPIC_ALREADY_EXISTS"));
    node.run(&["topic", "create", "orders", "--if-not-exists"], "");
    let listed: Value = serde_json::from_str(&node.run(&["topic", "list", "-o", "json"], "")).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["partitions"]), (&"orders".into(), &3.into()));
    let described: Value =
        serde_json::from_str(&node.run(&["topic", "describe", "orders", "-o", "json"], "")).unwrap();
    assert_eq!(described[0]["configs"]["retention.ms"], "60000");
    assert_eq!(described[0]["partitions"][2]["leader"], 1);
    assert_eq!(described[0]["partitions"][2]["endOffset"], 0);
    node.run(&["topic", "delete", "orders"], "");
    let gone = node.try_run(&["topic", "delete", "orders"], "");
    assert!(String::from_utf8_lossy(&gone.stderr).contains("there is no topic orders"));
    node.run(&["topic", "delete", "orders", "--if-exists"], "");
    assert_eq!(node.stop().0, Some(0));
}

#[test]
fn a_group_that_is_not_there_has_no_lag_and_an_offset_out_of_range_is_moved_aloud() {
    let (_dir, data) = data_dir();
    let node = Node::start(&data, &[]);
    node.run(&["produce", "orders"], "a\nb\nc");
    let unknown = node.try_run(&["group", "lag", "readers"], "");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("Group readers not found"));
    for (wanted, than, kept) in [("99", "higher than latest", 3), ("-4", "lower than earliest", 0)] {
        let to = format!("--to-offset={wanted}");
        let reset = node.try_run(&["group", "reset", "readers", "--topic", "orders", &to, "--execute"], "");
        let said = String::from_utf8_lossy(&reset.stderr);
        assert_eq!(reset.status.code(), Some(0), "{said}");
        let warning = format!(
            "WARN New offset ({wanted}) is {than} offset for topic partition orders-0. Value will be set to {kept}\n"
        );
        assert_eq!(said, warning);
        let lag: Value =
            serde_json::from_str(&node.run(&["group", "lag", "readers", "-o", "json"], "")).unwrap();
        assert_eq!((&lag[0]["committed"], &lag[0]["lag"]), (&kept.into(), &(3 - kept).into()));
    }
    let in_range = node.try_run(&["group", "reset", "readers", "--to-latest"], "");
    assert_eq!((in_range.status.code(), &in_range.stderr[..]), (Some(0), &[][..]));
    assert_eq!(node.stop().0, Some(0));
}

#[test]
fn records_are_read_back_after_a_stop_and_after_a_kill() {
    let (_dir, data) = data_dir();
    let mut node = Node::start(&data, &[]);
    let mut expected = Vec::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let lines: Vec<String> = (0..200).map(|number| format!("k{number}:{codec}-{number}")).collect();
        let produce = ["produce", "orders", "-k", ":", "-c", codec, "-H", "h=1", "-o", "json"];
        let written: Value = serde_json::from_str(&node.run(&produce, &lines.join("\n"))).unwrap();
        assert_eq!(written["records"], 200);
        expected.extend(lines.iter().map(|line| line.split_once(':').unwrap().1.to_owned()));
        // The first restart is after a clean stop, the second after a kill, and so on.
        if expected.len() % 400 == 200 {
            let (code, log) = node.stop();
            assert_eq!(code, Some(0), "{log:#?}");
        } else {
            node.kill();
        }
        node = Node::start(&data, &[]);
        let read: Vec<String> = node.run(&["consume", "orders"], "").lines().map(String::from).collect();
        assert_eq!(read, expected, "after {codec}");
    }
    let last = json_lines(&node.run(&["consume", "orders", "--from", "-1", "-o", "json"], ""));
    assert_eq!((&last[0]["key"], &last[0]["value"]), (&"k199".into(), &"zstd-199".into()));
    assert_eq!((&last[0]["offset"], &last[0]["headers"][0]["key"]), (&999.into(), &"h".into()));
    let by_time = format!("@{}", last[0]["timestamp"]);
    let found =
        node.run(&["consume", "orders", "--from", &by_time, "--print", "offset,value", "-n", "1"], "");
    assert!(found.contains("\tzstd-"), "{found}");
    assert_eq!(node.stop().0, Some(0));
    let dump = chronik(&["log", "dump", data.to_str().unwrap(), "--records", "-o", "json"], "");
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let items = json_lines(&String::from_utf8(dump.stdout).unwrap());
    let is_of_orders = |item: &&Value| item["file"].as_str().unwrap().contains("/orders-0/");
    let records = items.iter().filter(|item| item["type"] == "record").filter(is_of_orders).count();
    assert_eq!(records, 1000);
    assert!(items.iter().any(|item| item["record"] == "TOPIC_RECORD"), "the metadata log is decoded");
}

#[test]
fn the_cluster_tells_its_state_and_how_it_came_to_be_so() {
    let (_dir, data) = data_dir();
    let node = Node::start(&data, &[]);
    node.run(&["topic", "create", "orders", "-p", "2"], "");
    let status: Value = serde_json::from_str(&node.run(&["cluster", "status", "-o", "json"], "")).unwrap();
    assert_eq!((&status["brokers"][0]["id"], &status["brokers"][0]["fenced"]), (&1.into(), &false.into()));
    assert_eq!((&status["quorum"]["leader"], &status["withoutLeader"]), (&1.into(), &0.into()));
    let is_of_orders = |partition: &&Value| partition["topic"] == "orders";
    assert_eq!(status["partitions"].as_array().unwrap().iter().filter(is_of_orders).count(), 2);
    let shown = node.run(&["cluster", "status", "--partitions"], "");
    assert!(shown.contains("\norders-1 "), "{shown}");
    let voters = node.try_run(&["cluster", "remove-voter", "9"], "");
    assert!(String::from_utf8_lossy(&voters.stderr).contains("node 9 is no voter"));
    let missing = node.try_run(&["cluster", "why", "orders-7"], "");
    assert!(String::from_utf8_lossy(&missing.stderr).contains("says nothing about orders-7"));
    let online = node.run(&["cluster", "why", "orders-1", "-o", "json"], "");
    let dumped = node.run(&["metadata", "dump", "-o", "json"], "");
    assert_eq!(node.stop().0, Some(0));
    let history: Value = serde_json::from_str(&online).unwrap();
    assert_eq!((&history["because"], &history["now"]["leader"]), (&"created".into(), &1.into()));
    let dir = ["--dir", data.to_str().unwrap(), "-o", "json"];
    let offline = chronik(&[&["cluster", "why", "orders-1"][..], &dir].concat(), "");
    assert_eq!(String::from_utf8(offline.stdout).unwrap(), online);
    let offline = chronik(&[&["metadata", "dump"][..], &dir].concat(), "");
    let offline = String::from_utf8(offline.stdout).unwrap();
    // What was committed then stands in the log still; since then the node has stopped.
    assert!(offline.starts_with(&dumped), "{offline}");
    let items = json_lines(&offline);
    assert!(items.iter().any(|item| item["record"]["type"] == "TOPIC_RECORD"));
}

#[test]
fn following_sees_what_is_written_later() {
    let (_dir, data) = data_dir();
    let node = Node::start(&data, &[]);
    node.run(&["topic", "create", "orders", "-p", "2"], "");
    node.run(&["produce", "orders", "-p", "1"], "before\n");
    std::thread::scope(|scope| {
        let read = scope.spawn(|| {
            node.run(&["consume", "orders", "--follow", "-n", "3", "--print", "partition,value"], "")
        });
        node.run(&["produce", "orders", "-p", "1"], "during\n");
        node.run(&["produce", "orders", "-p", "0", "--acks", "1"], "other\n");
        let read = read.join().unwrap();
        let mut lines: Vec<&str> = read.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["0\tother", "1\tbefore", "1\tduring"]);
    });
}

#[test]
fn errors_say_what_to_do() {
    let port = free_ports(1)[0];
    let output = chronik(&["topic", "list", "-b", &format!("localhost:{port}")], "");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.starts_with(&format!("error: could not connect to localhost:{port}: ")), "{error}");
    assert!(error.contains("start one with `chronik start`"), "{error}");
    let (_dir, data) = data_dir();
    let node = Node::start(&data, &[]);
    for (arguments, words) in [
        (&["consume", "nothing"][..], "there is no topic nothing"),
        (&["topic", "describe", "nothing"], "there is no topic nothing"),
        (&["topic", "create", "a", "-r", "3"], "INVALID_REPLICATION_FACTOR"),
        (&["topic", "create", "a", "-c", "retention=1"], "INVALID_CONFIG"),
        (&["topic", "create", "a b"], "INVALID_TOPIC_EXCEPTION"),
    ] {
        let output = node.try_run(arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
    let output = node.try_run(&["consume", "nothing", "-o", "json"], "");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(error["error"].as_str().unwrap().contains("there is no topic nothing"));
}

#[test]
fn the_pages_of_a_node_are_served_and_every_metric_is_documented() {
    let (_dir, data) = data_dir();
    let node = Node::start(&data, &[]);
    for page in ["/healthz", "/readyz"] {
        assert!(node.page(page).starts_with("HTTP/1.1 200"), "{page}");
    }
    node.run(&["produce", "orders"], "one\n");
    let metrics = node.page("/metrics");
    let produced = metrics.lines().find_map(|line| line.strip_prefix("chronik_produced_batches_total "));
    // The client's batch, and those of the change feed that have been written by now.
    assert!(produced.is_some_and(|count| count.parse::<u64>().unwrap() >= 1), "{metrics}");
    let documented = include_str!("../../../docs/operate/metrics.md");
    for family in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = family.split(' ').next().unwrap();
        assert!(documented.contains(name), "docs/operate/metrics.md does not say what {name} is");
    }
}
