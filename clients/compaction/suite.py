"""A compacted topic: written by a real producer, compacted by the broker under test, and judged from outside.

100,000 records of 1,000 keys go in, some of them tombstones, in every codec; the broker compacts; a consumer that reads from the
beginning must get the last value of every key at its offset, and far fewer records. `kafka-dump-log` must find nothing to complain
about in the files, the checkpoint must be Kafka's, and Apache Kafka must serve the same from the same directory (and go on compacting it).
"""
import pathlib
import random
import re
import sys

from harness.checks import equal
from harness.client import create_topic, read_topic
from harness.proc import wait_until
from harness.tools import run as run_tool

NEEDS = ("kafka", "python")
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
KEYS = 1_000
PROPERTIES = {"log.cleaner.backoff.ms": "200", "log.index.interval.bytes": "1024"}
CONFIG = {"cleanup.policy": "compact", "segment.bytes": "1048576", "min.cleanable.dirty.ratio": "0.01",
          "file.delete.delay.ms": "100", "delete.retention.ms": "3600000"}


def run(ctx):
    broker = ctx.own_broker(properties=PROPERTIES).start()
    topic = ctx.topic("compacted")
    create_topic(broker.bootstrap, topic, 1, **CONFIG)
    with ctx.check("a record without a key is refused as INVALID_RECORD"):
        equal(refusal(broker.bootstrap, topic), "INVALID_RECORD", "error")
    last = load(ctx, broker.bootstrap, topic, 20_000 if ctx.quick else 100_000)
    found = None
    with ctx.check("the broker compacts all but the active segment; no key is left twice there"):
        found = compacted(broker, topic)
        ctx.check.note(f"{len(found)} records are left of {KEYS} keys")
    if found is None:
        return
    with ctx.check("from the beginning one reads the last value of every key, at its own offset"):
        judge(found, last)
    broker.stop()
    with ctx.check("kafka-dump-log reads every file without a complaint; the checkpoint is Kafka's"):
        dump(broker, topic)
    broker.start()
    with ctx.check("after a clean stop and a start: the same"):
        judge(read(broker, topic), last)
    broker.kill()
    broker.start()
    with ctx.check("after kill -9 and recovery: the same"):
        judge(read(broker, topic), last)
    if broker.kind == "kafka":
        return
    broker.stop()
    kafka = ctx.broker_of("kafka", directory=broker.directory, properties=PROPERTIES,
                          ports=(broker.port, broker.controller_port))
    with ctx.check("Apache Kafka takes the compacted directory over, serves the same and compacts it further"):
        kafka.start()
        judge(read(kafka, topic), last)
        last.update(load(ctx, kafka.bootstrap, topic, 10_000))
        judge(compacted(kafka, topic), last)
        kafka.stop()
    broker.start()
    with ctx.check("and back: what Kafka compacted is served here"):
        judge(read(broker, topic), last)


def refusal(bootstrap, topic):
    from confluent_kafka import Producer

    errors = []
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    producer.produce(topic, b"no key", on_delivery=lambda error, _: errors.append(error and error.name()))
    equal(producer.flush(30), 0, "left in the queue")
    return errors[0]


def load(ctx, bootstrap, topic, count):
    """Sends `count` records; returns what must be found: key -> offset and value of the last, None for a tombstone."""
    from confluent_kafka import KafkaException, Producer

    last, dice = {}, random.Random(ctx.seed)

    def on_delivery(error, message):
        if error is not None:
            raise KafkaException(error)
        if message.key() not in last or last[message.key()][0] < message.offset():
            last[message.key()] = (message.offset(), message.value())

    for codec in CODECS:
        producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "compression.codec": codec,
                             "linger.ms": 2, "log_level": 3, "batch.num.messages": 500})
        for i in range(count // len(CODECS)):
            key = b"key-%d" % dice.randrange(KEYS)
            value = None if dice.random() < 0.05 else b"%s %d " % (codec.encode(), i) + dice.randbytes(60)
            producer.produce(topic, value, key, partition=0, headers=[("h", b"1"), ("h", None)], on_delivery=on_delivery)
            producer.poll(0) if i % 100 else producer.flush(60)
        equal(producer.flush(60), 0, "left in the queue")
    return last


def read(broker, topic):
    return read_topic(broker.bootstrap, topic).get(0, [])


def compacted(broker, topic):
    """The topic's records, once everything but the active segment is compacted; no key is there twice."""
    folder = broker.data / f"{topic}-0"

    def all_clean():
        return cleaned_to(broker, topic) == max(int(f.stem) for f in folder.glob("*.log"))

    wait_until("a compacted log", all_clean, timeout=120, every=0.2)
    found = read(broker, topic)
    keys = [m.key() for m in found if m.offset() < cleaned_to(broker, topic)]
    equal(len(keys), len(set(keys)), "records of as many keys in the compacted part")
    return found


def cleaned_to(broker, topic):
    """What `cleaner-offset-checkpoint` says."""
    path = broker.data / "cleaner-offset-checkpoint"
    lines = path.read_text().split("\n") if path.exists() else []
    return next((int(line.split()[2]) for line in lines[2:] if line.startswith(f"{topic} 0 ")), None)


def judge(found, last):
    """The last record of each key is the one that was sent last, where it was appended; no offset is there twice."""
    offsets = [m.offset() for m in found]
    assert offsets == sorted(set(offsets)), "offsets do not rise"
    seen = {m.key(): (m.offset(), m.value()) for m in found}
    assert all(m.headers() == [("h", b"1"), ("h", None)] for m in found), "headers have changed"
    wrong = [k for k, v in last.items() if seen.get(k, v) != v or (k not in seen and v[1] is not None)]
    assert not wrong, f"{len(wrong)} keys, such as {wrong[0]}: {seen.get(wrong[0])} instead of {last[wrong[0]]}"


def dump(broker, topic):
    # The suite beside it knows what kafka-dump-log says when it finds something wrong.
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "kafka-tools"))
    import dump_log

    folder = broker.data / f"{topic}-0"
    logs = ",".join(map(str, sorted(folder.glob("*.log"))))
    out = run_tool("dump-log", "--files", logs, "--deep-iteration", "--print-data-log", timeout=300)
    assert "| offset: " in out, out[-500:]
    # That offsets are missing is what compaction is about.
    lines = [line for line in out.splitlines() if not re.search("is followed by|non-consecutive", line, re.I) and not line.startswith("|")]
    found = [line for line in lines if dump_log.COMPLAINTS.search(line)]
    assert not found, "\n".join(found[:20])
    dump_log.dump(sorted(folder.glob("*.index")) + sorted(folder.glob("*.timeindex")), "--index-sanity-check")
    assert (broker.data / "cleaner-offset-checkpoint").read_text().startswith("0\n"), "version of the checkpoint"
    left = [f.name for f in folder.iterdir() if f.suffix in (".cleaned", ".swap")]
    assert not left, left
