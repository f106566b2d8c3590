//! Keys of transactions, producer ids and the share coordinator.

use super::rows::*;

keys! { TRANSACTIONS, Broker;
    "add.partitions.to.txn.retry.backoff.max.ms", Int = "100", Min(0), High, ReadOnly, public,
        NotYet(TRANSACTIONAL),
        "Longest pause before a partition is added to a transaction again.";
    "add.partitions.to.txn.retry.backoff.ms", Int = "20", Min(1), High, ReadOnly, public,
        NotYet(TRANSACTIONAL),
        "First pause before a partition is added to a transaction again.";
    "producer.id.expiration.check.interval.ms", Int = "600000", Min(1), Low, ReadOnly, internal, Acts,
        "How often producers are looked at for expiry.";
    "producer.id.expiration.ms", Int = "86400000", Min(1), Low, ClusterWide, public, Acts,
        "A producer that has written nothing for this long is forgotten.";
    "share.coordinator.append.linger.ms", Int = "-1", Min(-1), Medium, ReadOnly, public, NotYet(SHARE),
        "How long the share coordinator collects records before it writes them; -1 adapts to the load.";
    "share.coordinator.cached.buffer.max.bytes", Int = "1048588", Min(524_288), Medium, ClusterWide, public,
        NotYet(SHARE),
        "Largest write buffer that is kept for reuse.";
    "share.coordinator.cold.partition.snapshot.interval.ms", Int = "300000", Min(1), Low, ReadOnly, internal,
        NotYet(SHARE),
        "How often partitions without traffic are snapshotted.";
    "share.coordinator.load.buffer.size", Int = "5242880", Min(1), High, ReadOnly, public, NotYet(SHARE),
        "Bytes read at a time when a share coordinator loads its state.";
    "share.coordinator.snapshot.update.records.per.snapshot", Int = "500", Range(0, 500), Medium, ReadOnly,
        public, NotYet(SHARE),
        "Updates after which the share state is snapshotted.";
    "share.coordinator.state.topic.compression.codec", Int = "0", Any, High, ReadOnly, public, NotYet(SHARE),
        "Codec of __share_group_state, by number; 0 is none.";
    "share.coordinator.state.topic.min.isr", Short = "2", Min(1), High, ReadOnly, public, NotYet(SHARE),
        "min.insync.replicas of __share_group_state.";
    "share.coordinator.state.topic.num.partitions", Int = "50", Min(1), High, ReadOnly, public, NotYet(SHARE),
        "Partitions of __share_group_state.";
    "share.coordinator.state.topic.prune.interval.ms", Int = "300000", Min(1), Low, ReadOnly, internal,
        NotYet(SHARE),
        "How often __share_group_state is trimmed.";
    "share.coordinator.state.topic.replication.factor", Short = "3", Min(1), High, ReadOnly, public,
        NotYet(SHARE),
        "Replicas of __share_group_state.";
    "share.coordinator.state.topic.segment.bytes", Int = "104857600", Min(1), High, ReadOnly, public,
        NotYet(SHARE),
        "Segment size of __share_group_state.";
    "share.coordinator.threads", Int = "1", Min(1), Medium, ReadOnly, public, NoMeaning(THREADS),
        "How many threads run the share coordinator.";
    "share.coordinator.write.timeout.ms", Int = "5000", Min(1), High, ReadOnly, public, NotYet(SHARE),
        "How long a write of the share coordinator may wait for its replicas.";
    "share.fetch.purgatory.purge.interval.requests", Int = "1000", Any, Medium, ReadOnly, public,
        NoMeaning("a parked request that is answered leaves nothing to purge"),
        "Answered share fetches that are purged at a time.";
    "transaction.abort.timed.out.transaction.cleanup.interval.ms", Int = "10000", Min(1), Low, ReadOnly,
        public, NotYet(TRANSACTIONAL),
        "How often transactions are looked at for their timeout.";
    "transaction.max.timeout.ms", Int = "900000", Min(1), High, ReadOnly, public, NotYet(TRANSACTIONAL),
        "Longest transaction timeout that a producer may ask for.";
    "transaction.partition.verification.enable", Boolean = "true", Any, Low, ClusterWide, public,
        NotYet(TRANSACTIONAL),
        "Whether a partition asks the coordinator before it takes transactional records.";
    "transaction.remove.expired.transaction.cleanup.interval.ms", Int = "3600000", Min(1), Low, ReadOnly,
        public, NotYet(TRANSACTIONAL),
        "How often transactional ids are looked at for expiry.";
    "transaction.state.log.load.buffer.size", Int = "5242880", Min(1), High, ReadOnly, public,
        NotYet(TRANSACTIONAL),
        "Bytes read at a time when a coordinator loads its transactions.";
    "transaction.state.log.min.isr", Int = "2", Min(1), High, ReadOnly, public, NotYet(TRANSACTIONAL),
        "min.insync.replicas of __transaction_state.";
    "transaction.state.log.num.partitions", Int = "50", Min(1), High, ReadOnly, public, NotYet(TRANSACTIONAL),
        "Partitions of __transaction_state.";
    "transaction.state.log.replication.factor", Short = "3", Min(1), High, ReadOnly, public,
        NotYet(TRANSACTIONAL),
        "Replicas of __transaction_state.";
    "transaction.state.log.segment.bytes", Int = "104857600", Min(1), High, ReadOnly, public,
        NotYet(TRANSACTIONAL),
        "Segment size of __transaction_state.";
    "transaction.two.phase.commit.enable", Boolean = "false", Any, Low, ReadOnly, public,
        NotYet(TRANSACTIONAL),
        "Whether a producer may leave the end of its transaction to an outside coordinator.";
    "transactional.id.expiration.ms", Int = "604800000", Min(1), High, ReadOnly, public,
        NotYet(TRANSACTIONAL),
        "A transactional id that was not used for this long is forgotten.";
}
