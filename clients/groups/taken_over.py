"""Apache Kafka and Chronik take turns on one directory with groups in it, of both protocols: each lists and describes what
the other wrote, consumers resume, and what one deletes or resets is so for the other. The dump tools find no fault.
"""
import re

from harness.checks import contains, equal
from harness.tools import Tools
from harness.tools import run as run_tool

PROTOCOLS = ("classic", "consumer")
# Few partitions, and the cleaner on from the start, so that both brokers compact what the other wrote.
PROPERTIES = {"offsets.topic.num.partitions": "3", "log.cleaner.backoff.ms": "500"}


def run(ctx):
    kafka = ctx.broker_of("kafka", properties=PROPERTIES)
    ours = ctx.broker_of("chronik", directory=kafka.directory, properties=PROPERTIES,
                         ports=(kafka.port, kafka.controller_port))
    world = World(ctx)
    with ctx.check("Apache Kafka makes groups of both protocols"):
        kafka.start()
        world.begin(Tools(kafka.bootstrap))
        kafka.stop()
    with ctx.check("Chronik on the same directory lists and describes them, their consumers resume, offsets are reset"):
        # Kafka may have lost its ports to somebody else before it began.
        ours.port, ours.controller_port = kafka.port, kafka.controller_port
        ours.start()
        world.go_on(Tools(ours.bootstrap), "second")
        world.change(Tools(ours.bootstrap))
        world.dump(ours)
        ours.stop()
    with ctx.check("Apache Kafka reads the groups that Chronik changed, and their consumers resume"):
        kafka.start()
        world.go_on(Tools(kafka.bootstrap), "third")
        kafka.stop()
    with ctx.check("and Chronik again, after kill -9 too"):
        ours.start()
        world.go_on(Tools(ours.bootstrap), "fourth")
        ours.kill()
        ours.start()
        world.compare(Tools(ours.bootstrap))
        ours.stop()


class World:
    """What is committed: (group, topic) -> offset of partition 0. The third group is deleted by Chronik."""

    def __init__(self, ctx):
        self.topics = {protocol: ctx.topic(f"left-{protocol}") for protocol in PROTOCOLS}
        self.groups = {protocol: ctx.topic(f"left-group-{protocol}") for protocol in PROTOCOLS}
        self.reset, self.deleted = ctx.topic("left-reset"), ctx.topic("left-deleted")
        self.committed, self.ends = {}, {}

    def begin(self, tools):
        for protocol in PROTOCOLS:
            topic = self.topics[protocol]
            tools("topics", "--create", "--topic", topic)
            self.produce(tools, topic, ["a", "b", "c"])
            equal(self.consume(tools, protocol, self.groups[protocol], 2), ["a", "b"], "read at first")
            self.committed[self.groups[protocol], topic] = 2
        for group in (self.reset, self.deleted):
            self.consume(tools, "classic", group, 3)
            self.committed[group, self.topics["classic"]] = 3
        self.compare(tools)

    def produce(self, tools, topic, lines):
        tools("console-producer", "--topic", topic, stdin="".join(f"{line}\n" for line in lines))
        self.ends[topic] = self.ends.get(topic, 0) + len(lines)

    def consume(self, tools, protocol, group, count):
        out = tools("console-consumer", "--topic", self.topics[protocol], "--group", group, "--from-beginning",
                    "--max-messages", str(count), "--timeout-ms", "60000", "--command-property",
                    f"group.protocol={protocol}")
        return [line for line in out.splitlines() if line in ("a", "b", "c") or line in ("second", "third", "fourth")]

    def go_on(self, tools, word):
        """All is as it was left, and each group's consumer gets what it has not read, once."""
        self.compare(tools)
        for protocol in PROTOCOLS:
            topic, group = self.topics[protocol], self.groups[protocol]
            unread = self.ends[topic] - self.committed[group, topic]
            self.produce(tools, topic, [word])
            equal(self.consume(tools, protocol, group, unread + 1)[-1:], [word], f"the last that {group} read")
            self.committed[group, topic] = self.ends[topic]
        self.compare(tools)

    def change(self, tools):
        topic = self.topics["classic"]
        tools("consumer-groups", "--reset-offsets", "--group", self.reset, "--topic", topic, "--to-offset", "1", "--execute")
        self.committed[self.reset, topic] = 1
        contains(tools("consumer-groups", "--delete", "--group", self.deleted), "was successful")
        del self.committed[self.deleted, topic]
        self.compare(tools)

    def compare(self, tools):
        listed = tools("consumer-groups", "--list").split()
        equal(sorted(listed), sorted({group for group, _ in self.committed}), "groups")
        described = tools("consumer-groups", "--describe", "--all-groups", "--offsets")
        rows = re.findall(r"^(\S+)\s+(left-\S+)\s+0\s+(\d+)\s+(\d+)\s+(\d+)", described, re.M)
        equal(sorted((group, topic, int(at), int(end)) for group, topic, at, end, _ in rows),
              sorted((group, topic, at, self.ends[topic]) for (group, topic), at in self.committed.items()), "offsets")

    def dump(self, broker):
        """Kafka's dump decodes everything that is in the files of __consumer_offsets."""
        logs = sorted(log for log in broker.data.glob("__consumer_offsets-*/*.log") if log.stat().st_size)
        text = "".join(run_tool("dump-log", "--offsets-decoder", "--deep-iteration", "--files", log) for log in logs)
        contains(text, *(group for group, _ in self.committed), '"offset"')
        wrong = [line for line in text.splitlines() if re.search("could not|exception|error|corrupt|unknown", line, re.I)]
        assert not wrong, "\n".join(wrong[:10])
