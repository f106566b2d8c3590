//! `chronik recover` on what a cut leaves behind: a file of whole batches, and its report.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test; its helpers are for all tests")]

#[allow(dead_code, reason = "this test needs little of it")]
mod node;

use std::fs;

use node::{Node, chronik, data_dir};
use serde_json::Value;

const REPORT: &str = r#"{"topic":"orders","topicId":"AAAAAAAAQACAAAAAAAAAAQ","partition":0,"firstOffset":2,"endOffset":4,
    "highWatermark":3,"bytes":1,"firstEpoch":0,"lastEpoch":0,"leader":2,"leaderEpoch":7,
    "reason":"the leader's log has other records from here on","timestamp":1700000000000}"#;

fn recover(data: &std::path::Path, arguments: &[&str]) -> String {
    let output = chronik(&[&["recover", data.to_str().unwrap()], arguments].concat(), "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_was_cut_off_is_listed_printed_written_again_and_deleted() {
    let (_dir, data) = data_dir();
    let node = Node::start(&data, &[]);
    assert_eq!(recover(&data, &[]), "nothing was set aside\n");
    node.run(&["produce", "orders", "-k", ":"], "a:0\nb:1\nc:2\nd:3\n");
    // One batch, of which the cut at offset 2 takes the second half.
    let folder = data.join("orders-0");
    let aside = folder.join("00000000000000000002-7.truncated");
    fs::copy(folder.join("00000000000000000000.log"), &aside).unwrap();
    fs::write(folder.join("00000000000000000002-7.truncated.json"), REPORT).unwrap();
    let listed: Value = serde_json::from_str(&recover(&data, &["-o", "json"])).unwrap();
    let one = &listed[0];
    assert_eq!((&one["topic"], &one["partition"], &one["leader"]), (&"orders".into(), &0.into(), &2.into()));
    assert_eq!(
        (&one["firstOffset"], &one["endOffset"], &one["committed"]),
        (&2.into(), &4.into(), &true.into())
    );
    let text = recover(&folder, &[]);
    assert!(text.contains("orders-0") && text.contains("2..3") && text.contains("2023-11-14"), "{text}");
    assert!(text.contains("the leader's log has other records"), "{text}");
    assert!(text.contains(" yes "), "{text}");
    // The high watermark of a broker that was killed is that of its last checkpoint: what lies above may be committed.
    let stale = REPORT.replace("\"highWatermark\":3", "\"highWatermark\":0");
    fs::write(folder.join("00000000000000000002-7.truncated.json"), stale).unwrap();
    let listed: Value = serde_json::from_str(&recover(&data, &["-o", "json"])).unwrap();
    assert_eq!(listed[0]["committed"], Value::Null);
    let text = recover(&folder, &[]);
    assert!(text.contains(" unknown ") && !text.contains(" no "), "{text}");
    let printed = recover(&data, &["--print"]);
    let rows: Vec<Vec<&str>> = printed.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(
        rows.iter().map(|row| (row[2], row[4], row[5])).collect::<Vec<_>>(),
        [("2", "c", "2"), ("3", "d", "3")]
    );
    assert_eq!(recover(&data, &["--topic", "other", "--print"]), "");
    let written = recover(&data, &["--to", "restored", "-b", &node.address, "-o", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap()["records"], 2);
    let shown = |topic: &str| node.run(&["consume", topic, "--print", "timestamp,key,value"], "");
    let (restored, original) = (shown("restored"), shown("orders"));
    assert_eq!(restored.lines().collect::<Vec<_>>(), original.lines().skip(2).collect::<Vec<_>>());
    assert!(aside.exists(), "it stays until it is deleted");
    recover(&data, &["--delete"]);
    assert_eq!(recover(&data, &[]), "nothing was set aside\n");
    assert_eq!(node.stop().0, Some(0));
}
