//! Keys of one group, and one client metrics subscription.

use super::rows::*;

keys! { GROUP, Group;
    "consumer.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "consumer.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "consumer.session.timeout.ms", Int = "45000", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "share.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "share.auto.offset.reset", String = "latest", ShareOffsetReset, Medium, ClusterWide, public, Acts,
        "";
    "share.delivery.count.limit", Int = "5", Min(2), Medium, ClusterWide, public, Acts,
        "";
    "share.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "share.isolation.level", String = "read_uncommitted", OneOf(&["read_committed", "read_uncommitted"]), Medium, ClusterWide, public, Acts,
        "";
    "share.partition.max.record.locks", Int = "2000", Min(100), Medium, ClusterWide, public, Acts,
        "";
    "share.record.lock.duration.ms", Int = "30000", Min(1000), Medium, ClusterWide, public, Acts,
        "";
    "share.renew.acknowledge.enable", Boolean = "true", Any, Medium, ClusterWide, public, Acts,
        "";
    "share.session.timeout.ms", Int = "45000", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "streams.assignment.interval.ms", Int = "1000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "streams.heartbeat.interval.ms", Int = "5000", Min(1), Medium, ClusterWide, public, Acts,
        "";
    "streams.initial.rebalance.delay.ms", Int = "3000", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "streams.num.standby.replicas", Int = "0", Min(0), Medium, ClusterWide, public, Acts,
        "";
    "streams.session.timeout.ms", Int = "45000", Min(1), Medium, ClusterWide, public, Acts,
        "";
}

keys! { CLIENT_METRICS, ClientMetrics;
    "interval.ms", Int = "300000", Range(100, 3600000), Medium, ClusterWide, public, Acts,
        "";
    "match", List = "", Texts, Medium, ClusterWide, public, Acts,
        "";
    "metrics", List = "", Texts, Medium, ClusterWide, public, Acts,
        "";
}
