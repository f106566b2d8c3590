"""What suites do through confluent-kafka beside their own subject: create a topic, read it back without a group."""
import time

from .proc import wait_until


def create_topic(bootstrap, topic, partitions=1, **config):
    """Creates the topic, or raises with the broker's error."""
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(topic, partitions, 1, config=config)]).values():
        future.result(30)


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
            at = TopicPartition(topic, p)
            low, high = wait_until(f"a leader of {at}", lambda at=at: watermarks(consumer, at))
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


def watermarks(consumer, partition):
    """First and next offset, or None while there is no leader: a broker that has just started may not lead yet."""
    from confluent_kafka import KafkaException

    try:
        return consumer.get_watermark_offsets(partition, timeout=10)
    except KafkaException as error:
        if not error.args[0].retriable() and error.args[0].name() != "NOT_LEADER_FOR_PARTITION":
            raise
        return None
