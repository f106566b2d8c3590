"""A member of a group on librdkafka. Arguments and lines: see `program.py`."""
import signal
import sys

from confluent_kafka import Consumer, KafkaException

PASSING = ("REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "STALE_MEMBER_EPOCH", "FENCED_MEMBER_EPOCH",
           "_NO_OFFSET", "_ASSIGNMENT_LOST")


def main():
    bootstrap, group, topic = sys.argv[1:4]
    options = dict(argument.split("=", 1) for argument in sys.argv[4:])
    config = {"bootstrap.servers": bootstrap, "group.id": group, "group.protocol": options["protocol"], "log_level": 3,
              "auto.offset.reset": "earliest", "enable.auto.commit": False, "topic.metadata.refresh.interval.ms": 1000}
    if options["protocol"] == "classic":
        config.update({"session.timeout.ms": int(options["session"]), "heartbeat.interval.ms": 500,
                       "partition.assignment.strategy": options.get("assignor", "range")})
    if "instance" in options:
        config["group.instance.id"] = options["instance"]
    changed, stopped = [], []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(True))
    consumer = Consumer(config)
    consumer.subscribe([f"^{topic}.*" if "pattern" in options else topic], on_assign=lambda *args: changed.append(True))
    known = set()
    while not stopped:
        messages = consumer.consume(500, 0.05)
        assigned = {f"{p.topic}:{p.partition}" for p in consumer.assignment()}
        if changed or assigned != known:
            changed.clear()
            known = assigned
            print("assigned", *sorted(assigned), flush=True)
        good = [message for message in messages if message.error() is None]
        for message in good:
            print("read", message.topic(), message.partition(), message.offset())
        if good and commit(consumer):
            print("committed", flush=True)
    consumer.close()


def commit(consumer):
    """Whether the commit was taken; refused by a rebalance is no failure."""
    try:
        consumer.commit(asynchronous=False)
        return True
    except KafkaException as error:
        if error.args[0].name() not in PASSING:
            raise
        return False


main()
