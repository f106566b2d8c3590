"""kafka-python, the independent Python client: admin, produce and consume without a group."""
import time

from harness.checks import equal

NEEDS = ("python",)


def run(ctx):
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
    from kafka.errors import TopicAlreadyExistsError

    boot = ctx.broker.bootstrap
    stamp = int(time.time()) * 1000 - 3_600_000  # an hour ago: retention must not take what is read back
    count = 2_000 if ctx.quick else 50_000
    admin = KafkaAdminClient(bootstrap_servers=boot)

    def all_of(topic, partitions=1, **options):
        """Every record of the topic by partition, read from the beginning to the end."""
        consumer = KafkaConsumer(bootstrap_servers=boot, group_id=None, auto_offset_reset="earliest",
                                 enable_auto_commit=False, **options)
        assigned = [TopicPartition(topic, p) for p in range(partitions)]
        consumer.assign(assigned)
        consumer.seek_to_beginning(*assigned)
        ends = consumer.end_offsets(assigned)
        found = {p: [] for p in range(partitions)}
        deadline = time.monotonic() + 60
        while any(consumer.position(tp) < end for tp, end in ends.items()):
            assert time.monotonic() < deadline, {tp: consumer.position(tp) for tp in ends}
            for tp, records in consumer.poll(timeout_ms=200).items():
                found[tp.partition] += records
        consumer.close()
        return found

    t = ctx.topic("kafka-python")
    with ctx.check("admin: create, describe, grow and refuse a topic that exists"):
        admin.create_topics([NewTopic(t, num_partitions=2, replication_factor=1)])
        try:
            admin.create_topics([NewTopic(t, num_partitions=2, replication_factor=1)])
        except TopicAlreadyExistsError:
            pass
        else:
            raise AssertionError("the topic was created twice")
        admin.create_partitions({t: NewPartitions(3)})
        assert t in admin.list_topics()
    with ctx.check("admin: configs of a topic"):
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, t, {"retention.ms": "100000000"})])
        described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, t)])
        assert "100000000" in str(described), described
    with ctx.check(f"produce {count} records with keys, headers and timestamps; all back in order"):
        producer = KafkaProducer(bootstrap_servers=boot, acks="all", linger_ms=5)
        sent = [producer.send(t, key=b"k%d" % i, value=b"v%d" % i, partition=i % 3, timestamp_ms=stamp + i,
                              headers=[("n", b"%d" % i), ("n", b"again")]) for i in range(count)]
        producer.flush(60)
        for i, future in enumerate(sent):
            meta = future.get(timeout=30)
            equal((meta.partition, meta.offset), (i % 3, i // 3), "where it went")
        producer.close()
        for partition, records in all_of(t, 3).items():
            numbers = range(partition, count, 3)
            equal([(r.offset, r.key, r.value, r.timestamp) for r in records],
                  [(i // 3, b"k%d" % i, b"v%d" % i, stamp + i) for i in numbers], f"partition {partition}")
            first = numbers[0]
            equal([tuple(h) for h in records[0].headers], [("n", b"%d" % first), ("n", b"again")], "headers")
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        with ctx.check(f"compression {codec}, idempotent"):
            c = ctx.topic(f"kafka-python-{codec}")
            producer = KafkaProducer(bootstrap_servers=boot, compression_type=codec, enable_idempotence=True, linger_ms=5)
            for i in range(500):
                producer.send(c, value=b"%d " % i + b"x" * 100, partition=0)
            producer.flush(60)
            producer.close()
            equal([r.value.split()[0] for r in all_of(c)[0]], [b"%d" % i for i in range(500)], "records")
    with ctx.check("offsets: beginning, end and by time; delete records"):
        consumer = KafkaConsumer(bootstrap_servers=boot, group_id=None)
        tp = TopicPartition(t, 0)
        equal(consumer.end_offsets([tp])[tp], len(range(0, count, 3)), "end")
        found = consumer.offsets_for_times({tp: stamp + 300})[tp]
        equal((found.offset, found.timestamp), (100, stamp + 300), "by time")
        admin.delete_records({tp: 50})
        equal(consumer.beginning_offsets([tp])[tp], 50, "beginning")
        consumer.close()
    with ctx.check("admin: delete the topic"):
        admin.delete_topics([t])
        assert t not in admin.list_topics()
    admin.close()
