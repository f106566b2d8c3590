//! DescribeConfigs against a transcript of Apache Kafka 4.3.1: values, sources and chains of synonyms.

use std::collections::BTreeMap;

use chronik_state::config::{
    Described, Layers, Nothing, Source, describe_broker, describe_cluster, describe_topic,
};

const FIXTURE: &str = include_str!("fixtures/kafka-4.3.1-describe.tsv");

/// Keys with another default here, and keys that only a restart changes here.
const DIFFERENT: &[&str] =
    &["flush.messages", "log.flush.interval.messages", "listeners", "listener.security.protocol.map"];

type Overrides = BTreeMap<&'static str, &'static str>;

fn overrides(pairs: &[(&'static str, &'static str)]) -> Overrides {
    pairs.iter().copied().collect()
}

fn file() -> Overrides {
    let lines = FIXTURE.lines().filter_map(|line| line.strip_prefix("file\t")?.split_once('='));
    // What the loader adds: the former name of the node's id.
    lines.chain([("broker.id", "1")]).collect()
}

fn section(title: &str) -> Vec<&'static str> {
    FIXTURE
        .lines()
        .skip_while(|line| *line != title)
        .skip(1)
        .take_while(|line| !line.starts_with("=="))
        .collect()
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Topic => "DYNAMIC_TOPIC_CONFIG",
        Source::DynamicBroker => "DYNAMIC_BROKER_CONFIG",
        Source::DynamicDefaultBroker => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        Source::StaticBroker => "STATIC_BROKER_CONFIG",
        Source::Default => "DEFAULT_CONFIG",
        Source::ClientMetrics => "DYNAMIC_CLIENT_METRICS_CONFIG",
        Source::Group => "DYNAMIC_GROUP_CONFIG",
    }
}

fn line(described: &Described) -> String {
    let null = || "null".to_owned();
    let chain: Vec<String> = described
        .synonyms
        .iter()
        .map(|step| {
            format!("{}={}/{}", step.name, step.value.clone().unwrap_or_else(null), source(step.source))
        })
        .collect();
    let flags = [(described.read_only, "read-only"), (described.key.is_sensitive(), "sensitive")];
    let flags: String = flags.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
    let value = described.value.clone().unwrap_or_else(null);
    let kind = described.key.kind.name();
    format!(
        "{}\t{value}\t{}\t{flags}\t{kind}\t{}",
        described.key.name,
        source(described.source),
        chain.join("; ")
    )
}

/// The lines of a section, without the keys that differ on purpose.
fn compare(ours: &[Described], title: &str) {
    let theirs = section(title);
    assert!(!theirs.is_empty(), "no section {title}");
    for expected in theirs {
        let name = expected.split('\t').next().unwrap_or_default();
        if !DIFFERENT.contains(&name) {
            let described = ours.iter().find(|described| described.key.name == name);
            assert_eq!(described.map(line).as_deref(), Some(expected));
        }
    }
}

#[test]
fn a_topic_is_described_as_kafka_describes_it() {
    let broker = overrides(&[("log.segment.bytes", "3000000")]);
    let cluster = overrides(&[
        ("log.segment.bytes", "2000000"),
        ("message.max.bytes", "777777"),
        ("min.insync.replicas", "1"),
    ]);
    let file = file();
    let layers = Layers { broker: &broker, cluster: &cluster, file: &file };
    let u = overrides(&[("retention.ms", "1000"), ("cleanup.policy", "compact,delete")]);
    let described = describe_topic(&u, &layers, None);
    assert_eq!(described.len(), section("== TOPIC 'u'").len());
    compare(&described, "== TOPIC 'u'");
    compare(&describe_topic(&overrides(&[("cleanup.policy", "delete")]), &layers, None), "== TOPIC 'v'");
    compare(&describe_cluster(&layers, None), "== BROKER ''");
}

#[test]
fn a_broker_is_described_as_kafka_describes_it() {
    let cluster = overrides(&[("min.insync.replicas", "1")]);
    let file = file();
    let layers = Layers { broker: &Nothing, cluster: &cluster, file: &file };
    let described = describe_broker(&layers, None);
    // Kafka's 340 keys and our two.
    assert_eq!(described.len(), 342);
    compare(&described, "== BROKER '1'");
}

#[test]
fn an_internal_key_is_listed_only_where_it_was_set() {
    let key = "log.initial.task.delay.ms";
    let file = overrides(&[(key, "1000")]);
    let of = |layers: &Layers<'_>| describe_broker(layers, Some(&[key])).into_iter().next().map(|d| d.value);
    assert_eq!(of(&Layers::none()), None);
    let layers = Layers { broker: &Nothing, cluster: &Nothing, file: &file };
    assert_eq!(of(&layers), Some(Some("1000".to_owned())));
}

#[test]
fn only_the_keys_that_were_asked_for_are_described() {
    let described = describe_topic(&Nothing, &Layers::none(), Some(&["retention.ms", "no.such.key"]));
    assert_eq!(described.len(), 1);
    assert_eq!(described[0].value.as_deref(), Some("604800000"));
}
