"""A directory changes hands: Apache Kafka writes it, the broker under test serves it and writes more, and back.

Same `server.properties`, same ports, same data directory; the content, offsets, topic ids, configurations and
cluster id must be the same on both sides at every change. In full, the change also happens after kill -9, and
starts from a directory that the broker under test made.
"""
from harness.checks import Skip, equal
from harness.client import create_topic, read_topic, watermarks
from harness.proc import wait_until

NEEDS = ("kafka", "python")
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
PROPERTIES = {"log.segment.bytes": "1048576", "log.index.interval.bytes": "1024", "num.partitions": "2"}


def run(ctx):
    if ctx.kind == "remote":
        raise Skip("this suite starts and stops its own brokers")
    turns(ctx, "kafka", ctx.kind, "stop")
    if not ctx.quick:
        turns(ctx, "kafka", ctx.kind, "kill")
        turns(ctx, ctx.kind, "kafka", "stop")
        turns(ctx, ctx.kind, "kafka", "kill")


def turns(ctx, first, second, how):
    """first, second, first, second on one directory; each adds to it and sees all that was there."""
    origin = ctx.broker_of(first, properties=PROPERTIES)
    other = ctx.broker_of(second, directory=origin.directory, properties=PROPERTIES,
                          ports=(origin.port, origin.controller_port))
    world = World(ctx)
    names = f"{first} -> {second} -> {first} -> {second}"
    for turn, broker in enumerate((origin, other, origin, other)):
        with ctx.check(f"{names} by {'a clean stop' if how == 'stop' else 'kill -9'}: turn {turn + 1}, {broker.kind} starts"):
            broker.start()
        if broker.process is None or broker.process.poll() is not None:
            return
        if turn:
            with ctx.check(f"turn {turn + 1}: {broker.kind} serves what was there: records, offsets, ids, configurations"):
                world.compare(broker)
        with ctx.check(f"turn {turn + 1}: {broker.kind} takes more: records, a topic, a configuration, a deletion"):
            world.change(broker, turn)
        broker.stop() if how == "stop" else broker.kill()


def settled(futures):
    """The results of an admin call, or its first error."""
    return [future.result(30) for future in futures.values()]


class World:
    """What must be found again: every acked record, and what the cluster says of the topics."""

    def __init__(self, ctx):
        self.ctx = ctx
        self.records = {}
        self.starts = {}
        self.seen = None

    def change(self, broker, turn):
        boot = broker.bootstrap
        if turn == 0:
            self.topics = [self.ctx.topic("taken"), self.ctx.topic("deleted-part")]
            for topic in self.topics:
                create_topic(boot, topic, 2, **{"retention.ms": "864000000"})
        topic = self.ctx.topic(f"of-turn-{turn}")
        create_topic(boot, topic, 1, **{"max.message.bytes": str(500_000 + turn)})
        self.topics.append(topic)
        for name in self.topics:
            self.produce(broker, name, turn)
        self.administer(boot, turn)
        self.seen = self.describe(broker)

    def administer(self, boot, turn):
        """A config changes, a topic grows, the start of a log moves, a topic goes."""
        from confluent_kafka import TopicPartition
        from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions

        admin = AdminClient({"bootstrap.servers": boot})
        entry = ConfigEntry("retention.ms", str(900_000_000 + turn), incremental_operation=AlterConfigOpType.SET)
        settled(admin.incremental_alter_configs(
            [ConfigResource(ConfigResource.Type.TOPIC, self.topics[0], incremental_configs=[entry])]))
        settled(admin.create_partitions([NewPartitions(self.topics[0], 3 + turn)]))
        start = 100 * (turn + 1)
        settled(admin.delete_records([TopicPartition(self.topics[1], 0, start)]))
        self.starts[self.topics[1], 0] = start
        if turn:
            settled(admin.delete_topics([self.topics.pop(2)]))

    def produce(self, broker, topic, turn):
        from confluent_kafka import KafkaException, Producer

        def on_delivery(error, message):
            if error is not None:
                raise KafkaException(error)
            self.records.setdefault((topic, message.partition()), {})[message.offset()] = (message.key(), message.value())

        for codec in CODECS:
            producer = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True, "log_level": 3,
                                 "compression.codec": codec, "linger.ms": 2})
            for i in range(600):
                producer.produce(topic, f"{turn} {codec} {i} ".encode() + b"x" * 200, key=b"%d" % i, partition=0 if i % 3 else
                                 (1 if topic in self.topics[:2] else 0), on_delivery=on_delivery)
            equal(producer.flush(60), 0, "left in the queue")

    def describe(self, broker):
        """What the cluster says of itself: ids, partitions, offsets and the configurations that were set."""
        from confluent_kafka import Consumer, TopicCollection, TopicPartition
        from confluent_kafka.admin import AdminClient, ConfigResource

        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "unused"})
        seen = {line for line in (broker.data / "meta.properties").read_text().splitlines() if not line.startswith("#")}
        for topic in settled(admin.describe_topics(TopicCollection(self.topics))):
            seen.add(f"{topic.name}: id {topic.topic_id}")
            for p in topic.partitions:
                ends = wait_until("a leader", lambda p=p: watermarks(consumer, TopicPartition(topic.name, p.id)))
                seen.add(f"{topic.name}-{p.id}: offsets {ends}, replicas {[n.id for n in p.replicas]}, ISR {[n.id for n in p.isr]}")
            for entry in settled(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic.name)]))[0].values():
                if not entry.is_default:
                    seen.add(f"{topic.name}: {entry.name}={entry.value}, source {entry.source}")
        consumer.close()
        return sorted(seen)

    def compare(self, broker):
        now = self.describe(broker)
        gone, added = [x for x in self.seen if x not in now], [x for x in now if x not in self.seen]
        assert not gone and not added, "before:\n" + "\n".join(gone) + "\nnow:\n" + "\n".join(added)
        for topic in self.topics:
            found = read_topic(broker.bootstrap, topic)
            for partition in {p for t, p in self.records if t == topic}:
                start = self.starts.get((topic, partition), 0)
                wanted = {o: kv for o, kv in self.records[topic, partition].items() if o >= start}
                there = {m.offset(): (m.key(), m.value()) for m in found.get(partition, [])}
                equal(len(there), len(wanted), f"records of {topic}-{partition}")
                assert there == wanted, f"{topic}-{partition} holds other records than were acked"
