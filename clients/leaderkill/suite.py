"""Partition leaders are killed (`kill -9`) under load, in a cluster of three nodes with replication factor 3 and acks=all.

Two idempotent producers live through all of it. Each time the node that leads a partition drawn by the seed is killed;
the gap is the longest time without an acknowledgement of a partition that it led. It is started again, and the next kill
waits until every in-sync set is whole. At the end each acked record is there exactly once, at its offset, in order. 50
kills, or 3 in the quick form (CHRONIK_KILLS).

The producers' back-offs are short, so that the gap is the cluster's. With CHRONIK_BACKOFFS=default they are librdkafka's own;
then each kill waits longer than a client may stay away from a broker that it could not reach (the victim before).
"""
import importlib.util
import os
import pathlib
import random
import statistics
import time

from harness import proc
from harness.checks import equal
from harness.cluster import Cluster

NEEDS = ("python",)
UNACKED = -2
# librdkafka's reconnect.backoff.max.ms is 10 s, and it adds up to a fifth.
AWAY_SECONDS_MAX = 12.5


def _kill9():
    """The load and the judgement are those of `kill9`."""
    path = pathlib.Path(__file__).resolve().parent.parent / "kill9/suite.py"
    spec = importlib.util.spec_from_file_location("kill9_of_cluster", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(ctx):
    kill9 = _kill9()
    kills = int(os.environ.get("CHRONIK_KILLS", 3 if ctx.quick else 50))
    rng = random.Random(ctx.seed)
    properties = {"min.insync.replicas": "2", "log.segment.bytes": "4194304"}
    cluster = Cluster(ctx.kind, [1, 2, 3], [1, 2, 3], properties).start()
    try:
        topic = ctx.topic("leaderkill")
        create(cluster, topic, kill9.PARTITIONS)
        own = os.environ.get("CHRONIK_BACKOFFS") == "default"
        loads = [kill9.Load(cluster.bootstrap, topic, n, {} if own else None) for n in range(kill9.PRODUCERS)]
        rest = AWAY_SECONDS_MAX if own else 0.0
        with ctx.check(f"{kills} x kill -9 of a leader under load, seed {ctx.seed}: others take over"):
            kept = [kill_one(cluster, topic, loads, rng, rest) for _ in range(kills)]
            gaps = sorted(gap * 1000 for gap, _ in kept)
            p99 = gaps[min(len(gaps) - 1, round(0.99 * len(gaps)))]
            ctx.check.note(f"longest silence of a partition that it led: median {statistics.median(gaps):.0f} ms, "
                           f"p99 {p99:.0f} ms, worst {gaps[-1]:.0f} ms, at {max(kept)[1]} UTC "
                           f"(logs, with --keep: {cluster.directory}); back-offs: {'default' if own else 'short'}")
        with ctx.check("every record that is still on its way is settled; no producer met a fatal error"):
            for load in loads:
                equal(load.producer.flush(120), 0, "records not settled")
                equal(load.errors, {}, "errors")
            ctx.check.note(f"sent {sum(x.sent for x in loads):,}, acked {sum(x.acked for x in loads):,}, "
                           f"refused {sum(x.refused for x in loads):,}")
        with ctx.check("each acked record is there exactly once, at its offset, in order; none is there twice"):
            kill9.verify(ctx, cluster, topic, loads)
        if ctx.kind == "chronik":
            with ctx.check("no node complains"):
                lines = cluster.complaints()
                assert not lines, "\n".join(lines[:20])
    finally:
        cluster.close(ctx.keep)


def create(cluster, topic, partitions):
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    admin.create_topics([NewTopic(topic, partitions, 3)], operation_timeout=30)[topic].result()
    proc.wait_until("the topic has leaders", lambda: is_whole(cluster, topic, partitions), timeout=60)


def partitions_of(bootstrap, topic):
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(topic, timeout=10).topics[topic].partitions
    except KafkaException:
        return {}


def is_whole(cluster, topic, count):
    """Whether every node says that every partition has a leader and three replicas in sync."""
    def whole(node):
        found = partitions_of(node.bootstrap, topic)
        return len(found) == count and all(p.leader >= 0 and len(p.isrs) == 3 for p in found.values())

    return all(whole(node) for node in cluster.nodes.values())


def kill_one(cluster, topic, loads, rng, rest):
    """Kills the leader of a partition, and returns the longest silence of what it led, in seconds, and when it was killed.
    `rest` is how long, in seconds, the cluster has been whole before."""
    def feed_until(what, condition):
        deadline = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not come within 120 s"
            for load in loads:
                load.feed()
            time.sleep(0.001)

    count = len(loads[0].offsets)
    next_look = [0.0]

    def whole():
        if time.monotonic() < next_look[0]:
            return False
        next_look[0] = time.monotonic() + 0.2
        return is_whole(cluster, topic, count)

    feed_until("whole in-sync sets", whole)
    at = time.monotonic() + rest + rng.uniform(0.2, 1.0)
    feed_until("the moment", lambda: time.monotonic() >= at)
    found = partitions_of(cluster.bootstrap, topic)
    victim = found[rng.randrange(count)].leader
    led = [p for p, state in found.items() if state.leader == victim]
    # The first acknowledgements after the kill may still be the victim's word, on its way when it died, and the last ones
    # are of what has piled up: the gap is the longest silence before a record that was sent after the kill is acknowledged.
    killed, wall = time.monotonic(), time.strftime("%H:%M:%S", time.gmtime())
    cluster.nodes[victim].kill()
    after = {(load.number, p): len(load.offsets[p]) for load in loads for p in led}
    heard, silence, waiting = dict.fromkeys(led, killed), dict.fromkeys(led, 0.0), set(led)

    def resumes():
        for p in list(waiting):
            last = max(load.last_ack_of[p] for load in loads)
            silence[p] = max(silence[p], last - heard[p])
            heard[p] = max(heard[p], last)
            if any(acked(load, p, after[load.number, p]) for load in loads):
                waiting.remove(p)
        return not waiting

    feed_until("an ack after the kill", resumes)
    cluster.nodes[victim].launch()
    return max(silence.values()), wall


def acked(load, p, sequence):
    """Whether this producer's record is acknowledged."""
    offsets = load.offsets[p]
    return len(offsets) > sequence and offsets[sequence] != UNACKED
