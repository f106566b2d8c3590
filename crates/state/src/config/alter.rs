//! IncrementalAlterConfigs, AlterConfigs and CreateTopics: the four operations on one key, and the check of a whole set
//! of overrides before it is logged.
//!
//! Kafka's `ConfigurationControlManager`, `ControllerConfigurationValidator` and, for brokers,
//! `DynamicBrokerConfig.validateConfigs`. Two things differ: an unknown broker key is refused (Kafka keeps it for
//! plugins), and so is a value whose function is not built here ([`check_built`]), unless it was there already.

use std::collections::BTreeMap;

use super::checks::check_values;
use super::concern::{Concern, concern};
use super::synonyms::effective;
use super::{ConfigError, Key, Kind, Layers, Lookup, Resource, Scope, UpdateMode, find, nearest};

/// What IncrementalAlterConfigs does to one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum AlterOp {
    /// Set to the given value.
    Set = 0,
    /// Back to the next layer's value.
    Delete = 1,
    /// Add the elements to a list.
    Append = 2,
    /// Remove the elements from a list.
    Subtract = 3,
}

impl AlterOp {
    /// The operation for its number on the wire.
    pub fn from_code(code: i8) -> Option<AlterOp> {
        [AlterOp::Set, AlterOp::Delete, AlterOp::Append, AlterOp::Subtract]
            .into_iter()
            .find(|operation| *operation as i8 == code)
    }
}

/// What an operation amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Altered {
    /// The override is already so.
    Same,
    /// The override becomes this.
    Set(String),
    /// The override goes.
    Remove,
}

/// What one operation on one key amounts to, given the override that is there now. Values are not checked here: run
/// [`check_overrides`] on the outcome of all operations.
///
/// # Errors
/// A list operation on something else than a list, or no operand where one is needed.
pub fn alter(
    resource: Resource,
    name: &str,
    operation: AlterOp,
    operand: Option<&str>,
    current: Option<&str>,
) -> Result<Altered, ConfigError> {
    if operation == AlterOp::Delete {
        return Ok(if current.is_some() { Altered::Remove } else { Altered::Same });
    }
    let Some(operand) = operand else {
        return Err(ConfigError::Request(format!("Null value not supported for : {name}")));
    };
    let value = match operation {
        AlterOp::Append | AlterOp::Subtract => {
            let key = find(resource.scope(), name).ok_or_else(|| unknown(resource, name))?;
            if key.kind != Kind::List {
                let word = if operation == AlterOp::Append { "APPEND" } else { "SUBTRACT" };
                return Err(ConfigError::Conflict(format!(
                    "Can't {word} to key {name} because its type is not LIST."
                )));
            }
            combine(operation, current.or(key.default).unwrap_or_default(), operand)
        }
        AlterOp::Set | AlterOp::Delete => operand.to_owned(),
    };
    Ok(if current == Some(value.as_str()) { Altered::Same } else { Altered::Set(value) })
}

/// The list with the operand's elements added at its end or taken out.
fn combine(operation: AlterOp, list: &str, operand: &str) -> String {
    let parts = |text| str::split(text, ',').map(str::trim).filter(|part: &&str| !part.is_empty());
    let mut kept: Vec<&str> = parts(list).collect();
    for part in parts(operand) {
        if operation == AlterOp::Subtract {
            kept.retain(|element| *element != part);
        } else if !kept.contains(&part) {
            kept.push(part);
        }
    }
    kept.join(",")
}

/// Whether these overrides may stand: names, values, and values against each other. `layers` is what lies below them.
///
/// # Errors
/// The first thing that is wrong; [`ConfigError::code`] is the answer's error code.
pub fn check_overrides<'a>(
    resource: Resource,
    overrides: impl IntoIterator<Item = (&'a str, &'a str)>,
    layers: &Layers<'_>,
) -> Result<(), ConfigError> {
    let overrides: BTreeMap<&str, &str> = overrides.into_iter().collect();
    match resource {
        Resource::Broker | Resource::AllBrokers => {
            let checked = check_broker(resource, &overrides).and_then(|()| {
                let changed: &dyn Lookup = &overrides;
                check_values(&match resource {
                    Resource::AllBrokers => Layers { cluster: changed, ..*layers },
                    _ => Layers { broker: changed, ..*layers },
                })
            });
            checked.map_err(|error| ConfigError::Request(error.to_string()))
        }
        Resource::Topic => {
            check_each(resource, &overrides)?;
            check_compaction_lags(&overrides, layers)
        }
        Resource::Group => {
            check_each(resource, &overrides)?;
            GROUP_BOUNDS.iter().try_for_each(|bounds| check_group_bounds(*bounds, &overrides, layers))
        }
        Resource::ClientMetrics => {
            check_each(resource, &overrides).map_err(|error| ConfigError::Request(error.to_string()))?;
            overrides.get("match").map_or(Ok(()), |patterns| check_client_match(patterns))
        }
    }
}

type Overrides<'a> = BTreeMap<&'a str, &'a str>;

fn check_each(resource: Resource, overrides: &Overrides<'_>) -> Result<(), ConfigError> {
    overrides.iter().try_for_each(|(name, value)| {
        let key = find(resource.scope(), name).ok_or_else(|| unknown(resource, name))?;
        key.parse(value).map(drop)
    })
}

/// Refuses values that ask for something that is not built: run it on what a request sets, after [`check_overrides`].
///
/// # Errors
/// [`ConfigError::Unsupported`], or Kafka's own words for a broker without tiered storage.
pub fn check_built<'a>(
    resource: Resource,
    set: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(), ConfigError> {
    set.into_iter().try_for_each(|(name, value)| match concern(resource.scope(), name, value)? {
        Some(Concern::Refused(_)) if name == "remote.storage.enable" => Err(ConfigError::Conflict(
            "Tiered Storage functionality is disabled in the broker. \
             Topic cannot be configured with remote log storage."
                .to_owned(),
        )),
        Some(Concern::Refused(what) | Concern::NotYet(what)) => {
            let key = find(resource.scope(), name).ok_or_else(|| unknown(resource, name))?;
            Err(key.unsupported(name, value, what))
        }
        Some(Concern::Ignored(_)) | None => Ok(()),
    })
}

fn check_broker(resource: Resource, overrides: &Overrides<'_>) -> Result<(), ConfigError> {
    let names = |matches: &dyn Fn(&str, &Key) -> bool| -> Option<String> {
        let found: Vec<&str> = overrides
            .keys()
            .filter(|name| find(Scope::Broker, name).is_some_and(|key| matches(name, key)))
            .copied()
            .collect();
        (!found.is_empty()).then(|| found.join(", "))
    };
    let per_listener = |name: &str| ["ssl.", "sasl."].iter().any(|prefix| name.starts_with(prefix));
    if let Some(names) = names(&|_, key| !key.is_dynamic()) {
        return Err(ConfigError::Conflict(format!("Cannot update these configs dynamically: [{names}]")));
    }
    if let Some(names) = names(&|name, key| key.update == UpdateMode::PerBroker && per_listener(name)) {
        return Err(ConfigError::Conflict(format!(
            "These security configs can be dynamically updated only per-listener using the listener prefix: [{names}]"
        )));
    }
    if resource == Resource::AllBrokers
        && let Some(names) = names(&|_, key| key.update == UpdateMode::PerBroker)
    {
        return Err(ConfigError::Conflict(format!(
            "Cannot update these configs at default cluster level, broker id must be specified: [{names}]"
        )));
    }
    check_each(resource, overrides)
}

fn check_compaction_lags(overrides: &Overrides<'_>, layers: &Layers<'_>) -> Result<(), ConfigError> {
    let of = |name| effective(Scope::Topic, name, overrides, layers).and_then(|value| value.as_integer());
    match (of("min.compaction.lag.ms"), of("max.compaction.lag.ms")) {
        (Some(min), Some(max)) if min > max => Err(ConfigError::Conflict(format!(
            "conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})"
        ))),
        _ => Ok(()),
    }
}

/// A group key with the broker keys of its bounds.
type Bounds = (&'static str, &'static str, &'static str);

const GROUP_BOUNDS: &[Bounds] = &[
    (
        "consumer.assignment.interval.ms",
        "group.consumer.min.assignment.interval.ms",
        "group.consumer.max.assignment.interval.ms",
    ),
    (
        "consumer.heartbeat.interval.ms",
        "group.consumer.min.heartbeat.interval.ms",
        "group.consumer.max.heartbeat.interval.ms",
    ),
    (
        "consumer.session.timeout.ms",
        "group.consumer.min.session.timeout.ms",
        "group.consumer.max.session.timeout.ms",
    ),
    (
        "share.assignment.interval.ms",
        "group.share.min.assignment.interval.ms",
        "group.share.max.assignment.interval.ms",
    ),
    (
        "share.delivery.count.limit",
        "group.share.min.delivery.count.limit",
        "group.share.max.delivery.count.limit",
    ),
    (
        "share.heartbeat.interval.ms",
        "group.share.min.heartbeat.interval.ms",
        "group.share.max.heartbeat.interval.ms",
    ),
    (
        "share.partition.max.record.locks",
        "group.share.min.partition.max.record.locks",
        "group.share.max.partition.max.record.locks",
    ),
    (
        "share.record.lock.duration.ms",
        "group.share.min.record.lock.duration.ms",
        "group.share.max.record.lock.duration.ms",
    ),
    ("share.session.timeout.ms", "group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms"),
    (
        "streams.assignment.interval.ms",
        "group.streams.min.assignment.interval.ms",
        "group.streams.max.assignment.interval.ms",
    ),
    (
        "streams.heartbeat.interval.ms",
        "group.streams.min.heartbeat.interval.ms",
        "group.streams.max.heartbeat.interval.ms",
    ),
    (
        "streams.session.timeout.ms",
        "group.streams.min.session.timeout.ms",
        "group.streams.max.session.timeout.ms",
    ),
    ("streams.num.standby.replicas", "", "group.streams.max.standby.replicas"),
];

fn check_group_bounds(
    (name, low, high): Bounds,
    overrides: &Overrides<'_>,
    layers: &Layers<'_>,
) -> Result<(), ConfigError> {
    let parsed = overrides.get(name).and_then(|text| text.trim().parse::<i64>().ok());
    let bound =
        |name| effective(Scope::Broker, name, &super::Nothing, layers).and_then(|value| value.as_integer());
    let fault = match parsed {
        Some(value) if bound(low).is_some_and(|low| value < low) => ("greater", low),
        Some(value) if bound(high).is_some_and(|high| value > high) => ("less", high),
        _ => return Ok(()),
    };
    Err(ConfigError::Conflict(format!("{name} must be {} than or equal to {}", fault.0, fault.1)))
}

/// The selectors that a client metrics subscription may match by (`ClientMetricsConfigs`).
const CLIENT_SELECTORS: &[&str] = &[
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

fn check_client_match(patterns: &str) -> Result<(), ConfigError> {
    let fits = |entry: &&str| {
        entry.split_once('=').is_some_and(|(selector, _)| CLIENT_SELECTORS.contains(&selector.trim()))
    };
    let mut entries = patterns.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    match entries.find(|entry| !fits(entry)) {
        Some(entry) => Err(ConfigError::Conflict(format!("Illegal client matching pattern: {entry}"))),
        None => Ok(()),
    }
}

pub(super) fn unknown(resource: Resource, name: &str) -> ConfigError {
    ConfigError::Unknown {
        name: name.to_owned(),
        scope: resource.scope().word(),
        nearest: nearest(resource.scope(), name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chronik_types::ErrorCode;

    fn refused(resource: Resource, overrides: &[(&'static str, &'static str)]) -> (ErrorCode, String) {
        let checked = check_overrides(resource, overrides.iter().copied(), &Layers::none());
        let error = checked.and_then(|()| check_built(resource, overrides.iter().copied())).unwrap_err();
        (error.code(), error.to_string())
    }

    #[test]
    fn lists_grow_and_shrink_from_their_default() {
        let alter = |operation, operand, current| {
            super::alter(Resource::Topic, "cleanup.policy", operation, Some(operand), current).unwrap()
        };
        assert_eq!(alter(AlterOp::Append, "compact", None), Altered::Set("delete,compact".to_owned()));
        assert_eq!(
            alter(AlterOp::Subtract, "compact", Some("compact,delete")),
            Altered::Set("delete".to_owned())
        );
        assert_eq!(alter(AlterOp::Append, "delete", Some("delete")), Altered::Same);
        assert_eq!(alter(AlterOp::Subtract, "delete", Some("delete")), Altered::Set(String::new()));
        assert_eq!(alter(AlterOp::Delete, "", Some("delete")), Altered::Remove);
        assert_eq!(alter(AlterOp::Delete, "", None), Altered::Same);
    }

    #[test]
    fn only_lists_take_list_operations_and_null_is_no_value() {
        let error = alter(Resource::Topic, "retention.ms", AlterOp::Append, Some("1"), None).unwrap_err();
        assert_eq!(error.to_string(), "Can't APPEND to key retention.ms because its type is not LIST.");
        assert_eq!(error.code(), ErrorCode::InvalidConfig);
        let error = alter(Resource::Topic, "retention.ms", AlterOp::Set, None, None).unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            (ErrorCode::InvalidRequest, "Null value not supported for : retention.ms")
        );
    }

    #[test]
    fn topics_are_checked_as_kafka_checks_them() {
        let (code, text) = refused(Resource::Topic, &[("foo", "1")]);
        assert_eq!((code, text.as_str()), (ErrorCode::InvalidConfig, "Unknown topic config name: foo"));
        let (_, text) = refused(Resource::Topic, &[("retention.msec", "1")]);
        assert_eq!(text, "Unknown topic config name: retention.msec (did you mean retention.ms?)");
        let (_, text) =
            refused(Resource::Topic, &[("min.compaction.lag.ms", "100"), ("max.compaction.lag.ms", "10")]);
        assert_eq!(
            text,
            "conflict topic config setting min.compaction.lag.ms (100) > max.compaction.lag.ms (10)"
        );
        let (_, text) = refused(Resource::Topic, &[("remote.storage.enable", "true")]);
        assert!(text.starts_with("Tiered Storage functionality is disabled in the broker."), "{text}");
        let fine =
            [("internal.segment.bytes", "100"), ("cleanup.policy", ""), ("local.retention.bytes", "99")];
        check_overrides(Resource::Topic, fine, &Layers::none()).unwrap();
    }

    #[test]
    fn brokers_are_checked_as_kafka_checks_them() {
        let (code, text) = refused(Resource::Broker, &[("num.partitions", "3")]);
        assert_eq!(
            (code, text.as_str()),
            (ErrorCode::InvalidRequest, "Cannot update these configs dynamically: [num.partitions]")
        );
        let (_, text) = refused(Resource::AllBrokers, &[("ssl.keystore.password", "abc")]);
        assert_eq!(
            text,
            "These security configs can be dynamically updated only per-listener using the listener prefix: [ssl.keystore.password]"
        );
        let (_, text) = refused(Resource::AllBrokers, &[("principal.builder.class", "x")]);
        assert_eq!(
            text,
            "Cannot update these configs at default cluster level, broker id must be specified: [principal.builder.class]"
        );
        let (_, text) = refused(Resource::Broker, &[("listeners", "PLAINTEXT://:1")]);
        assert_eq!(text, "Cannot update these configs dynamically: [listeners]");
        let (code, text) = refused(Resource::Broker, &[("log.retention.ms", "x")]);
        assert_eq!(
            (code, text.as_str()),
            (
                ErrorCode::InvalidRequest,
                "Invalid value x for configuration log.retention.ms: Not a number of type LONG"
            )
        );
        check_overrides(Resource::Broker, [("log.retention.ms", "5555")], &Layers::none()).unwrap();
    }

    #[test]
    fn a_change_that_leads_to_contradicting_values_is_refused() {
        for resource in [Resource::Broker, Resource::AllBrokers] {
            let (code, text) = refused(resource, &[("log.cleaner.dedupe.buffer.size", "10")]);
            assert_eq!(code, ErrorCode::InvalidRequest);
            assert_eq!(text, "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.");
        }
        let cluster: BTreeMap<&str, &str> = [("log.cleaner.dedupe.buffer.size", "2097153")].into();
        let layers = Layers { cluster: &cluster, ..Layers::none() };
        check_overrides(Resource::Broker, [("log.cleaner.threads", "1")], &layers).unwrap();
        check_overrides(Resource::Broker, [("log.cleaner.threads", "3")], &layers).unwrap_err();
    }

    #[test]
    fn what_asks_for_something_that_is_not_built_is_refused_and_what_has_no_meaning_is_not() {
        for (resource, name, value) in [
            (Resource::Topic, "local.retention.ms", "1000"),
            (Resource::Topic, "remote.log.copy.disable", "true"),
            (Resource::Broker, "cordoned.log.dirs", "*"),
            (Resource::Broker, "listener.name.plaintext.max.connections", "5"),
            (Resource::Group, "share.isolation.level", "read_committed"),
            (Resource::ClientMetrics, "interval.ms", "5000"),
        ] {
            let (code, text) = refused(resource, &[(name, value)]);
            assert_eq!(code, ErrorCode::InvalidConfig, "{name}");
            assert!(text.starts_with(&format!("{name}={value} is refused: ")), "{text}");
            assert!(text.ends_with("is not supported by this version of Chronik"), "{text}");
        }
        check_built(Resource::Topic, [("preallocate", "true"), ("local.retention.ms", "-2")]).unwrap();
        check_built(Resource::Broker, [("num.io.threads", "16"), ("cordoned.log.dirs", "")]).unwrap();
    }

    #[test]
    fn groups_and_subscriptions_stay_within_their_bounds() {
        let (code, text) = refused(Resource::Group, &[("consumer.session.timeout.ms", "1")]);
        assert_eq!(
            (code, text.as_str()),
            (
                ErrorCode::InvalidConfig,
                "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms"
            )
        );
        let (code, text) = refused(Resource::ClientMetrics, &[("match", "bad")]);
        assert_eq!((code, text.as_str()), (ErrorCode::InvalidConfig, "Illegal client matching pattern: bad"));
        assert_eq!(refused(Resource::ClientMetrics, &[("interval.ms", "1")]).0, ErrorCode::InvalidRequest);
        check_overrides(Resource::ClientMetrics, [("match", "client_id=a.*")], &Layers::none()).unwrap();
    }
}
