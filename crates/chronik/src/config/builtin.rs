//! Zero configuration: what a node runs with when nobody says anything. It listens on the loopback only.
//!
//! The lowest layer. It is left out when a file is given or a quorum is configured: then Kafka's own defaults and
//! requirements hold, and a factor of 1 for internal topics would do harm.

/// Keys and values.
pub const BUILTIN: &[(&str, &str)] = &[
    ("node.id", "1"),
    ("process.roles", "broker,controller"),
    ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
    ("controller.listener.names", "CONTROLLER"),
    ("log.dirs", "./chronik-data"),
    ("offsets.topic.replication.factor", "1"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
    ("chronik.http.listener", "localhost:9404"),
];

/// Keys that say that the node is part of something larger.
pub const QUORUM: &[&str] = &["controller.quorum.voters", "controller.quorum.bootstrap.servers"];
