//! Keys of the group coordinator.

use super::rows::*;

keys! { GROUPS, Broker;
    "group.consumer.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public,
        Acts,
        "Least time between two assignments of a consumer group.";
    "group.consumer.assignors", List = "uniform,range", SomeTexts, Medium, ReadOnly, public,
        Acts,
        "Assignors of the new consumer groups, out of uniform and range; the first is the default.";
    "group.consumer.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public,
        Acts,
        "Heartbeat interval of members of consumer groups.";
    "group.consumer.max.assignment.interval.ms", Int = "15000", Min(0), Medium, ReadOnly, public,
        Acts,
        "Upper bound of consumer.assignment.interval.ms.";
    "group.consumer.max.heartbeat.interval.ms", Int = "15000", Min(1), Medium, ReadOnly, public,
        Acts,
        "Upper bound of consumer.heartbeat.interval.ms.";
    "group.consumer.max.session.timeout.ms", Int = "60000", Min(1), Medium, ReadOnly, public,
        Acts,
        "Upper bound of consumer.session.timeout.ms.";
    "group.consumer.max.size", Int = "2147483647", Min(1), Medium, ReadOnly, public, Acts,
        "Most members of a consumer group.";
    "group.consumer.migration.policy", String = "bidirectional", OneOfAnyCase(&["DISABLED", "DOWNGRADE",
        "UPGRADE", "BIDIRECTIONAL"]), Medium, ReadOnly, public, Acts,
        "Between which protocols a group may be converted while it is in use.";
    "group.consumer.min.assignment.interval.ms", Int = "0", Min(0), Medium, ReadOnly, public,
        Acts,
        "Lower bound of consumer.assignment.interval.ms.";
    "group.consumer.min.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public,
        Acts,
        "Lower bound of consumer.heartbeat.interval.ms.";
    "group.consumer.min.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public,
        Acts,
        "Lower bound of consumer.session.timeout.ms.";
    "group.consumer.regex.refresh.interval.ms", Int = "600000", Min(10000), Medium, ReadOnly, internal,
        Acts,
        "How often subscriptions by pattern are matched again.";
    "group.consumer.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public,
        Acts,
        "A member of a consumer group without a heartbeat for this long is removed.";
    "group.coordinator.append.linger.ms", Int = "-1", Min(-1), Medium, ReadOnly, public,
        NoMeaning(GATHERED),
        "How long the coordinator collects records before it writes them; -1 adapts to the load.";
    "group.coordinator.background.threads", Int = "2", Min(1), High, ReadOnly, public, NoMeaning(THREADS),
        "How many threads do the coordinator's background work.";
    "group.coordinator.cached.buffer.max.bytes", Int = "1048588", Min(524_288), Medium, ClusterWide, public,
        NoMeaning(GATHERED),
        "Largest write buffer that is kept for reuse.";
    "group.coordinator.rebalance.protocols", List = "classic,consumer,streams", ListOf(&["consumer",
        "classic", "share", "streams"]), Medium, ReadOnly, public, Acts,
        "Group protocols that are served; classic must be among them. Of share and streams groups nothing is built.";
    "group.coordinator.threads", Int = "4", Min(1), High, ReadOnly, public, NoMeaning(THREADS),
        "How many threads run the coordinator.";
    "group.initial.rebalance.delay.ms", Int = "3000", Any, Medium, ReadOnly, public, Acts,
        "How long a classic group waits for more members before its first rebalance.";
    "group.max.session.timeout.ms", Int = "1800000", Any, Medium, ReadOnly, public, Acts,
        "Longest session timeout of a classic member.";
    "group.max.size", Int = "2147483647", Min(1), Medium, ReadOnly, public, Acts,
        "Most members of a classic group.";
    "group.min.session.timeout.ms", Int = "6000", Any, Medium, ReadOnly, public, Acts,
        "Shortest session timeout of a classic member.";
    "group.share.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public, NotYet(SHARE),
        "Least time between two assignments of a share group.";
    "group.share.assignors", List = "simple", SomeTexts, Medium, ReadOnly, public, NotYet(SHARE),
        "Assignors of share groups.";
    "group.share.delivery.count.limit", Int = "5", Range(2, 10), Medium, ReadOnly, public, NotYet(SHARE),
        "How often a share group delivers a record at most.";
    "group.share.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public, NotYet(SHARE),
        "Heartbeat interval of members of share groups.";
    "group.share.initialize.retry.interval.ms", Int = "30000", Min(1), Low, ReadOnly, internal, NotYet(SHARE),
        "Pause before a share group's state is initialized again.";
    "group.share.max.assignment.interval.ms", Int = "15000", Min(0), Medium, ReadOnly, public, NotYet(SHARE),
        "Upper bound of share.assignment.interval.ms.";
    "group.share.max.delivery.count.limit", Int = "10", Range(5, 25), Medium, ReadOnly, public, NotYet(SHARE),
        "Upper bound of share.delivery.count.limit.";
    "group.share.max.heartbeat.interval.ms", Int = "15000", Min(1), Medium, ReadOnly, public, NotYet(SHARE),
        "Upper bound of share.heartbeat.interval.ms.";
    "group.share.max.partition.max.record.locks", Int = "4000", Range(2000, 10000), Medium, ReadOnly, public,
        NotYet(SHARE),
        "Upper bound of share.partition.max.record.locks.";
    "group.share.max.record.lock.duration.ms", Int = "60000", Range(30000, 3_600_000), Medium, ReadOnly,
        public, NotYet(SHARE),
        "Upper bound of share.record.lock.duration.ms.";
    "group.share.max.session.timeout.ms", Int = "60000", Min(1), Medium, ReadOnly, public, NotYet(SHARE),
        "Upper bound of share.session.timeout.ms.";
    "group.share.max.share.sessions", Int = "2000", Min(1), Medium, ReadOnly, public, NotYet(SHARE),
        "Share sessions that are kept.";
    "group.share.max.size", Int = "200", Range(1, 1000), Medium, ReadOnly, public, NotYet(SHARE),
        "Most members of a share group.";
    "group.share.min.assignment.interval.ms", Int = "0", Min(0), Medium, ReadOnly, public, NotYet(SHARE),
        "Lower bound of share.assignment.interval.ms.";
    "group.share.min.delivery.count.limit", Int = "2", Range(2, 5), Medium, ReadOnly, public, NotYet(SHARE),
        "Lower bound of share.delivery.count.limit.";
    "group.share.min.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public, NotYet(SHARE),
        "Lower bound of share.heartbeat.interval.ms.";
    "group.share.min.partition.max.record.locks", Int = "100", Range(100, 2000), Medium, ReadOnly, public,
        NotYet(SHARE),
        "Lower bound of share.partition.max.record.locks.";
    "group.share.min.record.lock.duration.ms", Int = "15000", Range(1000, 30000), Medium, ReadOnly, public,
        NotYet(SHARE),
        "Lower bound of share.record.lock.duration.ms.";
    "group.share.min.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public, NotYet(SHARE),
        "Lower bound of share.session.timeout.ms.";
    "group.share.partition.max.record.locks", Int = "2000", Range(100, 10000), Medium, ReadOnly, public,
        NotYet(SHARE),
        "Records of a partition that may be locked at a time.";
    "group.share.persister.class.name",
        String = "org.apache.kafka.server.share.persister.DefaultStatePersister", Any, Medium, ReadOnly, internal, NotYet(SHARE),
        "Java class that keeps the state of share groups.";
    "group.share.record.lock.duration.ms", Int = "30000", Range(1000, 3_600_000), Medium, ReadOnly, public,
        NotYet(SHARE),
        "How long a delivered record stays locked.";
    "group.share.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public, NotYet(SHARE),
        "A member of a share group without a heartbeat for this long is removed.";
    "group.streams.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public,
        NotYet(STREAMS),
        "Least time between two assignments of a streams group.";
    "group.streams.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public, NotYet(STREAMS),
        "Heartbeat interval of members of streams groups.";
    "group.streams.initial.rebalance.delay.ms", Int = "3000", Min(0), Medium, ReadOnly, public,
        NotYet(STREAMS),
        "How long a streams group waits for more members before its first assignment.";
    "group.streams.max.assignment.interval.ms", Int = "15000", Min(0), Medium, ReadOnly, public,
        NotYet(STREAMS),
        "Upper bound of streams.assignment.interval.ms.";
    "group.streams.max.heartbeat.interval.ms", Int = "15000", Min(1), Medium, ReadOnly, public,
        NotYet(STREAMS),
        "Upper bound of streams.heartbeat.interval.ms.";
    "group.streams.max.session.timeout.ms", Int = "60000", Min(1), Medium, ReadOnly, public, NotYet(STREAMS),
        "Upper bound of streams.session.timeout.ms.";
    "group.streams.max.size", Int = "2147483647", Min(1), Medium, ReadOnly, public, NotYet(STREAMS),
        "Most members of a streams group.";
    "group.streams.max.standby.replicas", Int = "2", Min(0), Medium, ReadOnly, public, NotYet(STREAMS),
        "Upper bound of streams.num.standby.replicas.";
    "group.streams.min.assignment.interval.ms", Int = "0", Min(0), Medium, ReadOnly, public, NotYet(STREAMS),
        "Lower bound of streams.assignment.interval.ms.";
    "group.streams.min.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ReadOnly, public,
        NotYet(STREAMS),
        "Lower bound of streams.heartbeat.interval.ms.";
    "group.streams.min.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public, NotYet(STREAMS),
        "Lower bound of streams.session.timeout.ms.";
    "group.streams.num.standby.replicas", Int = "0", Min(0), Medium, ReadOnly, public, NotYet(STREAMS),
        "Standby replicas of each task.";
    "group.streams.session.timeout.ms", Int = "45000", Min(1), Medium, ReadOnly, public, NotYet(STREAMS),
        "A member of a streams group without a heartbeat for this long is removed.";
    "offset.metadata.max.bytes", Int = "4096", Any, High, ReadOnly, public, Acts,
        "Largest metadata text of a committed offset.";
    "offsets.commit.timeout.ms", Int = "5000", Min(1), High, ReadOnly, public, Acts,
        "How long an offset commit may wait for its replicas.";
    "offsets.load.buffer.size", Int = "5242880", Min(1), High, ReadOnly, public, Acts,
        "Bytes read at a time when a coordinator loads its offsets.";
    "offsets.retention.check.interval.ms", Long = "600000", Min(1), High, ReadOnly, public,
        Acts,
        "How often committed offsets are looked at for expiry.";
    "offsets.retention.minutes", Int = "10080", Min(1), High, ReadOnly, public, Acts,
        "How long the offsets of an empty group are kept.";
    "offsets.topic.compression.codec", Int = "0", Any, High, ReadOnly, public, Acts,
        "Codec of __consumer_offsets, by number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.";
    "offsets.topic.num.partitions", Int = "50", Min(1), High, ReadOnly, public, Acts,
        "Partitions of __consumer_offsets.";
    "offsets.topic.replication.factor", Short = "3", Min(1), High, ReadOnly, public, Acts,
        "Replicas of __consumer_offsets.";
    "offsets.topic.segment.bytes", Int = "104857600", Min(1), High, ReadOnly, public, Acts,
        "Segment size of __consumer_offsets.";
}
