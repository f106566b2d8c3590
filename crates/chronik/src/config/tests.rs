//! Whole configurations: layers, messages, and files that Kafka comes with.
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use expect_test::expect;

use super::*;

fn load_text(text: &str, environment: &[(&str, &str)], set: &[&str]) -> Result<Loaded> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("server.properties");
    std::fs::write(&path, text)?;
    let arguments =
        Arguments { config: Some(path), set: set.iter().map(|text| (*text).to_owned()).collect() };
    let loaded = load_with(&arguments, &owned(environment), "machine");
    // The directory has another name each time.
    let strip = |text: String| text.replace(&format!("{}/", dir.path().display()), "");
    match loaded {
        Ok(loaded) => Ok(Loaded { warnings: loaded.warnings.into_iter().map(strip).collect(), ..loaded }),
        Err(error) => Err(anyhow!(strip(format!("{error:#}")))),
    }
}

fn owned(environment: &[(&str, &str)]) -> Vec<(String, String)> {
    environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn without_file(environment: &[(&str, &str)], set: &[&str]) -> Result<Loaded> {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    load_with(&Arguments { config: None, set }, &owned(environment), "machine")
}

fn addresses(endpoints: &[chronik_state::config::Endpoint]) -> Vec<String> {
    endpoints.iter().map(ToString::to_string).collect()
}

/// Kafka's `config/server.properties`, settings only.
const SAMPLE: &str = include_str!("../../tests/fixtures/server.properties");

#[test]
fn nothing_configured_is_a_node_on_the_loopback() {
    let loaded = without_file(&[("PATH", "/bin"), ("CLUSTER_ID", "unrelated")], &[]).unwrap();
    assert!(loaded.node.is_broker && loaded.node.is_controller && loaded.node.quorum.is_standalone());
    assert_eq!(addresses(&loaded.node.listeners.advertised_broker), ["PLAINTEXT://localhost:9092"]);
    assert_eq!(addresses(&loaded.node.listeners.advertised_controller), ["CONTROLLER://localhost:9093"]);
    assert_eq!(loaded.node.log_dirs, [PathBuf::from("./chronik-data")]);
    assert_eq!(loaded.node.cluster_id, None);
    assert_eq!(loaded.warnings, [""; 0]);
}

#[test]
fn kafkas_own_file_loads() {
    let loaded = load_text(SAMPLE, &[], &[]).unwrap();
    assert_eq!(addresses(&loaded.node.listeners.broker), ["PLAINTEXT://:9092"]);
    assert_eq!(addresses(&loaded.node.listeners.advertised_broker), ["PLAINTEXT://localhost:9092"]);
    assert_eq!(addresses(&loaded.node.listeners.advertised_controller), ["CONTROLLER://localhost:9093"]);
    assert_eq!(loaded.node.log_dirs, [PathBuf::from("/tmp/kraft-combined-logs")]);
    assert_eq!(loaded.file["broker.id"], "1");
    expect![[r#"
        keys without meaning here are ignored: num.recovery.threads.per.data.dir (the node sizes its threads by the machine)
        keys whose function is not built yet have no effect: share.coordinator.state.topic.min.isr, share.coordinator.state.topic.replication.factor (share groups); transaction.state.log.min.isr, transaction.state.log.replication.factor (transactions)
        listener PLAINTEXT://:9092 is open to the network without authentication
        listener CONTROLLER://:9093 is open to the network without authentication"#]]
    .assert_eq(&loaded.warnings.join("\n"));
}

#[test]
fn the_command_line_wins_over_the_environment_over_the_file() {
    let file = format!("{SAMPLE}\nnum.partitions=2\n");
    let count = |environment: &[(&str, &str)], set: &[&str]| {
        load_text(&file, environment, set).unwrap().file["num.partitions"].clone()
    };
    assert_eq!(count(&[], &[]), "2");
    assert_eq!(count(&[("KAFKA_NUM_PARTITIONS", "3")], &[]), "3");
    assert_eq!(count(&[("KAFKA_NUM_PARTITIONS", "3")], &["num.partitions=4"]), "4");
}

#[test]
fn a_container_is_configured_by_its_environment() {
    let environment = [
        ("KAFKA_NODE_ID", "2"),
        ("KAFKA_PROCESS_ROLES", "broker,controller"),
        ("KAFKA_LISTENERS", "PLAINTEXT://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093"),
        ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://chronik-node-2:9092"),
        ("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@chronik-node-1:9093,2@chronik-node-2:9093"),
        ("KAFKA_HEAP_OPTS", "-Xmx1g"),
        ("KAFKA_SERVICE_HOST", "10.0.0.1"),
        ("CLUSTER_ID", "5L6g3nShT-eMCtK--X86sw"),
    ];
    let loaded = without_file(&environment, &[]).unwrap();
    assert_eq!(loaded.node.cluster_id.as_deref(), Some("5L6g3nShT-eMCtK--X86sw"));
    assert_eq!(loaded.node.quorum.voters.len(), 2);
    assert_eq!(addresses(&loaded.node.listeners.advertised_broker), ["PLAINTEXT://chronik-node-2:9092"]);
    assert_eq!(addresses(&loaded.node.listeners.advertised_controller), ["CONTROLLER://machine:9093"]);
    assert!(!loaded.file.contains_key("offsets.topic.replication.factor"));
}

#[test]
fn every_fault_is_named_with_its_place() {
    let file = format!(
        "{SAMPLE}\nnum.partition=3\nlog.segment.bytes=5\nauthorizer.class.name=Foo\nssl.keystore.password=secret\n"
    );
    let error = load_text(&file, &[("KAFKA_LOG_RETENTION_MS", "x")], &["foo.bar.baz.qux=1"]).unwrap_err();
    expect![[r#"
        the configuration is wrong:
          server.properties:29: authorizer.class.name=Foo asks for authorization (ACLs), which is not built in this version of Chronik; remove it to go on without
          --set: Unknown broker config name: foo.bar.baz.qux
          KAFKA_LOG_RETENTION_MS: Invalid value x for configuration log.retention.ms: Not a number of type LONG
          server.properties:28: Invalid value 5 for configuration log.segment.bytes: Value must be at least 1048576
          server.properties:27: Unknown broker config name: num.partition (did you mean num.partitions?)"#]]
    .assert_eq(&error.to_string());
}

#[test]
fn keys_without_meaning_share_a_line_and_secrets_stay_secret() {
    let file = format!(
        "{SAMPLE}\nnum.io.threads=9\nbackground.threads=3\nssl.key.password=secret\nnum.io.threads=10\n"
    );
    let warnings = load_text(&file, &[], &[]).unwrap().warnings.join("\n");
    expect![[r#"
        server.properties:27: num.io.threads was already set on line 11; this one counts
        server.properties:30: num.io.threads was already set on line 27; this one counts
        keys without meaning here are ignored: background.threads, num.io.threads, num.recovery.threads.per.data.dir (the node sizes its threads by the machine)
        keys whose function is not built yet have no effect: ssl.key.password (TLS); share.coordinator.state.topic.min.isr, share.coordinator.state.topic.replication.factor (share groups); transaction.state.log.min.isr, transaction.state.log.replication.factor (transactions)
        listener PLAINTEXT://:9092 is open to the network without authentication
        listener CONTROLLER://:9093 is open to the network without authentication"#]]
    .assert_eq(&warnings);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let error = load_text("node.id=1\n", &[], &[]).unwrap_err().to_string();
    assert!(error.contains("Missing required configuration \"process.roles\""), "{error}");
    let error = without_file(&[], &["controller.quorum.voters=1@localhost:9093"]).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("drops the built-in values: give process.roles, node.id"), "{error}");
    let error = format!("{:#}", without_file(&[], &["log.retention.hours=0"]).unwrap_err());
    assert!(error.contains("log.retention.hours must be unlimited (-1)"), "{error}");
    let error = without_file(&[], &["log.dirs"]).unwrap_err().to_string();
    assert_eq!(error, "--set log.dirs: expected key=value");
    let error = without_file(&[("KAFKA_LISTENERS", "PLAINTEXT://0.0.0.0:9092,CONTROLLER://:9093")], &[]);
    assert!(format!("{:#}", error.unwrap_err()).contains("advertised.listeners cannot use the nonroutable"));
    let missing = Arguments { config: Some("/no/such/file".into()), set: Vec::new() };
    let error = format!("{:#}", load_with(&missing, &[], "machine").unwrap_err());
    assert!(error.starts_with("read the configuration /no/such/file: "), "{error}");
}
