//! Which broker keys stand behind a topic or group key, and which broker keys mean the same in other units.
//!
//! Kafka's `ServerTopicConfigSynonyms`, `GroupConfig.ALL_GROUP_CONFIG_SYNONYMS` and
//! `DynamicBrokerConfig.brokerConfigSynonyms`. A chain is in order of precedence: the first key that is set wins,
//! and the default is that of the first key that has one.

use super::{Layers, Lookup, Scope, Value, find};

/// A broker key and the factor from its unit to the unit of the key that it stands for.
pub(super) type Step = (&'static str, i64);

const MINUTES: i64 = 60_000;
const HOURS: i64 = 3_600_000;

const RETENTION: &[Step] =
    &[("log.retention.ms", 1), ("log.retention.minutes", MINUTES), ("log.retention.hours", HOURS)];
const ROLL: &[Step] = &[("log.roll.ms", 1), ("log.roll.hours", HOURS)];
const ROLL_JITTER: &[Step] = &[("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", HOURS)];
const FLUSH_MS: &[Step] = &[("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)];

const TOPIC: &[(&str, &[Step])] = &[
    ("cleanup.policy", &[("log.cleanup.policy", 1)]),
    ("compression.gzip.level", &[("compression.gzip.level", 1)]),
    ("compression.lz4.level", &[("compression.lz4.level", 1)]),
    ("compression.type", &[("compression.type", 1)]),
    ("compression.zstd.level", &[("compression.zstd.level", 1)]),
    ("delete.retention.ms", &[("log.cleaner.delete.retention.ms", 1)]),
    ("file.delete.delay.ms", &[("log.segment.delete.delay.ms", 1)]),
    ("flush.messages", &[("log.flush.interval.messages", 1)]),
    ("flush.ms", FLUSH_MS),
    ("index.interval.bytes", &[("log.index.interval.bytes", 1)]),
    ("local.retention.bytes", &[("log.local.retention.bytes", 1)]),
    ("local.retention.ms", &[("log.local.retention.ms", 1)]),
    ("max.compaction.lag.ms", &[("log.cleaner.max.compaction.lag.ms", 1)]),
    ("max.message.bytes", &[("message.max.bytes", 1)]),
    ("message.timestamp.after.max.ms", &[("log.message.timestamp.after.max.ms", 1)]),
    ("message.timestamp.before.max.ms", &[("log.message.timestamp.before.max.ms", 1)]),
    ("message.timestamp.type", &[("log.message.timestamp.type", 1)]),
    ("min.cleanable.dirty.ratio", &[("log.cleaner.min.cleanable.ratio", 1)]),
    ("min.compaction.lag.ms", &[("log.cleaner.min.compaction.lag.ms", 1)]),
    ("min.insync.replicas", &[("min.insync.replicas", 1)]),
    ("preallocate", &[("log.preallocate", 1)]),
    ("retention.bytes", &[("log.retention.bytes", 1)]),
    ("retention.ms", RETENTION),
    ("segment.bytes", &[("log.segment.bytes", 1)]),
    ("segment.index.bytes", &[("log.index.size.max.bytes", 1)]),
    ("segment.jitter.ms", ROLL_JITTER),
    ("segment.ms", ROLL),
    ("unclean.leader.election.enable", &[("unclean.leader.election.enable", 1)]),
];

const GROUP: &[(&str, &[Step])] = &[
    ("consumer.assignment.interval.ms", &[("group.consumer.assignment.interval.ms", 1)]),
    ("consumer.heartbeat.interval.ms", &[("group.consumer.heartbeat.interval.ms", 1)]),
    ("consumer.session.timeout.ms", &[("group.consumer.session.timeout.ms", 1)]),
    ("share.assignment.interval.ms", &[("group.share.assignment.interval.ms", 1)]),
    ("share.delivery.count.limit", &[("group.share.delivery.count.limit", 1)]),
    ("share.heartbeat.interval.ms", &[("group.share.heartbeat.interval.ms", 1)]),
    ("share.partition.max.record.locks", &[("group.share.partition.max.record.locks", 1)]),
    ("share.record.lock.duration.ms", &[("group.share.record.lock.duration.ms", 1)]),
    ("share.session.timeout.ms", &[("group.share.session.timeout.ms", 1)]),
    ("streams.assignment.interval.ms", &[("group.streams.assignment.interval.ms", 1)]),
    ("streams.heartbeat.interval.ms", &[("group.streams.heartbeat.interval.ms", 1)]),
    ("streams.initial.rebalance.delay.ms", &[("group.streams.initial.rebalance.delay.ms", 1)]),
    ("streams.num.standby.replicas", &[("group.streams.num.standby.replicas", 1)]),
    ("streams.session.timeout.ms", &[("group.streams.session.timeout.ms", 1)]),
];

/// The broker keys that a topic's or group's key falls back to; empty for a key that has none.
pub(super) fn behind(scope: Scope, name: &str) -> &'static [Step] {
    let table = match scope {
        Scope::Topic => TOPIC,
        Scope::Group => GROUP,
        Scope::Broker | Scope::ClientMetrics => &[],
    };
    table.iter().find(|(key, _)| *key == name).map_or(&[], |(_, chain)| chain)
}

/// The broker keys that mean the same as this one, in order of precedence; a key alone is its own only synonym.
pub(super) fn same_as(name: &'static str) -> Vec<&'static str> {
    let names = |chain: &[Step]| chain.iter().map(|(key, _)| *key).collect();
    match name {
        "log.retention.ms" | "log.retention.minutes" | "log.retention.hours" => names(RETENTION),
        "log.roll.ms" | "log.roll.hours" => names(ROLL),
        "log.roll.jitter.ms" | "log.roll.jitter.hours" => names(ROLL_JITTER),
        "log.flush.interval.ms" => names(FLUSH_MS),
        _ => vec![name],
    }
}

/// The value in force for a key of a topic or group (or of the broker, with [`super::Nothing`] as overrides); `None` is null.
/// Text that does not parse counts as absent.
pub(super) fn effective(
    scope: Scope,
    name: &str,
    overrides: &dyn Lookup,
    layers: &Layers<'_>,
) -> Option<Value> {
    let key = find(scope, name)?;
    if scope == Scope::Broker {
        return layers.set(name).or_else(|| key.default_value());
    }
    if let Some(value) = overrides.get(name).and_then(|text| key.parse(text).ok()) {
        return Some(value);
    }
    let chain = behind(scope, name);
    let set = chain.iter().find_map(|(step, factor)| layers.set(step).map(|value| scaled(value, *factor)));
    let default = || {
        chain.iter().find_map(|(step, factor)| {
            find(Scope::Broker, step)?.default_value().map(|value| scaled(value, *factor))
        })
    };
    set.or_else(default).or_else(|| key.default_value())
}

/// The value in the unit of the key that it stands for. A negative time stays "for ever" in every unit.
fn scaled(value: Value, factor: i64) -> Value {
    match value.as_integer() {
        Some(number) if factor != 1 => {
            Value::Long(if number < 0 { -1 } else { number.saturating_mul(factor) })
        }
        _ => value,
    }
}
