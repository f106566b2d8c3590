//! The configuration table against Apache Kafka 4.3.1: the same keys, types, defaults, bounds, importance and update
//! modes, apart from the differences that are listed here.

use std::collections::BTreeSet;

use chronik_state::config::{Importance, Key, Scope, UpdateMode, Valid, find, keys};

const FIXTURE: &str = include_str!("fixtures/kafka-4.3.1-keys.tsv");

/// Where Chronik's default is another one on purpose: the name and our default.
const OTHER_DEFAULTS: &[(&str, &str)] = &[("flush.messages", "1"), ("log.flush.interval.messages", "1")];

/// Keys that Kafka does not have.
const OURS: &[&str] = &["chronik.http.listener", "cluster.id"];

struct Row<'a> {
    scope: Scope,
    name: &'a str,
    kind: &'a str,
    default: Option<&'a str>,
    valid: &'a str,
    importance: &'a str,
    update: &'a str,
    internal: bool,
}

fn rows() -> impl Iterator<Item = Row<'static>> {
    FIXTURE.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [scope, name, kind, default, valid, importance, update, internal] = fields[..] else {
            panic!("eight fields: {line}");
        };
        let scope = match scope {
            "broker" => Scope::Broker,
            "topic" => Scope::Topic,
            "group" => Scope::Group,
            "client-metrics" => Scope::ClientMetrics,
            other => panic!("unknown scope {other}"),
        };
        let default = Some(default).filter(|text| !["<null>", "<none>"].contains(text));
        Row { scope, name, kind, default, valid, importance, update, internal: internal == "internal" }
    })
}

#[test]
fn every_key_of_kafka_is_known_with_its_facts() {
    for row in rows() {
        let key = find(row.scope, row.name).unwrap_or_else(|| panic!("{} is missing in the table", row.name));
        assert_eq!(key.kind.name(), row.kind, "{}", row.name);
        let other = OTHER_DEFAULTS.iter().find(|(name, _)| *name == row.name).map(|(_, default)| *default);
        assert_eq!(key.default, other.or(row.default), "{}", row.name);
        assert_eq!(key.internal, row.internal, "{}", row.name);
        assert_eq!(key.importance, importance(row.importance), "{}", row.name);
        if row.scope == Scope::Broker {
            assert_eq!(key.update.name(), row.update, "{}", row.name);
        } else {
            assert_eq!(key.update, UpdateMode::ClusterWide, "{}", row.name);
        }
        check_bounds(key, &row);
    }
}

#[test]
fn nothing_is_known_that_kafka_does_not_have() {
    let theirs: BTreeSet<(Scope, &str)> = rows().map(|row| (row.scope, row.name)).collect();
    for scope in [Scope::Broker, Scope::Topic, Scope::Group, Scope::ClientMetrics] {
        for key in keys(scope) {
            assert!(theirs.contains(&(scope, key.name)) || OURS.contains(&key.name), "{}", key.name);
            assert!(key.doc.ends_with('.') && key.doc.len() < 120, "{}: one sentence", key.name);
        }
    }
}

fn importance(word: &str) -> Importance {
    match word {
        "HIGH" => Importance::High,
        "MEDIUM" => Importance::Medium,
        "LOW" => Importance::Low,
        other => panic!("unknown importance {other}"),
    }
}

/// Compares the bounds by their text as Kafka prints it; lists differ in how Kafka prints them, so they are tried out
/// in the unit tests instead.
fn check_bounds(key: &Key, row: &Row<'_>) {
    let printed = match key.valid {
        Valid::Any => String::new(),
        Valid::Min(low) => format!("[{low},...]"),
        Valid::Range(low, high) => format!("[{low},...,{high}]"),
        Valid::RangeF(low, high) => format!("[{low},...,{high}]"),
        Valid::GzipLevel => "[1,...,9] or -1".to_owned(),
        Valid::OneOf(words) | Valid::ListOf(words) | Valid::ListOfOrEmpty(words) => {
            format!("[{}]", words.join(", "))
        }
        Valid::OneOfAnyCase(words) => format!("(case insensitive) [{}]", words.join(", ")),
        Valid::NonEmpty => "non-empty string".to_owned(),
        Valid::Texts | Valid::SomeTexts | Valid::ThrottledReplicas | Valid::ShareOffsetReset => return,
    };
    // `authorizer.class.name` only must not be null, a subscription's interval is checked outside of its ConfigDef, and of
    // Kafka's selectors only those that come with it are known here.
    if !["authorizer.class.name", "interval.ms", "replica.selector.class"].contains(&key.name) {
        assert_eq!(printed, row.valid, "{}", key.name);
    }
}
