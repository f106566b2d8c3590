"""Consumer groups on three nodes: clients of both protocols join, rebalance, commit, resume, are killed and lose their
coordinator; Kafka's own tools list, describe, reset and delete; what a real Kafka left on the disk is served on.
"""
import re
import threading
import time

from harness.checks import contains, equal
from harness.proc import wait_until
from harness.tools import Tools
from harness.tools import run as run_tool

NEEDS = ("kafka", "python")
NODES = (1, 2, 3)
PROPERTIES = {"offsets.topic.replication.factor": "3", "group.initial.rebalance.delay.ms": "100",
              "min.insync.replicas": "2", "default.replication.factor": "3"}


def run(ctx):
    cluster = ctx.own_cluster(properties=PROPERTIES).start()
    tools = Tools(cluster.bootstrap)
    kafka_python(ctx, cluster)
    for protocol in ("classic", "consumer"):
        librdkafka(ctx, cluster, protocol)
        java(ctx, tools, protocol)
    administration(ctx, cluster, tools)
    coordinator_killed(ctx, cluster)
    if not ctx.quick:
        taken_over(ctx)


def produce(cluster, topic, count, partitions=3):
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    [f.result(30) for f in admin.create_topics([NewTopic(topic, partitions, 3)]).values()]
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 5})
    for i in range(count):
        producer.produce(topic, b"%d" % i, partition=i % partitions)
    equal(producer.flush(60), 0, "left in the queue")


class Member:
    """A confluent-kafka consumer in a thread of its own, with what it has read."""

    def __init__(self, cluster, topic, group, protocol="classic", **options):
        from confluent_kafka import Consumer

        config = {"bootstrap.servers": cluster.bootstrap, "group.id": group, "group.protocol": protocol,
                  "auto.offset.reset": "earliest", "enable.auto.commit": False, **options}
        if protocol == "classic":
            config.setdefault("session.timeout.ms", 6000)
        self.read, self.assigned, self.rebalances, self.failure = [], [], 0, None
        self._consumer, self._stop = Consumer(config), threading.Event()
        self._consumer.subscribe([topic], on_assign=self._on_assign)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _on_assign(self, consumer, partitions):
        self.rebalances += 1

    def _run(self):
        from confluent_kafka import KafkaException

        try:
            while not self._stop.is_set():
                messages = self._consumer.consume(500, 0.1)
                self.assigned = sorted(p.partition for p in self._consumer.assignment())
                for message in messages:
                    if message.error() is None:
                        self.read.append((message.partition(), message.offset()))
                if any(message.error() is None for message in messages):
                    try:
                        self._consumer.commit(asynchronous=False)
                    except KafkaException as error:
                        if error.args[0].name() not in ("REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID",
                                                        "STALE_MEMBER_EPOCH", "FENCED_MEMBER_EPOCH", "_NO_OFFSET"):
                            raise
        except Exception as error:  # noqa: BLE001 - told to whoever asks for the member's progress
            self.failure = error

    def close(self):
        self._stop.set()
        self._thread.join(30)
        self._consumer.close()

    def has(self, count):
        if self.failure:
            raise self.failure
        return len(self.assigned) == count


def balanced(members, partitions):
    """Every partition has one owner."""
    owned = sorted(p for member in members for p in member.assigned)
    for member in members:
        member.has(0)
    return owned == list(range(partitions)) and all(member.assigned for member in members)


def librdkafka(ctx, cluster, protocol):
    topic, group = ctx.topic(f"rdk-{protocol}"), ctx.topic(f"rdk-{protocol}")
    with ctx.check(f"librdkafka, {protocol}: two members share three partitions, one leaves, the other has all; resume"):
        produce(cluster, topic, 300)
        one = Member(cluster, topic, group, protocol)
        wait_until("one member has all", lambda: one.has(3), timeout=30)
        two = Member(cluster, topic, group, protocol)
        wait_until("both have some", lambda: balanced([one, two], 3), timeout=60)
        two.close()
        wait_until("one member has all again", lambda: one.has(3), timeout=60)
        wait_until("all is read", lambda: len(set(one.read) | set(two.read)) == 300, timeout=30)
        one.close()
        again = Member(cluster, topic, group, protocol)
        wait_until("it is assigned", lambda: again.has(3), timeout=30)
        produce_more(cluster, topic)
        wait_until("only the new record is read", lambda: len(again.read) >= 1, timeout=30)
        equal(again.read, [(0, 100)], "read after the restart")
        again.close()
    with ctx.check(f"librdkafka, {protocol}: a static member comes back without a rebalance of the other"):
        static = ctx.topic(f"static-{protocol}")
        options = {"group.instance.id": "a"} if protocol == "consumer" else {"group.instance.id": "a",
                                                                            "session.timeout.ms": 30000}
        one = Member(cluster, topic, static, protocol, **options)
        two = Member(cluster, topic, static, protocol, **{**options, "group.instance.id": "b"})
        wait_until("both have some", lambda: balanced([one, two], 3), timeout=60)
        before, owned = two.rebalances, one.assigned
        one.close()
        one = Member(cluster, topic, static, protocol, **options)
        wait_until("it has what it had", lambda: one.assigned == owned, timeout=60)
        equal(two.rebalances, before, "rebalances of the other")
        one.close()
        two.close()
    if protocol == "classic":
        with ctx.check("librdkafka, cooperative-sticky: a third member takes over without stopping the others"):
            group = ctx.topic("cooperative")
            options = {"partition.assignment.strategy": "cooperative-sticky"}
            members = []
            for count in (1, 2, 3):
                members.append(Member(cluster, topic, group, protocol, **options))
                wait_until(f"{count} share", lambda: balanced(members, 3), timeout=60)
            [member.close() for member in members]
    with ctx.check(f"librdkafka, {protocol}: a subscription by pattern finds a topic that comes later"):
        stem = ctx.topic(f"pattern-{protocol}")
        produce(cluster, f"{stem}-a", 30)
        member = Member(cluster, f"^{stem}.*", ctx.topic("by-pattern"), protocol,
                        **{"topic.metadata.refresh.interval.ms": 1000})
        wait_until("the first topic is read", lambda: len(member.read) >= 30, timeout=60)
        member.close()


def produce_more(cluster, topic):
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    producer.produce(topic, b"more", partition=0)
    producer.flush(30)


def kafka_python(ctx, cluster):
    from kafka import KafkaConsumer

    topic, group = ctx.topic("kafka-python-group"), ctx.topic("kafka-python")
    with ctx.check("kafka-python: join, read, commit, resume"):
        produce(cluster, topic, 90)
        options = dict(bootstrap_servers=cluster.bootstrap, group_id=group, auto_offset_reset="earliest",
                       enable_auto_commit=False, consumer_timeout_ms=40000)
        consumer = KafkaConsumer(topic, **options)
        read = 0
        for _ in consumer:
            read += 1
            if read == 90:
                break
        equal(read, 90, "read")
        consumer.commit()
        consumer.close()
        produce_more(cluster, topic)
        consumer = KafkaConsumer(topic, **options)
        equal([next(consumer).value], [b"more"], "read after the restart")
        consumer.close()


def java(ctx, tools, protocol):
    topic, group = ctx.topic(f"java-{protocol}"), ctx.topic(f"java-{protocol}")
    with ctx.check(f"kafka-console-consumer, {protocol}: reads all with a group, and goes on where it was"):
        tools("topics", "--create", "--topic", topic, "--partitions", "3")
        tools("console-producer", "--topic", topic, stdin="".join(f"line-{i}\n" for i in range(60)))
        options = ("--topic", topic, "--group", group, "--consumer-property", f"group.protocol={protocol}",
                   "--timeout-ms", "15000")
        out = tools("console-consumer", *options, "--from-beginning", "--max-messages", "60")
        equal(sorted(re.findall(r"line-\d+", out)), sorted(f"line-{i}" for i in range(60)), "read")
        tools("console-producer", "--topic", topic, stdin="one more\n")
        contains(tools("console-consumer", *options, "--max-messages", "1"), "one more")
    if not ctx.quick:
        with ctx.check(f"kafka-consumer-perf-test, {protocol}"):
            tools("consumer-perf-test", "--topic", topic, "--num-records", "60", "--command-property",
                  f"group.protocol={protocol}", timeout=60)


def administration(ctx, cluster, tools):
    topic, group = ctx.topic("admin"), ctx.topic("admin-group")
    produce(cluster, topic, 300)
    member = Member(cluster, topic, group)
    wait_until("all is read", lambda: len(member.read) == 300, timeout=60)
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
    member.close()
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


def coordinator_killed(ctx, cluster):
    topic, group = ctx.topic("failover"), ctx.topic("failover")
    with ctx.check("the coordinator's node is killed: nothing committed is lost, the members go on"):
        produce(cluster, topic, 300)
        members = [Member(cluster, topic, group) for _ in range(2)]
        wait_until("all is read", lambda: len({r for m in members for r in m.read}) == 300, timeout=60)
        killed = coordinator(cluster, group)
        cluster.nodes[killed].kill()
        start = time.monotonic()
        alive = next(id_ for id_ in NODES if id_ != killed)
        wait_until("another node coordinates", lambda: coordinator(cluster, group, alive) not in (None, killed), timeout=30)
        ctx.check.note(f"another coordinator after {time.monotonic() - start:.1f} s")
        before = [len(member.read) for member in members]
        produce_more(cluster, topic)
        wait_until("the new record is read", lambda: sum(len(m.read) for m in members) > sum(before), timeout=60)
        [member.close() for member in members]
        equal(sum(len(m.read) for m in members), 301, "read in all: nothing twice")
        cluster.nodes[killed].start()


def coordinator(cluster, group, by=1):
    out = Tools(cluster.nodes[by].bootstrap)("consumer-groups", "--describe", "--group", group, "--state", expect=None)
    found = re.search(r"127\.0\.0\.1:\d+\s+\((\d)\)", out)
    return int(found.group(1)) if found else None


def taken_over(ctx):
    """Groups that a real Kafka left on the disk."""
    kafka = ctx.broker_of("kafka").start()
    topic, group = ctx.topic("left"), ctx.topic("left")
    with ctx.check("groups that Apache Kafka left on the disk are served on, and Kafka's dump reads what we wrote"):
        tools = Tools(kafka.bootstrap)
        tools("topics", "--create", "--topic", topic)
        tools("console-producer", "--topic", topic, stdin="a\nb\nc\n")
        tools("console-consumer", "--topic", topic, "--group", group, "--from-beginning", "--max-messages", "2",
              "--timeout-ms", "20000")
        kafka.stop()
        ours = ctx.broker_of("chronik", directory=kafka.directory, ports=kafka.ports).start()
        tools = Tools(ours.bootstrap)
        row = re.search(rf"^{group}\s+{topic}\s+0\s+(\d)\s+3", tools("consumer-groups", "--describe", "--group", group), re.M)
        equal(row.group(1), "2", "committed under Kafka")
        contains(tools("console-consumer", "--topic", topic, "--group", group, "--max-messages", "1", "--timeout-ms", "20000"), "c")
        ours.stop()
        logs = sorted(ours.data.glob("__consumer_offsets-*/*.log"))
        dumped = "".join(run_tool("dump-log", "--offsets-decoder", "--files", log) for log in logs if log.stat().st_size)
        contains(dumped, group)
