"""The active controller is killed (`kill -9`) under a load of topic creations; how soon does another one decide?

Three controllers and two brokers, roles apart, so that no client loses its own connection. Clients create topics
without a pause; the gap is from the kill to the first creation that is acknowledged after it. In the end every
acknowledged topic is there, with the id that all brokers agree on. 50 kills, or 3 in the quick form (CHRONIK_KILLS).
"""
import os
import statistics
import threading
import time

from harness import proc
from harness.checks import equal
from harness.cluster import Cluster, answers

NEEDS = ("python",)
CLIENTS = 3


class Creator(threading.Thread):
    """One admin client that creates topics one after the other; remembers when each was acknowledged."""

    def __init__(self, bootstrap, number):
        super().__init__(daemon=True)
        from confluent_kafka.admin import AdminClient

        self.number, self.stop, self.acked, self.errors = number, threading.Event(), [], []
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def run(self):
        from confluent_kafka import KafkaError, KafkaException
        from confluent_kafka.admin import NewTopic

        count = 0
        while not self.stop.is_set():
            name = f"failover-{self.number}-{count}"
            count += 1
            future = self.admin.create_topics([NewTopic(name, 1, 1)], request_timeout=60, operation_timeout=30)[name]
            try:
                future.result()
                self.acked.append((time.monotonic(), name))
            except KafkaException as error:
                # A request that was sent again after its connection broke may meet its own effect.
                if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                    self.acked.append((time.monotonic(), name))
                else:
                    self.errors.append(f"{name}: {error}")


def run(ctx):
    kills = int(os.environ.get("CHRONIK_KILLS", 3 if ctx.quick else 50))
    cluster = Cluster(ctx.kind, [1, 2, 3], [4, 5]).start()
    try:
        creators = [Creator(cluster.nodes[4 + n % 2].bootstrap, n) for n in range(CLIENTS)]
        for creator in creators:
            creator.start()
        with ctx.check(f"{kills} x the active controller killed while topics are created: another one decides"):
            kept = [kill_one(cluster, creators) for _ in range(kills)]
            gaps = sorted(gap * 1000 for gap, _ in kept)
            p99 = gaps[min(len(gaps) - 1, round(0.99 * len(gaps)))]
            ctx.check.note(f"kill to the next creation acknowledged: median {statistics.median(gaps):.0f} ms, "
                           f"p99 {p99:.0f} ms, worst {gaps[-1]:.0f} ms, "
                           f"at {max(kept)[1]} UTC (logs, with --keep: {cluster.directory})")
        for creator in creators:
            creator.stop.set()
        for creator in creators:
            creator.join(90)
        with ctx.check("no creation failed; every acknowledged topic is there, once, and the same on every broker"):
            equal([error for creator in creators for error in creator.errors], [], "errors")
            verify(ctx, cluster, creators)
        if ctx.kind == "chronik":
            with ctx.check("no node complains"):
                lines = cluster.complaints()
                assert not lines, "\n".join(lines[:20])
    finally:
        cluster.close(ctx.keep)


def kill_one(cluster, creators):
    """Kills the controller in the middle of the load, and returns how long nothing was acknowledged, in seconds, and when."""
    counts = [len(creator.acked) for creator in creators]
    proc.wait_until("every client gets on", lambda: all(
        len(creator.acked) > count + 3 for creator, count in zip(creators, counts)), timeout=60, every=0.005)
    leader = cluster.leader()
    node = cluster.nodes[leader]
    killed, wall = time.monotonic(), time.strftime("%H:%M:%S", time.gmtime())
    node.kill()
    proc.wait_until("another controller decides", lambda: any(
        creator.acked and creator.acked[-1][0] > killed for creator in creators), timeout=60, every=0.001)
    first = min(at for creator in creators for at, _ in creator.acked[-50:] if at > killed)
    node.launch()
    proc.wait_until("the killed controller is back", lambda: answers(node.controller_port), timeout=60, every=0.01)
    return first - killed, wall


def verify(ctx, cluster, creators):
    from confluent_kafka import TopicCollection
    from confluent_kafka.admin import AdminClient

    acked = sorted({name for creator in creators for _, name in creator.acked})
    ids = []
    for id_ in cluster.brokers:
        admin = AdminClient({"bootstrap.servers": cluster.nodes[id_].bootstrap})
        # A broker learns of a topic a moment after the controller has acknowledged it.
        proc.wait_until(f"every acknowledged topic on broker {id_}", lambda: not missing(admin, acked), timeout=10)
        described = admin.describe_topics(TopicCollection(acked[:200]))
        ids.append({name: str(future.result().topic_id) for name, future in described.items()})
    equal(ids[0], ids[1], "topic ids")
    ctx.check.note(f"{len(acked)} topics acknowledged")


def missing(admin, acked):
    there = admin.list_topics(timeout=30).topics
    return [name for name in acked if name not in there]
