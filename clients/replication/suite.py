"""Replicas under Kafka's own tools: moves with throttles and their end, elections, what is under-replicated and what is out
of service, reading from the nearest replica, and brokers that come back with old data, without any, or twice.

Four nodes, three of them controllers too; node 4 is a broker alone, so it may be taken away at will. Topics hold data, and
after each story every replica must hold the same records.
"""
import json
import re
import shutil
import tempfile
import time

from harness import proc
from harness.checks import contains, equal
from harness.cluster import Cluster, Member
from harness.proc import wait_until
from harness.tools import Tools

NEEDS = ("kafka", "python")
# Records of 1000 bytes that take minutes at one byte a second: a mebibyte passes whenever the quota's 11 s are forgotten.
SLOW = 20_000
RACK_AWARE = "org.apache.kafka.common.replica.RackAwareReplicaSelector"


def run(ctx):
    cluster = four_nodes(ctx)
    tools = Tools(cluster.nodes[1].bootstrap)
    world = World(ctx, cluster, tools)
    throttled_move(world)
    cancelled_move(world)
    nearest(world)
    came_back(world)
    registered_twice(world)
    if not ctx.quick:
        additional_move(world)
        dead_in_the_middle(world)
        out_of_service(world)
        empty_disk(world)
        eligible(world)
        verification(world)


def four_nodes(ctx):
    cluster = Cluster(ctx.kind, [1, 2, 3], [1, 2, 3, 4], properties={
        "replica.selector.class": RACK_AWARE, "broker.session.timeout.ms": "6000", "min.insync.replicas": "1",
        "auto.create.topics.enable": "false"})
    ctx.own(cluster)
    for id_, node in cluster.nodes.items():
        node.extra["broker.rack"] = f"rack-{id_}"
    return cluster.start()


class World:
    """The cluster, Kafka's tools, and a client library for what a JVM start would be too slow for."""

    def __init__(self, ctx, cluster, tools):
        from confluent_kafka.admin import AdminClient
        self.ctx, self.cluster, self.tools = ctx, cluster, tools
        self.check, self.quick = ctx.check, ctx.quick
        self.admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})

    def topic(self, name, *replicas, **config):
        """A topic with one partition for each list of replicas."""
        from confluent_kafka.admin import NewTopic
        name = self.ctx.topic(name)
        new = NewTopic(name, num_partitions=len(replicas), replica_assignment=list(replicas), config=config)
        self.admin.create_topics([new], request_timeout=30)[name].result()
        return name

    def produce(self, topic, count, size=1000, start=0):
        from confluent_kafka import Producer
        producer = Producer({"bootstrap.servers": self.cluster.bootstrap, "acks": "all", "linger.ms": 5, "log_level": 0})
        failed = []
        for number in range(start, start + count):
            producer.produce(topic, value=f"{number}:".encode().ljust(size, b"."), partition=0,
                             on_delivery=lambda error, _: failed.append(error) if error else None)
            producer.poll(0)
        equal(producer.flush(60), 0, "records without an answer")
        equal(failed, [], "records not taken")

    def partition(self, topic, index=0):
        return self.admin.list_topics(topic, timeout=10).topics[topic].partitions[index]

    def in_sync(self, topic, replicas, index=0):
        def settled():
            found = self.partition(topic, index)
            return sorted(found.replicas) == sorted(replicas) and sorted(found.isrs) == sorted(replicas)
        wait_until(f"{topic}-{index} is in sync on {replicas}", settled, timeout=60)

    def log_bytes(self, topic, id_, index=0):
        """The segments of one replica, as they lie on disk; None without the directory."""
        folder = self.cluster.nodes[id_].data / f"{topic}-{index}"
        if not folder.exists():
            return None
        return b"".join(f.read_bytes() for f in sorted(folder.glob("*.log")))

    def same_everywhere(self, topic, replicas, index=0):
        def same():
            logs = {self.log_bytes(topic, id_, index) for id_ in replicas}
            return len(logs) == 1 and None not in logs
        wait_until(f"{topic}-{index} is the same on {replicas}", same)

    def gone(self, topic, id_, index=0):
        wait_until(f"{topic}-{index} is gone from {id_}", lambda: self.log_bytes(topic, id_, index) is None)

    def reassign(self, topic, replicas, *options, expect=0):
        plan = {"version": 1, "partitions": [{"topic": topic, "partition": 0, "replicas": replicas}]}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump(plan, f)
            f.flush()
            return self.tools("reassign-partitions", "--reassignment-json-file", f.name, *options, expect=expect)


def throttled_move(w):
    with w.check("kafka-reassign-partitions --throttle: the move is as fast as it may be, and no faster"):
        t = w.topic("throttled", [1, 2])
        w.produce(t, 6000)
        begun = time.monotonic()
        out = w.reassign(t, [3, 4], "--execute", "--throttle", "1500000")
        contains(out, "The inter-broker throttle limit was set to 1500000 B/s", f"Successfully started partition reassignment for {t}-0")
        said = time.monotonic() - begun
        w.in_sync(t, [3, 4])
        # Two replicas of 6 MB by one leader at 1.5 MB/s; the first answers of 1 MiB each pass before the rate is known.
        took = time.monotonic() - begun
        w.check.note(f"12 MB at 1.5 MB/s took {took:.1f} s, of which the tool {said:.1f} s")
        assert 3 < took < said + 30, f"{took} s"
    with w.check("kafka-reassign-partitions --verify takes the throttles away; replicas that left leave nothing on disk"):
        out = w.reassign(t, [3, 4], "--verify")
        contains(out, f"Reassignment of partition {t}-0 is completed", "Clearing broker-level throttles",
                 f"Clearing topic-level throttles on topic {t}")
        brokers = w.tools("configs", "--describe", "--entity-type", "brokers", "--entity-name", "1")
        assert "throttled.rate" not in brokers, brokers
        for id_ in (1, 2):
            w.gone(t, id_)
        w.same_everywhere(t, [3, 4])
        equal(w.tools.offsets(t), {0: 6000}, "end offset")


def cancelled_move(w):
    with w.check("kafka-reassign-partitions --list and --cancel: back to the replicas from before, nothing left on disk"):
        t = w.topic("cancelled", [1, 2])
        w.produce(t, SLOW)
        w.reassign(t, [1, 4], "--execute", "--throttle", "1")
        brokers = w.tools("configs", "--describe", "--entity-type", "brokers", "--entity-name", "1")
        contains(brokers, "leader.replication.throttled.rate=1", "follower.replication.throttled.rate=1")
        topic = w.tools("configs", "--describe", "--entity-type", "topics", "--entity-name", t)
        contains(topic, "leader.replication.throttled.replicas=0:1,0:2", "follower.replication.throttled.replicas=0:4")
        contains(w.tools("reassign-partitions", "--list"), f"{t}-0: replicas: 1,4,2. adding: 4. removing: 2.")
        contains(w.reassign(t, [1, 4], "--verify"), f"Reassignment of partition {t}-0 is still in progress")
        contains(w.reassign(t, [1, 4], "--cancel"), f"Successfully cancelled partition reassignment for: {t}-0")
        w.in_sync(t, [1, 2])
        w.gone(t, 4)
        contains(w.tools("reassign-partitions", "--list"), "No partition reassignments found.")


def additional_move(w):
    with w.check("kafka-reassign-partitions --additional: a second move beside the first, and another rate for both"):
        t, u = w.topic("first", [1, 2]), w.topic("second", [2, 1])
        w.produce(t, SLOW)
        w.reassign(t, [1, 3], "--execute", "--throttle", "1")
        contains(w.reassign(u, [2, 4], "--execute", expect=1), "--additional")
        contains(w.reassign(u, [2, 4], "--execute", "--additional", "--throttle", "100000000"),
                 f"Successfully started partition reassignment for {u}-0")
        w.in_sync(t, [1, 3])
        w.in_sync(u, [2, 4])
        w.reassign(t, [1, 3], "--verify")
        w.reassign(u, [2, 4], "--verify")
    with w.check("kafka-reassign-partitions --generate proposes replicas on the brokers that are named"):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump({"version": 1, "topics": [{"topic": t}]}, f)
            f.flush()
            out = w.tools("reassign-partitions", "--topics-to-move-json-file", f.name, "--broker-list", "2,4", "--generate")
        proposed = json.loads(out.strip().splitlines()[-1])
        equal(sorted(proposed["partitions"][0]["replicas"]), [2, 4], "proposed replicas")


def dead_in_the_middle(w):
    with w.check("a broker that dies in the middle of a move to it finishes the move when it is back"):
        t = w.topic("interrupted", [1, 2])
        w.produce(t, SLOW)
        w.reassign(t, [2, 4], "--execute", "--throttle", "1")
        w.cluster.nodes[4].kill()
        w.produce(t, 100, start=SLOW)
        contains(w.tools("reassign-partitions", "--list"), f"{t}-0: replicas: 2,4,1. adding: 4. removing: 1.")
        restart(w, 4)
        w.reassign(t, [2, 4], "--execute", "--additional", "--throttle", "100000000")
        w.in_sync(t, [2, 4])
        w.gone(t, 1)
        w.same_everywhere(t, [2, 4])
        w.reassign(t, [2, 4], "--verify")


def out_of_service(w):
    flags = ("--under-replicated-partitions", "--at-min-isr-partitions", "--under-min-isr-partitions", "--unavailable-partitions")
    with w.check("kafka-topics: under-replicated, at and under the minimum in sync, unavailable"):
        two = w.topic("two", [1, 4], **{"min.insync.replicas": "2"})
        one = w.topic("one", [4, 1])
        alone = w.topic("alone", [4])
        for t in (two, one, alone):
            w.produce(t, 10)
        w.cluster.nodes[4].kill()
        wait_until("node 4 is fenced", lambda: sorted(w.partition(one).isrs) == [1] and w.partition(alone).leader == -1)
        listed = {flag: w.tools("topics", "--describe", flag) for flag in flags}
        shown = [{t for t in (two, one, alone) if f"Topic: {t}\t" in listed[flag]} for flag in flags]
        # Since KIP-966 the last replica too leaves the ISR when its broker dies.
        equal(shown, [{two, one, alone}, {one}, {two, alone}, {alone}], "partitions by flag")
    with w.check("kafka-leader-election: unclean finds nobody where no replica lives, preferred moves back"):
        out = w.tools("leader-election", "--election-type", "unclean", "--topic", alone, "--partition", "0", expect=None)
        contains(out, "EligibleLeadersNotAvailableException")
        restart(w, 4)
        for t in (two, one):
            w.in_sync(t, [1, 4])
        w.tools("leader-election", "--election-type", "preferred", "--topic", one, "--partition", "0", expect=None)
        equal(w.partition(one).leader, 4, "leader")


def nearest(w):
    """librdkafka tells in its statistics which broker it reads a partition from."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
    with w.check("a consumer with client.rack reads from the replica in its rack (KIP-392), all of it"):
        t = w.topic("near", [1, 2, 3])
        w.produce(t, 500, size=100)
        sources = []

        def note(text):
            found = json.loads(text)["topics"].get(t, {}).get("partitions", {}).get("0")
            if found:
                sources.append((found["leader"], found["broker"]))

        consumer = Consumer({"bootstrap.servers": w.cluster.bootstrap, "group.id": "unused", "client.rack": "rack-3",
                             "enable.auto.commit": False, "statistics.interval.ms": 100, "stats_cb": note})
        consumer.assign([TopicPartition(t, 0, OFFSET_BEGINNING)])
        seen = []

        def read(until):
            message = consumer.poll(0.1)
            if message is not None and not message.error():
                seen.append(message.offset())
            return len(seen) >= until

        wait_until("500 records", lambda: read(500), every=0)
        wait_until("it reads from 3", lambda: (read(10**9), sources and sources[-1] == (1, 3))[1], every=0)
        w.produce(t, 200, size=100, start=500)
        wait_until("200 more", lambda: read(700), every=0)
        equal(seen, list(range(700)), "offsets")
        consumer.close()


def restart(w, id_):
    w.cluster.nodes[id_].launch()
    w.cluster.nodes[id_].wait()


def came_back(w):
    """While node 4 is down: one topic is deleted, one deleted and created anew, one grown, one written on."""
    from confluent_kafka.admin import NewPartitions, NewTopic
    with w.check("a broker comes back with the data of topics that were deleted, created anew, grown and written on"):
        gone, anew, grown = w.topic("gone", [1, 4]), w.topic("anew", [4, 1]), w.topic("grown", [1, 4])
        for t in (gone, anew, grown):
            w.produce(t, 300, size=100)
            w.in_sync(t, [1, 4])
        w.cluster.nodes[4].kill()
        wait_until("node 1 leads", lambda: w.partition(anew).leader == 1)
        for future in w.admin.delete_topics([gone, anew], request_timeout=30).values():
            future.result()
        new = NewTopic(anew, num_partitions=1, replica_assignment=[[1, 4]])
        w.admin.create_topics([new], request_timeout=30)[anew].result()
        w.admin.create_partitions([NewPartitions(grown, 2, [[4, 1]])], request_timeout=30)[grown].result()
        w.produce(anew, 50, size=100, start=7000)
        w.produce(grown, 100, size=100, start=300)
        restart(w, 4)
        w.in_sync(anew, [1, 4])
        w.in_sync(grown, [1, 4])
        w.in_sync(grown, [1, 4], index=1)
        w.same_everywhere(anew, [1, 4])
        w.same_everywhere(grown, [1, 4])
        w.gone(gone, 4)
        assert b"7000:" in w.log_bytes(anew, 4) and b"299:" not in w.log_bytes(anew, 4), "another topic's records"


def empty_disk(w):
    with w.check("a broker whose disk is empty fetches all of it again, and leads nothing before"):
        t = w.topic("wiped", [4, 1])
        w.produce(t, 2000)
        w.in_sync(t, [1, 4])
        w.cluster.nodes[4].kill()
        wait_until("node 1 leads", lambda: w.partition(t).leader == 1)
        shutil.rmtree(w.cluster.nodes[4].data)
        restart(w, 4)
        w.in_sync(t, [1, 4])
        w.same_everywhere(t, [1, 4])
    with w.check("what only it had is lost, and has a leader again as soon as it is back"):
        t = w.topic("only", [4])
        w.produce(t, 100)
        w.cluster.nodes[4].kill()
        wait_until("nobody leads", lambda: w.partition(t).leader == -1)
        shutil.rmtree(w.cluster.nodes[4].data)
        restart(w, 4)
        wait_until("4 leads", lambda: w.partition(t).leader == 4)
        w.produce(t, 50)
        equal(w.tools.offsets(t), {0: 50}, "end offset")


def eligible(w):
    with w.check("a replica that was eligible leads when nobody is in sync any more (KIP-966)"):
        t = w.topic("eligible", [1, 4], **{"min.insync.replicas": "2"})
        w.produce(t, 100)
        w.cluster.nodes[4].stop()
        wait_until("1 is alone", lambda: w.partition(t).isrs == [1])
        elsewhere = Tools(w.cluster.nodes[2].bootstrap)
        contains(elsewhere("topics", "--describe", "--topic", t), "Elr: 4")
        w.cluster.nodes[1].kill()
        wait_until("nobody leads", lambda: w.partition(t).leader == -1)
        restart(w, 4)
        wait_until("4 leads", lambda: w.partition(t).leader == 4)
        restart(w, 1)
        w.in_sync(t, [1, 4])
        w.produce(t, 100, start=100)
        w.same_everywhere(t, [1, 4])
        equal(elsewhere.offsets(t), {0: 200}, "end offset")


def registered_twice(w):
    with w.check("a second process with the id of a broker that lives is refused and says why"):
        first = w.cluster.nodes[4]
        port, controller = proc.free_ports(2)
        listener = f"PLAINTEXT://127.0.0.1:{port}"
        second = Member(["broker"], directory=w.cluster.directory / "twice", ports=(port, controller), properties={
            **first.extra, "listeners": listener, "advertised.listeners": listener,
            "initial.broker.registration.timeout.ms": "2000"})
        second.launch()
        wait_until("it ends", lambda: second.process.poll() is not None)
        assert second.process.returncode != 0, "it ended as if nothing were wrong"
        contains(second.log.read_text(), "DUPLICATE_BROKER_REGISTRATION", "another node.id")
        equal(first.process.poll(), None, "the first one")


def verification(w):
    with w.check("kafka-replica-verification finds no difference between replicas"):
        t = w.topic("verified", [1, 2, 3])
        w.produce(t, 500)
        out = watch(w, t)
        assert re.search(r"max lag is 0 for partition .* at offset 500 among 1 partitions", out), out[-2000:]


def watch(w, topic):
    """The tool reports until it is killed."""
    import subprocess
    from harness import install
    args = [install.kafka_home() / "bin/kafka-replica-verification.sh", "--broker-list", w.cluster.nodes[1].bootstrap,
            "--topics-include", topic, "--report-interval-ms", "500"]
    child = proc.spawn(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out = []
    try:
        for line in child.stdout:
            out.append(line.decode(errors="replace"))
            if "at offset 500" in out[-1] or len(out) > 60:
                break
    finally:
        proc.kill_group(child)
        child.wait()
    return "".join(out)
