//! Keys of the node itself: its roles, the quorum, the metadata log, heartbeats.

use super::rows::*;

keys! { NODE, Broker;
    "background.threads", Int = "10", Min(1), High, ClusterWide, public, Acts,
        "";
    "broker.heartbeat.interval.ms", Int = "2000", Any, Medium, ReadOnly, public, Acts,
        "";
    "broker.id", Int = "-1", Any, High, ReadOnly, public, Acts,
        "";
    "broker.rack", String = null, Any, Medium, ReadOnly, public, Acts,
        "";
    "broker.session.timeout.ms", Int = "9000", Any, Medium, ReadOnly, public, Acts,
        "";
    "config.providers", List = "", Texts, Low, ClusterWide, public, Acts,
        "";
    "controlled.shutdown.enable", Boolean = "true", Any, Medium, ReadOnly, public, Acts,
        "";
    "controller.listener.names", List = null, SomeTexts, High, ReadOnly, public, Acts,
        "";
    "controller.performance.always.log.threshold.ms", Long = "2000", Min(0), Medium, ReadOnly, internal, Acts,
        "";
    "controller.performance.sample.period.ms", Long = "60000", Min(100), Medium, ReadOnly, internal, Acts,
        "";
    "controller.quorum.append.linger.ms", Int = "25", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "controller.quorum.auto.join.enable", Boolean = "false", Any, Low, ReadOnly, public, Acts,
        "";
    "controller.quorum.bootstrap.servers", List = "", Texts, High, ReadOnly, public, Acts,
        "";
    "controller.quorum.election.backoff.max.ms", Int = "1000", Min(0), High, ReadOnly, public, Acts,
        "";
    "controller.quorum.election.timeout.ms", Int = "1000", Min(0), High, ReadOnly, public, Acts,
        "";
    "controller.quorum.fetch.max.bytes", Int = "1048576", Min(1), Low, ReadOnly, public, Acts,
        "";
    "controller.quorum.fetch.snapshot.max.bytes", Int = "1048576", Min(1), Low, ReadOnly, public, Acts,
        "";
    "controller.quorum.fetch.timeout.ms", Int = "2000", Min(0), High, ReadOnly, public, Acts,
        "";
    "controller.quorum.request.timeout.ms", Int = "2000", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "controller.quorum.retry.backoff.ms", Int = "20", Min(0), Low, ReadOnly, public, Acts,
        "";
    "controller.quorum.voters", List = "", Texts, High, ReadOnly, public, Acts,
        "";
    "controller.quota.window.num", Int = "11", Min(1), Low, ReadOnly, public, Acts,
        "";
    "controller.quota.window.size.seconds", Int = "1", Min(1), Low, ReadOnly, public, Acts,
        "";
    "controller.socket.timeout.ms", Int = "30000", Any, Medium, ReadOnly, public, Acts,
        "";
    "cordoned.log.dirs", List = "", Texts, Medium, PerBroker, public, Acts,
        "";
    "early.start.listeners", List = null, Texts, High, ReadOnly, public, Acts,
        "";
    "initial.broker.registration.timeout.ms", Int = "60000", Any, Medium, ReadOnly, public, Acts,
        "";
    "internal.metadata.delete.delay.millis", Long = "60000", Any, Low, ReadOnly, internal, Acts,
        "";
    "internal.metadata.log.segment.bytes", Int = null, Any, Low, ReadOnly, internal, Acts,
        "";
    "internal.metadata.max.batch.size.in.bytes", Int = "8388608", Any, Low, ReadOnly, internal, Acts,
        "";
    "metadata.log.dir", String = null, Any, High, ReadOnly, public, Acts,
        "";
    "metadata.log.max.record.bytes.between.snapshots", Long = "20971520", Min(1), High, ReadOnly, public, Acts,
        "";
    "metadata.log.max.snapshot.interval.ms", Long = "3600000", Min(0), High, ReadOnly, public, Acts,
        "";
    "metadata.log.segment.bytes", Int = "1073741824", Min(8388608), High, ReadOnly, public, Acts,
        "";
    "metadata.log.segment.ms", Long = "604800000", Any, High, ReadOnly, public, Acts,
        "";
    "metadata.max.idle.interval.ms", Int = "500", Min(0), Low, ReadOnly, public, Acts,
        "";
    "metadata.max.retention.bytes", Long = "104857600", Any, High, ReadOnly, public, Acts,
        "";
    "metadata.max.retention.ms", Long = "604800000", Any, High, ReadOnly, public, Acts,
        "";
    "node.id", Int = null, Min(0), High, ReadOnly, public, Acts,
        "";
    "process.roles", List = null, ListOf(&["broker", "controller"]), High, ReadOnly, public, Acts,
        "";
    "server.max.startup.time.ms", Long = "9223372036854775807", Min(0), Medium, ReadOnly, internal, Acts,
        "";
    "unclean.leader.election.interval.ms", Long = "300000", Min(1), Medium, ReadOnly, internal, Acts,
        "";
    "unstable.api.versions.enable", Boolean = "false", Any, High, ReadOnly, internal, Acts,
        "";
    "unstable.feature.versions.enable", Boolean = "false", Any, High, ReadOnly, internal, Acts,
        "";
}
