"""Kills the broker with `kill -9` at random moments under load, and restarts it at once on the same directory and port.

Two idempotent producers (librdkafka, acks=all) live through all of it; each record carries its producer, partition
and sequence number. At the end, in every partition and for every producer: each acked record is there exactly once,
at the offset that was reported; what is there is in order; a record that was not acked is there once or not at all.
Some kills hit the broker while it starts. The seed decides when; 50 kills, or 3 in the quick form (CHRONIK_KILLS).
"""
import array
import os
import random
import statistics
import time

from harness import proc
from harness.checks import equal
from harness.client import create_topic, read_messages

NEEDS = ("python",)
PARTITIONS = 4
PRODUCERS = 2
OUTSTANDING_MAX = 8_000
UNKNOWN, UNACKED = -1, -2
# What is measured is the broker, not how long a client waits of its own accord.
SHORT_BACK_OFFS = {"reconnect.backoff.ms": 5, "reconnect.backoff.max.ms": 100,
                   "retry.backoff.ms": 10, "retry.backoff.max.ms": 200, "socket.timeout.ms": 10_000}


class Load:
    """One producer, and what it knows of each record: the acked offset, acked at an unknown offset, or not acked."""

    def __init__(self, bootstrap, topic, number, back_offs=None):
        from confluent_kafka import Producer

        self.topic, self.number = topic, number
        self.offsets = [array.array("q") for _ in range(PARTITIONS)]
        self.acked = self.refused = self.sent = 0
        self.last_ack = time.monotonic()
        self.last_ack_of = [self.last_ack] * PARTITIONS
        self.errors = {}
        self.producer = Producer({
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": number * 3,
            "delivery.timeout.ms": 600_000, "log_level": 0, "error_cb": self._on_error,
            **(SHORT_BACK_OFFS if back_offs is None else back_offs),
        })

    def _on_error(self, error):
        if error.fatal():
            self.errors[str(error)] = self.errors.get(str(error), 0) + 1

    def _on_delivery(self, error, message):
        if error is not None:
            self.refused += 1
            self.errors[str(error)] = self.errors.get(str(error), 0) + 1
            return
        _, p, sequence = parse(message.value())
        self.offsets[p][sequence] = message.offset() if message.offset() is not None and message.offset() >= 0 else UNKNOWN
        self.acked += 1
        self.last_ack = self.last_ack_of[p] = time.monotonic()

    def feed(self):
        """Sends until enough records are on their way; serves the reports."""
        self.producer.poll(0)
        room = min(500, OUTSTANDING_MAX - (self.sent - self.acked - self.refused))
        for _ in range(room):
            p = self.sent % PARTITIONS
            value = b"%d %d %d " % (self.number, p, len(self.offsets[p]))
            self.producer.produce(self.topic, value.ljust(100, b"."), partition=p, on_delivery=self._on_delivery)
            self.offsets[p].append(UNACKED)
            self.sent += 1


def parse(value):
    number, p, sequence = value.split(b" ", 3)[:3]
    return int(number), int(p), int(sequence)


def run(ctx):
    kills = int(os.environ.get("CHRONIK_KILLS", 3 if ctx.quick else 50))
    rng = random.Random(ctx.seed)
    # Small segments, so that kills meet rolls, indexes and producer snapshots.
    broker = ctx.own_broker(properties={"log.segment.bytes": "2097152", "log.index.interval.bytes": "1024"}).start()
    topic = ctx.topic("kill9")
    create_topic(broker.bootstrap, topic, PARTITIONS)
    loads = [Load(broker.bootstrap, topic, n) for n in range(PRODUCERS)]
    with ctx.check(f"{kills} x kill -9 under load, seed {ctx.seed}: the broker starts again each time, the load goes on"):
        storm(ctx, broker, loads, rng, kills)
    with ctx.check("every record that is still on its way is settled; no producer met a fatal error"):
        for load in loads:
            equal(load.producer.flush(120), 0, "records not settled")
            equal(load.errors, {}, "errors")
        ctx.check.note(f"sent {sum(x.sent for x in loads):,}, acked {sum(x.acked for x in loads):,}, "
                       f"refused {sum(x.refused for x in loads):,}")
    with ctx.check("each acked record is there exactly once, at its offset, in order; none is there twice"):
        verify(ctx, broker, topic, loads)
    with ctx.check("the same after a clean restart"):
        broker.stop()
        broker.start()
        verify(ctx, broker, topic, loads)


def storm(ctx, broker, loads, rng, kills):
    restarts, gaps = [], []

    def feed_until(deadline, condition):
        while not condition():
            assert time.monotonic() < deadline, "no record was acked within 120 s of a restart"
            for load in loads:
                load.feed()
            time.sleep(0.001)

    for number in range(kills):
        settled = [load.acked for load in loads]
        feed_until(time.monotonic() + 120, lambda: all(x.acked > before for x, before in zip(loads, settled)))
        at = time.monotonic() + rng.uniform(0.0, 1.0)
        feed_until(at + 120, lambda: time.monotonic() >= at)
        killed = time.monotonic()
        broker.kill()
        if rng.random() < 0.25:
            kill_while_starting(broker, rng.uniform(0.0, 0.08))
        broker.start(timeout=120)
        restarts.append(broker.ready_seconds)
        feed_until(time.monotonic() + 120, lambda: all(x.last_ack > killed for x in loads))
        gaps.append(max(x.last_ack for x in loads) - killed)
    ctx.check.note(f"start to Metadata: {_spread(restarts)}; kill to the next ack at the clients: {_spread(gaps)}")


def kill_while_starting(broker, after):
    """Starts the broker only to kill it `after` seconds later, wherever it is then."""
    with open(broker.log, "ab") as log:
        config = broker.write_properties()
        broker.process = proc.spawn(broker._command(config), stdout=log, stderr=log, cwd=broker.directory,
                                    env={**os.environ, **broker._environment()})
    time.sleep(after)  # the moment of the kill is the random input, not a wait for something
    broker.kill()


def _spread(seconds):
    return f"median {statistics.median(seconds) * 1000:.0f} ms, worst {max(seconds) * 1000:.0f} ms"


def verify(ctx, broker, topic, loads):
    last = {(x.number, p): -1 for x in loads for p in range(PARTITIONS)}
    found = {key: bytearray(len(loads[key[0]].offsets[key[1]])) for key in last}
    next_offset = [0] * PARTITIONS
    for message in read_messages(broker.bootstrap, topic, timeout=300):
        number, p, sequence = parse(message.value())
        where = f"partition {p}, producer {number}, sequence {sequence}, offset {message.offset()}"
        equal((message.partition(), message.offset()), (p, next_offset[p]), f"{where}: place")
        next_offset[p] += 1
        assert not found[number, p][sequence], f"{where}: there twice"
        assert sequence > last[number, p], f"{where}: after {last[number, p]}"
        reported = loads[number].offsets[p][sequence]
        assert reported in (UNKNOWN, UNACKED, message.offset()), f"{where}: was reported at offset {reported}"
        found[number, p][sequence] = 1
        last[number, p] = sequence
    lost = [(number, p, s) for (number, p), there in found.items()
            for s, offset in enumerate(loads[number].offsets[p]) if offset != UNACKED and not there[s]]
    assert not lost, f"{len(lost)} acked records lost, first (producer, partition, sequence): {lost[:5]}"
    unacked = sum(1 for (n, p), there in found.items() for s, o in enumerate(loads[n].offsets[p]) if o == UNACKED and there[s])
    ctx.check.note(f"{sum(next_offset):,} records in the log, {unacked:,} of them never acked")
