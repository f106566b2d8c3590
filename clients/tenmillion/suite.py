"""Ten million records of 100 bytes through a real client (librdkafka, idempotent, acks=all): all back, in order, none twice.

Each payload repeats its sequence number ten times, so content, order, loss and doubling are judged by one
comparison per record. The quick form sends 300,000.
"""
import time

from harness.checks import equal
from harness.client import create_topic, read_messages

NEEDS = ("python",)
PARTITIONS = 4


def payload(number):
    """100 bytes that only this number has."""
    return b"%010d" % number * 10


def run(ctx):
    count = 300_000 if ctx.quick else 10_000_000
    broker = ctx.own_broker().start()
    topic = ctx.topic("million")
    with ctx.check(f"{count} records of 100 bytes are acked (idempotent, acks=all)"):
        begin = time.monotonic()
        acked = produce(broker.bootstrap, topic, count)
        equal(acked, count, "acked")
        ctx.check.note(f"{count / (time.monotonic() - begin):,.0f} records/s sent")
    with ctx.check(f"{count} records come back in order, none missing, none twice"):
        begin = time.monotonic()
        equal(verify(broker.bootstrap, topic), [len(range(p, count, PARTITIONS)) for p in range(PARTITIONS)], "records")
        ctx.check.note(f"{count / (time.monotonic() - begin):,.0f} records/s read")
    if not ctx.quick:
        with ctx.check("the same after a clean restart"):
            broker.stop()
            broker.start()
            equal(sum(verify(broker.bootstrap, topic)), count, "records")
        with ctx.check("the same after kill -9"):
            broker.kill()
            broker.start()
            ctx.check.note(f"restart took {broker.ready_seconds * 1000:.0f} ms")
            equal(sum(verify(broker.bootstrap, topic)), count, "records")


def produce(bootstrap, topic, count):
    """Sends the records round-robin over the partitions; returns how many were acked."""
    from confluent_kafka import KafkaException, Producer

    create_topic(bootstrap, topic, PARTITIONS)
    acked = 0

    def on_delivery(error, _message):
        nonlocal acked
        if error is not None:
            raise KafkaException(error)
        acked += 1

    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "log_level": 3, "acks": "all", "linger.ms": 5,
                         "queue.buffering.max.messages": 500_000, "queue.buffering.max.kbytes": 1_048_576})
    for number in range(count):
        while True:
            try:
                producer.produce(topic, payload(number), partition=number % PARTITIONS, on_delivery=on_delivery)
                break
            except BufferError:
                producer.poll(0.01)
        if number % 500 == 0:
            producer.poll(0)
    equal(producer.flush(120), 0, "left in the queue")
    return acked


def verify(bootstrap, topic):
    """Reads everything back; returns the number of records by partition, each in place and whole."""
    seen = [0] * PARTITIONS
    for message in read_messages(bootstrap, topic, timeout=600):
        p = message.partition()
        number = seen[p] * PARTITIONS + p
        if message.offset() != seen[p] or message.value() != payload(number):
            raise AssertionError(f"partition {p}: expected number {number} at offset {seen[p]}, "
                                 f"got {message.value()[:20]!r} at offset {message.offset()}")
        seen[p] += 1
    return seen
