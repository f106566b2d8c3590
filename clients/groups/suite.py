"""Consumer groups on three nodes: every client library in every protocol that it has, members and coordinators killed
(`scenarios.py`); Kafka's own tools list, describe, reset and delete; what a real Kafka left on the disk is served on
(`taken_over.py`).
"""
import re

import scenarios
import taken_over
from harness.checks import contains, equal
from harness.proc import wait_until
from harness.tools import Tools
from program import CLIENTS

NEEDS = ("kafka", "python", "franz-go", "kafkajs")
PROPERTIES = {"offsets.topic.replication.factor": "3", "group.initial.rebalance.delay.ms": "100",
              "min.insync.replicas": "2", "default.replication.factor": "3", "group.min.session.timeout.ms": "6000",
              "group.consumer.heartbeat.interval.ms": "1000", "group.consumer.min.heartbeat.interval.ms": "1000",
              "group.consumer.session.timeout.ms": "6000", "group.consumer.min.session.timeout.ms": "6000"}


def run(ctx):
    cluster = ctx.own_cluster(properties=PROPERTIES).start()
    tools = Tools(cluster.bootstrap)
    # The first client speaks both protocols.
    for client in CLIENTS[:1] if ctx.quick else CLIENTS:
        for protocol in client.protocols:
            scenarios.run(scenarios.World(ctx, cluster, client, protocol))
    for protocol in ("classic", "consumer"):
        java(ctx, tools, protocol)
    administration(scenarios.World(ctx, cluster, CLIENTS[0], "classic"), tools)
    if not ctx.quick:
        taken_over.run(ctx)


def java(ctx, tools, protocol):
    topic, group = ctx.topic(f"java-{protocol}"), ctx.topic(f"java-{protocol}")
    with ctx.check(f"kafka-console-consumer, {protocol}: reads all with a group, and goes on where it was"):
        tools("topics", "--create", "--topic", topic, "--partitions", "3")
        tools("console-producer", "--topic", topic, stdin="".join(f"line-{i}\n" for i in range(60)))
        # Both from the beginning: a partition that the first had no position in yet when it had its 60 lines (they may all
        # be in another) is not committed, and the second would wait at its end. Where there is a commit, it is what counts.
        options = ("--topic", topic, "--group", group, "--command-property", f"group.protocol={protocol}",
                   "--from-beginning", "--timeout-ms", "15000")
        out = tools("console-consumer", *options, "--max-messages", "60")
        equal(sorted(re.findall(r"line-\d+", out)), sorted(f"line-{i}" for i in range(60)), "read")
        tools("console-producer", "--topic", topic, stdin="one more\n")
        contains(tools("console-consumer", *options, "--max-messages", "1"), "one more")
    if not ctx.quick:
        with ctx.check(f"kafka-consumer-perf-test, {protocol}"):
            tools("consumer-perf-test", "--topic", topic, "--num-records", "60", "--command-property",
                  f"group.protocol={protocol}", timeout=60)


def administration(world, tools):
    ctx = world.ctx
    topic, group = ctx.topic("admin"), ctx.topic("admin-group")
    world.create(topic)
    world.produce(topic, 300)
    member = world.member(topic, group)
    wait_until("all is read", lambda: scenarios.have_read([member], 300), timeout=60)
    groups = lambda *args, **options: tools("consumer-groups", *args, **options)  # noqa: E731
    with ctx.check("kafka-consumer-groups --list and --describe: offsets, members, state"):
        contains(groups("--list"), group)
        contains(groups("--list", "--state"), "Stable")
        rows = re.findall(rf"^{group}\s+{topic}\s+(\d)\s+(\d+)\s+(\d+)\s+(\d+)",
                          groups("--describe", "--group", group), re.M)
        equal(sorted(rows), [(str(p), "100", "100", "0") for p in range(3)], "offsets")
        contains(groups("--describe", "--group", group, "--members", "--verbose"), f"{topic}:0,1,2")
        contains(groups("--describe", "--group", group, "--state"), "Stable", "range")
    with ctx.check("a group with members is neither reset nor deleted"):
        contains(groups("--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute", expect=None),
                 "inactive")
        contains(groups("--delete", "--group", group, expect=None), "GroupNotEmptyException")
    member.leave()
    with ctx.check("kafka-consumer-groups --reset-offsets in all its ways"):
        wait_until("the group is empty", lambda: "Empty" in groups("--describe", "--group", group, "--state"))

        def reset(*how):
            out = groups("--reset-offsets", "--group", group, "--topic", f"{topic}:0", *how, "--execute")
            return int(re.search(rf"{topic}\s+0\s+(\d+)", out).group(1))

        equal(reset("--to-earliest"), 0)
        equal(reset("--to-offset", "42"), 42)
        equal(reset("--shift-by", "-2"), 40)
        equal(reset("--to-latest"), 100)
        equal(reset("--to-datetime", "2020-01-01T00:00:00.000"), 0)
        equal(reset("--by-duration", "PT1H"), 0)
        equal(reset("--to-current"), 0)
    with ctx.check("kafka-consumer-groups --delete-offsets and --delete; kafka-groups --list"):
        contains(groups("--delete-offsets", "--group", group, "--topic", topic), "Successful")
        groups("--reset-offsets", "--group", group, "--topic", topic, "--to-latest", "--execute")
        contains(tools("groups", "--list"), group)
        contains(groups("--delete", "--group", group), "was successful")
        assert group not in groups("--list"), "deleted, and still listed"
