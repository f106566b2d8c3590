"""A member of a group on kafka-python. Arguments and lines: see `program.py`."""
import signal
import sys

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import CommitFailedError, RebalanceInProgressError


class Listener(ConsumerRebalanceListener):
    def __init__(self):
        self.changed = False

    def on_partitions_assigned(self, assigned):
        self.changed = True

    def on_partitions_revoked(self, revoked):
        pass


def main():
    bootstrap, group, topic = sys.argv[1:4]
    options = dict(argument.split("=", 1) for argument in sys.argv[4:])
    assignor = CooperativeStickyAssignor if options.get("assignor") else RangePartitionAssignor
    stopped, listener = [], Listener()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(True))
    consumer = KafkaConsumer(bootstrap_servers=bootstrap.split(","), group_id=group, auto_offset_reset="earliest",
                             enable_auto_commit=False, session_timeout_ms=int(options["session"]), heartbeat_interval_ms=500,
                             metadata_max_age_ms=1000, partition_assignment_strategy=[assignor],
                             group_instance_id=options.get("instance"))
    if "pattern" in options:
        consumer.subscribe(pattern=f"^{topic}.*", listener=listener)
    else:
        consumer.subscribe([topic], listener=listener)
    known = set()
    while not stopped:
        batches = consumer.poll(timeout_ms=50)
        assigned = {f"{p.topic}:{p.partition}" for p in consumer.assignment()}
        if listener.changed or assigned != known:
            listener.changed = False
            known = assigned
            print("assigned", *sorted(assigned), flush=True)
        for partition, records in batches.items():
            for record in records:
                print("read", partition.topic, partition.partition, record.offset)
        if batches and commit(consumer):
            print("committed", flush=True)
    consumer.close()


def commit(consumer):
    """Whether the commit was taken; refused by a rebalance is no failure."""
    try:
        consumer.commit()
        return True
    except (CommitFailedError, RebalanceInProgressError):
        return False


main()
