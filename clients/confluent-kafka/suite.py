"""confluent-kafka (librdkafka's newest release in a wheel): admin, idempotent producing, pausing, seeking, tailing."""
import threading
import time

from harness.checks import equal
from harness.proc import wait_until

NEEDS = ("python",)


def run(ctx):
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
    from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, OffsetSpec

    boot = ctx.broker.bootstrap
    count = 20_000 if ctx.quick else 500_000
    admin = AdminClient({"bootstrap.servers": boot})
    done = lambda futures: [f.result(30) for f in futures.values()]  # noqa: E731

    def consumer(**options):
        return Consumer({"bootstrap.servers": boot, "group.id": "unused", "enable.auto.commit": False,
                         "auto.offset.reset": "earliest", **options})

    t = ctx.topic("confluent")
    with ctx.check("admin: create, grow, describe the cluster and the topic"):
        done(admin.create_topics([NewTopic(t, 2, 1, config={"segment.bytes": "1048576"})]))
        done(admin.create_partitions([NewPartitions(t, 4)]))
        cluster = admin.describe_cluster().result(30)
        equal([n.id for n in cluster.nodes], [1], "nodes")
        wait_until("4 partitions in the metadata", lambda: len(admin.list_topics(t, 30).topics[t].partitions) == 4)
    with ctx.check("admin: configs"):
        resource = ConfigResource(ConfigResource.Type.TOPIC, t)
        found = admin.describe_configs([resource])[resource].result(30)
        equal(found["segment.bytes"].value, "1048576", "segment.bytes")
    with ctx.check(f"idempotent producer: {count} records over 4 partitions, each delivered once, read back in order"):
        delivered = {}

        def on_delivery(error, message):
            if error:
                raise KafkaException(error)
            delivered.setdefault(message.partition(), []).append((message.offset(), message.value()))

        producer = Producer({"bootstrap.servers": boot, "enable.idempotence": True, "linger.ms": 5,
                             "queue.buffering.max.messages": 1_000_000})
        for i in range(count):
            producer.produce(t, b"%d" % i, partition=i % 4, on_delivery=on_delivery)
            if i % 1000 == 0:
                producer.poll(0)
        equal(producer.flush(60), 0, "left in the queue")
        c = consumer()
        c.assign([TopicPartition(t, p, OFFSET_BEGINNING) for p in range(4)])
        found, deadline = {p: [] for p in range(4)}, time.monotonic() + 90
        while sum(map(len, found.values())) < count and time.monotonic() < deadline:
            for message in c.consume(10_000, 0.5):
                assert message.error() is None, message.error()
                found[message.partition()].append((message.offset(), message.value()))
        for p in range(4):
            wanted = [(i // 4, b"%d" % i) for i in range(p, count, 4)]
            equal(len(found[p]), len(wanted), f"records of partition {p}")
            assert found[p] == wanted, f"partition {p} differs from what was sent"
            assert sorted(delivered[p]) == wanted, f"reports of partition {p} differ from what was sent"
        c.close()
    with ctx.check("seek, watermarks, offsets for times and list_offsets"):
        c = consumer()
        tp = TopicPartition(t, 1)
        equal(c.get_watermark_offsets(tp, timeout=30), (0, count // 4), "watermarks")
        c.assign([TopicPartition(t, 1, 7)])
        equal(c.poll(30).offset(), 7, "assigned offset")
        c.seek(TopicPartition(t, 1, 3))
        deadline = time.monotonic() + 30
        while (message := c.poll(1)) is None or message.offset() != 3:
            assert time.monotonic() < deadline, "the sought record did not come"
        equal(c.offsets_for_times([TopicPartition(t, 1, 0)], timeout=30)[0].offset, 0, "by time")
        specs = {TopicPartition(t, 2): OffsetSpec.latest()}
        equal([f.result(30).offset for f in admin.list_offsets(specs).values()], [count // 4], "latest")
        c.close()
    with ctx.check("an offset out of range is reported"):
        c = consumer(**{"auto.offset.reset": "error"})
        c.assign([TopicPartition(t, 0, count * 2)])
        deadline = time.monotonic() + 30
        while (message := c.poll(1)) is None:
            assert time.monotonic() < deadline, "nothing came"
        equal(message.error().code(), KafkaError._AUTO_OFFSET_RESET, "error")
        c.close()
    with ctx.check("a tailing consumer sees each record soon after it was produced"):
        tail(ctx, consumer, Producer, TopicPartition, boot)
    with ctx.check("admin: delete the topic"):
        done(admin.delete_topics([t]))
        assert t not in admin.list_topics(timeout=30).topics


def tail(ctx, consumer, producer_class, partition_class, boot):
    topic, number, arrived = ctx.topic("tail"), 200, []
    producer = producer_class({"bootstrap.servers": boot, "linger.ms": 0, "acks": "all"})
    producer.produce(topic, b"0", partition=0)
    equal(producer.flush(30), 0, "left in the queue")

    def read():
        c = consumer()
        c.assign([partition_class(topic, 0, 0)])
        deadline = time.monotonic() + 60
        while len(arrived) < number and time.monotonic() < deadline:
            message = c.poll(1)
            if message is not None and message.error() is None:
                arrived.append(int(message.value()))
        c.close()

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(1, number):
        producer.produce(topic, b"%d" % i, partition=0)
        producer.flush(30)
    reader.join()
    equal(arrived, list(range(number)), "records")
