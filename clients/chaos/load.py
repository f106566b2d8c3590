"""The clients: idempotent producers at a fixed rate (librdkafka and Java), readers at the end, and a reader of old offsets.

Each record says who sent it, to which partition, and its number there. Everything that a client learns goes to the
ledger at once. A producer never gives a record up within a run; one that is not acknowledged is unknown, not lost.
"""
import array
import pathlib
import random
import struct
import subprocess
import threading
import time

from harness import install, proc

from ledger import NOTHING, record_id

UNKNOWN, UNACKED = -1, -2
OUTSTANDING_MAX = 10_000
TICK = 0.01


def parse(value):
    producer, partition, sequence = value.split(b" ", 3)[:3]
    return int(producer), int(partition), int(sequence)


class Producer(threading.Thread):
    """librdkafka, acks=all, idempotent, `rate` records a second in turn to all partitions."""

    def __init__(self, bootstrap, number, keys, rate, ledger):
        super().__init__(daemon=True)
        from confluent_kafka import Producer as Client

        self.number, self.keys, self.rate, self.ledger = number, list(keys), rate, ledger
        self.offsets = {key: array.array("q") for key in keys}
        self.last_ack = dict.fromkeys(keys, time.monotonic())
        self.worst_gap = dict.fromkeys(keys, 0.0)
        self.sent = self.acked = 0
        self.errors = {}
        self.stopping = threading.Event()
        self.client = Client({
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 5 * number,
            "compression.type": ("none", "lz4", "zstd")[number % 3], "delivery.timeout.ms": 900_000,
            "reconnect.backoff.ms": 5, "reconnect.backoff.max.ms": 100, "retry.backoff.ms": 10,
            "retry.backoff.max.ms": 200, "socket.timeout.ms": 8_000, "socket.connection.setup.timeout.ms": 2_000,
            "log_level": 0, "error_cb": self._on_error,
            # librdkafka begins a new producer epoch when a request is out of sequence, and sends again under it what timed
            # out meanwhile, which may be there: twice then, whatever the broker does (rd_kafka_idemp_drain_epoch_bump).
            # With one request at a time that is left to a partition whose leader moves away from under a request
            # (`suite.sent_again`). The Java producer, which waits before it does so, pipelines.
            "max.in.flight.requests.per.connection": 1,
        })

    def _on_error(self, error):
        if error.fatal():
            self._complain(error)

    def _complain(self, error):
        self.errors[str(error)] = self.errors.get(str(error), 0) + 1

    def _on_delivery(self, error, message):
        if error is not None:
            self._complain(error)
            return
        key = message.topic(), message.partition()
        _, _, sequence = parse(message.value())
        offset = message.offset()
        known = offset is not None and offset >= 0
        self.offsets[key][sequence] = offset if known else UNKNOWN
        if known:
            self.ledger.told(key, offset, record_id(self.number, sequence), "a producer")
        self.acked += 1
        now = time.monotonic()
        self.worst_gap[key] = max(self.worst_gap[key], now - self.last_ack[key])
        self.last_ack[key] = now

    def run(self):
        due = time.monotonic()
        while not self.stopping.is_set():
            self.client.poll(TICK)
            now = time.monotonic()
            while due < now:
                due += 1 / self.rate
                if self.sent - self.acked < OUTSTANDING_MAX:
                    self._send()
        self.unsettled = self.client.flush(300)

    def _send(self):
        key = self.keys[self.sent % len(self.keys)]
        value = b"%d %d %d " % (self.number, key[1], len(self.offsets[key]))
        self.client.produce(key[0], value.ljust(120, b"."), partition=key[1], on_delivery=self._on_delivery)
        self.offsets[key].append(UNACKED)
        self.sent += 1


class JavaProducer:
    """Kafka's own producer. It writes what it was told to a file, which is read on the way."""

    ENTRY = struct.Struct(">iqq")

    def __init__(self, bootstrap, number, topic, partitions, rate, ledger, directory):
        self.number, self.topic, self.ledger = number, topic, ledger
        self.offsets = {(topic, p): {} for p in range(partitions)}
        self.log = pathlib.Path(directory) / "java-producer.log"
        self.acks = pathlib.Path(directory) / "java-producer.acks"
        self.acks.touch()
        self.file = open(self.acks, "rb")
        self.rest = b""
        source = pathlib.Path(__file__).with_name("Load.java")
        with open(self.log, "wb") as log:
            self.process = proc.spawn(
                ["java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
                 f"{install.kafka_home()}/libs/*", source, bootstrap, str(number), topic, str(partitions), str(rate), self.acks],
                stdin=subprocess.PIPE, stdout=log, stderr=log)

    @property
    def acked(self):
        return sum(map(len, self.offsets.values()))

    def take(self):
        """What it was told since the last call."""
        data = self.rest + self.file.read()
        whole = len(data) // self.ENTRY.size * self.ENTRY.size
        for p, sequence, offset in self.ENTRY.iter_unpack(data[:whole]):
            key = self.topic, p
            self.offsets[key][sequence] = offset
            if offset >= 0:
                self.ledger.told(key, offset, record_id(self.number, sequence), "the Java producer")
        self.rest = data[whole:]

    def stop(self):
        """Lets it settle what is on its way; returns its exit code."""
        self.process.stdin.close()
        code = self.process.wait(300)
        self.take()
        return code


def consumer(bootstrap, **options):
    from confluent_kafka import Consumer

    return Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False,
                     "auto.offset.reset": "error", "check.crcs": True, "log_level": 0, "fetch.wait.max.ms": 100,
                     "reconnect.backoff.ms": 5, "reconnect.backoff.max.ms": 100, "socket.timeout.ms": 8_000,
                     "socket.connection.setup.timeout.ms": 2_000, **options})


class Reader(threading.Thread):
    """Reads every partition from its beginning and stays at the end."""

    def __init__(self, bootstrap, keys, ledger):
        super().__init__(daemon=True)
        self.keys, self.ledger, self.read = keys, ledger, 0
        self.client = consumer(bootstrap)
        self.stopping = threading.Event()

    def run(self):
        from confluent_kafka import TopicPartition

        self.client.assign([TopicPartition(topic, p, 0) for topic, p in self.keys])
        while not self.stopping.is_set():
            for message in self.client.consume(1000, 0.1):
                if message.error() is not None:
                    judge(self.ledger, message, "the reader at the end")
                    continue
                key = message.topic(), message.partition()
                producer, p, sequence = parse(message.value())
                if p != key[1]:
                    self.ledger.violation(f"{key} offset {message.offset()}: a record of partition {p}")
                self.ledger.read_first(key, message.offset(), record_id(producer, sequence), "the reader at the end")
                self.read += 1
        self.client.close()


class Rereader(threading.Thread):
    """Jumps to offsets that somebody has seen, near the end as a rule, and looks again."""

    def __init__(self, bootstrap, keys, ledger, seed):
        super().__init__(daemon=True)
        self.keys, self.ledger, self.rng, self.read = list(keys), ledger, random.Random(seed), 0
        self.client = consumer(bootstrap)
        self.stopping = threading.Event()

    def run(self):
        from confluent_kafka import TopicPartition

        while not self.stopping.is_set():
            key = self.rng.choice(self.keys)
            end = self.ledger.next[key]
            if end < 10:
                self.stopping.wait(0.2)
                continue
            back = self.rng.choice((10, 200, end))
            start = self.rng.randrange(max(0, end - back), end)
            self.client.assign([TopicPartition(key[0], key[1], start)])
            self._look(key, start, min(end, start + 300))
        self.client.close()

    def _look(self, key, offset, end):
        """Until `end`, or for 3 s: a partition may have no leader just now."""
        deadline = time.monotonic() + 3
        while offset < end and time.monotonic() < deadline and not self.stopping.is_set():
            for message in self.client.consume(300, 0.2):
                if message.error() is not None:
                    judge(self.ledger, message, f"a look back at {offset}")
                    return
                producer, _, sequence = parse(message.value())
                if message.offset() != offset:
                    self.ledger.violation(f"{key}: offset {message.offset()} came where {offset} was due")
                self.ledger.told(key, message.offset(), record_id(producer, sequence), "a look back")
                offset = message.offset() + 1
                self.read += 1


def judge(ledger, message, who):
    """An offset that was once told of cannot be out of range; connections and leaders may come and go."""
    from confluent_kafka import KafkaError

    error = message.error()
    if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._LOG_TRUNCATION,
                        KafkaError._BAD_MSG, KafkaError.INVALID_MSG) or error.fatal():
        ledger.violation(f"{who}: {message.topic()}-{message.partition()} offset {message.offset()}: {error}")
