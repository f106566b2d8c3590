"""Kafka's own tools on a cluster of three nodes, each of which is controller and broker.

First with static voters: the quorum, features, endpoints, topics through every node, configurations, elections, moves of
replicas, brokers that stop and leave, and `kafka-dump-log` on the metadata log and on snapshots of it. Then with voters
that are added and removed (KIP-853). Topics stay empty: what is judged is what the controller decides.
"""
import json
import re
import tempfile

from harness.checks import contains, equal
from harness.cluster import CLUSTER_ID
from harness.proc import wait_until
from harness.tools import Tools
from harness.tools import run as run_tool

NEEDS = ("kafka",)
NODES = (1, 2, 3)


def run(ctx):
    cluster = ctx.own_cluster(properties={"metadata.log.max.record.bytes.between.snapshots": "1000",
                                          "broker.session.timeout.ms": "60000"}).start()
    tools = {id_: Tools(cluster.nodes[id_].bootstrap) for id_ in NODES}
    quorum(ctx, cluster, tools)
    features(ctx, cluster, tools)
    endpoints(ctx, cluster, tools)
    topics(ctx, tools)
    configs(ctx, cluster, tools)
    leaders(ctx, cluster, tools)
    stopped(ctx, cluster, tools)
    dumps(ctx, cluster)
    voters(ctx)


def to_controller(cluster, id_, tool, *args, **options):
    return run_tool(tool, "--bootstrap-controller", cluster.controller(id_), *args, **options)


def of_cluster(tools, what, *args, **options):
    """kafka-cluster, which wants its action first."""
    return run_tool("cluster", what, "--bootstrap-server", tools.bootstrap, *args, **options)


def field(text, name):
    return re.search(rf"^{name}:\s+(.*)$", text, re.M).group(1)


def quorum(ctx, cluster, tools):
    with ctx.check("kafka-metadata-quorum describe --status: the same leader by every broker and every controller"):
        texts = [tools[id_]("metadata-quorum", "describe", "--status") for id_ in NODES]
        texts += [to_controller(cluster, id_, "metadata-quorum", "describe", "--status") for id_ in NODES]
        equal({field(text, "ClusterId") for text in texts}, {CLUSTER_ID})
        equal(len({field(text, "LeaderId") for text in texts}), 1, "leaders")
        for text in texts:
            voters = json.loads(field(text, "CurrentVoters"))
            equal([(v["id"], v["endpoints"]) for v in sorted(voters, key=lambda v: v["id"])],
                  [(id_, [f"CONTROLLER://{cluster.controller(id_)}"]) for id_ in NODES], "voters")
            equal(field(text, "CurrentObservers"), "[]", "observers")
    with ctx.check("kafka-metadata-quorum describe --replication"):
        out = tools[1]("metadata-quorum", "describe", "--replication")
        rows = [line.split("\t") for line in out.splitlines()[1:]]
        equal(sorted(row[-2].strip() for row in rows), ["Follower", "Follower", "Leader"], "roles")
        equal(sorted(int(row[0]) for row in rows), list(NODES), "nodes")


def features(ctx, cluster, tools):
    with ctx.check("kafka-features describe: the same by a broker and by a controller"):
        by_broker = tools[1]("features", "describe")
        contains(by_broker, "Feature: metadata.version", "SupportedMaxVersion: 4.3-IV0", "FinalizedVersionLevel: 4.3-IV0",
                 "Feature: kraft.version")
        levels = re.compile(r"^Feature: (\S+)\s.*FinalizedVersionLevel: (\S+)", re.M)
        equal(levels.findall(to_controller(cluster, 2, "features", "describe")), levels.findall(by_broker), "levels")
    with ctx.check("kafka-features upgrade and downgrade, rehearsed and done"):
        contains(tools[2]("features", "upgrade", "--metadata", "4.3", "--dry-run"), "metadata.version can be upgraded to 30")
        contains(tools[2]("features", "downgrade", "--metadata", "4.0-IV0", "--dry-run", expect=1),
                 "Refusing to perform the requested downgrade")
        contains(tools[2]("features", "upgrade", "--feature", "group.version=9", expect=1), "only supports versions 0-1")
        contains(tools[3]("features", "downgrade", "--feature", "share.version=0"), "share.version was downgraded to 0")
        contains(to_controller(cluster, 1, "features", "upgrade", "--feature", "share.version=1"),
                 "share.version was upgraded to 1")


def endpoints(ctx, cluster, tools):
    with ctx.check("kafka-cluster cluster-id and list-endpoints, of brokers and of controllers"):
        contains(of_cluster(tools[1], "cluster-id"), CLUSTER_ID)
        contains(run_tool("cluster", "cluster-id", "--bootstrap-controller", cluster.controller(3)), CLUSTER_ID)
        listed = of_cluster(tools[2], "list-endpoints", "--include-fenced-brokers")
        equal(re.findall(r"^(\d+)\s+127.0.0.1\s+(\d+)\s+null\s+unfenced\s+broker", listed, re.M),
              [(str(id_), str(cluster.ports[id_][0])) for id_ in NODES], "brokers")
        listed = run_tool("cluster", "list-endpoints", "--bootstrap-controller", cluster.controller(1))
        equal(re.findall(r"^(\d+)\s+127.0.0.1\s+(\d+)\s+null\s+controller", listed, re.M),
              [(str(id_), str(cluster.ports[id_][1])) for id_ in NODES], "controllers")
    with ctx.check("kafka-cluster unregister refuses a broker that is not there"):
        contains(of_cluster(tools[1], "unregister", "--id", "77", expect=1), "BrokerIdNotRegisteredException")
    with ctx.check("kafka-broker-api-versions lists every broker"):
        out = tools[1]("broker-api-versions")
        for id_ in NODES:
            contains(out, f"127.0.0.1:{cluster.ports[id_][0]} (id: {id_}")


def topics(ctx, tools):
    with ctx.check("kafka-topics --create, --describe, --alter, --delete: asked of one broker, seen by the others"):
        for id_ in NODES[:1] if ctx.quick else NODES:
            here, there = tools[id_], tools[id_ % 3 + 1]
            t = ctx.topic(f"by-{id_}")
            here("topics", "--create", "--topic", t, "--partitions", "3", "--replication-factor", "3")
            out = there("topics", "--describe", "--topic", t)
            contains(out, "PartitionCount: 3", "ReplicationFactor: 3")
            rows = re.findall(r"Leader: (\d)\tReplicas: ([\d,]+)\tIsr: ([\d,]+)", out)
            equal(sorted(leader for leader, _, _ in rows), ["1", "2", "3"], "leaders")
            for leader, replicas, isr in rows:
                equal((leader, isr), (replicas[0], replicas), "the first replica leads, all are in sync")
            contains(here("topics", "--create", "--topic", t, expect=1), "TopicExistsException")
            there("topics", "--alter", "--topic", t, "--partitions", "5")
            contains(here("topics", "--describe", "--topic", t), "PartitionCount: 5")
            there("topics", "--delete", "--topic", t)
            assert t not in here("topics", "--list").split(), "deleted, and still listed"
    with ctx.check("kafka-topics --create refuses more replicas than there are brokers"):
        contains(tools[1]("topics", "--create", "--topic", ctx.topic("x"), "--replication-factor", "4", expect=1),
                 "InvalidReplicationFactorException")


def configs(ctx, cluster, tools):
    with ctx.check("kafka-configs: a broker's value, set by a controller, seen by a broker, and taken back"):
        broker = ("--entity-type", "brokers", "--entity-name", "2")
        to_controller(cluster, 3, "configs", "--alter", *broker, "--add-config", "log.cleaner.threads=2")
        contains(tools[2]("configs", "--describe", *broker), "log.cleaner.threads=2")
        tools[1]("configs", "--alter", *broker, "--delete-config", "log.cleaner.threads")
        assert "log.cleaner.threads" not in tools[3]("configs", "--describe", *broker)
    with ctx.check("kafka-configs: a topic's value, set by one broker and seen by another"):
        t = ctx.topic("configured")
        tools[1]("topics", "--create", "--topic", t, "--replication-factor", "3")
        tools[2]("configs", "--alter", "--entity-type", "topics", "--entity-name", t, "--add-config", "retention.ms=1000")
        contains(tools[3]("configs", "--describe", "--entity-type", "topics", "--entity-name", t), "retention.ms=1000")
    with ctx.check("kafka-log-dirs: every broker's directory and replicas"):
        out = tools[1]("log-dirs", "--describe", "--topic-list", t)
        found = json.loads(next(line for line in out.splitlines() if line.startswith("{")))
        equal({b["broker"]: b["logDirs"][0]["logDir"] for b in found["brokers"]},
              {id_: str(cluster.nodes[id_].data) for id_ in NODES}, "directories")
        equal({b["broker"]: [p["partition"] for p in b["logDirs"][0]["partitions"]] for b in found["brokers"]},
              {id_: [f"{t}-0"] for id_ in NODES}, "replicas")


def reassign(tools, topic, replicas, *options, expect=0):
    """kafka-reassign-partitions with a plan for partition 0."""
    plan = {"version": 1, "partitions": [{"topic": topic, "partition": 0, "replicas": replicas}]}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(plan, f)
        f.flush()
        return tools("reassign-partitions", "--reassignment-json-file", f.name, *options, expect=expect)


def leaders(ctx, cluster, tools):
    t = ctx.topic("moved")
    tools[1]("topics", "--create", "--topic", t, "--replica-assignment", "1:2:3")
    with ctx.check("kafka-reassign-partitions: another order of the same replicas is made at once"):
        contains(reassign(tools[2], t, [3, 1, 2], "--execute"), f"Successfully started partition reassignment for {t}-0")
        contains(reassign(tools[1], t, [3, 1, 2], "--verify"), f"Reassignment of partition {t}-0 is completed")
        contains(tools[3]("topics", "--describe", "--topic", t), "Leader: 1\tReplicas: 3,1,2")
        contains(reassign(tools[1], t, [1, 9], "--execute", expect=1), "9")
    with ctx.check("kafka-reassign-partitions: a replica moves to another broker"):
        m = ctx.topic("moving")
        tools[1]("topics", "--create", "--topic", m, "--replica-assignment", "1:2")
        reassign(tools[2], m, [3, 2], "--execute")
        done = f"Reassignment of partition {m}-0 is completed"
        wait_until("the move is done", lambda: done in reassign(tools[2], m, [3, 2], "--verify"))
        contains(tools[1]("topics", "--describe", "--topic", m), "Replicas: 3,2\tIsr: ")
        contains(tools[3]("reassign-partitions", "--list"), "No partition reassignments found.")
    with ctx.check("kafka-leader-election: the preferred replica takes over, and once only"):
        one = ("leader-election", "--election-type", "preferred", "--topic", t, "--partition", "0")
        contains(tools[2](*one), f"Successfully completed leader election (PREFERRED) for partitions {t}-0")
        contains(tools[1]("topics", "--describe", "--topic", t), "Leader: 3\tReplicas: 3,1,2")
        contains(tools[3](*one), f"Valid replica already elected for partitions {t}-0")
        tools[1]("leader-election", "--election-type", "preferred", "--all-topic-partitions")
        contains(tools[1]("leader-election", "--election-type", "preferred", "--topic", t, "--partition", "9",
                          expect="failure"), "UnknownTopicOrPartitionException")


def stopped(ctx, cluster, tools):
    t = ctx.topic("stopped")
    tools[1]("topics", "--create", "--topic", t, "--replica-assignment", "3:1,1:2")
    cluster.nodes[3].stop()
    with ctx.check("a broker that stopped is fenced, leads nothing and is in no ISR"):
        listed = of_cluster(tools[1], "list-endpoints", "--include-fenced-brokers")
        equal(dict(re.findall(r"^(\d+)\s.*\s(\S+)\s+broker\s*$", listed, re.M)),
              {"1": "unfenced", "2": "unfenced", "3": "fenced"}, "states")
        contains(tools[2]("topics", "--describe", "--topic", t), "Leader: 1\tReplicas: 3,1\tIsr: 1")
        contains(tools[2]("topics", "--describe", "--under-replicated-partitions"), f"Topic: {t}\tPartition: 0")
        equal(tools[1]("topics", "--describe", "--unavailable-partitions").strip(), "", "unavailable partitions")
    with ctx.check("kafka-cluster unregister of the stopped broker, which registers again when it starts"):
        contains(of_cluster(tools[2], "unregister", "--id", "3"), "Broker 3 is no longer registered.")
        listed = of_cluster(tools[1], "list-endpoints", "--include-fenced-brokers")
        equal(re.findall(r"^(\d+)\s", listed, re.M), ["1", "2"], "brokers")
        cluster.nodes[3].launch()
        cluster.nodes[3].wait()
        wait_until("broker 3 is unfenced", lambda: re.search(r"^3\s.*unfenced", of_cluster(tools[1], "list-endpoints"), re.M))


def dumps(ctx, cluster):
    folder = cluster.nodes[1].data / "__cluster_metadata-0"
    with ctx.check("kafka-dump-log --cluster-metadata-decoder on the metadata log"):
        out = run_tool("dump-log", "--cluster-metadata-decoder", "--files",
                       ",".join(str(f) for f in sorted(folder.glob("*.log"))), timeout=300)
        for record in ("LeaderChange", "FEATURE_LEVEL_RECORD", "REGISTER_BROKER_RECORD", "TOPIC_RECORD", "PARTITION_RECORD",
                       "PARTITION_CHANGE_RECORD", "CONFIG_RECORD", "REMOVE_TOPIC_RECORD", "UNREGISTER_BROKER_RECORD"):
            contains(out, record)
        assert "isvalid: false" not in out and "Exception" not in out, out[-2000:]
    with ctx.check("kafka-dump-log --cluster-metadata-decoder on a snapshot"):
        snapshots = wait_until("a snapshot", lambda: sorted(
            f for f in folder.glob("*.checkpoint") if not f.name.startswith("0" * 20)))
        out = run_tool("dump-log", "--cluster-metadata-decoder", "--files", snapshots[-1], timeout=300)
        contains(out, "SnapshotHeader", "SnapshotFooter", "FEATURE_LEVEL_RECORD", "REGISTER_BROKER_RECORD", "TOPIC_RECORD")
        assert "isvalid: false" not in out and "Exception" not in out, out[-2000:]


def voters(ctx):
    """A quorum that begins with one voter; the tools let the others in, and take the first one out."""
    cluster = ctx.own_cluster(dynamic=True).start()
    tools = {id_: Tools(cluster.nodes[id_].bootstrap) for id_ in NODES}

    def shown(name, by=2):
        found = json.loads(field(tools[by]("metadata-quorum", "describe", "--status"), name))
        return sorted(node["id"] for node in found)

    def directory(id_):
        text = (cluster.nodes[id_].data / "meta.properties").read_text()
        return re.search(r"^directory.id=(\S+)$", text, re.M).group(1)

    with ctx.check("one voter, two observers, kraft.version 1"):
        equal((shown("CurrentVoters"), shown("CurrentObservers")), ([1], [2, 3]))
        contains(re.sub(r"\s+", " ", tools[3]("features", "describe")),
                 "Feature: kraft.version SupportedMinVersion: 0 SupportedMaxVersion: 1 FinalizedVersionLevel: 1")
    with ctx.check("kafka-metadata-quorum add-controller, by a broker and by a controller"):
        config = cluster.nodes[2].directory / "server.properties"
        contains(tools[1]("metadata-quorum", "--command-config", config, "add-controller"), "Added controller 2")
        config = cluster.nodes[3].directory / "server.properties"
        contains(to_controller(cluster, 1, "metadata-quorum", "--command-config", config, "add-controller"),
                 "Added controller 3")
        equal((shown("CurrentVoters"), shown("CurrentObservers")), ([1, 2, 3], []))
        contains(tools[1]("metadata-quorum", "--command-config", config, "add-controller", expect=1), "DuplicateVoterException")
    with ctx.check("kafka-metadata-quorum remove-controller of the leader: another one leads, and it observes"):
        tools[3]("metadata-quorum", "remove-controller", "--controller-id", "1", "--controller-directory-id", directory(1))
        equal(shown("CurrentVoters"), [2, 3])
        wait_until("node 1 observes", lambda: shown("CurrentObservers") == [1])
        contains(tools[2]("metadata-quorum", "remove-controller", "--controller-id", "1", "--controller-directory-id",
                          directory(1), expect=1), "VoterNotFoundException")
    with ctx.check("after that the cluster decides, and a voter may come back"):
        t = ctx.topic("after")
        tools[1]("topics", "--create", "--topic", t, "--replication-factor", "3")
        contains(tools[2]("topics", "--describe", "--topic", t), "ReplicationFactor: 3")
        config = cluster.nodes[1].directory / "server.properties"
        # The tool does not try again where the leadership is just changing.
        add = ("metadata-quorum", "--command-config", config, "add-controller")
        wait_until("node 1 is added", lambda: re.search(
            "Added controller 1|DuplicateVoterException", tools[3](*add, expect=None)), timeout=60)
        equal(shown("CurrentVoters"), [1, 2, 3])
