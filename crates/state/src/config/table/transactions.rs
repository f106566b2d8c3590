//! Keys of transactions, producer ids and the share coordinator.

use super::rows::*;

keys! { TRANSACTIONS, Broker;
    "add.partitions.to.txn.retry.backoff.max.ms", Int = "100", Min(0), High, ReadOnly, public, Acts,
        "";
    "add.partitions.to.txn.retry.backoff.ms", Int = "20", Min(1), High, ReadOnly, public, Acts,
        "";
    "producer.id.expiration.check.interval.ms", Int = "600000", Min(1), Low, ReadOnly, internal, Acts,
        "";
    "producer.id.expiration.ms", Int = "86400000", Min(1), Low, ClusterWide, public, Acts,
        "";
    "share.coordinator.append.linger.ms", Int = "-1", Min(-1), Medium, ReadOnly, public, Acts,
        "";
    "share.coordinator.cached.buffer.max.bytes", Int = "1048588", Min(524288), Medium, ClusterWide, public, Acts,
        "";
    "share.coordinator.cold.partition.snapshot.interval.ms", Int = "300000", Min(1), Low, ReadOnly, internal, Acts,
        "";
    "share.coordinator.load.buffer.size", Int = "5242880", Min(1), High, ReadOnly, public, Acts,
        "";
    "share.coordinator.snapshot.update.records.per.snapshot", Int = "500", Range(0, 500), Medium, ReadOnly, public, Acts,
        "";
    "share.coordinator.state.topic.compression.codec", Int = "0", Any, High, ReadOnly, public, Acts,
        "";
    "share.coordinator.state.topic.min.isr", Short = "2", Min(1), High, ReadOnly, public, Acts,
        "";
    "share.coordinator.state.topic.num.partitions", Int = "50", Min(1), High, ReadOnly, public, Acts,
        "";
    "share.coordinator.state.topic.prune.interval.ms", Int = "300000", Min(1), Low, ReadOnly, internal, Acts,
        "";
    "share.coordinator.state.topic.replication.factor", Short = "3", Min(1), High, ReadOnly, public, Acts,
        "";
    "share.coordinator.state.topic.segment.bytes", Int = "104857600", Min(1), High, ReadOnly, public, Acts,
        "";
    "share.coordinator.threads", Int = "1", Min(1), Medium, ReadOnly, public, Acts,
        "";
    "share.coordinator.write.timeout.ms", Int = "5000", Min(1), High, ReadOnly, public, Acts,
        "";
    "share.fetch.purgatory.purge.interval.requests", Int = "1000", Any, Medium, ReadOnly, public, Acts,
        "";
    "transaction.abort.timed.out.transaction.cleanup.interval.ms", Int = "10000", Min(1), Low, ReadOnly, public, Acts,
        "";
    "transaction.max.timeout.ms", Int = "900000", Min(1), High, ReadOnly, public, Acts,
        "";
    "transaction.partition.verification.enable", Boolean = "true", Any, Low, ClusterWide, public, Acts,
        "";
    "transaction.remove.expired.transaction.cleanup.interval.ms", Int = "3600000", Min(1), Low, ReadOnly, public, Acts,
        "";
    "transaction.state.log.load.buffer.size", Int = "5242880", Min(1), High, ReadOnly, public, Acts,
        "";
    "transaction.state.log.min.isr", Int = "2", Min(1), High, ReadOnly, public, Acts,
        "";
    "transaction.state.log.num.partitions", Int = "50", Min(1), High, ReadOnly, public, Acts,
        "";
    "transaction.state.log.replication.factor", Short = "3", Min(1), High, ReadOnly, public, Acts,
        "";
    "transaction.state.log.segment.bytes", Int = "104857600", Min(1), High, ReadOnly, public, Acts,
        "";
    "transaction.two.phase.commit.enable", Boolean = "false", Any, Low, ReadOnly, public, Acts,
        "";
    "transactional.id.expiration.ms", Int = "604800000", Min(1), High, ReadOnly, public, Acts,
        "";
}
