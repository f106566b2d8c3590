//! Broker keys that Kafka 4 no longer has and that files of earlier versions still contain.
//!
//! They are accepted and ignored, as Kafka 4 does it, but each with the reason.

const ZOOKEEPER: &str = "Kafka 4 has no ZooKeeper";
const FORMATS: &str = "Kafka 4 stores one message format only";
const RELEASE: &str = "the cluster's metadata.version says it";
const GONE: &str = "Kafka 4 has removed it";

/// Names, or beginnings that end in a dot, and why they are ignored.
const FORMER: &[(&str, &str)] = &[
    ("zookeeper.", ZOOKEEPER),
    ("broker.id.generation.enable", ZOOKEEPER),
    ("reserved.broker.max.id", ZOOKEEPER),
    ("inter.broker.protocol.version", RELEASE),
    ("log.message.format.version", FORMATS),
    ("log.message.downconversion.enable", FORMATS),
    ("log.message.timestamp.difference.max.ms", "use log.message.timestamp.before.max.ms and .after.max.ms"),
    ("password.encoder.", GONE),
    ("control.plane.listener.name", GONE),
    ("controlled.shutdown.max.retries", GONE),
    ("controlled.shutdown.retry.backoff.ms", GONE),
    ("controller.quorum.append.linger.records", GONE),
    ("auto.include.jmx.reporter", GONE),
    ("offsets.commit.required.acks", GONE),
    ("leader.imbalance.per.broker.percentage", GONE),
    ("group.coordinator.new.enable", GONE),
    ("transaction.abort.timed.out.transaction.cleanup.enable", GONE),
    ("advertised.host.name", "use advertised.listeners"),
    ("advertised.port", "use advertised.listeners"),
    ("host.name", "use listeners"),
    ("port", "use listeners"),
];

/// Why a key of an earlier version of Kafka is ignored; `None` if it is no such key.
pub(in super::super) fn former(name: &str) -> Option<&'static str> {
    let fits = |known: &str| if known.ends_with('.') { name.starts_with(known) } else { name == known };
    FORMER.iter().find(|(known, _)| fits(known)).map(|(_, why)| *why)
}
