"""Mixed chaos on three processes with networks and disks of their own, while clients keep a ledger of what they were told.

One round: a fault, now and then two, drawn by the seed, on the controller, on a partition's leader or on any node; after a
while everything is healed, and within a bounded time every in-sync set is whole and every partition acknowledges again. In
the end: each acked record is there exactly once, at its offset, in order; nothing that a reader once saw has changed; the
replicas are byte for byte equal; every WARN and ERROR of the nodes is one that the fault at hand explains.

An hour, or 90 s in the quick form (CHRONIK_CHAOS_SECONDS). CHRONIK_CHAOS_FAULTS=Kill,Mute keeps to some faults.
"""
import os
import pathlib
import random
import tempfile
import time

from harness import proc
from harness.checks import equal

import faults
import load
import logs
import replicas
import world as worlds
from ledger import NOTHING, Ledger, record_id, shown

NEEDS = ("python", "kafka")
TOPICS, PARTITIONS = ("chaos-a", "chaos-b", "chaos-c"), 4
JAVA_TOPIC = "chaos-j"
WHOLE_SECONDS_MAX = 90
PROPERTIES = {
    "min.insync.replicas": "2", "log.segment.bytes": "4194304", "log.index.interval.bytes": "1024",
    "replica.lag.time.max.ms": "6000", "default.replication.factor": "3", "offsets.topic.replication.factor": "3",
}


class World(worlds.World):
    """What the clients see of the cluster."""

    topics = (*TOPICS, JAVA_TOPIC)

    def partitions(self, bootstrap):
        """(topic, partition) -> what this node says of it, or nothing while it does not answer."""
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.connection.setup.timeout.ms": 1500})
        try:
            found = admin.list_topics(timeout=5).topics
        except KafkaException:
            return {}
        return {(t, p): state for t in self.topics if t in found for p, state in found[t].partitions.items()}

    def is_whole(self):
        for node in self.nodes.values():
            found = self.partitions(node.bootstrap)
            if len(found) != len(self.topics) * PARTITIONS or any(s.leader < 0 or len(s.isrs) != 3 for s in found.values()):
                return False
        return True

    def wait_whole(self):
        proc.wait_until("every in-sync set is whole", self.is_whole, timeout=WHOLE_SECONDS_MAX, every=0.1)

    def victim(self, rng):
        """A node to harm, and why this one."""
        why = rng.choice(("controller", "leader", "any"))
        if why == "controller":
            return self.leader(), why
        if why == "leader":
            found = self.partitions(self.bootstrap)
            leaders = [found[key].leader for key in sorted(found) if found[key].leader > 0]
            if leaders:
                return rng.choice(leaders), why
        return rng.choice(worlds.IDS), "any"

    def create_topics(self):
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for future in admin.create_topics([NewTopic(t, PARTITIONS, 3) for t in self.topics], operation_timeout=30).values():
            future.result()
        self.wait_whole()


class Clients:
    """All of them, and what they know together."""

    def __init__(self, world, seed, rate):
        keys = [(topic, p) for topic in world.topics for p in range(PARTITIONS)]
        ours = [key for key in keys if key[0] != JAVA_TOPIC]
        self.ledger = Ledger(keys)
        bootstrap = world.bootstrap
        self.producers = [load.Producer(bootstrap, n, ours, rate * 0.3, self.ledger) for n in range(2)]
        self.java = load.JavaProducer(bootstrap, 2, JAVA_TOPIC, PARTITIONS, max(1, int(rate * 0.4)), self.ledger,
                                      world.directory)
        self.reader = load.Reader(bootstrap, keys, self.ledger)
        self.rereader = load.Rereader(bootstrap, keys, self.ledger, seed)
        self.threads = [*self.producers, self.reader, self.rereader]
        for thread in self.threads:
            thread.start()

    def forget_gaps(self):
        for producer in self.producers:
            producer.worst_gap = dict.fromkeys(producer.keys, 0.0)

    def worst_gap(self):
        return max(max(producer.worst_gap.values()) for producer in self.producers)

    def wait_for_acks(self):
        """Every partition acknowledges to every producer something that was sent from now on."""
        now, java = time.monotonic() + 0.5, self.java.acked

        def heard():
            self.java.take()
            assert self.java.process.poll() is None, f"the Java producer ended: {self.java.log.read_text()[-2000:]}"
            return self.java.acked > java and all(min(p.last_ack.values()) > now for p in self.producers)

        proc.wait_until("every partition acknowledges again", heard, timeout=WHOLE_SECONDS_MAX, every=0.02)

    def settle(self):
        """Stops producing; everything on its way is acknowledged, and read."""
        for producer in self.producers:
            producer.stopping.set()
        equal(self.java.stop(), 0, f"the Java producer's exit code: {self.java.log.read_text()[-2000:]}")
        for producer in self.producers:
            producer.join(320)
            equal(producer.errors, {}, "errors of a producer")
            equal(producer.unsettled, 0, "records not settled")
        ends = {key: len(column) for key, column in self.ledger.at.items()}
        proc.wait_until("the reader at the end has read all that was acknowledged",
                        lambda: all(self.ledger.next[key] >= end for key, end in ends.items()), timeout=120)

    def stop_reading(self):
        for thread in (self.reader, self.rereader):
            thread.stopping.set()
            thread.join(30)

    def close(self):
        for thread in self.threads:
            thread.stopping.set()
        proc.kill_group(self.java.process)


def run(ctx):
    worlds.needs()
    seconds = float(os.environ.get("CHRONIK_CHAOS_SECONDS", 90 if ctx.quick else 3600))
    rate = float(os.environ.get("CHRONIK_CHAOS_RATE", 2000))
    world = World(tempfile.mkdtemp(prefix="chronik-chaos-"), PROPERTIES)
    clients = None
    try:
        with ctx.check("three nodes with networks and disks of their own form a cluster"):
            world.make()
            world.create_topics()
            clients = Clients(world, ctx.seed, rate)
            clients.wait_for_acks()
        if clients is None:
            return
        watch = logs.Watch(world.nodes)
        with ctx.check(f"{seconds:.0f} s of mixed faults, {rate:.0f} records/s, seed {ctx.seed}: all heals"):
            storm(ctx, world, clients, watch, seconds)
        judge(ctx, world, clients, watch)
    finally:
        if clients:
            clients.close()
        world.close(ctx.keep or bool(clients and (clients.ledger.violations or ctx.check.failed)))


def storm(ctx, world, clients, watch, seconds):
    rng = random.Random(ctx.seed)
    only = os.environ.get("CHRONIK_CHAOS_FAULTS")
    kinds = [kind for kind in faults.ALL if not only or kind.__name__ in only.split(",")]
    deck, gaps, rounds = [], {}, 0
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end and not clients.ledger.violations:
            if not deck:
                deck = rng.sample(kinds, len(kinds))
            one_round(ctx, world, clients, watch, deck, gaps, rng)
            rounds += 1
    finally:
        for name in sorted(gaps):
            found = sorted(gaps[name])
            ctx.check.note(f"{name}: {len(found)} rounds, longest time without an acknowledgement of a partition: median "
                           f"{found[len(found) // 2]:.2f} s, worst {found[-1]:.2f} s")
        ctx.check.note(f"{rounds} rounds, {clients.reader.read:,} records read at the end, {clients.rereader.read:,} again")


def one_round(ctx, world, clients, watch, deck, gaps, rng):
    """A fault or two, the cure, and the wait until everything is as it was."""
    drawn = [deck.pop()()]
    if drawn[0].pairs and deck and rng.random() < 0.2:
        second = deck.pop()()
        if second.pairs:
            drawn.append(second)
        else:
            deck.append(type(second))
    clients.forget_gaps()
    active = {type(fault).__name__ for fault in drawn}
    name, told, hit = "+".join(sorted(active)), [], set()
    for fault in drawn:
        victim, why = world.victim(rng)
        if victim in hit:
            victim = rng.choice([id_ for id_ in worlds.IDS if id_ not in hit])
            why = "another"
        hit.add(victim)
        begun = time.strftime("%H:%M:%S", time.gmtime())
        detail = fault.begin(world, victim, rng)
        told.append(f"{begun} {type(fault).__name__} of {victim} ({why}{', ' + detail if detail else ''})")
        if fault is not drawn[-1]:
            time.sleep(rng.uniform(0.0, 2.0))
    hold = rng.uniform(*max(fault.hold for fault in drawn))
    time.sleep(hold)
    world.heal()
    healed = time.monotonic()
    try:
        for node in world.nodes.values():
            node.wait()
        world.wait_whole()
        whole = time.monotonic() - healed
        clients.wait_for_acks()
    finally:
        watch.look(active)
        gap = clients.worst_gap()
        print(f"      {', '.join(told)}, {hold:.1f} s: gap {gap:.2f} s, whole {time.monotonic() - healed:.1f} s after", flush=True)
    gaps.setdefault(name, []).append(gap)
    time.sleep(rng.uniform(0.0, 2.0))


def judge(ctx, world, clients, watch):
    ledger = clients.ledger
    with ctx.check("all that is on its way is settled and read; no client met a fatal error"):
        clients.settle()
        ctx.check.note(f"acked {sum(p.acked for p in clients.producers) + clients.java.acked:,}")
    clients.stop_reading()
    with ctx.check("read again from the beginning: each acked record exactly once, at its offset, in order"):
        read_all(world, clients)
    with ctx.check("nobody was ever told two different things of one offset; nothing came out of order"):
        assert not ledger.violations, "\n".join(ledger.violations[:20])
    with ctx.check("after a clean stop all replicas are equal, byte for byte"):
        for node in world.nodes.values():
            node.stop()
        watch.look(set())
        count = sum(replicas.compare(list(world.nodes.values()), f"{topic}-{p}")
                    for topic in world.topics for p in range(PARTITIONS))
        ctx.check.note(f"{count:,} batches on each of three nodes")
    with ctx.check("nothing is there twice but what a client itself wrote twice, under two producer epochs"):
        sent_again(ctx, world, clients)
    with ctx.check("every WARN and ERROR of the nodes is explained by the fault at hand"):
        for pattern, times in watch.expected.items():
            ctx.check.note(f"{times} x {pattern}")
        assert not watch.unexpected, "\n".join(watch.unexpected[:40])


def sent_again(ctx, world, clients):
    """librdkafka may write a record again under a later epoch of its producer id, one that nobody acknowledged yet. Any
    other record that is there twice is the cluster's doing.

    A broker that forgot a producer is not excused by this: with its first request of several refused, librdkafka sees
    OUT_OF_ORDER at the head of what is in flight, and stops with a fatal error, which another check finds. It begins a
    new epoch only after a gap that it made itself, behind a request of which it does not know the outcome."""
    ledger, by_number = clients.ledger, {producer.number: producer for producer in clients.producers}
    for (key, offset), record in sorted(ledger.again.items()):
        first, sequence = ledger.at[key].index(record), record & (1 << 40) - 1
        found = replicas.producers(world.nodes[1].data / f"{key[0]}-{key[1]}", (first, offset))
        what = (f"{key}: {shown(record)} is at {first}, written as (producer id, epoch) {found[first]}, and at {offset}, "
                f"as {found[offset]}")
        (id_, epoch), (later_id, later_epoch) = found[first], found[offset]
        assert record >> 40 in by_number and id_ == later_id and epoch < later_epoch, what
        told = by_number[record >> 40].offsets[key][sequence]
        assert told in (offset, load.UNKNOWN), f"{what}; acknowledged at {told}"
    ctx.check.note(f"{len(ledger.again)} records were written again by librdkafka under a new producer epoch")


def read_all(world, clients):
    """A reader that knows nothing yet reads everything; then the acked records are counted."""
    fresh = Ledger(clients.ledger.at)
    reader = load.Reader(world.bootstrap, list(fresh.at), fresh)
    reader.start()
    ends = {key: len(column) for key, column in clients.ledger.at.items()}
    try:
        proc.wait_until("all is read again", lambda: all(fresh.next[key] >= end for key, end in ends.items()), timeout=600)
    finally:
        reader.stopping.set()
        reader.join(30)
    assert not fresh.violations, "\n".join(fresh.violations[:20])
    equal(fresh.again, clients.ledger.again, "records that are there twice")
    for key, column in clients.ledger.at.items():
        wrong = [o for o, record in enumerate(column) if record != NOTHING and fresh.at[key][o] != record]
        assert not wrong, f"{key}: {len(wrong)} offsets hold something else than before, first {wrong[:5]}"
        there = set(fresh.at[key])
        for producer in clients.producers:
            column = producer.offsets.get(key, ())
            lost = [s for s, at in enumerate(column) if at != load.UNACKED and record_id(producer.number, s) not in there]
            assert not lost, f"{key}: {len(lost)} acked records of producer {producer.number} are lost, first {lost[:5]}"
        lost = [s for s in clients.java.offsets.get(key, ()) if record_id(clients.java.number, s) not in there]
        assert not lost, f"{key}: {len(lost)} acked records of the Java producer are lost, first {lost[:5]}"
