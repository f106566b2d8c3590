//! Keys of one group, and one client metrics subscription.

use super::rows::*;

keys! { GROUP, Group;
    "consumer.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public,
        Acts,
        "Least time between two assignments of this group.";
    "consumer.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ClusterWide, public,
        Acts,
        "Heartbeat interval of the members.";
    "consumer.session.timeout.ms", Int = "45000", Min(1), Medium, ClusterWide, public,
        Acts,
        "A member without a heartbeat for this long is removed.";
    "share.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public, NotYet(SHARE),
        "Least time between two assignments of this share group.";
    "share.auto.offset.reset", String = "latest", ShareOffsetReset, Medium, ClusterWide, public,
        NotYet(SHARE),
        "Where a share group starts: latest, earliest or by_duration and an ISO 8601 duration.";
    "share.delivery.count.limit", Int = "5", Min(2), Medium, ClusterWide, public, NotYet(SHARE),
        "How often a record is delivered at most.";
    "share.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ClusterWide, public, NotYet(SHARE),
        "Heartbeat interval of the share group's members.";
    "share.isolation.level", String = "read_uncommitted", OneOf(&["read_committed", "read_uncommitted"]),
        Medium, ClusterWide, public, NotYet(SHARE),
        "Whether records of open or aborted transactions are delivered.";
    "share.partition.max.record.locks", Int = "2000", Min(100), Medium, ClusterWide, public, NotYet(SHARE),
        "Records of a partition that may be locked at a time.";
    "share.record.lock.duration.ms", Int = "30000", Min(1000), Medium, ClusterWide, public, NotYet(SHARE),
        "How long a delivered record stays locked.";
    "share.renew.acknowledge.enable", Boolean = "true", Any, Medium, ClusterWide, public, NotYet(SHARE),
        "Whether a member may prolong its lock.";
    "share.session.timeout.ms", Int = "45000", Min(1), Medium, ClusterWide, public, NotYet(SHARE),
        "A member of the share group without a heartbeat for this long is removed.";
    "streams.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public, NotYet(STREAMS),
        "Least time between two assignments of this streams group.";
    "streams.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ClusterWide, public, NotYet(STREAMS),
        "Heartbeat interval of the streams group's members.";
    "streams.initial.rebalance.delay.ms", Int = "3000", Min(0), Medium, ClusterWide, public, NotYet(STREAMS),
        "How long the group waits for more members before its first assignment.";
    "streams.num.standby.replicas", Int = "0", Min(0), Medium, ClusterWide, public, NotYet(STREAMS),
        "Standby replicas of each task.";
    "streams.session.timeout.ms", Int = "45000", Min(1), Medium, ClusterWide, public, NotYet(STREAMS),
        "A member of the streams group without a heartbeat for this long is removed.";
}

keys! { CLIENT_METRICS, ClientMetrics;
    "interval.ms", Int = "300000", Range(100, 3_600_000), Medium, ClusterWide, public,
        NotYet("client metrics (KIP-714)"),
        "How often they push.";
    "match", List = "", Texts, Medium, ClusterWide, public, NotYet("client metrics (KIP-714)"),
        "Which clients: list of selector=pattern.";
    "metrics", List = "", Texts, Medium, ClusterWide, public, NotYet("client metrics (KIP-714)"),
        "Prefixes of the metrics that matching clients push; * is all.";
}
