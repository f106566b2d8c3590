//! Keys of the node itself: its roles, the quorum, the metadata log, heartbeats.

use super::rows::*;

keys! { NODE, Broker;
    "background.threads", Int = "10", Min(1), High, ClusterWide, public, NoMeaning(THREADS),
        "How many threads do background work.";
    "broker.heartbeat.interval.ms", Int = "2000", Any, Medium, ReadOnly, public, Acts,
        "Milliseconds between two heartbeats of a broker to the controller.";
    "broker.id", Int = "-1", Any, High, ReadOnly, public, Acts,
        "The former name of node.id; if both are given they must agree.";
    "broker.rack", String = null, Any, Medium, ReadOnly, public, Acts,
        "The rack or zone of this broker, for placement of replicas and for fetching from the closest one.";
    "broker.session.timeout.ms", Int = "9000", Any, Medium, ReadOnly, public, Acts,
        "A broker without a heartbeat for this many milliseconds is fenced.";
    "config.providers", List = "", Texts, Low, ClusterWide, public,
        Refused("values taken from a config provider"),
        "Names of the providers that replace ${provider:path:key} in values.";
    "controlled.shutdown.enable", Boolean = "true", Any, Medium, ReadOnly, public,
        Acts,
        "Whether a broker hands over its leaderships before it stops.";
    "controller.listener.names", List = null, SomeTexts, High, ReadOnly, public, Acts,
        "Names of the listeners that the quorum talks on; the first is the one that nodes connect to.";
    "controller.performance.always.log.threshold.ms", Long = "2000", Min(0), Medium, ReadOnly, internal,
        NoMeaning("slow controller events are not sampled"),
        "Controller events slower than this are always logged.";
    "controller.performance.sample.period.ms", Long = "60000", Min(100), Medium, ReadOnly, internal,
        NoMeaning("slow controller events are not sampled"),
        "How often the slowest controller event is logged.";
    "controller.quorum.append.linger.ms", Int = "25", Min(0), Medium, ReadOnly, public,
        NoMeaning("records are written as they are made, and what comes meanwhile shares one sync"),
        "How long the active controller collects records before it writes them to the metadata log.";
    "controller.quorum.auto.join.enable", Boolean = "false", Any, Low, ReadOnly, public,
        Acts,
        "Whether a controller that is not a voter adds itself to the quorum.";
    "controller.quorum.bootstrap.servers", List = "", Texts, High, ReadOnly, public, Acts,
        "host:port list to find the quorum by, when its voters are kept in the metadata log.";
    "controller.quorum.election.backoff.max.ms", Int = "1000", Min(0), High, ReadOnly, public, Acts,
        "Longest random pause before another election, so that candidates do not collide for ever.";
    "controller.quorum.election.timeout.ms", Int = "1000", Min(0), High, ReadOnly, public, Acts,
        "A candidate that has not won within this time starts another election.";
    "controller.quorum.fetch.max.bytes", Int = "1048576", Min(1), Low, ReadOnly, public, Acts,
        "Most bytes in one fetch of the metadata log.";
    "controller.quorum.fetch.snapshot.max.bytes", Int = "1048576", Min(1), Low, ReadOnly, public,
        Acts,
        "Most bytes in one piece of a metadata snapshot.";
    "controller.quorum.fetch.timeout.ms", Int = "2000", Min(0), High, ReadOnly, public, Acts,
        "A voter that could not fetch from the leader for this long starts an election.";
    "controller.quorum.request.timeout.ms", Int = "2000", Min(0), Medium, ReadOnly, public, Acts,
        "How long a request to another node of the quorum may take.";
    "controller.quorum.retry.backoff.ms", Int = "20", Min(0), Low, ReadOnly, public, Acts,
        "Pause before a failed request to the quorum is repeated.";
    "controller.quorum.voters", List = "", Texts, High, ReadOnly, public, Acts,
        "id@host:port list of the quorum's voters, when they are fixed by configuration.";
    "controller.quota.window.num", Int = "11", Min(1), Low, ReadOnly, public, NotYet(QUOTAS),
        "How many samples the quota on controller mutations remembers.";
    "controller.quota.window.size.seconds", Int = "1", Min(1), Low, ReadOnly, public, NotYet(QUOTAS),
        "Length of each of these samples.";
    "controller.socket.timeout.ms", Int = "30000", Any, Medium, ReadOnly, public,
        NoMeaning("heartbeats and the like wait for half of broker.session.timeout.ms, what is forwarded for 30 s"),
        "How long a request from a broker to the controller may take.";
    "cordoned.log.dirs", List = "", Texts, Medium, PerBroker, public, NotYet("cordoned log directories"),
        "Log directories that get no new replicas; * is all of them.";
    "early.start.listeners", List = null, Texts, High, ReadOnly, public,
        NoMeaning("every listener starts before the node serves, and nothing waits for an authorizer"),
        "Listeners that accept connections before the authorizer is ready.";
    "initial.broker.registration.timeout.ms", Int = "60000", Any, Medium, ReadOnly, public,
        Acts,
        "A broker that could not register within this time stops.";
    "internal.metadata.delete.delay.millis", Long = "60000", Any, Low, ReadOnly, internal,
        NoMeaning("they are removed at once"),
        "How long deleted segments and snapshots of the metadata log stay on disk.";
    "internal.metadata.log.segment.bytes", Int = null, Any, Low, ReadOnly, internal, Acts,
        "Segment size of the metadata log, without a lower bound; for tests.";
    "internal.metadata.max.batch.size.in.bytes", Int = "8388608", Any, Low, ReadOnly, internal,
        NoMeaning("a decision is one batch, whatever its size"),
        "Largest batch in the metadata log.";
    "metadata.log.dir", String = null, Any, High, ReadOnly, public, Acts,
        "Where the metadata log is kept; unset is the first log directory.";
    "metadata.log.max.record.bytes.between.snapshots", Long = "20971520", Min(1), High, ReadOnly, public,
        Acts,
        "Bytes of metadata records after which a snapshot is written.";
    "metadata.log.max.snapshot.interval.ms", Long = "3600000", Min(0), High, ReadOnly, public,
        Acts,
        "Time after which a snapshot is written if anything has changed; 0 turns that off.";
    "metadata.log.segment.bytes", Int = "1073741824", Min(8_388_608), High, ReadOnly, public,
        Acts,
        "Size at which the metadata log starts a new segment.";
    "metadata.log.segment.ms", Long = "604800000", Any, High, ReadOnly, public, Acts,
        "Age at which the metadata log starts a new segment.";
    "metadata.max.idle.interval.ms", Int = "500", Min(0), Low, ReadOnly, public, NoMeaning("an idle controller writes nothing"),
        "How often the active controller writes a no-op record; 0 is never.";
    "metadata.max.retention.bytes", Long = "104857600", Any, High, ReadOnly, public, Acts,
        "Size beyond which old metadata segments and snapshots are removed.";
    "metadata.max.retention.ms", Long = "604800000", Any, High, ReadOnly, public, Acts,
        "Age beyond which old metadata segments and snapshots are removed.";
    "node.id", Int = null, Min(0), High, ReadOnly, public, Acts,
        "The number of this node in the cluster.";
    "process.roles", List = null, ListOf(&["broker", "controller"]), High, ReadOnly, public, Acts,
        "What the node is: broker, controller, or both.";
    "server.max.startup.time.ms", Long = "9223372036854775807", Min(0), Medium, ReadOnly, internal,
        NoMeaning("a node starts in milliseconds"),
        "A node that is not up within this time stops.";
    "unclean.leader.election.interval.ms", Long = "300000", Min(1), Medium, ReadOnly, internal,
        Acts,
        "How often the controller looks for partitions that need an unclean election.";
    "unstable.api.versions.enable", Boolean = "false", Any, High, ReadOnly, internal,
        NoMeaning("versions that Kafka calls unstable are not served"),
        "Whether API versions that Kafka still works on are served.";
    "unstable.feature.versions.enable", Boolean = "false", Any, High, ReadOnly, internal,
        NoMeaning("versions that Kafka calls unstable are not served"),
        "Whether feature versions that Kafka still works on can be used.";
}
