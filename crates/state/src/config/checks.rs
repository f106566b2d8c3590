//! Values against each other: what a node refuses to start with, and what no dynamic change may lead to.
//!
//! The rules and their words are those of `KafkaConfig.validateValues`, `GroupCoordinatorConfig`, `ShareGroupConfig` and
//! `AbstractKafkaConfig.groupCoordinatorRebalanceProtocols`. Where Kafka names a key that means the same in another
//! unit, the message here names the one that was set. Assignors are known by name only: Chronik loads no Java classes.

use super::synonyms::{behind, effective};
use super::{ConfigError, Layers, Nothing, Scope};

/// A consumer group's built-in assignors: the names, and the Java classes that files of earlier versions give for them.
const ASSIGNORS: &[(&str, &str)] = &[
    ("uniform", "org.apache.kafka.coordinator.group.assignor.UniformAssignor"),
    ("range", "org.apache.kafka.coordinator.group.assignor.RangeAssignor"),
];

/// Memory that one thread of the compaction needs more than.
const DEDUPE_BYTES_MIN: i64 = 1 << 20;

/// The codecs of `offsets.topic.compression.codec` by number: none, gzip, snappy, lz4, zstd.
const CODECS: std::ops::RangeInclusive<i64> = 0..=4;

const OVERRIDES: &str = "max.connections.per.ip.overrides";

/// The name of the assignor that `text` means, if there is one.
pub(super) fn assignor(text: &str) -> Option<&'static str> {
    ASSIGNORS.iter().find(|(name, class)| *name == text || *class == text).map(|(name, _)| *name)
}

/// Checks what these layers amount to. Text that does not parse counts as absent: it is reported where it stands.
///
/// # Errors
/// [`ConfigError::Conflict`]: the first rule that is broken.
pub(super) fn check_values(layers: &Layers<'_>) -> Result<(), ConfigError> {
    check_logs(layers)?;
    check_replication(layers)?;
    check_network(layers)?;
    check_groups(layers)
}

fn refuse(fault: impl Into<String>) -> Result<(), ConfigError> {
    Err(ConfigError::Conflict(fault.into()))
}

fn number(layers: &Layers<'_>, scope: Scope, name: &str) -> i64 {
    effective(scope, name, &Nothing, layers).and_then(|value| value.as_integer()).unwrap_or(0)
}

fn of(layers: &Layers<'_>, name: &str) -> i64 {
    number(layers, Scope::Broker, name)
}

/// The broker key that gives a topic's key its value, or the first that could.
fn given(layers: &Layers<'_>, name: &str) -> &'static str {
    let chain = behind(Scope::Topic, name);
    let set = chain.iter().find(|(key, _)| layers.set(key).is_some());
    set.or(chain.first()).map_or("", |(key, _)| *key)
}

fn check_logs(layers: &Layers<'_>) -> Result<(), ConfigError> {
    let topic = |name| number(layers, Scope::Topic, name);
    if topic("retention.ms") == 0 {
        let name = given(layers, "retention.ms");
        return refuse(format!("{name} must be unlimited (-1) or, greater than or equal to 1"));
    }
    if topic("segment.ms") < 1 {
        return refuse(format!("{} must be greater than or equal to 1", given(layers, "segment.ms")));
    }
    if topic("segment.jitter.ms") < 0 {
        return refuse(format!("{} must be greater than or equal to 0", given(layers, "segment.jitter.ms")));
    }
    match of(layers, "log.cleaner.threads") {
        0 => refuse("log.cleaner.threads must be at least 1; log.cleaner.enable=false turns compaction off"),
        threads if of(layers, "log.cleaner.dedupe.buffer.size") / threads <= DEDUPE_BYTES_MIN => {
            refuse("log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.")
        }
        _ => Ok(()),
    }
}

fn check_replication(layers: &Layers<'_>) -> Result<(), ConfigError> {
    let wait = of(layers, "replica.fetch.wait.max.ms");
    if wait > of(layers, "replica.lag.time.max.ms") {
        return refuse(
            "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent \
             frequent changes in ISR",
        );
    }
    if wait > of(layers, "replica.socket.timeout.ms") {
        return refuse(
            "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary \
             socket timeouts",
        );
    }
    Ok(())
}

fn check_network(layers: &Layers<'_>) -> Result<(), ConfigError> {
    let queued = of(layers, "queued.max.request.bytes");
    if queued > 0 && queued < of(layers, "socket.request.max.bytes") {
        return refuse("queued.max.request.bytes must be larger or equal to socket.request.max.bytes");
    }
    let overrides = layers.set(OVERRIDES).map(|value| value.to_string()).unwrap_or_default();
    if of(layers, "max.connections.per.ip") == 0 && overrides.is_empty() {
        return refuse(
            "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.",
        );
    }
    for entry in overrides.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let limit = entry.rsplit_once(':').and_then(|(_, limit)| limit.trim().parse::<u32>().ok());
        if limit.is_none() {
            return refuse(format!(
                "Invalid value {overrides} for configuration {OVERRIDES}: {entry} is not of the form host:limit"
            ));
        }
    }
    Ok(())
}

fn check_groups(layers: &Layers<'_>) -> Result<(), ConfigError> {
    let list = |name| effective(Scope::Broker, name, &Nothing, layers);
    if let Some(protocols) = list("group.coordinator.rebalance.protocols")
        && !protocols.elements().iter().any(|protocol| **protocol == *"classic")
    {
        return refuse(
            "group.coordinator.rebalance.protocols: disabling the 'classic' protocol is not supported.",
        );
    }
    if let Some(assignors) = list("group.consumer.assignors")
        && let Some(unknown) = assignors.elements().iter().find(|name| assignor(name).is_none())
    {
        return refuse(format!(
            "group.consumer.assignors: there is no assignor {unknown}; there are uniform and range, and no Java classes \
             are loaded"
        ));
    }
    let codec = of(layers, "offsets.topic.compression.codec");
    if !CODECS.contains(&codec) {
        return refuse(format!(
            "offsets.topic.compression.codec: unknown compression type id {codec}; it is 0 (none), 1 (gzip), 2 (snappy), \
             3 (lz4) or 4 (zstd)"
        ));
    }
    ["consumer", "share", "streams"].iter().try_for_each(|kind| check_intervals(layers, kind))
}

/// The intervals of one kind of group lie between their bounds, and a heartbeat comes before its session ends.
fn check_intervals(layers: &Layers<'_>, kind: &str) -> Result<(), ConfigError> {
    for what in ["heartbeat.interval", "session.timeout", "assignment.interval"] {
        let name = format!("group.{kind}.{what}.ms");
        let (low, high) = (format!("group.{kind}.min.{what}.ms"), format!("group.{kind}.max.{what}.ms"));
        let (value, min, max) = (of(layers, &name), of(layers, &low), of(layers, &high));
        if max < min {
            return refuse(format!("{high} must be greater than or equal to {low}"));
        }
        if value < min {
            return refuse(format!("{name} must be greater than or equal to {low}"));
        }
        if value > max {
            return refuse(format!("{name} must be less than or equal to {high}"));
        }
    }
    let (heartbeat, session) =
        (format!("group.{kind}.heartbeat.interval.ms"), format!("group.{kind}.session.timeout.ms"));
    if of(layers, &heartbeat) >= of(layers, &session) {
        return refuse(format!("{heartbeat} must be less than {session}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn checked(settings: &[(&'static str, &'static str)]) -> Result<(), String> {
        let file: BTreeMap<&str, &str> = settings.iter().copied().collect();
        check_values(&Layers { file: &file, ..Layers::none() }).map_err(|error| error.to_string())
    }

    fn fault(settings: &[(&'static str, &'static str)]) -> String {
        checked(settings).expect_err("it contradicts itself")
    }

    #[test]
    fn what_kafka_starts_with_is_fine() {
        checked(&[]).unwrap();
        checked(&[("group.coordinator.rebalance.protocols", "classic")]).unwrap();
        checked(&[("log.cleaner.dedupe.buffer.size", "1048577")]).unwrap();
        checked(&[("offsets.topic.compression.codec", "4")]).unwrap();
        let classes = "org.apache.kafka.coordinator.group.assignor.UniformAssignor,range";
        checked(&[("group.consumer.assignors", classes)]).unwrap();
    }

    #[test]
    fn what_kafka_does_not_start_with_is_refused() {
        assert!(fault(&[("log.retention.hours", "0")]).starts_with("log.retention.hours must be unlimited"));
        let both = [("log.retention.hours", "0"), ("log.retention.ms", "0")];
        assert!(fault(&both).starts_with("log.retention.ms must be unlimited (-1)"));
        assert!(fault(&[("log.roll.ms", "0")]).starts_with("log.roll.ms must be"));
        assert!(fault(&[("log.cleaner.dedupe.buffer.size", "1048576")]).contains("1MB per cleaner thread"));
        let halves = [("log.cleaner.dedupe.buffer.size", "2097152"), ("log.cleaner.threads", "2")];
        assert!(fault(&halves).contains("1MB per cleaner thread"));
        assert!(fault(&[("log.cleaner.threads", "0")]).contains("at least 1"));
        assert!(fault(&[("replica.lag.time.max.ms", "1")]).starts_with("replica.fetch.wait.max.ms"));
        assert!(fault(&[("replica.socket.timeout.ms", "100")]).starts_with("replica.socket.timeout.ms"));
        assert!(fault(&[("queued.max.request.bytes", "5")]).starts_with("queued.max.request.bytes"));
        assert!(fault(&[("max.connections.per.ip", "0")]).starts_with("max.connections.per.ip can be set"));
        assert!(fault(&[("max.connections.per.ip.overrides", "a:b")]).contains("host:limit"));
        for protocols in ["share", "consumer"] {
            assert!(fault(&[("group.coordinator.rebalance.protocols", protocols)]).contains("'classic'"));
        }
        assert!(fault(&[("group.consumer.assignors", "org.foo.Bar")]).contains("no assignor org.foo.Bar"));
        assert!(fault(&[("offsets.topic.compression.codec", "9")]).contains("id 9"));
    }

    #[test]
    fn intervals_of_groups_lie_between_their_bounds() {
        let bound = |name, value, says: &str| {
            let text = fault(&[(name, value)]);
            assert!(text.starts_with(name) && text.contains(says), "{text}");
        };
        bound("group.consumer.heartbeat.interval.ms", "100", "greater than or equal to group.consumer.min.");
        bound("group.consumer.heartbeat.interval.ms", "16000", "less than or equal to group.consumer.max.");
        bound("group.consumer.max.session.timeout.ms", "100", "greater than or equal to group.consumer.min.");
        bound("group.consumer.session.timeout.ms", "70000", "less than or equal to group.consumer.max.");
        bound("group.share.heartbeat.interval.ms", "1", "greater than or equal to group.share.min.");
        bound("group.streams.session.timeout.ms", "1", "greater than or equal to group.streams.min.");
        let late =
            [("group.consumer.session.timeout.ms", "5000"), ("group.consumer.min.session.timeout.ms", "1")];
        assert!(fault(&late).ends_with("must be less than group.consumer.session.timeout.ms"));
    }
}
