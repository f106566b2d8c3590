"""Reads whole topics back with confluent-kafka, without a group."""
import time


def read_topic(bootstrap, topic, timeout=120.0, **options):
    """Partition -> its messages from the log start to the end that it had when this was called."""
    found = {}
    for message in read_messages(bootstrap, topic, timeout, **options):
        found.setdefault(message.partition(), []).append(message)
    return found


def read_messages(bootstrap, topic, timeout=120.0, **options):
    """The messages one by one; raises when the end was not reached within `timeout` seconds or on any error."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False,
                         "auto.offset.reset": "error", "check.crcs": True, **options})
    try:
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        left, start = {}, []
        for p in partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=30)
            if high > low:
                left[p] = high
                start.append(TopicPartition(topic, p, low))
        consumer.assign(start)
        deadline = time.monotonic() + timeout
        while left:
            assert time.monotonic() < deadline, f"{topic}: not read to the end within {timeout} s; missing {left}"
            for message in consumer.consume(10_000, 0.2):
                assert message.error() is None, f"{topic}: {message.error()}"
                yield message
                if message.offset() + 1 >= left.get(message.partition(), 0):
                    left.pop(message.partition(), None)
    finally:
        consumer.close()
