//! Keys of the group coordinator.

use super::rows::*;

keys! { GROUPS, Broker;
    "group.consumer.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "group.consumer.assignors", List = "uniform,range", SomeTexts, Medium, ReadOnly, public, Acts,
        "";
    "group.consumer.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.consumer.max.assignment.interval.ms", Int = "15000", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "group.consumer.max.heartbeat.interval.ms", Int = "15000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.consumer.max.session.timeout.ms", Int = "60000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.consumer.max.size", Int = "2147483647", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.consumer.migration.policy", String = "bidirectional", OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]), Medium, ReadOnly, public, Acts,
        "";
    "group.consumer.min.assignment.interval.ms", Int = "0", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "group.consumer.min.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.consumer.min.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.consumer.regex.refresh.interval.ms", Int = "600000", Min(10000), Medium, ReadOnly, internal, Acts,
        "";
    "group.consumer.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.coordinator.append.linger.ms", Int = "-1", Min(-1), Medium, ReadOnly, public, Acts,
        "";
    "group.coordinator.background.threads", Int = "2", Min(1), High, ReadOnly, public, Acts,
        "";
    "group.coordinator.cached.buffer.max.bytes", Int = "1048588", Min(524288), Medium, ClusterWide, public, Acts,
        "";
    "group.coordinator.rebalance.protocols", List = "classic,consumer,streams", ListOf(&["consumer", "classic", "share", "streams"]), Medium, ReadOnly, public, Acts,
        "";
    "group.coordinator.threads", Int = "4", Min(1), High, ReadOnly, public, Acts,
        "";
    "group.initial.rebalance.delay.ms", Int = "3000", Any, Medium, ReadOnly, public, Acts,
        "";
    "group.max.session.timeout.ms", Int = "1800000", Any, Medium, ReadOnly, public, Acts,
        "";
    "group.max.size", Int = "2147483647", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.min.session.timeout.ms", Int = "6000", Any, Medium, ReadOnly, public, Acts,
        "";
    "group.share.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "group.share.assignors", List = "simple", SomeTexts, Medium, ReadOnly, public, Acts,
        "";
    "group.share.delivery.count.limit", Int = "5", Range(2, 10), Medium, ReadOnly, public, Acts,
        "";
    "group.share.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.share.initialize.retry.interval.ms", Int = "30000", Min(1), Low, ReadOnly, internal, Acts,
        "";
    "group.share.max.assignment.interval.ms", Int = "15000", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "group.share.max.delivery.count.limit", Int = "10", Range(5, 25), Medium, ReadOnly, public, Acts,
        "";
    "group.share.max.heartbeat.interval.ms", Int = "15000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.share.max.partition.max.record.locks", Int = "4000", Range(2000, 10000), Medium, ReadOnly, public, Acts,
        "";
    "group.share.max.record.lock.duration.ms", Int = "60000", Range(30000, 3600000), Medium, ReadOnly, public, Acts,
        "";
    "group.share.max.session.timeout.ms", Int = "60000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.share.max.share.sessions", Int = "2000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.share.max.size", Int = "200", Range(1, 1000), Medium, ReadOnly, public, Acts,
        "";
    "group.share.min.assignment.interval.ms", Int = "0", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "group.share.min.delivery.count.limit", Int = "2", Range(2, 5), Medium, ReadOnly, public, Acts,
        "";
    "group.share.min.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.share.min.partition.max.record.locks", Int = "100", Range(100, 2000), Medium, ReadOnly, public, Acts,
        "";
    "group.share.min.record.lock.duration.ms", Int = "15000", Range(1000, 30000), Medium, ReadOnly, public, Acts,
        "";
    "group.share.min.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.share.partition.max.record.locks", Int = "2000", Range(100, 10000), Medium, ReadOnly, public, Acts,
        "";
    "group.share.persister.class.name", String = "org.apache.kafka.server.share.persister.DefaultStatePersister", Any, Medium, ReadOnly, internal, Acts,
        "";
    "group.share.record.lock.duration.ms", Int = "30000", Range(1000, 3600000), Medium, ReadOnly, public, Acts,
        "";
    "group.share.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "group.streams.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.initial.rebalance.delay.ms", Int = "3000", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.max.assignment.interval.ms", Int = "15000", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.max.heartbeat.interval.ms", Int = "15000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.max.session.timeout.ms", Int = "60000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.max.size", Int = "2147483647", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.max.standby.replicas", Int = "2", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.min.assignment.interval.ms", Int = "0", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.min.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.min.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.num.standby.replicas", Int = "0", Min(0), Medium, ReadOnly, public, Acts,
        "";
    "group.streams.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "offset.metadata.max.bytes", Int = "4096", Any, High, ReadOnly, public, Acts,
        "";
    "offsets.commit.timeout.ms", Int = "5000", Min(1), High, ReadOnly, public, Acts,
        "";
    "offsets.load.buffer.size", Int = "5242880", Min(1), High, ReadOnly, public, Acts,
        "";
    "offsets.retention.check.interval.ms", Long = "600000", Min(1), High, ReadOnly, public, Acts,
        "";
    "offsets.retention.minutes", Int = "10080", Min(1), High, ReadOnly, public, Acts,
        "";
    "offsets.topic.compression.codec", Int = "0", Any, High, ReadOnly, public, Acts,
        "";
    "offsets.topic.num.partitions", Int = "50", Min(1), High, ReadOnly, public, Acts,
        "";
    "offsets.topic.replication.factor", Short = "3", Min(1), High, ReadOnly, public, Acts,
        "";
    "offsets.topic.segment.bytes", Int = "104857600", Min(1), High, ReadOnly, public, Acts,
        "";
}
