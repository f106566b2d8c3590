"""Chronik and Apache Kafka in one quorum of three static voters: either kind leads, and all agree on what was decided.

One Kafka and two Chronik nodes: the leader is stopped until each kind has led. Then one Chronik and two Kafka nodes, where
a Kafka nearly always wins: it refuses the pre-votes of others until it is about to ask for its own. While each kind
leads, a topic is created through a broker of each kind, and every broker describes it the same way.
"""
import json
import re

from harness.checks import Skip, contains, equal
from harness.proc import wait_until
from harness.tools import Tools

NEEDS = ("kafka",)
NODES = (1, 2, 3)
TURNS = 6


def run(ctx):
    if ctx.kind != "chronik":
        raise Skip("this suite is about Chronik among Kafka nodes")
    mixed(ctx, {1: "chronik", 2: "kafka", 3: "chronik"}, {"chronik", "kafka"})
    if not ctx.quick:
        mixed(ctx, {1: "kafka", 2: "chronik", 3: "kafka"}, {"kafka"})


def mixed(ctx, kinds, wanted):
    shown = " ".join(kinds.values())
    cluster = ctx.own_cluster(kinds=kinds)
    with ctx.check(f"{shown}: the cluster forms"):
        cluster.start()
    tools = {id_: Tools(cluster.nodes[id_].bootstrap) for id_ in NODES}
    led = set()
    for _ in range(TURNS):
        leader = leads(tools)
        if kinds[leader] not in led:
            led.add(kinds[leader])
            decides(ctx, cluster, tools, f"{shown}: {kinds[leader]} leads")
        if led >= wanted:
            break
        with ctx.check(f"{shown}: node {leader} stops, another one leads, and it comes back"):
            turn(cluster, tools, leader)
    with ctx.check(f"{shown}: these have led: {' and '.join(sorted(wanted))}"):
        assert led >= wanted, led


def leads(tools, by=NODES):
    def asked():
        for id_ in by:
            out = tools[id_]("metadata-quorum", "describe", "--status", expect=None)
            found = re.search(r"^LeaderId:\s+(\d+)$", out, re.M)
            if found:
                return int(found.group(1))
        return None

    return wait_until("somebody leads", asked, timeout=120)


def unfenced(tools, by, id_):
    out = tools[by]("metadata-quorum", "describe", "--replication", expect=None)
    return re.search(rf"^{id_}\s.*(Leader|Follower)", out, re.M) and is_up(tools, by, id_)


def is_up(tools, by, id_):
    return f"(id: {id_} " in tools[by]("broker-api-versions", expect=None)


def turn(cluster, tools, leader):
    others = [id_ for id_ in NODES if id_ != leader]
    cluster.nodes[leader].stop()
    wait_until("another node leads", lambda: leads(tools, others) != leader, timeout=120)
    cluster.nodes[leader].launch()
    cluster.nodes[leader].wait()
    wait_until(f"node {leader} is back", lambda: unfenced(tools, others[0], leader), timeout=120)


def decides(ctx, cluster, tools, what):
    for kind, id_ in {cluster.kinds[id_]: id_ for id_ in NODES}.items():
        with ctx.check(f"{what}: a topic made through node {id_} ({kind}) is the same to all"):
            t = ctx.topic(f"through-{id_}")
            tools[id_]("topics", "--create", "--topic", t, "--partitions", "3", "--replication-factor", "3")
            texts = [wait_until("it is known", lambda by=by: described(tools, by, t)) for by in NODES]
            equal(len(set(texts)), 1, "\n".join(texts))
            contains(texts[0], "PartitionCount: 3", "ReplicationFactor: 3")
            tools[id_]("configs", "--alter", "--entity-type", "topics", "--entity-name", t, "--add-config", "retention.ms=7")
            wait_until("all see the configuration", lambda t=t: all("retention.ms=7" in tools[by](
                "configs", "--describe", "--entity-type", "topics", "--entity-name", t) for by in NODES))
    with ctx.check(f"{what}: all voters are caught up, features are the same everywhere"):
        texts = [tools[by]("features", "describe") for by in NODES]
        equal(len({re.sub(r"Epoch: \d+", "", text) for text in texts}), 1, "\n".join(texts))
        voters = json.loads(re.search(r"^CurrentVoters:\s+(.*)$", tools[1]("metadata-quorum", "describe", "--status"),
                                      re.M).group(1))
        equal(sorted(voter["id"] for voter in voters), list(NODES), "voters")


def described(tools, by, topic):
    out = tools[by]("topics", "--describe", "--topic", topic, expect=None)
    return out if "PartitionCount" in out else None
